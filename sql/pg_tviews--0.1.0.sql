/* pg_tviews 0.1.0: objects of schema tview */

\echo Use "CREATE EXTENSION pg_tviews" to load this file. \quit

GRANT USAGE ON SCHEMA tview TO PUBLIC;

COMMENT ON SCHEMA tview IS
  'pg_tviews: materialized views that equal their query after every statement';

-- ---------------------------------------------------------------------------
-- The access method that marks a materialized view as maintained
-- ---------------------------------------------------------------------------

CREATE FUNCTION tview.tview_handler(internal) RETURNS table_am_handler
  LANGUAGE C STRICT
  AS 'MODULE_PATHNAME', 'tview_handler';

COMMENT ON FUNCTION tview.tview_handler(internal) IS
  'handler of access method tview';

CREATE ACCESS METHOD tview TYPE TABLE HANDLER tview.tview_handler;

COMMENT ON ACCESS METHOD tview IS
  'materialized views that are maintained: CREATE MATERIALIZED VIEW ... USING tview AS ...';

-- ---------------------------------------------------------------------------
-- What is stored about views.  Rows hold OIDs of relations; they are made
-- again by REFRESH, which is what a restored dump runs.
-- ---------------------------------------------------------------------------

CREATE TABLE tview.view (
  view pg_catalog.oid NOT NULL,
  format pg_catalog.int4 NOT NULL,
  level pg_catalog.int4 NOT NULL,
  CONSTRAINT view_pkey PRIMARY KEY (view)
) USING heap;

COMMENT ON TABLE tview.view IS 'maintained views that were populated once';
COMMENT ON COLUMN tview.view.view IS 'the materialized view';
COMMENT ON COLUMN tview.view.format IS 'format of its state tables';
COMMENT ON COLUMN tview.view.level IS '0 if it reads no maintained view, else one more than the highest level it reads';

CREATE TABLE tview.input (
  view pg_catalog.oid NOT NULL,
  source pg_catalog.oid NOT NULL,
  CONSTRAINT input_pkey PRIMARY KEY (source, view)
) USING heap;

CREATE INDEX input_view_idx ON tview.input (view);

COMMENT ON TABLE tview.input IS 'what a maintained view reads; plain views in between are left out';
COMMENT ON COLUMN tview.input.view IS 'the materialized view';
COMMENT ON COLUMN tview.input.source IS 'a base table, or another maintained view';

CREATE TABLE tview.state (
  view pg_catalog.oid NOT NULL,
  node pg_catalog.int4 NOT NULL,
  state pg_catalog.oid NOT NULL,
  signature pg_catalog.text NOT NULL,
  CONSTRAINT state_pkey PRIMARY KEY (view, node)
) USING heap;

COMMENT ON TABLE tview.state IS 'hidden tables with the state that maintenance needs';
COMMENT ON COLUMN tview.state.view IS 'the materialized view';
COMMENT ON COLUMN tview.state.node IS 'number of the node in its graph, see tview.explain()';
COMMENT ON COLUMN tview.state.state IS 'the state table';
COMMENT ON COLUMN tview.state.signature IS 'what its columns mean';

REVOKE ALL ON tview.view, tview.input, tview.state FROM PUBLIC;
GRANT SELECT ON tview.view, tview.input, tview.state TO PUBLIC;

-- ---------------------------------------------------------------------------
-- Capture, and finding rows that have no key
-- ---------------------------------------------------------------------------

CREATE FUNCTION tview.capture() RETURNS trigger
  LANGUAGE C
  AS 'MODULE_PATHNAME', 'tview_capture';

REVOKE ALL ON FUNCTION tview.capture() FROM PUBLIC;

COMMENT ON FUNCTION tview.capture() IS
  'trigger function: delivers the changes of a base table';

CREATE FUNCTION tview.ddl_guard() RETURNS event_trigger
  LANGUAGE C
  AS 'MODULE_PATHNAME', 'tview_ddl_guard';

REVOKE ALL ON FUNCTION tview.ddl_guard() FROM PUBLIC;

COMMENT ON FUNCTION tview.ddl_guard() IS
  'event trigger function: refuses statements that concern maintained views in sessions that have not preloaded the library';

CREATE EVENT TRIGGER tview_ddl_begins ON ddl_command_start EXECUTE FUNCTION tview.ddl_guard();
CREATE EVENT TRIGGER tview_ddl_ends ON ddl_command_end EXECUTE FUNCTION tview.ddl_guard();
ALTER EVENT TRIGGER tview_ddl_begins ENABLE ALWAYS;
ALTER EVENT TRIGGER tview_ddl_ends ENABLE ALWAYS;

COMMENT ON EVENT TRIGGER tview_ddl_begins IS 'loads pg_tviews, which watches DDL';
COMMENT ON EVENT TRIGGER tview_ddl_ends IS 'guards maintained views against DDL that pg_tviews has not seen begin';

CREATE FUNCTION tview.row_hash(record) RETURNS pg_catalog.int4
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_row_hash';

COMMENT ON FUNCTION tview.row_hash(record) IS
  'hash of a row''s bytes; indexed where the rows of a view have no key';

CREATE FUNCTION tview.image_digest("any") RETURNS pg_catalog.bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_image_digest';

COMMENT ON FUNCTION tview.image_digest("any") IS
  'the bytes of a value of variable length, or their SHA-256: kept for count(DISTINCT value)';

CREATE FUNCTION tview.no_clock_word(pg_catalog.text) RETURNS pg_catalog.text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_no_clock_word';

COMMENT ON FUNCTION tview.no_clock_word(pg_catalog.text) IS
  'a text that is cast to a date or time, or an error if it has a word like today';

-- The value of a scalar subquery, and the error when it has several rows.
CREATE FUNCTION tview.only_value_step(anyelement, anyelement) RETURNS anyelement
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_only_value_step';
COMMENT ON FUNCTION tview.only_value_step(anyelement, anyelement) IS
  'transition function of tview.only_value()';

CREATE AGGREGATE tview.only_value(anyelement) (
  sfunc = tview.only_value_step, stype = anyelement, parallel = safe);
COMMENT ON AGGREGATE tview.only_value(anyelement) IS
  'the value that is not null, if there is one only: kept for a scalar subquery, along with the number of its rows';

CREATE FUNCTION tview.only_row(anyelement, pg_catalog.int8) RETURNS anyelement
  LANGUAGE C IMMUTABLE PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_only_row';
COMMENT ON FUNCTION tview.only_row(anyelement, pg_catalog.int8) IS
  'the value of a scalar subquery, or an error if that many rows are more than one';

-- ---------------------------------------------------------------------------
-- State aggregates: what the server computes an aggregate from, as a value.
-- One for each moving state that can be stored.
-- ---------------------------------------------------------------------------

-- PostgreSQL 17 has this function no more, and pg_upgrade has to make its
-- state aggregate there: the aggregate calls ours, which calls the server's.
CREATE FUNCTION tview.interval_accum(pg_catalog.interval[], pg_catalog.interval)
  RETURNS pg_catalog.interval[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'tview_call_namesake';

COMMENT ON FUNCTION tview.interval_accum(pg_catalog.interval[], pg_catalog.interval) IS
  'transition function of avg(interval), which the server has up to version 16';

DO LANGUAGE plpgsql $do$
DECLARE
  a record;
BEGIN
  FOR a IN
    SELECT DISTINCT ON (1, 2)
           'state_' || f.proname AS name,
           CASE WHEN p.pronargs = 0 THEN '*'
                ELSE pg_catalog.oidvectortypes(p.proargtypes) END AS args,
           COALESCE(o.pronamespace, f.pronamespace)::pg_catalog.regnamespace AS schema,
           f.proname AS sfunc,
           pg_catalog.format_type(g.aggmtranstype, NULL) AS stype,
           CASE WHEN g.aggmtranstype = 'pg_catalog.internal'::pg_catalog.regtype
                THEN s.proname END AS finalfunc,
           g.aggminitval AS initcond,
           CASE WHEN g.aggmtransfn = g.aggtransfn AND o.oid IS NULL THEN c.proname END AS combinefunc,
           CASE WHEN g.aggmtransfn = g.aggtransfn THEN d.proname END AS deserialfunc
      FROM pg_catalog.pg_aggregate g
      JOIN pg_catalog.pg_proc p ON p.oid = g.aggfnoid
      JOIN pg_catalog.pg_proc f ON f.oid = g.aggmtransfn
      LEFT JOIN pg_catalog.pg_proc s ON s.oid = g.aggserialfn
      LEFT JOIN pg_catalog.pg_proc d ON d.oid = g.aggdeserialfn
      LEFT JOIN pg_catalog.pg_proc c ON c.oid = g.aggcombinefn
      LEFT JOIN pg_catalog.pg_proc o ON o.proname = f.proname AND o.proargtypes = f.proargtypes
           AND o.pronamespace = 'tview'::pg_catalog.regnamespace
     WHERE g.aggminvtransfn <> 0
       AND g.aggkind = 'n'
       AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
       AND f.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
       AND (g.aggmtranstype <> 'pg_catalog.internal'::pg_catalog.regtype
            OR (g.aggmtransfn = g.aggtransfn AND g.aggserialfn <> 0))
     -- of several aggregates with this state, one that tells how workers' parts are combined
     ORDER BY 1, 2, CASE WHEN g.aggmtransfn = g.aggtransfn THEN 1 ELSE 2 END, g.aggfnoid
  LOOP
    EXECUTE pg_catalog.format('CREATE AGGREGATE tview.%I(%s) (SFUNC = %s.%I, STYPE = %s',
                              a.name, a.args, a.schema, a.sfunc, a.stype)
         || CASE WHEN a.finalfunc IS NULL THEN ''
                 ELSE pg_catalog.format(', FINALFUNC = pg_catalog.%I', a.finalfunc) END
         || CASE WHEN a.initcond IS NULL THEN ''
                 ELSE pg_catalog.format(', INITCOND = %L', a.initcond) END
         || CASE WHEN a.combinefunc IS NULL THEN ''
                 ELSE pg_catalog.format(', COMBINEFUNC = pg_catalog.%I', a.combinefunc) END
         || CASE WHEN a.finalfunc IS NULL OR a.combinefunc IS NULL OR a.deserialfunc IS NULL THEN ''
                 ELSE pg_catalog.format(', SERIALFUNC = pg_catalog.%I, DESERIALFUNC = pg_catalog.%I',
                                        a.finalfunc, a.deserialfunc) END
         || ', PARALLEL = SAFE)';
    EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tview.%I(%s) IS %L', a.name, a.args,
                              'transition state of aggregates over ' || a.sfunc);
  END LOOP;
END
$do$;

-- ---------------------------------------------------------------------------
-- Functions for users
-- ---------------------------------------------------------------------------

CREATE FUNCTION tview.create(name pg_catalog.text, query pg_catalog.text,
                             options pg_catalog.jsonb DEFAULT '{}')
  RETURNS pg_catalog.regclass
  LANGUAGE C VOLATILE PARALLEL UNSAFE
  AS 'MODULE_PATHNAME', 'tview_create';

COMMENT ON FUNCTION tview.create(pg_catalog.text, pg_catalog.text, pg_catalog.jsonb) IS
  'create a maintained view; options: mode, with_data, if_not_exists';

CREATE FUNCTION tview.explain(pg_catalog.text)
  RETURNS TABLE (node pg_catalog.int4, property pg_catalog.text, value pg_catalog.text)
  LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
  AS 'MODULE_PATHNAME', 'tview_explain';

COMMENT ON FUNCTION tview.explain(pg_catalog.text) IS
  'how a view, given by name or by query, is maintained, or why it cannot be';

CREATE FUNCTION tview.check(view pg_catalog.regclass)
  RETURNS TABLE (relation pg_catalog.regclass, difference pg_catalog.text,
                 copies pg_catalog.int8, content pg_catalog.text)
  LANGUAGE C STRICT STABLE PARALLEL UNSAFE
  AS 'MODULE_PATHNAME', 'tview_check';

COMMENT ON FUNCTION tview.check(pg_catalog.regclass) IS
  'differences between a view and its query, and in its hidden state; no rows if all is well';

CREATE FUNCTION tview.activity(view pg_catalog.regclass,
                               OUT flushes pg_catalog.int8, OUT delta_in pg_catalog.int8,
                               OUT delta_out pg_catalog.int8, OUT groups pg_catalog.int8,
                               OUT rescans pg_catalog.int8, OUT inserted pg_catalog.int8,
                               OUT updated pg_catalog.int8, OUT deleted pg_catalog.int8)
  RETURNS record
  LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
  AS 'MODULE_PATHNAME', 'tview_activity';

COMMENT ON FUNCTION tview.activity(pg_catalog.regclass) IS
  'what this session did to maintain a view';

CREATE FUNCTION tview.set(view pg_catalog.regclass, mode pg_catalog.text)
  RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE
  AS 'MODULE_PATHNAME', 'tview_set';

COMMENT ON FUNCTION tview.set(pg_catalog.regclass, pg_catalog.text) IS
  'set when a view is maintained: immediate or deferred';

CREATE FUNCTION tview.mode(view pg_catalog.regclass) RETURNS pg_catalog.text
  LANGUAGE C STRICT STABLE PARALLEL RESTRICTED
  AS 'MODULE_PATHNAME', 'tview_mode';

COMMENT ON FUNCTION tview.mode(pg_catalog.regclass) IS
  'when a view is maintained: immediate, at the end of each statement, or deferred, at commit';

CREATE FUNCTION tview.strategy(view pg_catalog.regclass) RETURNS pg_catalog.text
  LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
  AS 'MODULE_PATHNAME', 'tview_strategy';

COMMENT ON FUNCTION tview.strategy(pg_catalog.regclass) IS
  'the strategies of a view''s nodes, from the top down';

CREATE VIEW tview.views AS
  SELECT c.oid::pg_catalog.regclass AS view,
         pg_catalog.pg_get_userbyid(c.relowner) AS owner,
         ARRAY(SELECT i.source::pg_catalog.regclass
                 FROM tview.input i
                WHERE i.view = c.oid
                ORDER BY i.source) AS bases,
         (SELECT r.level FROM tview.view r WHERE r.view = c.oid) AS level,
         tview.mode(c.oid) AS mode,
         tview.strategy(c.oid) AS strategy,
         c.relispopulated AS populated,
         pg_catalog.pg_total_relation_size(c.oid) AS view_size,
         COALESCE((SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(s.state))
                     FROM tview.state s
                    WHERE s.view = c.oid), 0)::pg_catalog.int8 AS state_size
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_am a ON a.oid = c.relam
   WHERE c.relkind = 'm' AND a.amname = 'tview';

GRANT SELECT ON tview.views TO PUBLIC;

COMMENT ON VIEW tview.views IS 'the maintained views of this database';
COMMENT ON COLUMN tview.views.view IS 'the materialized view';
COMMENT ON COLUMN tview.views.owner IS 'its owner, with whose rights it is maintained';
COMMENT ON COLUMN tview.views.bases IS 'the tables and maintained views that it reads; empty before the first REFRESH';
COMMENT ON COLUMN tview.views.level IS '0 if it reads no maintained view, else one more than the highest level it reads';
COMMENT ON COLUMN tview.views.mode IS 'when it is maintained: immediate, at the end of each statement, or deferred, at commit';
COMMENT ON COLUMN tview.views.strategy IS 'the strategies of its nodes, from the top down';
COMMENT ON COLUMN tview.views.populated IS 'false until REFRESH; it cannot be read then';
COMMENT ON COLUMN tview.views.view_size IS 'bytes of the view, with its indexes';
COMMENT ON COLUMN tview.views.state_size IS 'bytes of its hidden state, with indexes';

-- ---------------------------------------------------------------------------
-- CREATE TVIEW, in a DO block
-- ---------------------------------------------------------------------------

CREATE FUNCTION tview.tview_call_handler() RETURNS language_handler
  LANGUAGE C
  AS 'MODULE_PATHNAME', 'tview_call_handler';

COMMENT ON FUNCTION tview.tview_call_handler() IS 'handler of language tview: raises an error';

CREATE FUNCTION tview.tview_inline_handler(internal) RETURNS void
  LANGUAGE C STRICT
  AS 'MODULE_PATHNAME', 'tview_inline_handler';

COMMENT ON FUNCTION tview.tview_inline_handler(internal) IS 'runs DO blocks of language tview';

CREATE FUNCTION tview.tview_validator(pg_catalog.oid) RETURNS void
  LANGUAGE C STRICT
  AS 'MODULE_PATHNAME', 'tview_validator';

COMMENT ON FUNCTION tview.tview_validator(pg_catalog.oid) IS 'refuses functions in language tview';

CREATE TRUSTED LANGUAGE tview
  HANDLER tview.tview_call_handler
  INLINE tview.tview_inline_handler
  VALIDATOR tview.tview_validator;

COMMENT ON LANGUAGE tview IS
  'DO LANGUAGE tview $$ CREATE TVIEW ... $$; also ALTER, DROP, REFRESH and EXPLAIN TVIEW';
