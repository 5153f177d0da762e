-- bids of each bidder in each ten seconds
SELECT bidder, date_bin('10 seconds', date_time, '2020-01-01') AS bucket, count(*) AS bids
FROM bid
GROUP BY bidder, bucket
