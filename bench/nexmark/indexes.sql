-- What the joins look up, and the groups that are recomputed.
CREATE INDEX ON auction (seller);
CREATE INDEX ON bid (auction);
CREATE INDEX ON bid (bidder);
CREATE INDEX ON bid (date_bin('10 seconds', date_time, '2020-01-01'), price);
CREATE INDEX ON bid ((auction % 100));
