-- sessions of bidders: bids that follow each other within two minutes
SELECT bidder, session, count(*) AS bids, min(date_time) AS begins, max(date_time) AS ends
FROM (SELECT bidder, date_time, sum(first) OVER (PARTITION BY bidder ORDER BY date_time) AS session
        FROM (SELECT bidder, date_time,
                     CASE WHEN date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) <= '2 minutes'
                          THEN 0 ELSE 1 END AS first
                FROM bid) q) s
GROUP BY bidder, session
