"""One statement of a round."""

import copy

REFRESH = 'REFRESH MATERIALIZED VIEW '


class Stmt:
    """One thing sent to the server."""

    def __init__(self, sql, kind, copy=None, reads_view=False, txn=None, lazy=None):
        self.sql, self.kind = sql, kind
        self.copy = copy                # rows for COPY FROM STDIN
        self.reads_view = reads_view    # not repeatable with the views dropped
        self.txn = txn                  # 'begin', 'end', 'save', 'back' or None: not a write by itself
        self.lazy = lazy                # of BEGIN: 'all' views are compared at its end only, or but 'one' in between

    def without_views(self):
        """The same where there are no maintained views."""
        same = copy.copy(self)
        same.sql = self.sql.split('; ' + REFRESH)[0]
        return same

    def script(self):
        """As psql would read it."""
        if self.kind == 'session':
            return '\\connect -\nSET search_path = :"ns", public; SET client_min_messages = error;'
        if self.copy is not None:
            return '%s;\n%s\\.\n' % (self.sql, self.copy)
        return self.sql + ';'
