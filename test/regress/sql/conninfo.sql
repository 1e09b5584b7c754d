-- Definitions of connectors: what is stored, and what is refused.
SET client_encoding = utf8;
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

SELECT synchdb_add_conninfo('c1', '127.0.0.1', 3306, 'mysqluser', 'mysqlpwd', 'inventory', :'db',
	'null', '', 'mysql');
SELECT name, isactive, data - 'pwd' - 'owner' - 'dstdb' AS data,
	data ->> 'dstdb' = current_database() AS dstdb, data ->> 'owner' = current_user AS owner
FROM synchdb_conninfo;

-- the password is stored encrypted, differently each time
SELECT data ->> 'pwd' ~ '^\\xc30d[0-9a-f]+$' AS encrypted, data::text LIKE '%mysqlpwd%' AS clear
FROM synchdb_conninfo;
CREATE TEMP TABLE before AS SELECT data ->> 'pwd' AS pwd FROM synchdb_conninfo;
SELECT synchdb_set_password('c1', 'mysqlpwd');
SELECT data ->> 'pwd' = pwd AS same, data ->> 'hostname' AS hostname FROM synchdb_conninfo, before;
DROP TABLE before;

-- and the statement that gave it is not shown
SELECT synchdb_add_conninfo('hidden', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql')\;
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT synchdb_set_password('hidden', 'secret')\;
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT synchdb_add_extra_conninfo('hidden', 'required', '', 'secret', '', '')\;
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();

-- texts are data
SELECT synchdb_add_conninfo('na''me "x" ', E'h''o"s\\t\n', 1, '$1; DROP TABLE synchdb_conninfo; --',
	E'p''"\\\n%s ä€😀', 'd''b', :'db', E'a''b.c, "d".e', '{"x": 1}.y', 'MySQL');
SELECT name, jsonb_pretty(data - 'pwd' - 'owner' - 'dstdb') FROM synchdb_conninfo WHERE name LIKE 'na%';

-- lists of any length
SELECT synchdb_add_conninfo('long', 'h', 1, 'u', 'p', '', :'db',
	(SELECT string_agg('inventory.table_' || i, ',') FROM generate_series(1, 10000) i), 'null', 'mysql');
SELECT data ->> 'srcdb' AS srcdb, length(data ->> 'table') AS length FROM synchdb_conninfo WHERE name = 'long';

-- bad input, in the order it is checked
SELECT synchdb_add_conninfo('', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
SELECT synchdb_add_conninfo('bad', '', 0, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', repeat('h', 256), 0, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 0, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 65536, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', -1, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, '', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', '', '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', repeat('p', 128), '', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', repeat('d', 64), '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', '', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', :'db', '', '', '');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', :'db', 'a.b,c.(', '', 'mysql');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', :'db', 'null', '[', 'mysql');
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', :'db', 'd.a, orders*', '', 'mysql');
\set VERBOSITY terse
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'oracel');
SELECT synchdb_add_conninfo('c1', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
-- the destination is always the present database
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', 'elsewhere', '', '', 'no such');
\set VERBOSITY default
SELECT synchdb_add_conninfo('bad', 'h', 1, 'u', 'p', 'd', NULL, '', '', 'mysql') IS NULL AS strict;
SELECT count(*) FROM synchdb_conninfo WHERE name = 'bad';

-- TLS
SELECT synchdb_add_extra_conninfo('c1', 'verify_ca', '/path/ks', 'kspass', '/path/ts/', 'tspass');
SELECT data ->> 'ssl_mode' AS mode, data ->> 'ssl_keystore' AS keystore, data ->> 'ssl_truststore' AS truststore,
	data ->> 'ssl_keystore_pass' ~ '^\\xc30d' AS keystore_pass, data ->> 'ssl_truststore_pass' ~ '^\\xc30d' AS truststore_pass
FROM synchdb_conninfo WHERE name = 'c1';
SELECT synchdb_add_extra_conninfo('c1', 'verufy_ca', 'null', 'null', '', '');
SELECT data - 'pwd' - 'owner' - 'dstdb' AS data FROM synchdb_conninfo WHERE name = 'c1';
SELECT synchdb_add_extra_conninfo('c1', 'required', repeat('k', 128), '', '', '');
SELECT synchdb_del_extra_conninfo('c1');

-- settings that nothing needs
SELECT synchdb_add_jmx_conninfo('c1', '0.0.0.0', 9010, '10.55.13.17', 9011, true, '/pw', '/acc', true,
	'/ks', 'kspass', '/ts', 'tspass');
SELECT synchdb_add_jmx_exporter_conninfo('c1', '/exporter.jar', 9404, '/conf.yml');
SELECT synchdb_add_olr_conninfo('c1', '10.55.13.17', 7070, 'ORACLE');
SELECT synchdb_add_infinispan('c1', 'off heap', 2048);
SELECT key, CASE WHEN key LIKE '%\_pass' THEN '(encrypted)' ELSE value::text END AS value
FROM synchdb_conninfo, jsonb_each(data)
WHERE name = 'c1' AND key ~ '^(jmx|olr|ispn)' ORDER BY key COLLATE "C";
SELECT synchdb_del_jmx_conninfo('c1'), synchdb_del_jmx_exporter_conninfo('c1'),
	synchdb_del_olr_conninfo('c1'), synchdb_del_infinispan('c1');
SELECT data - 'pwd' - 'owner' - 'dstdb' AS data FROM synchdb_conninfo WHERE name = 'c1';

SELECT synchdb_add_jmx_conninfo('c1', '', 9010, 'r', 9011, true, '', '', true, '', '', '', '');
SELECT synchdb_add_jmx_conninfo('c1', 'l', 9010, 'r', 0, true, '', '', true, '', '', '', '');
SELECT synchdb_add_jmx_exporter_conninfo('c1', '/exporter.jar', 70000, '/conf.yml');
SELECT synchdb_add_olr_conninfo('c1', 'h', 7070, '');
SELECT synchdb_add_infinispan('c1', 'stack', 2048);
SELECT synchdb_add_infinispan('c1', 'heap', 0);

-- unknown connectors
\set VERBOSITY terse
SELECT synchdb_set_password('unknown', 'p');
SELECT synchdb_add_extra_conninfo('unknown', 'required', '', '', '', '');
SELECT synchdb_del_extra_conninfo('unknown');
SELECT synchdb_add_jmx_conninfo('unknown', 'l', 1, 'r', 1, true, '', '', true, '', '', '', '');
SELECT synchdb_del_jmx_conninfo('unknown');
SELECT synchdb_add_jmx_exporter_conninfo('unknown', '/exporter.jar', 1, '/conf.yml');
SELECT synchdb_del_jmx_exporter_conninfo('unknown');
SELECT synchdb_add_olr_conninfo('unknown', 'h', 7070, 'o');
SELECT synchdb_del_olr_conninfo('unknown');
SELECT synchdb_add_infinispan('unknown', 'heap', 1);
SELECT synchdb_del_infinispan('unknown');
\set VERBOSITY default

-- deleting takes everything of that connector, and nothing of others
INSERT INTO synchdb_checkpoint (name) SELECT name FROM synchdb_conninfo;
INSERT INTO synchdb_table (name, source_table, definition, stage) VALUES
	('c1', 'a.b', '{}', 'streaming'), ('long', 'a.b', '{}', 'pending');
INSERT INTO synchdb_error (name) VALUES ('c1'), ('long');
INSERT INTO synchdb_attribute VALUES
	('c1', 'mysql', 1, 1, 'a.b', 'x', 'int'), ('long', 'mysql', 1, 1, 'a.b', 'x', 'int');
SELECT synchdb_add_objmap('c1', 'table', 'a.b', 'c'), synchdb_add_objmap('long', 'table', 'a.b', 'c');
SELECT synchdb_del_conninfo('c1');
SELECT
	(SELECT string_agg(name, ',') FROM synchdb_checkpoint WHERE name IN ('c1', 'long')) AS checkpoint,
	(SELECT string_agg(name, ',') FROM synchdb_table) AS table,
	(SELECT string_agg(name, ',') FROM synchdb_error) AS error,
	(SELECT string_agg(name, ',') FROM synchdb_attribute) AS attribute,
	(SELECT string_agg(name, ',') FROM synchdb_objmap) AS objmap;
SELECT synchdb_del_conninfo('c1');
SELECT count(synchdb_del_conninfo(name)) FROM synchdb_conninfo;
SELECT count(*) FROM synchdb_conninfo;
