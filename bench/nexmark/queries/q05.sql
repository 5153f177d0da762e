-- the auctions with most bids in each ten seconds
WITH counts AS (
        SELECT auction, date_bin('10 seconds', date_time, '2020-01-01') AS bucket, count(*) AS num
        FROM bid
        GROUP BY auction, bucket)
SELECT c.auction, c.num, c.bucket
FROM counts c JOIN (SELECT bucket, max(num) AS most FROM counts GROUP BY bucket) m
  ON c.bucket = m.bucket AND c.num >= m.most
