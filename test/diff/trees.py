"""Tables that are trees: partitioned ones, with leaves of other column orders, and inheritance.

A leaf is written to like the table itself, with a copy of the Table that bears the leaf's name.
"""

import copy

SHARE = 0.3             # of tables that are trees


def plant(rng, table, referenced):
    """The DDL that makes the table; table.tree and table.leaves tell what it is."""
    table.tree, table.leaves = None, []
    if table.deferrable or table.unique or rng.random() >= SHARE:
        return [table.ddl()]
    by = [c for c in table.cols if c.name == table.key[0]] if table.key else \
        [c for c in table.cols if c.name.startswith('j') and c.kind == 'int' and not c.generated]
    styles = ['hash', 'hash', 'list'] if by else []
    if not referenced and not table.key:
        styles.append('inherit')
    if not styles:
        return [table.ddl()]
    style = rng.choice(styles)
    if style == 'list' and (table.key or not by):
        style = 'hash'
    table.tree = style
    if style == 'inherit':
        return inherit(rng, table)
    column = rng.choice(by)
    if style == 'hash':
        bounds = ['FOR VALUES WITH (MODULUS 3, REMAINDER %d)' % i for i in range(3)]
    else:
        bounds = ['FOR VALUES IN (0, NULL)', 'FOR VALUES IN (1, 2)', 'DEFAULT']
    ddl = [table.ddl() + ' PARTITION BY %s (%s)' % (style, column.sql)]
    for i, bound in enumerate(bounds):
        name = 'leaf_%d_%d' % (table.index, i)
        table.leaves.append((name, bound))
        r = rng.random()
        if r < 0.4:
            ddl.append('CREATE TABLE %s PARTITION OF %s %s' % (name, table.sql, bound))
        else:
            ddl += shuffled(rng, table, name)
            ddl.append('ALTER TABLE %s ATTACH PARTITION %s %s' % (table.sql, name, bound))
    return ddl


def shuffled(rng, table, name):
    """A table with the same columns in another order, and one that was dropped."""
    cols = list(table.cols)
    rng.shuffle(cols)
    parts = []
    for c in cols:
        s = '%s %s' % (c.sql, c.type)
        if c.generated:
            s += ' GENERATED ALWAYS AS (%s) STORED' % c.generated
        if c.default:
            s += ' DEFAULT %s' % c.default
        if c.notnull or c.name in table.key:
            s += ' NOT NULL'
        parts.append(s)
    parts.insert(rng.randint(0, len(parts)), 'gone int')
    return ['CREATE TABLE %s (%s)' % (name, ', '.join(parts)), 'ALTER TABLE %s DROP gone' % name]


def inherit(rng, table):
    ddl = [table.ddl()]
    for i in range(2):
        name = 'leaf_%d_%d' % (table.index, i)
        parent = table.sql if i == 0 or rng.random() < 0.6 else table.leaves[0][0]
        if i == 0 or rng.random() < 0.5:
            ddl.append('CREATE TABLE %s () INHERITS (%s)' % (name, parent))
        else:
            ddl += shuffled(rng, table, name)
            ddl.append('ALTER TABLE %s INHERIT %s' % (name, parent))
        table.leaves.append((name, parent))
    return ddl


def pick(rng, table):
    """The table, or now and then a leaf of it, to be written to."""
    if not table.leaves or rng.random() < 0.6:
        return table
    leaf = copy.copy(table)
    leaf.name = rng.choice(table.leaves)[0]
    return leaf


def ddl(rng, table):
    """Statements about the leaves."""
    if not table.leaves:
        return []
    leaf, where = rng.choice(table.leaves)
    t = table.sql
    choices = ['TRUNCATE %s CASCADE' % leaf, 'ANALYZE %s' % leaf]
    if table.tree == 'inherit':
        # a leaf of a leaf must not get a second way to its root
        choices += ['ALTER TABLE %s NO INHERIT %s' % (leaf, where), 'ALTER TABLE %s INHERIT %s' % (leaf, where),
                    'ALTER TABLE %s NO INHERIT %s; UPDATE %s SET %s = %s; ALTER TABLE %s INHERIT %s' % (
                        leaf, where, leaf, table.cols[-1].sql, 'DEFAULT', leaf, where),
                    'TRUNCATE ONLY %s CASCADE' % t]
    else:
        choices += ['ALTER TABLE %s DETACH PARTITION %s; ALTER TABLE %s ATTACH PARTITION %s %s' % (t, leaf, t, leaf, where),
                    'ALTER TABLE %s DETACH PARTITION %s; TRUNCATE %s CASCADE; ALTER TABLE %s ATTACH PARTITION %s %s' % (
                        t, leaf, leaf, t, leaf, where),
                    'DROP TABLE %s; CREATE TABLE %s PARTITION OF %s %s' % (leaf, leaf, t, where)]
    return choices
