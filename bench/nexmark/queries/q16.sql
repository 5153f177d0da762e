-- the same for each channel and hour, with the last minute
SELECT channel, date_trunc('hour', date_time) AS hour, max(to_char(date_time, 'HH24:MI')) AS minute, count(*) AS bids,
       count(*) FILTER (WHERE price < 10000) AS low_bids,
       count(*) FILTER (WHERE price >= 1000000) AS high_bids,
       count(DISTINCT bidder) AS bidders,
       count(DISTINCT auction) FILTER (WHERE price >= 10000) AS high_auctions
FROM bid
GROUP BY channel, hour
