-- An online auction: persons, auctions, bids, and a small table beside. Bids have no key, and no foreign key: they may
-- come before their auction.

CREATE TABLE person (
	id bigint PRIMARY KEY,
	name text NOT NULL,
	email text NOT NULL,
	city text NOT NULL,
	state text NOT NULL,
	date_time timestamp(6) NOT NULL,
	extra text
);

CREATE TABLE auction (
	id bigint PRIMARY KEY,
	item text NOT NULL,
	description text NOT NULL,
	initial_bid bigint NOT NULL,
	reserve bigint NOT NULL,
	date_time timestamp(6) NOT NULL,
	expires timestamp(6) NOT NULL,
	seller bigint NOT NULL,
	category integer NOT NULL,
	extra text
);

CREATE TABLE bid (
	auction bigint NOT NULL,
	bidder bigint NOT NULL,
	price bigint NOT NULL,
	channel text NOT NULL,
	url text NOT NULL,
	date_time timestamp(6) NOT NULL,
	extra text
);

CREATE TABLE side (
	key bigint PRIMARY KEY,
	value text NOT NULL
);
