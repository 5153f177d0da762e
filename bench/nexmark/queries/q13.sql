-- bids with a value from a small table
SELECT b.auction, b.bidder, b.price, b.date_time, s.value
FROM bid b JOIN side s ON b.auction % 100 = s.key
