-- the winning bid of each auction
SELECT id, item, seller, category, auction, bidder, price, bid_time
FROM (SELECT a.id, a.item, a.seller, a.category, b.auction, b.bidder, b.price, b.date_time AS bid_time,
             row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS place
        FROM auction a JOIN bid b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires) q
WHERE place = 1
