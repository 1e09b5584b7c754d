-- What the extension is made of, and that it works in any schema.
SET client_min_messages = error;
DROP EXTENSION IF EXISTS synchdb;
CREATE EXTENSION synchdb CASCADE;
RESET client_min_messages;

-- functions: names and types of arguments and results are an interface
SELECT p.oid::regprocedure AS function, p.prorettype::regtype AS result,
	p.provolatile, p.proisstrict, p.proparallel, p.proretset
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'synchdb' AND d.deptype = 'e'
ORDER BY p.proname COLLATE "C", p.pronargs;

-- every argument has a name, and every function a comment
SELECT count(*) FROM pg_proc
WHERE proname LIKE 'synchdb%' AND pronargs > 0
	AND (proargnames IS NULL OR '' = ANY (proargnames[1:pronargs]));
SELECT proname FROM pg_proc
WHERE proname LIKE 'synchdb%' AND obj_description(oid, 'pg_proc') IS NULL;

-- tables and views
\pset format unaligned
SELECT c.relname, c.relkind,
	string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
		AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relname LIKE 'synchdb%' AND c.relkind IN ('r', 'v')
GROUP BY c.oid, c.relname, c.relkind
ORDER BY c.relkind, c.relname COLLATE "C";
\pset format aligned

SELECT conrelid::regclass AS table, pg_get_constraintdef(oid) AS key
FROM pg_constraint WHERE conrelid::regclass::text LIKE 'synchdb%' AND contype = 'p'
ORDER BY conrelid::regclass::text COLLATE "C";

-- pg_dump saves the rows of every table and sequence
SELECT c.oid::regclass, c.oid = ANY (e.extconfig) AS dumped
FROM pg_class c, pg_extension e
WHERE e.extname = 'synchdb' AND c.relname LIKE 'synchdb%' AND c.relkind IN ('r', 'S')
ORDER BY c.relname COLLATE "C";

-- in any schema, also after a move, whatever search_path says
DROP EXTENSION synchdb;
CREATE SCHEMA "odd "" schema";
CREATE EXTENSION synchdb SCHEMA "odd "" schema";
SELECT "odd "" schema".synchdb_add_conninfo('c', 'h', 1, 'u', 'p', 'd', 'contrib_regression',
	'null', 'null', 'mysql') AS code
FROM (SELECT set_config('client_min_messages', 'error', false)) s;
RESET client_min_messages;
SELECT name, state FROM "odd "" schema".synchdb_state_view;
CREATE SCHEMA synchdb_other;
ALTER EXTENSION synchdb SET SCHEMA synchdb_other;
SELECT name, state FROM synchdb_other.synchdb_state_view;
SELECT name, ddls FROM synchdb_other.synchdb_get_stats();
SELECT synchdb_other.synchdb_set_snapstats('c', 1, 2, 3, 4);
SELECT name, tables, rows FROM synchdb_other.synchdb_get_stats();
SELECT synchdb_other.synchdb_del_conninfo('c');
DROP EXTENSION synchdb;
DROP SCHEMA synchdb_other;
DROP SCHEMA "odd "" schema";

-- nothing is left
SELECT proname FROM pg_proc WHERE proname LIKE 'synchdb%';
