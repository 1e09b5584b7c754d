--
-- Targets: what is created, completed and dropped for a source table.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA ddl_test;
SET search_path = ddl_test;
SET client_min_messages = warning;
\set file :abs_srcdir '/../fake/test_convert.sql'
\set ECHO none
\i :file
\set ECHO all
LOAD 'synchdb';
-- as a worker has it: the test's own functions are named in full
SET search_path = pg_catalog;
SET client_min_messages = notice;
CREATE VIEW ddl_test.relations AS
	SELECT c.oid, relname, format('%I.%I', nspname, relname) AS relation
	FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE nspname IN ('ddl shop', 'ddl_shop') AND relkind = 'r';
CREATE VIEW ddl_test.columns AS
	SELECT relation, attname AS name, format_type(atttypid, atttypmod) AS type,
		   attnotnull AS not_null, pg_get_expr(adbin, adrelid) AS "default",
		   col_description(attrelid, attnum) AS comment
	FROM pg_attribute JOIN ddl_test.relations r ON attrelid = r.oid
		LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	WHERE attnum > 0
	ORDER BY relation, attnum;
CREATE VIEW ddl_test.keys AS
	SELECT relation, conname AS name, pg_get_constraintdef(k.oid) AS definition
	FROM pg_constraint k JOIN ddl_test.relations r ON conrelid = r.oid
	WHERE contype = 'p'
	ORDER BY relation COLLATE "C";

-- columns, NOT NULL, defaults, key, comments; every name needs quotes
SELECT ddl_test.test_ddl('create', '{"catalog": "ddl shop", "name": "Order \"x\".y",
 "comment": "it''s a \\ comment", "keys": [1, 0], "columns": [
 {"name": "id", "type": "int unsigned", "kind": "uint", "not_null": true, "identity": true},
 {"name": "select", "type": "varchar", "length": 10, "kind": "text", "not_null": true, "default": "constant", "default_value": "it''s; -- \\"},
 {"name": "a\"b", "type": "varchar", "length": 3, "kind": "text", "default": "constant", "default_value": "too long", "comment": "c''c"},
 {"name": "price", "type": "decimal", "length": 10, "scale": 2, "kind": "decimal", "default": "constant", "default_value": "-0.50"},
 {"name": "made", "type": "timestamp", "scale": 3, "kind": "timestamptz", "not_null": true, "default": "now"},
 {"name": "local", "type": "datetime", "scale": 0, "kind": "timestamp", "default": "now"},
 {"name": "day", "type": "date", "kind": "date", "default": "constant", "default_value": "0000-00-00"},
 {"name": "flags", "type": "bit", "length": 4, "kind": "bits", "default": "constant", "default_value": "0101"},
 {"name": "sum", "type": "int", "kind": "int", "generated": true},
 {"name": "now_text", "type": "text", "kind": "text", "default": "now"}]}');
SELECT name, type, not_null, "default" FROM ddl_test.columns;
SELECT name, comment FROM ddl_test.columns WHERE comment IS NOT NULL;
SELECT * FROM ddl_test.keys;
SELECT obj_description('"ddl shop"."order ""x"".y"'::regclass);
INSERT INTO "ddl shop"."order ""x"".y" DEFAULT VALUES
	RETURNING id, "select", price, flags;

-- once more: what exists stays, if it has all columns
SELECT ddl_test.test_ddl('create', '{"catalog": "ddl shop", "name": "Order \"x\".y",
 "columns": [{"name": "ID", "type": "int", "kind": "int"}], "keys": []}');
SELECT ddl_test.test_ddl('create', '{"catalog": "ddl shop", "name": "Order \"x\".y",
 "columns": [{"name": "new", "type": "int", "kind": "int"}], "keys": []}');
SELECT count(*) FROM ddl_test.columns;

-- not everything of that name is a table
SELECT ddl_test.test_ddl('create', '{"catalog": "ddl shop", "name": "Order \"x\".y_pkey",
 "columns": [{"name": "id", "type": "int", "kind": "int"}], "keys": []}');

-- the key after the load, the sequence past the rows
\set items '{"catalog": "ddl_shop", "name": "items", "keys": [0], "columns": [{"name": "id", "type": "int", "kind": "int", "not_null": true, "identity": true}, {"name": "total", "type": "bigint unsigned", "kind": "uint", "identity": true}]}'
SELECT ddl_test.test_ddl('create without key', :'items');
SELECT ddl_test.test_ddl('create without key', :'items');
SELECT * FROM ddl_test.keys WHERE relation = 'ddl_shop.items';
SELECT ddl_test.test_ddl('set identity', :'items');
SELECT nextval('ddl_shop.items_id_seq') AS untouched;
INSERT INTO ddl_shop.items VALUES (-5, 18446744073709551615);
SELECT ddl_test.test_ddl('set identity', :'items');
SELECT nextval('ddl_shop.items_id_seq') AS untouched;
INSERT INTO ddl_shop.items VALUES (41), (2147483646);
SELECT ddl_test.test_ddl('create key', :'items');
SELECT ddl_test.test_ddl('set identity', :'items');
SELECT nextval('ddl_shop.items_id_seq') AS past_the_rows;
SELECT * FROM ddl_test.keys WHERE relation = 'ddl_shop.items';
SELECT ddl_test.test_ddl('truncate', :'items');
SELECT count(*) FROM ddl_shop.items;

-- a key's name is cut, or numbered, as PostgreSQL does it
SELECT ddl_test.test_ddl('create', format('{"catalog": "ddl_shop", "name": "%s", "keys": [0],
 "columns": [{"name": "id", "type": "int", "kind": "int"}]}', repeat('ä', 31)));
SELECT ddl_test.test_ddl('create', format('{"catalog": "ddl_shop", "name": "%s", "keys": [0],
 "columns": [{"name": "id", "type": "int", "kind": "int"}]}', name))
FROM (VALUES ('parts_pkey'), ('parts')) AS t (name);
SELECT name FROM ddl_test.keys WHERE relation LIKE 'ddl_shop.%';

-- types shadowed by somebody's own are not taken
CREATE DOMAIN ddl_test.date AS text;
SET search_path = pg_catalog, ddl_test;
SELECT ddl_test.test_ddl('create', '{"catalog": "ddl_shop", "name": "dates", "keys": [],
 "columns": [{"name": "d", "type": "date", "kind": "date"}]}');
SELECT atttypid::regtype FROM pg_attribute
	WHERE attrelid = 'ddl_shop.dates'::regclass AND attnum = 1;
SET search_path = pg_catalog;

-- dropping: what is not there, what others need, what is not a table
SELECT ddl_test.test_ddl('drop', '{"catalog": "ddl_shop", "name": "nothing", "columns": [], "keys": []}');
SELECT ddl_test.test_ddl('drop', '{"catalog": "ddl_nowhere", "name": "nothing", "columns": [], "keys": []}');
CREATE VIEW ddl_shop.on_items AS SELECT id FROM ddl_shop.items;
SELECT ddl_test.test_ddl('drop', :'items');
SELECT ddl_test.test_ddl('drop', '{"catalog": "ddl_shop", "name": "on_items", "columns": [], "keys": []}');
DROP VIEW ddl_shop.on_items;
SELECT ddl_test.test_ddl('drop', :'items');
SELECT to_regclass('ddl_shop.items') AS dropped;

SET client_min_messages = warning;
DROP SCHEMA "ddl shop", ddl_shop, ddl_test CASCADE;
