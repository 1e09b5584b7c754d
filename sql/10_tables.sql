--
-- What users write: connectors, and rules for objects
--
CREATE TABLE synchdb_conninfo (
	name text PRIMARY KEY,
	isactive bool,
	data jsonb
);
COMMENT ON TABLE synchdb_conninfo IS
	'connectors: how to reach each source and what to take from it';

CREATE TABLE synchdb_objmap (
	name name,
	objtype name,
	enabled bool,
	srcobj name,
	dstobj text,
	PRIMARY KEY (name, objtype, srcobj)
);
COMMENT ON TABLE synchdb_objmap IS
	'rules for the names, types and values of replicated objects';

--
-- What connectors write
--
CREATE TABLE synchdb_attribute (
	name name,
	type name,
	attrelid oid,
	attnum smallint,
	ext_tbname name,
	ext_attname name,
	ext_atttypename name,
	PRIMARY KEY (name, type, attrelid, attnum)
);
COMMENT ON TABLE synchdb_attribute IS
	'columns of replicated tables: name and type at the source';

-- One row a connector, updated with every batch: room for HOT updates, and
-- vacuum by the number of dead rows alone.
CREATE TABLE synchdb_checkpoint (
	name text PRIMARY KEY,
	position text,
	error text,
	error_at timestamptz,
	paused bool NOT NULL DEFAULT false,
	unfinished_starts int NOT NULL DEFAULT 0,
	snapshot_mode text,
	snapshot_done bool NOT NULL DEFAULT false,
	table_list text,
	ddls bigint NOT NULL DEFAULT 0,
	dmls bigint NOT NULL DEFAULT 0,
	reads bigint NOT NULL DEFAULT 0,
	creates bigint NOT NULL DEFAULT 0,
	updates bigint NOT NULL DEFAULT 0,
	deletes bigint NOT NULL DEFAULT 0,
	txs bigint NOT NULL DEFAULT 0,
	truncates bigint NOT NULL DEFAULT 0,
	bad_events bigint NOT NULL DEFAULT 0,
	total_events bigint NOT NULL DEFAULT 0,
	batches_done bigint NOT NULL DEFAULT 0,
	tables bigint NOT NULL DEFAULT 0,
	first_src_ts bigint NOT NULL DEFAULT 0,
	first_dbz_ts bigint NOT NULL DEFAULT 0,
	first_pg_ts bigint NOT NULL DEFAULT 0,
	last_src_ts bigint NOT NULL DEFAULT 0,
	last_dbz_ts bigint NOT NULL DEFAULT 0,
	last_pg_ts bigint NOT NULL DEFAULT 0,
	snapshot_begin_ts bigint NOT NULL DEFAULT 0,
	snapshot_end_ts bigint NOT NULL DEFAULT 0
) WITH (
	fillfactor = 50,
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 1000,
	autovacuum_analyze_scale_factor = 0,
	autovacuum_analyze_threshold = 1000000
);
COMMENT ON TABLE synchdb_checkpoint IS
	'position at the source, counters and last error of each connector';

CREATE TABLE synchdb_table (
	name text,
	source_table text,
	definition jsonb NOT NULL,
	stage text NOT NULL CHECK (stage IN ('pending', 'recopy', 'copying',
										 'ready', 'copied', 'streaming',
										 'partial')),
	copied_from text,
	copied_until text,
	estimated_rows bigint NOT NULL DEFAULT -1,
	created bool NOT NULL DEFAULT false,
	resync bool NOT NULL DEFAULT false,
	PRIMARY KEY (name, source_table)
);
-- what is to be copied next, however many tables there are
CREATE INDEX synchdb_table_pending ON synchdb_table
	(name, estimated_rows DESC, source_table)
	WHERE stage IN ('pending', 'recopy');
CREATE INDEX synchdb_table_copying ON synchdb_table (name)
	WHERE stage = 'copying';
COMMENT ON TABLE synchdb_table IS
	'definition of each source table as of the checkpoint, and how far its copy is';

CREATE TABLE synchdb_range (
	name text,
	source_table text,
	number int,
	lower text,
	upper text,
	done bool NOT NULL DEFAULT false,
	PRIMARY KEY (name, source_table, number)
);
COMMENT ON TABLE synchdb_range IS
	'parts of large tables that are being copied';

CREATE TABLE synchdb_error (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	position text,
	source_table text,
	key text,
	change text,
	kept bytea,
	sqlstate text,
	message text,
	detail text
);
COMMENT ON TABLE synchdb_error IS
	'changes that could not be applied and were skipped';

--
-- pg_dump saves the rows of all of them
--
SELECT pg_catalog.pg_extension_config_dump('synchdb_conninfo', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_objmap', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_attribute', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_table', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_range', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_error', '');
SELECT pg_catalog.pg_extension_config_dump('synchdb_error_id_seq', '');
