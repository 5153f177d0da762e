-- each bidder's last bid for each auction
SELECT auction, bidder, price, channel, url, date_time
FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS place FROM bid) q
WHERE place <= 1
