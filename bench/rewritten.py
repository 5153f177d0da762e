"""Part of bench/measure: statements that change nothing, large rows, and statements that change most of a table."""
from workload import Operation, Workload, measure

# Half of the posts are written with the title they have: nothing of the view changes.
SAME = """
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE post (id int PRIMARY KEY, author int NOT NULL REFERENCES author, title text NOT NULL);
    CREATE TABLE vote (id int PRIMARY KEY, post int NOT NULL REFERENCES post, value int NOT NULL);
    INSERT INTO author SELECT i, 'Author ' || i FROM generate_series(1, 500) i;
    INSERT INTO post SELECT i, i % 500 + 1, 'Title ' || i FROM generate_series(1, {size}) i;
    INSERT INTO vote SELECT i, i, i % 5 FROM generate_series(1, {size}) i;
    CREATE INDEX ON post (author); CREATE INDEX ON vote (post)"""
SAME_QUERY = """
    SELECT p.id, jsonb_build_object('title', p.title, 'author', a.name, 'vote', v.value) AS document
    FROM post p JOIN author a ON a.id = p.author JOIN vote v ON v.post = p.id"""
SAME_HAND = f"""
    CREATE TABLE hand (id int PRIMARY KEY, document jsonb NOT NULL);
    INSERT INTO hand {SAME_QUERY};
    CREATE FUNCTION renew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE hand h SET document = n.document FROM ({SAME_QUERY} WHERE p.id IN (SELECT id FROM new_rows)) n
            WHERE h.id = n.id AND h.document <> n.document; RETURN NULL; END $$;
    CREATE TRIGGER a AFTER UPDATE ON post REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION renew()"""


def same_operations(size, quick):
    same = f"UPDATE post SET title = title WHERE id <= {size // 2}"
    count = 3 if quick else 5

    def three_ways(i):
        return [f"UPDATE post SET title = 'Changed {i}' WHERE id <= 40", "UPDATE vote SET value = value + 1 WHERE post <= 40",
                f"UPDATE author SET name = 'Changed {i}' WHERE id BETWEEN 2 AND 41"]

    return [Operation(f"{size // 2:,} rows written as they are", lambda i: [same], count),
            Operation("the same three times", lambda i: [same] * 3, count),
            Operation("40 rows reached on three ways", three_ways, count,
                      by_hand=lambda i: [f"UPDATE hand h SET document = n.document FROM ({SAME_QUERY} "
                                         f"WHERE p.author BETWEEN 2 AND 41) n WHERE h.id = n.id AND h.document <> n.document"])]


# A counter beside a value that does not compress.
PAYLOAD = """
    CREATE TABLE item (id int PRIMARY KEY, counter int NOT NULL, payload text NOT NULL);
    INSERT INTO item SELECT i, 0, (SELECT string_agg(md5((i * 3000 + j)::text), '')
        FROM generate_series(1, greatest({bytes} / 32, 3)) j) FROM generate_series(1, {rows}) i"""
PAYLOAD_QUERY = "SELECT id, jsonb_build_object('id', id, 'counter', counter, 'payload', payload) AS document FROM item"
PAYLOAD_HAND = f"CREATE TABLE hand (id int PRIMARY KEY, document jsonb NOT NULL); INSERT INTO hand {PAYLOAD_QUERY}"


def payload_operations(rows, quick):
    patch = "UPDATE hand h SET document = jsonb_set(document, '{{counter}}', to_jsonb(i.counter)) FROM item i " \
            "WHERE h.id = i.id AND {rows}"
    return [Operation("one counter", lambda i: [f"UPDATE item SET counter = counter + 1 WHERE id = {i + 1}"],
                      30 if quick else 200, by_hand=lambda i: [patch.format(rows=f"i.id = {i + 1}")]),
            Operation("a tenth of the counters", lambda i: ["UPDATE item SET counter = counter + 1 WHERE id % 10 = 0"],
                      2 if quick else 5, by_hand=lambda i: [patch.format(rows="i.id % 10 = 0")])]


# Rows of a kilobyte: from how many on is REFRESH cheaper?
WIDE = """
    CREATE TABLE kind (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE wide (id int PRIMARY KEY, kind int NOT NULL REFERENCES kind, value int NOT NULL, body text NOT NULL);
    INSERT INTO kind SELECT i, 'Kind ' || i FROM generate_series(1, 100) i;
    INSERT INTO wide SELECT i, i % 100 + 1, i, repeat(md5(i::text), 30) FROM generate_series(1, {size}) i"""
WIDE_QUERY = "SELECT w.id, w.value, w.body, k.name FROM wide w JOIN kind k ON k.id = w.kind"
WIDE_HAND = f"""
    CREATE TABLE hand (id int PRIMARY KEY, value int NOT NULL, body text NOT NULL, name text NOT NULL);
    INSERT INTO hand {WIDE_QUERY}"""


def wide_operations(size, quick):
    result = []
    for n in (10, 1000, 10000, 100000):
        if n > size // 2:
            continue
        for how, rows in (("next to each other", "id <= {n}"), ("scattered", "id % {step} = 0")):
            rows = rows.format(n=n, step=size // n)
            result.append(Operation(
                f"{n:,} rows, {how}", lambda i, rows=rows: [f"UPDATE wide SET value = value + 1 WHERE {rows}"],
                2 if quick else 3,
                by_hand=lambda i, rows=rows: [f"UPDATE hand SET value = value + 1 WHERE {rows}"]))
    return result


def rewritten(run):
    same, rows, wide = (2000, 200, 20000) if run.quick else (20000, 2000, 200000)
    measure(run, Workload("same", "rows that stay as they are", same, SAME.format(size=same), SAME_QUERY, SAME_HAND,
                          same_operations(same, run.quick)))
    for size in (100, 16384) if run.quick else (100, 1024, 4096, 16384, 65536):
        measure(run, Workload("payload", f"counter beside {size:,} bytes", rows, PAYLOAD.format(bytes=size, rows=rows),
                              PAYLOAD_QUERY, PAYLOAD_HAND, payload_operations(rows, run.quick)))
    measure(run, Workload("wide", "rows of a kilobyte", wide, WIDE.format(size=wide), WIDE_QUERY, WIDE_HAND,
                          wide_operations(wide, run.quick)))
