"""DDL on tables and views in the middle of a round."""

import trees
from schema import KINDS, lit
from stmt import Stmt


class DdlMaker:
    """Mixed into StatementMaker."""

    def ddl(self):
        """Something done to a table, that its views follow."""
        rng = self.rng
        t = self.table()
        c = rng.choice(t.cols)
        self.objects += 1
        n = self.objects
        drop_key = "DO $do$ BEGIN EXECUTE (SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, " \
            "conname) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'); END $do$" % lit(t.sql)
        choices = [
            'ALTER TABLE %s ADD COLUMN added_%d int%s' % (t.sql, n, rng.choice(['', ' DEFAULT 5', ' NOT NULL DEFAULT 1'])),
            'ALTER TABLE %s RENAME COLUMN %s TO renamed; ALTER TABLE %s RENAME COLUMN renamed TO %s' % (
                t.sql, c.sql, t.sql, c.sql),
            'ALTER TABLE %s RENAME TO renamed; ALTER TABLE renamed RENAME TO %s' % (t.sql, t.sql),
            'ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 10' % (t.sql, c.sql),
            'ALTER TABLE %s DISABLE TRIGGER ALL; ALTER TABLE %s ENABLE TRIGGER ALL' % (t.sql, t.sql),
            'ANALYZE %s' % t.sql,
        ]
        if KINDS[c.kind].order:
            choices.append('CREATE INDEX made_%d ON %s (%s)' % (n, t.sql, c.sql))
        if not self.keys_stay:
            choices += trees.ddl(rng, t)
        if t.key and not self.keys_stay and not t.deferrable and not t.pinned and not any(f[1] is t for x in self.schema.tables for f in x.fks):
            choices.append(drop_key)
        return Stmt(rng.choice(choices), 'ddl')

    def own_unique_index(self, view):
        """A second unique index on the view's key, if it has one: all its rows are then inserted late."""
        self.keys_stay = True           # else the view might get a row twice, and rightly fail
        return Stmt("DO $do$ BEGIN EXECUTE (SELECT coalesce(string_agg(replace(pg_get_indexdef(indexrelid), "
                    "format('INDEX %%I ON', relname), 'INDEX ON'), '; '), 'SELECT 1') FROM pg_index "
                    "JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass AND indisunique); END $do$"
                    % lit(view.sql_name), 'ddl')

    def view_ddl(self, views):
        """Something done to a maintained view."""
        rng = self.rng
        v = rng.choice(views)
        self.objects += 1
        n = self.objects
        name, kind = rng.choice(v.cols)
        choices = ['ALTER MATERIALIZED VIEW %s RENAME TO renamed; ALTER MATERIALIZED VIEW renamed RENAME TO %s' % (
            v.sql_name, v.sql_name), 'ANALYZE %s' % v.sql_name, 'VACUUM FULL %s' % v.sql_name,
            'VACUUM (ANALYZE) %s' % v.sql_name, 'REINDEX TABLE %s' % v.sql_name]
        if KINDS[kind].order:
            choices.append('CREATE INDEX made_%d ON %s (%s)' % (n, v.sql_name, name))
        choices += ["SELECT tview.set(%s, '%s')" % (lit(v.sql_name), m) for m in ('deferred', 'immediate')]
        return Stmt(rng.choice(choices), 'ddl')
