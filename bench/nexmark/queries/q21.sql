-- bids with the number of their channel
SELECT auction, bidder, price, channel,
       CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
            ELSE (regexp_match(url, '(?:&|\?)channel_id=([^&]*)'))[1] END AS channel_id
FROM bid
WHERE regexp_match(url, '(?:&|\?)channel_id=([^&]*)') IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')
