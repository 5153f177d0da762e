-- the average price of a seller's last ten auctions
SELECT seller, id, avg(final) OVER (PARTITION BY seller ORDER BY expires, id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS average
FROM (SELECT max(b.price) AS final, a.seller, a.id, a.expires
        FROM auction a JOIN bid b ON a.id = b.auction
       WHERE b.date_time BETWEEN a.date_time AND a.expires
       GROUP BY a.id) q
