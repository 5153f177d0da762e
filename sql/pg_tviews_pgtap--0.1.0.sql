/* pg_tviews_pgtap 0.1.0: pgTAP assertions about maintained views */

\echo Use "CREATE EXTENSION pg_tviews_pgtap" to load this file. \quit

-- ---------------------------------------------------------------------------
-- What all of them need
-- ---------------------------------------------------------------------------

-- The one place that calls pgTAP, which may lie in any schema and be moved.
CREATE FUNCTION @extschema@._tview_result(passed pg_catalog.bool, description pg_catalog.text,
                                          diagnostics pg_catalog.text)
  RETURNS pg_catalog.text
  LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
  pgtap pg_catalog.text;
  result pg_catalog.text;
  detail pg_catalog.text;
BEGIN
  SELECT pg_catalog.quote_ident(n.nspname) INTO STRICT pgtap
    FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
   WHERE e.extname OPERATOR(pg_catalog.=) 'pgtap';
  EXECUTE pg_catalog.format('SELECT %s.ok($1, $2)', pgtap) INTO result USING passed, description;
  IF passed OR diagnostics IS NULL THEN
    RETURN result;
  END IF;
  EXECUTE pg_catalog.format('SELECT %s.diag($1)', pgtap) INTO detail USING diagnostics;
  RETURN pg_catalog.concat_ws(E'\n', result, detail);
END
$function$;

COMMENT ON FUNCTION @extschema@._tview_result(pg_catalog.bool, pg_catalog.text, pg_catalog.text) IS
  'result of a test, with diagnostics if it failed';

-- ---------------------------------------------------------------------------
-- Assertions
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.tview_is_current(view pg_catalog.regclass,
                                             description pg_catalog.text DEFAULT NULL)
  RETURNS pg_catalog.text
  LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
  shown CONSTANT pg_catalog.int4 := 5;
  difference record;
  lines pg_catalog.text[];
  n pg_catalog.int8 := 0;
BEGIN
  BEGIN
    FOR difference IN SELECT * FROM tview.check(view) LOOP
      n := n OPERATOR(pg_catalog.+) 1;
      IF n OPERATOR(pg_catalog.<=) shown THEN
        lines := lines OPERATOR(pg_catalog.||)
          pg_catalog.format('    %s: %s %s: %s', difference.relation, difference.copies,
                            difference.difference, difference.content);
      END IF;
    END LOOP;
    IF n OPERATOR(pg_catalog.>) shown THEN
      lines := lines OPERATOR(pg_catalog.||)
        pg_catalog.format('    and %s more', n OPERATOR(pg_catalog.-) shown);
    END IF;
    IF view IS NULL THEN
      lines := ARRAY['    no view was given'];
    END IF;
  EXCEPTION WHEN OTHERS THEN
    lines := ARRAY[pg_catalog.format('    died: %s: %s', SQLSTATE, SQLERRM)];
  END;
  RETURN @extschema@._tview_result(lines IS NULL,
                                   COALESCE(description, pg_catalog.format('%s should equal its query', view)),
                                   pg_catalog.array_to_string(lines, E'\n'));
END
$function$;

COMMENT ON FUNCTION @extschema@.tview_is_current(pg_catalog.regclass, pg_catalog.text) IS
  'test that a maintained view equals its query, and its hidden state too';

CREATE FUNCTION @extschema@.tview_is_incremental(view pg_catalog.regclass,
                                                 description pg_catalog.text DEFAULT NULL)
  RETURNS pg_catalog.text
  LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
  lines pg_catalog.text;
BEGIN
  BEGIN
    SELECT pg_catalog.string_agg(pg_catalog.format('    %s: %s', e.property, e.value), E'\n') INTO lines
      FROM tview.explain(view::pg_catalog.text) e
     WHERE e.property OPERATOR(pg_catalog.=) ANY (ARRAY['recomputed as a whole', 'refused', 'reason']);
    IF view IS NULL THEN
      lines := '    no view was given';
    END IF;
  EXCEPTION WHEN OTHERS THEN
    lines := pg_catalog.format('    died: %s: %s', SQLSTATE, SQLERRM);
  END;
  RETURN @extschema@._tview_result(lines IS NULL,
                                   COALESCE(description, pg_catalog.format('%s should be maintained incrementally', view)),
                                   lines);
END
$function$;

COMMENT ON FUNCTION @extschema@.tview_is_incremental(pg_catalog.regclass, pg_catalog.text) IS
  'test that no part of a maintained view is recomputed as a whole';

CREATE FUNCTION @extschema@.tview_reads(view pg_catalog.regclass, tables pg_catalog.regclass[],
                                        description pg_catalog.text DEFAULT NULL)
  RETURNS pg_catalog.text
  LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
  extra pg_catalog.text;
  missing pg_catalog.text;
  lines pg_catalog.text;
BEGIN
  IF EXISTS (SELECT FROM tview.view v WHERE v.view OPERATOR(pg_catalog.=) tview_reads.view) THEN
    SELECT pg_catalog.string_agg(i.source::pg_catalog.regclass::pg_catalog.text, ', '
                                 ORDER BY i.source::pg_catalog.regclass::pg_catalog.text COLLATE pg_catalog."C")
      INTO extra
      FROM tview.input i
     WHERE i.view OPERATOR(pg_catalog.=) tview_reads.view
       AND (i.source OPERATOR(pg_catalog.=) ANY (tables)) IS NOT TRUE;
    SELECT pg_catalog.string_agg(DISTINCT t.name::pg_catalog.text COLLATE pg_catalog."C", ', ') INTO missing
      FROM pg_catalog.unnest(tables) t (name)
     WHERE NOT EXISTS (SELECT FROM tview.input i
                        WHERE i.view OPERATOR(pg_catalog.=) tview_reads.view
                          AND i.source OPERATOR(pg_catalog.=) t.name);
    IF pg_catalog.num_nonnulls(extra, missing) OPERATOR(pg_catalog.>) 0 THEN
      lines := pg_catalog.concat_ws(E'\n', '    it also reads: ' OPERATOR(pg_catalog.||) extra,
                                    '    it does not read: ' OPERATOR(pg_catalog.||) missing);
    END IF;
  ELSE
    lines := pg_catalog.format('    %s is not a maintained view, or was never populated', view);
  END IF;
  RETURN @extschema@._tview_result(lines IS NULL,
                                   COALESCE(description, pg_catalog.format('%s should read exactly these tables', view)),
                                   lines);
END
$function$;

COMMENT ON FUNCTION @extschema@.tview_reads(pg_catalog.regclass, pg_catalog.regclass[], pg_catalog.text) IS
  'test that a maintained view reads exactly these tables and maintained views';

CREATE FUNCTION @extschema@.tview_touches_at_most(statement pg_catalog.text, view pg_catalog.regclass,
                                                  rows pg_catalog.int8,
                                                  description pg_catalog.text DEFAULT NULL)
  RETURNS pg_catalog.text
  LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
  before record;
  after record;
  touched pg_catalog.int8;
  lines pg_catalog.text;
BEGIN
  BEGIN
    -- A read brings the view up to date, should that not be so already.
    EXECUTE pg_catalog.format('SELECT FROM %s LIMIT 1', view);
    SELECT * INTO STRICT before FROM tview.activity(view);
    -- As in pgTAP, one word is the name of a prepared statement.
    IF statement OPERATOR(pg_catalog.!~) '[[:space:]]' THEN
      EXECUTE 'EXECUTE ' OPERATOR(pg_catalog.||) statement;
    ELSE
      EXECUTE statement;
    END IF;
    EXECUTE pg_catalog.format('SELECT FROM %s LIMIT 1', view);
    SELECT * INTO STRICT after FROM tview.activity(view);
    after.inserted := after.inserted OPERATOR(pg_catalog.-) before.inserted;
    after.updated := after.updated OPERATOR(pg_catalog.-) before.updated;
    after.deleted := after.deleted OPERATOR(pg_catalog.-) before.deleted;
    touched := after.inserted OPERATOR(pg_catalog.+) after.updated OPERATOR(pg_catalog.+) after.deleted;
    IF (touched OPERATOR(pg_catalog.<=) rows) IS NOT TRUE THEN
      lines := pg_catalog.format(E'    rows of %s touched: %s (%s inserted, %s updated, %s deleted)\n    at most: %s',
                                 view, touched, after.inserted, after.updated, after.deleted, rows);
    END IF;
  EXCEPTION WHEN OTHERS THEN
    lines := pg_catalog.format('    died: %s: %s', SQLSTATE, SQLERRM);
  END;
  RETURN @extschema@._tview_result(lines IS NULL,
                                   COALESCE(description,
                                            pg_catalog.format('%s: at most %s rows should be touched', view, rows)),
                                   lines);
END
$function$;

COMMENT ON FUNCTION @extschema@.tview_touches_at_most(pg_catalog.text, pg_catalog.regclass, pg_catalog.int8, pg_catalog.text) IS
  'run a statement; test that it inserts, updates and deletes no more rows of a maintained view';
