-- Equal keys can differ in image: the image of the rows that are there is shown.
SET client_min_messages = warning;
create extension pg_tviews;
create table a(id int primary key, price numeric, label text);
create table b(aid int, x int);
insert into a values (1,1.00,'A'),(2,5,'B');
insert into b values (1,1),(1,2),(2,3);
create materialized view v using tview as select a.id, a.price, count(*), sum(b.x) as s from a join b on b.aid=a.id group by a.id;
create materialized view h using tview as select a.price, count(*) as n from a join b on b.aid=a.id group by a.price having sum(x)>0;
update a set price=1 where id=1;
SELECT * FROM v ORDER BY id;
SELECT * FROM h ORDER BY 1;
update a set price=1.0 where id=1;
SELECT * FROM v ORDER BY id;
SELECT * FROM h ORDER BY 1;
delete from b where x=1;
SELECT * FROM v ORDER BY id;
select * from tview.check('v');
select * from tview.check('h');
