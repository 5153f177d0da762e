#!/usr/bin/python3
"""The documents are true: what they show is run, what they list exists.

- The SQL blocks of README.md and docs/*.md run in order, in a fresh database per document.  A text
  block that follows at once is what psql prints; "..." in it stands for anything.
- docs/sql-support.md: each row's example is accepted or refused as the row says, with the strategy and
  state it says; and where it says that no index helps, none is missing.
- docs/reference.md: every object, setting and SQLSTATE of the extension is documented, and what is
  documented exists.
- SECURITY.md: the test file that proves a control exists and is not empty.
- Relative links and named files exist.
- Figures in README.md and docs/*.md are those of the published report of bench/measure (bench/figures.py).

Connects by the PG* environment variables, makes databases of its own and drops them.  Last line
printed: "N passed, N failed".
"""

import glob
import json
import os
import re
import subprocess
import sys
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'bench'))
import figures  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = '-- end of block --'
DOCUMENTS = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'] + sorted(
    os.path.relpath(name, ROOT) for name in glob.glob(os.path.join(ROOT, 'docs', '*.md')))
PGTAP = os.path.exists(os.path.join(ROOT, 'sql', 'pg_tviews_pgtap--0.1.0.sql'))

passed = 0
failed = 0


def check(name, problem):
    """One test: a problem is a text, or None."""
    global passed, failed
    if problem is None:
        passed += 1
        return
    failed += 1
    print('FAIL  %s\n%s' % (name, re.sub('^', '      ', problem.rstrip(), flags=re.M)), flush=True)


def read(document):
    with open(os.path.join(ROOT, document), encoding='utf-8') as file:
        return file.read()


class Database:
    """A database of our own, dropped at the end."""

    def __init__(self, name):
        self.name = 'docs_' + re.sub('[^a-z0-9]', '_', name.lower())

    def __enter__(self):
        self.admin = psycopg2.connect(dbname='postgres')
        self.admin.autocommit = True
        self.run_admin('DROP DATABASE IF EXISTS %s WITH (FORCE)')
        self.run_admin('CREATE DATABASE %s')
        return self

    def __exit__(self, *error):
        self.run_admin('DROP DATABASE IF EXISTS %s WITH (FORCE)')
        self.admin.close()

    def run_admin(self, sql):
        with self.admin.cursor() as cursor:
            cursor.execute(sql % self.name)

    def connect(self):
        connection = psycopg2.connect(dbname=self.name)
        connection.autocommit = True
        return connection


# ---------------------------------------------------------------------------
# Blocks
# ---------------------------------------------------------------------------

class Block:
    def __init__(self, language, line, text):
        self.language, self.line, self.text = language, line, text
        self.output = None


def blocks(document):
    """The fenced blocks of a document; a text block right after an SQL block is its output."""
    result, lines, inside, last_end = [], read(document).split('\n'), None, None
    for number, line in enumerate(lines, 1):
        fence = re.match(r'^```(.*)$', line)
        if inside is None and fence:
            inside = Block(fence.group(1).strip(), number, [])
        elif inside is not None and line.startswith('```'):
            text = '\n'.join(inside.text)
            between = '' if last_end is None else ''.join(lines[last_end:inside.line - 1]).strip()
            if (inside.language == 'text' and result and result[-1].language.startswith('sql')
                    and between == '' and result[-1].output is None):
                result[-1].output = text
            inside.text = text
            result.append(inside)
            inside, last_end = None, number
        elif inside is not None:
            inside.text.append(line)
    return result


class Session:
    """A psql that takes one block after the other."""

    def __init__(self, database):
        self.process = subprocess.Popen(
            ['stdbuf', '-oL', 'psql', '-X', '-q', '-d', database, '-v', 'ON_ERROR_STOP=0'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env=dict(os.environ, LC_ALL='C.UTF-8', PGOPTIONS='-c lc_messages=C -c timezone=UTC -c statement_timeout=20s'))

    def run(self, text):
        self.process.stdin.write(text + '\n\\echo ' + MARK + '\n')
        self.process.stdin.flush()
        result = []
        for line in self.process.stdout:
            if line.rstrip() == MARK:
                return '\n'.join(result)
            result.append(line.rstrip())
        return '\n'.join(result + ['(psql ended)'])

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def same_on_all_versions(text):
    """EXPLAIN as 15 prints it: 18 adds decimals and index searches, which change the frame too."""
    if 'QUERY PLAN' not in text:
        return text
    text = re.sub(r'(rows=\d+)\.00', r'\1', text)
    text = re.sub(r'^ *Index Searches: \d+\n', '', text, flags=re.M)
    text = re.sub(r'^ *QUERY PLAN *\n-+\n', 'QUERY PLAN\n', text)
    return re.sub(r'^\(\d+ rows\)$', '', text, flags=re.M).strip('\n')


def pattern(output):
    """The regular expression of an output block: trailing blanks do not count, "..." is anything."""
    lines = [line.rstrip() for line in output.strip('\n').split('\n')]
    whole = same_on_all_versions('\n'.join(lines))
    return '.*'.join(re.escape(part) for part in whole.split('...'))


def run_document(document):
    wanted = [b for b in blocks(document) if re.match(r'^sql\b', b.language)]
    if not wanted:
        return
    sessions = {}
    with Database(os.path.basename(document)[:-3]) as database:
        for block in wanted:
            name = block.language[3:].strip() or 'main'
            if name == 'not run':
                continue
            if name not in sessions:
                sessions[name] = Session(database.name)
            result = sessions[name].run(block.text).strip('\n')
            where = '%s:%d' % (document, block.line)
            if block.output is None:
                bad = [line for line in result.split('\n') if re.match(r'(ERROR|FATAL|PANIC|\(psql ended\))', line)]
                check(where, '\n'.join(bad + [block.text]) if bad else None)
            elif re.fullmatch(pattern(block.output), same_on_all_versions(result), re.S):
                check(where, None)
            else:
                check(where, 'expected:\n%s\nprinted:\n%s' % (block.output, result))
        for session in sessions.values():
            session.close()


# ---------------------------------------------------------------------------
# What is supported
# ---------------------------------------------------------------------------

def cells(line):
    r"""The cells of a table row; \| is no border."""
    return [cell.strip().replace('\\|', '|') for cell in re.split(r'(?<!\\)\|', line.strip())[1:-1]]


def support_rows(document):
    header = None
    for number, line in enumerate(read(document).split('\n'), 1):
        if not line.startswith('|'):
            header = None
            continue
        row = cells(line)
        if header is None:
            header = row
        elif not re.fullmatch(r'[-| :]+', line) and 'Example' in header and 'Strategy' in header:
            yield number, dict(zip(header, row))


def check_support(document):
    """Each row's example, as it says."""
    schema = [b.text for b in blocks(document) if b.language == 'sql']
    changes = [
        "INSERT INTO item (id, shelf, qty, price, weight, label, tags, doc, seen, fresh) "
        "SELECT i + 100, i %% 3, i, i * 1.5, i / 4.0, 'l' || i %% 2, ARRAY[i, 1], "
        "jsonb_build_object('k', i), '2024-01-01', i %% 2 = 0 FROM generate_series(1, 9) i",
        "INSERT INTO part SELECT i + 100, i + 100, i %% 4, 'l' || i %% 2 FROM generate_series(1, 9) i",
        "UPDATE item SET qty = coalesce(qty, 0) + 1, price = NULL, shelf = shelf + 1 WHERE id %% 2 = 0",
        "UPDATE part SET amount = amount - 1, item_id = 1 WHERE id %% 3 = 0",
        "DELETE FROM item WHERE id > 105",
        "DELETE FROM part WHERE id < 3",
    ]
    with Database('support') as database:
        connection = database.connect()
        cursor = connection.cursor()
        for text in schema:
            cursor.execute(text)
        views = []
        for number, row in support_rows(document):
            query = row['Example'].strip('`')
            where = '%s:%d %s' % (document, number, query)
            problem = None
            try:
                cursor.execute('SELECT property, value FROM tview.explain(%s)', (query,))
                found = cursor.fetchall()
                strategies = ', '.join(v for p, v in found if p == 'strategy') or 'refused'
                state = any(p == 'state columns' for p, v in found)
                missing = any(p == 'missing index' for p, v in found)
                if strategies != row['Strategy']:
                    problem = 'its strategy is: ' + strategies
                elif strategies != 'refused' and state != (row['State'] != 'none'):
                    problem = 'it keeps %s state' % ('some' if state else 'no')
                elif missing and row['Index that helps'] == '-':
                    problem = 'an index helps: ' + ', '.join(v for p, v in found if p == 'missing index')
            except psycopg2.Error as error:
                problem = str(error)
            check(where, problem)
            name = 'v%d' % number
            try:
                cursor.execute('CREATE MATERIALIZED VIEW %s USING tview AS %s' % (name, query))
                made = None
                views.append((where, name))
            except psycopg2.Error as error:
                made = error.pgcode
            expected = '0A000' if row['Strategy'] == 'refused' else None
            check(where + ' (created)', None if made == expected else 'SQLSTATE %s, not %s' % (made, expected))
        for change in changes:
            try:
                cursor.execute(change.replace('%%', '%'))
                check(change, None)
            except psycopg2.Error as error:
                check(change, str(error))
        for where, name in views:
            cursor.execute('SELECT * FROM tview.check(%s)', (name,))
            rows = cursor.fetchall()
            check(where + ' (maintained)', '\n'.join(map(str, rows)) if rows else None)
        connection.close()


# ---------------------------------------------------------------------------
# What exists
# ---------------------------------------------------------------------------

MEMBERS = """
    SELECT CASE d.classid WHEN 'pg_proc'::regclass THEN
                  (SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.oid = d.objid)
                WHEN 'pg_class'::regclass THEN
                  (SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.oid = d.objid) END
      FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
     WHERE e.extname = %s AND d.deptype = 'e'"""


def exported(cursor, extension):
    cursor.execute(MEMBERS, (extension,))
    return {row[0] for row in cursor.fetchall() if row[0]}


def check_reference():
    reference = read('docs/reference.md')
    everything = '\n'.join(read(document) for document in DOCUMENTS)
    with Database('reference') as database:
        connection = database.connect()
        cursor = connection.cursor()
        cursor.execute('CREATE EXTENSION pg_tviews')
        objects = exported(cursor, 'pg_tviews')
        cursor.execute("SELECT name FROM pg_settings WHERE name LIKE 'tview.%'")
        settings = {row[0] for row in cursor.fetchall()}
        tap = set()
        if PGTAP:
            cursor.execute('CREATE EXTENSION pgtap')
            cursor.execute('CREATE EXTENSION pg_tviews_pgtap')
            tap = {name.split('.')[1] for name in exported(cursor, 'pg_tviews_pgtap')}
        cursor.execute("SELECT column_name, table_name FROM information_schema.columns WHERE table_schema = 'tview' "
                       "AND table_name IN ('views', 'view', 'input', 'state')")
        columns = cursor.fetchall()
        cursor.execute("SELECT p.proname, unnest(p.proargnames) FROM pg_proc p "
                       "WHERE p.pronamespace = 'tview'::regnamespace AND p.proname NOT LIKE 'state\\_%'")
        arguments = cursor.fetchall()
        connection.close()

    for name in sorted(objects):
        if name.startswith('tview.state_'):
            name = 'tview.state_*'
        check('%s is documented' % name, None if '`%s' % name in reference else 'not in docs/reference.md')
    for name in sorted(settings):
        check('%s is documented' % name, None if '`%s`' % name in reference else 'not in docs/reference.md')
    for name in sorted(tap):
        if not name.startswith('_'):
            check('%s is documented' % name, None if '`%s(' % name in reference else 'not in docs/reference.md')
    for column, table in columns + [(b, a) for a, b in arguments]:
        check('%s of tview.%s is documented' % (column, table),
              None if re.search(r'\b%s\b' % re.escape(column), reference) else 'not in docs/reference.md')

    known = objects | settings
    for name in sorted(set(re.findall(r'\btview\.[a-z_]+', everything))):
        if name.endswith('_') or re.match(r'tview\.state_', name):
            continue
        check('%s exists' % name, None if name in known else 'documented, but there is no such thing')
    if tap:
        for name in sorted(set(re.findall(r'`(tview_(?:is|reads|touches)[a-z_]*)', everything))):
            check('%s() exists' % name, None if name in tap else 'documented, but there is no such function')


def check_sqlstates():
    """Every code that the sources raise is explained."""
    reference = read('docs/reference.md')
    share = subprocess.run([os.environ.get('PG_CONFIG', 'pg_config'), '--sharedir'],
                           capture_output=True, text=True, check=True).stdout.strip()
    codes = {}
    with open(os.path.join(share, 'errcodes.txt'), encoding='utf-8') as file:
        for line in file:
            match = re.match(r'(\w{5})\s+[EWS]\s+(ERRCODE_\w+)', line)
            if match:
                codes[match.group(2)] = match.group(1)
    raised = set()
    for name in glob.glob(os.path.join(ROOT, 'src', '**', '*.c'), recursive=True):
        with open(name, encoding='utf-8') as file:
            raised |= set(re.findall(r'\bERRCODE_\w+', file.read()))
    for name in sorted(raised):
        code = codes.get(name, '')
        check('%s is explained' % name,
              None if '`%s`' % code in reference else 'SQLSTATE %s is not in docs/reference.md' % code)


def check_security():
    """Every control names test files that exist."""
    inside = False
    for line in read('SECURITY.md').split('\n'):
        if not line.startswith('|'):
            inside = False
            continue
        row = cells(line)
        if 'Proved by' in row:
            inside = True
            continue
        if not inside or re.fullmatch(r'[-| :]+', line):
            continue
        files = re.findall(r'`((?:test|tools)/[^`]+)`', row[-1])
        check('SECURITY.md: %s' % row[0], None if files else 'names no test')
        for name in files:
            path = os.path.join(ROOT, name)
            there = os.path.exists(path) and os.path.getsize(path) > 0
            check('SECURITY.md: %s' % name, None if there else 'no such test')


def check_links(document):
    """Relative links, and files named in backquotes, exist; so do the functions of the architecture."""
    text = read(document)
    base = os.path.dirname(os.path.join(ROOT, document))
    for target in re.findall(r'\]\(([^)#][^)]*)\)', text):
        if '://' not in target:
            check('%s: link %s' % (document, target),
                  None if os.path.exists(os.path.join(base, target.split('#')[0])) else 'no such file')
    for name in re.findall(r'`((?:src|test|tools|bench|demo|docs|sql)/[\w./-]*[\w])`', text):
        if re.search('TOPIC|NAME|NEW', name):
            continue
        check('%s: file %s' % (document, name),
              None if os.path.exists(os.path.join(ROOT, name)) else 'no such file')


def check_functions():
    """Names of C functions and types in the architecture are in the sources."""
    source = ''
    for name in glob.glob(os.path.join(ROOT, 'src', '**', '*.[ch]'), recursive=True):
        with open(name, encoding='utf-8') as file:
            source += file.read()
    words = set(re.findall(r'\w+', source))
    for name in sorted(set(re.findall(r'`((?:tv_|Tv|TV_)\w+)(?:\(\))?`', read('docs/architecture.md')))):
        check('docs/architecture.md: %s' % name, None if name in words else 'not in the sources')


def check_figures():
    """Figures are generated from the published report; one that is changed, or stands outside of marks, is found."""
    for document, problem in figures.problems():
        check('%s: figures' % document, problem)
    text = read('README.md')
    place = figures.PLACE.search(text)
    check('README.md has figures', None if place and re.search(r'\d ms', place[3]) else 'no marked place with figures')
    with open(figures.PUBLISHED, encoding='utf-8') as file:
        report = json.load(file)
    changed = re.sub(r'\d ms', '0.1234 ms', text, count=1)
    check('a changed figure is found', None if figures.filled(changed, figures.Report(report)) != changed else 'it is not')
    check('a figure by hand is found', None if figures.unmarked('It takes 3 ms.') == ['3 ms'] else 'it is not')
    for key, value in (('wrong', ['v: 1 rows missing']), ('quick', True)):
        try:
            figures.Report(dict(report, **{key: value}))
            check('a report is refused if %s' % key, 'it is taken')
        except figures.Unsuitable:
            check('a report is refused if %s' % key, None)


def main():
    begun = time.time()
    for document in DOCUMENTS:
        check_links(document)
        if document == 'README.md' or document.startswith('docs/'):
            run_document(document)
    check_support('docs/sql-support.md')
    check_reference()
    check_sqlstates()
    check_security()
    check_functions()
    check_figures()
    print('took %.1f s' % (time.time() - begun))
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
