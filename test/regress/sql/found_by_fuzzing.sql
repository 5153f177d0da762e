--
-- What the differential test found over the whole of SQL, each cut down to its core.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;

-- a scalar subquery with several rows that nobody asks for: what is kept does not depend on the order of rows
CREATE TABLE shelf (id int PRIMARY KEY);
CREATE TABLE item (shelf int, label text);
INSERT INTO shelf VALUES (1), (2);
INSERT INTO item VALUES (1, 'a'), (3, 'b'), (3, 'c'), (3, NULL);
CREATE MATERIALIZED VIEW only_item USING tview AS
  SELECT id, (SELECT label FROM item i WHERE i.shelf = s.id) AS label FROM shelf s;
UPDATE item SET label = label || '!' WHERE label = 'b';
SELECT count(*) FROM tview.check('only_item');
INSERT INTO shelf VALUES (3);
DELETE FROM item WHERE label = 'b!';
INSERT INTO shelf VALUES (3);
DELETE FROM item WHERE label IS NULL;
INSERT INTO shelf VALUES (3);
SELECT * FROM only_item ORDER BY id;
SELECT count(*) FROM tview.check('only_item');

-- a refusal within a subquery that takes the first row
CREATE MATERIALIZED VIEW refused USING tview AS
  SELECT id, (SELECT h.o FROM item e CROSS JOIN LATERAL
    (WITH RECURSIVE r(x) AS (SELECT shelf FROM item WHERE shelf = s.id UNION ALL SELECT r.x + 1 FROM r WHERE r.x < 3)
       SEARCH DEPTH FIRST BY x SET o
     SELECT x AS o FROM r WHERE x = s.id ORDER BY r.o) h ORDER BY e.label LIMIT 1) FROM shelf s;
