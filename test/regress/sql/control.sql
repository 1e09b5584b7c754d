-- Control of connectors that are not running, and starts that fail.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

-- nothing listens on port 1
SELECT synchdb_add_conninfo('c', '127.0.0.1', 1, 'u', 'control-password', 'd', :'db', '', '', 'mysql');
SELECT * FROM synchdb_state_view;

\set VERBOSITY sqlstate
SELECT synchdb_start_engine_bgw('c');
\set VERBOSITY default
SELECT isactive FROM synchdb_conninfo WHERE name = 'c';
SELECT name, pid, state, err LIKE 'could not connect to "127.0.0.1:1"%' AS err,
	err LIKE '%control-password%' AS leak, last_dbz_offset
FROM synchdb_state_view;

-- snapshot modes are checked at the call
SELECT synchdb_start_engine_bgw('c', 'inital');
SELECT synchdb_restart_connector('c', E'al''ways\n');

-- not running
SELECT synchdb_pause_engine('c');
SELECT synchdb_resume_engine('c');
SELECT synchdb_restart_connector('c', '');
SELECT synchdb_reload_objmap('c');
SELECT synchdb_log_jvm_meminfo('c');

-- stop marks it inactive all the same
UPDATE synchdb_conninfo SET isactive = true;
SELECT synchdb_stop_engine_bgw('c');
SELECT isactive FROM synchdb_conninfo;

-- positions
SELECT synchdb_set_offset('c', '{"file": "mysql-bin.000003", "pos": 1500}');
SELECT last_dbz_offset FROM synchdb_state_view;
\set VERBOSITY sqlstate
SELECT synchdb_set_offset('c', '');
SELECT synchdb_set_offset('c', 'here');
SELECT synchdb_set_offset('c', '{"file": "mysql-bin.000003"}');
\set VERBOSITY default
SELECT last_dbz_offset FROM synchdb_state_view;

-- what a transaction changed, a worker cannot see before its end
BEGIN;
SELECT synchdb_set_offset('c', '{"file": "mysql-bin.000003", "pos": 1600}');
SELECT synchdb_start_engine_bgw('c');
ROLLBACK;
SELECT isactive FROM synchdb_conninfo;

-- unknown connectors
SELECT synchdb_start_engine_bgw('unknown');
\set VERBOSITY terse
SELECT synchdb_start_engine_bgw('');
SELECT synchdb_start_engine_bgw('unknown', 'initial');
SELECT synchdb_stop_engine_bgw('unknown');
SELECT synchdb_pause_engine('unknown');
SELECT synchdb_resume_engine('unknown');
SELECT synchdb_restart_connector('unknown', 'initial');
SELECT synchdb_set_offset('unknown', '{}');
SELECT synchdb_reload_objmap('unknown');
SELECT synchdb_log_jvm_meminfo('unknown');
SELECT synchdb_start_engine_bgw(NULL) IS NULL AS strict;

-- a definition edited by hand is checked at every start
UPDATE synchdb_conninfo SET data = data - 'hostname';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = jsonb_set(data, '{hostname}', '17');
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = jsonb_set(data, '{hostname}', '"127.0.0.1"') || '{"port": "1"}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"port": 1.5}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"port": 1, "connector": "db2"}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"connector": "MYSQL", "table": "a.b,("}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"table": ["a"]}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"table": null, "ssl_mode": "verufy_ca"}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"ssl_mode": null, "pwd": "in clear"}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = data || '{"owner": "synchdb_no_such_role"}';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = '[]';
SELECT synchdb_start_engine_bgw('c');
UPDATE synchdb_conninfo SET data = NULL;
SELECT synchdb_start_engine_bgw('c');
\set VERBOSITY default

SELECT synchdb_del_conninfo('c');
SELECT * FROM synchdb_state_view;
