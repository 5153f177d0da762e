-- The package index of a Debian or Ubuntu machine as tables.

CREATE TABLE maintainer (
	maintainer_id integer PRIMARY KEY,
	name text NOT NULL,
	email text
);

CREATE TABLE section (
	section_id integer PRIMARY KEY,
	name text NOT NULL UNIQUE
);

CREATE TABLE package (
	package_id integer PRIMARY KEY,
	name text NOT NULL UNIQUE,
	version text NOT NULL,
	architecture text NOT NULL,
	section_id integer REFERENCES section,
	maintainer_id integer NOT NULL REFERENCES maintainer,
	installed_size bigint,
	size bigint NOT NULL,
	priority text,
	description text
);

-- One row per alternative: "Depends: a, b | c" is (group 1: a), (group 2: b, c).
CREATE TABLE dependency (
	package_id integer REFERENCES package ON DELETE CASCADE,
	kind text CHECK (kind IN ('Depends', 'Pre-Depends', 'Recommends', 'Suggests')),
	alternatives_group integer,
	alternative integer,
	target text NOT NULL,
	version_constraint text,
	PRIMARY KEY (package_id, kind, alternatives_group, alternative)
);
