-- Every setting has a place, a unit, a range and a description.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
LOAD 'synchdb';

SELECT substr(name, 9) AS synchdb, vartype AS type, boot_val AS default, unit,
	min_val AS min, max_val AS max, enumvals
FROM pg_settings WHERE name LIKE 'synchdb.%' ORDER BY name COLLATE "C";
SELECT name FROM pg_settings WHERE name LIKE 'synchdb.%' AND short_desc !~ '^[A-Z].*\.$';

-- whether the launcher runs is decided when the server starts
SELECT name, context FROM pg_settings
WHERE name LIKE 'synchdb.%' AND context <> 'sighup' AND name <> 'synchdb.synchdb_auto_launcher';

-- what only the server's configuration may set
SET synchdb.dbz_batch_size = 1;
SET synchdb.no_such_setting = 1;
\set VERBOSITY sqlstate
ALTER SYSTEM SET synchdb.dbz_batch_size = 0;
ALTER SYSTEM SET synchdb.batch_bytes = '1kB';
ALTER SYSTEM SET synchdb.dbz_connect_timeout_ms = '2h';
\set VERBOSITY default
ALTER SYSTEM SET synchdb.error_handling_strategy = 'ignore';
ALTER SYSTEM SET synchdb.zero_date = 'epoch';
ALTER SYSTEM SET synchdb.type_mapping = 'debezium';

-- lists of operations, under either spelling
ALTER SYSTEM SET synchdb.dbz_skipped_operations = 't,x';
ALTER SYSTEM SET synchdb.dbz_skipped_oeprations = 'truncate';
ALTER SYSTEM SET synchdb.dbz_skipped_oeprations = 't, C ,none';
ALTER SYSTEM RESET synchdb.dbz_skipped_oeprations;

-- only superusers see where the key is
CREATE ROLE regress_synchdb_user;
SET ROLE regress_synchdb_user;
\set VERBOSITY sqlstate
SHOW synchdb.secret_key_file;
\set VERBOSITY default
SHOW synchdb.zero_date;
RESET ROLE;
DROP ROLE regress_synchdb_user;
