-- bids with their auctions, of one category
SELECT b.auction, b.bidder, b.price, b.channel, b.date_time, a.item, a.initial_bid, a.reserve, a.expires, a.seller
FROM bid b JOIN auction a ON b.auction = a.id
WHERE a.category = 10
