"""Part of bench/measure: what is copied along foreign keys, and has to follow when the original changes."""
from workload import Operation, Workload, measure

# A column of the parent stands with each of its children.
FAN_OUT = """
    CREATE TABLE parent (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, value int NOT NULL);
    INSERT INTO parent SELECT i, 'Parent ' || i FROM generate_series(0, 50000 / {children} - 1) i;
    INSERT INTO child SELECT i, i % (50000 / {children}), i FROM generate_series(1, 50000) i;
    CREATE INDEX ON child (parent)"""
FAN_OUT_QUERY = "SELECT c.id, c.parent, c.value, p.name FROM child c JOIN parent p ON p.id = c.parent"
FAN_OUT_HAND = f"""
    CREATE TABLE hand (id int PRIMARY KEY, parent int NOT NULL, value int NOT NULL, name text NOT NULL);
    INSERT INTO hand {FAN_OUT_QUERY};
    CREATE INDEX ON hand (parent)"""


def fan_out_operation(children, quick):
    def parent(i):
        return i % (50000 // children)
    return Operation(f"column of a parent of {children:,}",
                     lambda i: [f"UPDATE parent SET name = 'name {i}' WHERE id = {parent(i)}"], 5 if quick else 15,
                     by_hand=lambda i: [f"UPDATE hand SET name = 'name {i}' WHERE parent = {parent(i)}"])


# Posts with their author and an array of comments, each with its own author.
BLOG = """
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE post (id int PRIMARY KEY, author int NOT NULL REFERENCES author, title text NOT NULL, body text NOT NULL);
    CREATE TABLE comment (id int PRIMARY KEY, post int NOT NULL REFERENCES post, author int NOT NULL REFERENCES author,
        body text NOT NULL);
    INSERT INTO author SELECT i, 'Author ' || i FROM generate_series(1, 200) i;
    INSERT INTO post SELECT i, i % 200 + 1, 'Title ' || i, repeat('text ', 40) FROM generate_series(1, 1000) i;
    INSERT INTO comment SELECT i, i % 1000 + 1, i * 7 % 200 + 1, repeat('comment ', 10) FROM generate_series(1, 5000) i;
    CREATE INDEX ON post (author); CREATE INDEX ON comment (author); CREATE INDEX ON comment (post)"""
BLOG_QUERY = """
    SELECT p.id, jsonb_build_object('id', p.id, 'title', p.title, 'body', p.body,
        'author', jsonb_build_object('id', a.id, 'name', a.name), 'comments', coalesce(c.comments, '[]'::jsonb)) AS document
    FROM post p JOIN author a ON a.id = p.author
        LEFT JOIN (SELECT c.post, jsonb_agg(jsonb_build_object('id', c.id, 'body', c.body,
                       'author', jsonb_build_object('id', w.id, 'name', w.name)) ORDER BY c.id) AS comments
                   FROM comment c JOIN author w ON w.id = c.author GROUP BY c.post) c ON c.post = p.id"""
BLOG_HAND = f"CREATE TABLE hand (id int PRIMARY KEY, document jsonb NOT NULL); INSERT INTO hand {BLOG_QUERY}"
BLOG_RENEW = ("UPDATE hand h SET document = n.document FROM (" + BLOG_QUERY.replace(
    "FROM comment c JOIN author w ON w.id = c.author GROUP BY c.post) c ON c.post = p.id",
    "FROM comment c JOIN author w ON w.id = c.author WHERE c.post = p.id GROUP BY c.post) c ON true").replace(
    "LEFT JOIN (", "LEFT JOIN LATERAL (") + " WHERE p.id = ANY (ARRAY({posts}))) n WHERE h.id = n.id")


def blog_operations(quick):
    def posts_of(author):
        return f"SELECT id FROM post WHERE author = {author} UNION SELECT post FROM comment WHERE author = {author}"
    count = 10 if quick else 25
    return [Operation("an author renamed", lambda i: [f"UPDATE author SET name = 'New {i}' WHERE id = {i + 1}"], count,
                      by_hand=lambda i: [BLOG_RENEW.format(posts=posts_of(i + 1))]),
            Operation("a comment edited", lambda i: [f"UPDATE comment SET body = 'New {i}' WHERE id = {i + 1}"], count,
                      by_hand=lambda i: [BLOG_RENEW.format(posts=f"SELECT post FROM comment WHERE id = {i + 1}")])]


# Comments that embed their post, which embeds its author; three authors have very many posts.
SKEWED = """
    CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE post (id int PRIMARY KEY, person int NOT NULL REFERENCES person, title text NOT NULL);
    CREATE TABLE comment (id int PRIMARY KEY, post int NOT NULL REFERENCES post, body text NOT NULL);
    INSERT INTO person SELECT i, 'Person ' || i FROM generate_series(1, {size} / 30) i;
    INSERT INTO post SELECT i, CASE WHEN i <= {size} / 3 THEN 1 WHEN i <= {size} * 13 / 30 THEN 2
                                    WHEN i <= {size} * 14 / 30 THEN 3
                                    ELSE 4 + ((hashint4(i) & 65535) / 65536.0) ^ 2 * ({size} / 30 - 5) END, 'Title ' || i
        FROM generate_series(1, {size}) i;
    INSERT INTO comment SELECT i, (hashint4(i)::bigint & 2147483647) % {size} + 1, 'Comment ' || i
        FROM generate_series(1, {size} * 7 / 3) i;
    CREATE INDEX ON post (person); CREATE INDEX ON comment (post)"""
SKEWED_QUERY = """
    SELECT c.id, jsonb_build_object('id', c.id, 'body', c.body, 'post', jsonb_build_object('id', p.id, 'title', p.title,
        'author', jsonb_build_object('id', u.id, 'name', u.name))) AS document
    FROM comment c JOIN post p ON p.id = c.post JOIN person u ON u.id = p.person"""
SKEWED_HAND = f"CREATE TABLE hand (id int PRIMARY KEY, document jsonb NOT NULL); INSERT INTO hand {SKEWED_QUERY}"


def skewed_operations(size):
    def renamed(title, ids, count):
        def person(i):
            return ids[i % len(ids)]
        return Operation(
            title, lambda i: [f"UPDATE person SET name = 'New {i}' WHERE id = {person(i)}"], count,
            by_hand=lambda i: [f"""UPDATE hand h SET document = jsonb_set(document, '{{post,author,name}}', '"New {i}"')
                FROM comment c JOIN post p ON p.id = c.post WHERE h.id = c.id AND p.person = {person(i)}"""])
    people = size // 30
    return [
        renamed("an author with few posts renamed", [people // 2 + i for i in range(6)], 5),
        renamed("an author with many posts renamed", [4, 5, 6, 7], 3),
        Operation("a post retitled", lambda i: [f"UPDATE post SET title = 'New {i}' WHERE id = {size - i}"], 20,
                  by_hand=lambda i: [f"""UPDATE hand h SET document = jsonb_set(document, '{{post,title}}', '"New {i}"')
                      FROM comment c WHERE h.id = c.id AND c.post = {size - i}"""]),
        renamed(f"the author of {size // 30:,} posts renamed", [3], 2),
        renamed(f"the author of {size // 10:,} posts renamed", [2], 2),
        renamed(f"the author of {size // 3:,} posts renamed", [1], 2),
    ]


# Orders that list the names of what was ordered, two hops away.
ORDERS = """
    CREATE TABLE article (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL);
    CREATE TABLE line (id int PRIMARY KEY, orders int NOT NULL REFERENCES orders, article int NOT NULL REFERENCES article,
        quantity int NOT NULL);
    INSERT INTO article SELECT i, 'Article ' || i FROM generate_series(1, {size} / 10) i;
    INSERT INTO orders SELECT i, 'Customer ' || i FROM generate_series(1, {size}) i;
    INSERT INTO line SELECT i, i % {size} + 1, (hashint4(i)::bigint & 2147483647) % ({size} / 10) + 1, i % 9 + 1
        FROM generate_series(1, {size} * 10) i;
    CREATE INDEX ON line (orders); CREATE INDEX ON line (article)"""
ORDERS_QUERY = """
    SELECT o.id, o.customer, string_agg(l.quantity || ' ' || a.name, ', ' ORDER BY l.id) AS articles
    FROM orders o JOIN line l ON l.orders = o.id JOIN article a ON a.id = l.article GROUP BY o.id"""
ORDERS_HAND = f"""CREATE TABLE hand (id int PRIMARY KEY, customer text NOT NULL, articles text NOT NULL);
    INSERT INTO hand {ORDERS_QUERY}"""
ORDERS_RENEW = ("UPDATE hand h SET customer = n.customer, articles = n.articles FROM (" +
                ORDERS_QUERY.replace("GROUP BY", "WHERE o.id = ANY (ARRAY({orders})) GROUP BY") +
                ") n WHERE h.id = n.id")


def orders_operations(size, quick):
    def operation(title, statement, orders, count, **how):
        return Operation(title, lambda i: [statement(i)], count,
                         by_hand=lambda i: [ORDERS_RENEW.format(orders=orders(i))], **how)
    one, many = (10, 2) if quick else (20, 3)
    return [
        operation("one order", lambda i: f"UPDATE orders SET customer = 'New {i}' WHERE id = {i + 1}",
                  lambda i: f"SELECT {i + 1}", one),
        operation("one line", lambda i: f"UPDATE line SET quantity = quantity + 1 WHERE id = {i + 1}",
                  lambda i: f"SELECT orders FROM line WHERE id = {i + 1}", one),
        operation("an article of a hundred orders renamed", lambda i: f"UPDATE article SET name = 'New {i}' WHERE id = {i + 1}",
                  lambda i: f"SELECT DISTINCT orders FROM line WHERE article = {i + 1}", many),
        operation(f"{size * 5:,} lines", lambda i: "UPDATE line SET quantity = quantity + 1 WHERE id % 2 = 0",
                  lambda i: "SELECT DISTINCT orders FROM line WHERE id % 2 = 0", many),
        operation("half of the articles renamed", lambda i: f"UPDATE article SET name = 'New {i}' WHERE id % 2 = 0",
                  lambda i: "SELECT DISTINCT orders FROM line WHERE article % 2 = 0", many),
    ]


def embedded(run):
    skew, orders = (6000, 2000) if run.quick else (300000, 20000)
    for children in (10, 1000, 10000) if run.quick else (10, 100, 1000, 10000):
        measure(run, Workload("fan_out", "column copied to each child", 50000, FAN_OUT.format(children=children),
                              FAN_OUT_QUERY, FAN_OUT_HAND, [fan_out_operation(children, run.quick)]))
    measure(run, Workload("blog", "posts with comments", 1000, BLOG, BLOG_QUERY, BLOG_HAND, blog_operations(run.quick)))
    measure(run, Workload("skewed", "comments that embed post and author", skew, SKEWED.format(size=skew), SKEWED_QUERY,
                          SKEWED_HAND, skewed_operations(skew)))
    measure(run, Workload("orders", "orders that list articles", orders, ORDERS.format(size=orders), ORDERS_QUERY,
                          ORDERS_HAND, orders_operations(orders, run.quick)))
