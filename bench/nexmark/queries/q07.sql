-- the highest bids of each ten seconds
SELECT b.auction, b.price, b.bidder, b.date_time
FROM bid b JOIN (SELECT date_bin('10 seconds', date_time, '2020-01-01') AS bucket, max(price) AS highest
                   FROM bid GROUP BY bucket) m
  ON date_bin('10 seconds', b.date_time, '2020-01-01') = m.bucket AND b.price = m.highest
