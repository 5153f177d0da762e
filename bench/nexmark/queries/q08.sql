-- who registers and sells within the same ten seconds
SELECT p.id, p.name, p.bucket
FROM (SELECT id, name, date_bin('10 seconds', date_time, '2020-01-01') AS bucket
        FROM person GROUP BY id, name, bucket) p
JOIN (SELECT seller, date_bin('10 seconds', date_time, '2020-01-01') AS bucket
        FROM auction GROUP BY seller, bucket) a
  ON p.id = a.seller AND p.bucket = a.bucket
