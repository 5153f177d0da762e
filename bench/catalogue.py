"""Part of bench/measure: a JSON document per product, from five tables."""
from workload import Operation, Workload, measure

TABLES = """
    CREATE TABLE category (id int PRIMARY KEY, name text NOT NULL, slug text NOT NULL);
    CREATE TABLE supplier (id int PRIMARY KEY, name text NOT NULL, country text NOT NULL);
    CREATE TABLE product (id int PRIMARY KEY, uuid uuid NOT NULL, category int NOT NULL REFERENCES category,
        supplier int REFERENCES supplier, sku text NOT NULL, name text NOT NULL, description text NOT NULL,
        base_price numeric NOT NULL, price numeric NOT NULL, currency text NOT NULL, status text NOT NULL);
    CREATE TABLE inventory (product int PRIMARY KEY REFERENCES product ON DELETE CASCADE, quantity int NOT NULL,
        reserved int NOT NULL, warehouse text NOT NULL);
    CREATE TABLE review (id int PRIMARY KEY, product int NOT NULL REFERENCES product ON DELETE CASCADE,
        person int NOT NULL, stars int NOT NULL, title text NOT NULL, body text NOT NULL, verified boolean NOT NULL);
    INSERT INTO category SELECT i, 'Category ' || i, 'category-' || i FROM generate_series(1, {groups}) i;
    INSERT INTO supplier SELECT i, 'Supplier ' || i, 'C' || i % 20 FROM generate_series(1, {groups} / 2) i;
    INSERT INTO product SELECT i, md5(i::text)::uuid, i % {groups} + 1, i % ({groups} / 2) + 1, 'SKU-' || i,
        'Product ' || i, repeat('description ', 7), i % 1000 + 0.5, i % 1000 + 0.25, 'EUR', 'active'
        FROM generate_series(1, {products}) i;
    INSERT INTO inventory SELECT i, i % 500, i % 7, 'W' || i % 5 FROM generate_series(1, {products}) i;
    INSERT INTO review SELECT i, i % {products} + 1, i % 977, i % 5 + 1, 'Review ' || i, repeat('opinion ', 19), i % 3 = 0
        FROM generate_series(1, {products} * 5) i;
    CREATE INDEX ON product (category);
    CREATE INDEX ON product (supplier);
    CREATE INDEX ON review (product)"""

DOCUMENT = """p.id, jsonb_build_object('id', p.uuid, 'sku', p.sku, 'name', p.name, 'description', p.description,
        'price', jsonb_build_object('base', p.base_price, 'current', p.price, 'currency', p.currency),
        'status', p.status, 'category', jsonb_build_object('id', c.id, 'name', c.name, 'slug', c.slug),
        'supplier', CASE WHEN s.id IS NOT NULL
                         THEN jsonb_build_object('id', s.id, 'name', s.name, 'country', s.country) END,
        'inventory', CASE WHEN i.product IS NOT NULL
                          THEN jsonb_build_object('quantity', i.quantity, 'reserved', i.reserved,
                                                  'available', i.quantity - i.reserved, 'warehouse', i.warehouse) END,
        'reviews', jsonb_build_object('count', coalesce(r.n, 0), 'average', r.average,
                                      'verified', coalesce(r.verified, 0))) AS document
    FROM product p JOIN category c ON c.id = p.category LEFT JOIN supplier s ON s.id = p.supplier
        LEFT JOIN inventory i ON i.product = p.id"""

COUNTS = "count(*) AS n, avg(stars) AS average, count(*) FILTER (WHERE verified) AS verified FROM review"

QUERY = f"SELECT {DOCUMENT} LEFT JOIN (SELECT product, {COUNTS} GROUP BY product) r ON r.product = p.id"

# Whoever writes it by hand looks up the reviews of the products at stake, not all of them.
HAND = f"""
    CREATE TABLE hand (id int PRIMARY KEY, document jsonb NOT NULL);
    INSERT INTO hand {QUERY};
    CREATE FUNCTION renew(ids int[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO hand SELECT {DOCUMENT} LEFT JOIN LATERAL (SELECT {COUNTS} WHERE product = p.id) r ON true
            WHERE p.id = ANY (ids)
        ON CONFLICT (id) DO UPDATE SET document = excluded.document WHERE hand.document <> excluded.document $$;
    CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM renew(ARRAY(SELECT id FROM new_rows)); RETURN NULL; END $$;
    CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        DELETE FROM hand WHERE id IN (SELECT id FROM old_rows); RETURN NULL; END $$;
    CREATE FUNCTION category_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM renew(ARRAY(SELECT p.id FROM product p JOIN new_rows n ON p.category = n.id)); RETURN NULL; END $$;
    CREATE FUNCTION supplier_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM renew(ARRAY(SELECT p.id FROM product p JOIN new_rows n ON p.supplier = n.id)); RETURN NULL; END $$;
    CREATE FUNCTION child_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM renew(ARRAY(SELECT DISTINCT product FROM new_rows)); RETURN NULL; END $$;"""


def trigger(table, event, function):
    rows = "OLD TABLE AS old_rows" if event == "DELETE" else "NEW TABLE AS new_rows"
    return f"""
    CREATE TRIGGER {function}_{event} AFTER {event} ON {table} REFERENCING {rows}
        FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""


HAND += ";".join(trigger(*arguments) for arguments in (
    ("product", "INSERT", "written"),
    ("product", "UPDATE", "written"),
    ("product", "DELETE", "gone"),
    ("category", "UPDATE", "category_written"),
    ("supplier", "UPDATE", "supplier_written"),
    ("review", "INSERT", "child_written"),
    ("review", "UPDATE", "child_written"),
    ("inventory", "UPDATE", "child_written")))


def operations(products, quick):
    def spread(number):
        return number * 7919 % products + 1

    one = 10 if quick else 25
    return [
        Operation("price of one product", lambda i: [f"UPDATE product SET price = price + 1 WHERE id = {spread(i)}"], one),
        Operation("price of 1 % of the products",
                  lambda i: [f"UPDATE product SET price = price + 1 WHERE id % 100 = {i}"], 3 if quick else 5),
        Operation("stock of one product",
                  lambda i: [f"UPDATE inventory SET quantity = quantity + 1 WHERE product = {spread(i)}"], one),
        Operation("a new review", lambda i: [
            f"INSERT INTO review VALUES ({products * 10 + i}, {spread(i)}, 1, 5, 'New', 'A new review', true)"], one),
        Operation("stars of one review", lambda i: [f"UPDATE review SET stars = 6 - stars WHERE id = {spread(i)}"], one),
        Operation("a new product", lambda i: [
            f"INSERT INTO product SELECT {products + 1000 + i}, uuid, category, supplier, 'new', name, description, "
            f"base_price, price, currency, status FROM product WHERE id = {spread(i)}"], one),
        Operation("one product deleted", lambda i: [f"DELETE FROM product WHERE id = {products + 1000 + i}"], one - 1),
        Operation("a category renamed",
                  lambda i: [f"UPDATE category SET name = name || '.' WHERE id = {i + 1}"], 3 if quick else 5),
        Operation("a supplier renamed",
                  lambda i: [f"UPDATE supplier SET name = name || '.' WHERE id = {i + 1}"], 3 if quick else 5),
    ]


def catalogue(run):
    for products in (10000,) if run.quick else (1000, 10000, 100000):
        groups = 10 if products == 1000 else 100
        measure(run, Workload("catalogue", "product catalogue", products, TABLES.format(products=products, groups=groups),
                              QUERY, HAND, operations(products, run.quick)))
