-- each auction's ten highest bids
SELECT *
FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, date_time) AS place FROM bid) q
WHERE place <= 10
