-- Table lists in a file: what is wrong with them, and where.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

-- Setting a wrong position reads the definition first: "invalid position"
-- means that the lists are right.
CREATE PROCEDURE write_list(VARIADIC lines text[]) LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE list AS SELECT unnest(lines) AS line;
	COPY list TO PROGRAM 'cat > synchdb_regress_list.json';
	DROP TABLE list;
END $$;

SELECT synchdb_add_conninfo('c', 'h', 1, 'u', 'p', 'd', :'db', 'file:synchdb_regress_list.json',
	'null', 'mysql');
CALL write_list('{"table_list": ["inventory.orders", "inventory.cust.*"],', ' "snapshot_table_list": ["inventory.orders"]}');
\set VERBOSITY terse
SELECT synchdb_set_offset('c', 'x');
UPDATE synchdb_conninfo SET data = data || '{"snapshottable": "file:synchdb_regress_list.json"}';
SELECT synchdb_set_offset('c', 'x');
\set VERBOSITY default

CALL write_list('{"table_list": ["inventory.orders"],', '"snapshot_table_list":', '["inventory.orders" "x"]}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"table_list": ["inventory.orders"],', '');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('["inventory.orders"]');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"tables": ["inventory.orders"]}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"table_list": "inventory.orders"}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"table_list": []}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"table_list": ["inventory.orders", 7]}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('{"table_list": ["inventory.orders", "inventory.("]}');
SELECT synchdb_set_offset('c', 'x');
CALL write_list('');
SELECT synchdb_set_offset('c', 'x');

COPY (SELECT) TO PROGRAM 'rm -f synchdb_regress_list.json';
SELECT synchdb_set_offset('c', 'x');
UPDATE synchdb_conninfo SET data = data || '{"table": "file:."}';
SELECT synchdb_set_offset('c', 'x');

-- the owner must be allowed to read files of the server
CREATE ROLE regress_synchdb_owner;
UPDATE synchdb_conninfo SET data = data || '{"table": "file:synchdb_regress_list.json", "owner": "regress_synchdb_owner"}';
SELECT synchdb_set_offset('c', 'x');

SELECT synchdb_del_conninfo('c');
DROP ROLE regress_synchdb_owner;
DROP PROCEDURE write_list;
