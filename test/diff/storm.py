"""Someone else's DDL that has nothing to do with the views, all the time: caches are emptied at any moment.

What a session has found in its caches it may lose whenever it takes a lock.  How the two meet is not decided by
the round's name: a failure may not come up again.
"""

import threading
import time

import psycopg2

from oracle import connect

# each makes other sessions forget something: schemas, all relations, functions
DDL = (
    'CREATE SCHEMA storm', 'DROP SCHEMA storm',
    # (while a publication comes or goes, the server itself fails: XX000, cache lookup failed)
    "ALTER PUBLICATION storm SET (publish = 'insert')",
    "CREATE FUNCTION public.storm() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'DROP FUNCTION public.storm()',
)


class Storm(threading.Thread):
    """Use it in a "with" statement."""

    def __init__(self, db):
        threading.Thread.__init__(self, daemon=True)
        self.conn = connect(db)
        self.conn.autocommit = True
        self.over = False
        cur = self.conn.cursor()
        cur.execute("SELECT 1 FROM pg_publication WHERE pubname = 'storm'")
        if not cur.fetchone():      # of what is inserted: the rest needs a replica identity
            cur.execute("CREATE PUBLICATION storm FOR ALL TABLES WITH (publish = 'insert')")

    def run(self):
        cur = self.conn.cursor()
        n = 0
        while not self.over:
            try:
                cur.execute(DDL[n % len(DDL)])
            except psycopg2.Error:          # the server is gone, which the round will notice
                if self.conn.closed:
                    return
            n += 1
            time.sleep(0.0005)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()
        self.conn.close()
