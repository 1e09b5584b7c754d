--
-- Targets that follow a new definition of their source table.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA alter_test;
SET search_path = alter_test;
SET client_min_messages = warning;
\set file :abs_srcdir '/../fake/test_convert.sql'
\set ECHO none
\i :file
\set ECHO all
LOAD 'synchdb';
-- a definition: "name type(length,scale) not null identity generated default x"
CREATE FUNCTION t(name text, columns text, keys int[] DEFAULT '{0}',
	more jsonb DEFAULT '{}', catalog text DEFAULT 'alter shop')
RETURNS text LANGUAGE sql AS $$
	SELECT (jsonb_build_object('catalog', catalog, 'name', name, 'keys', keys,
		'columns', jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
			'name', m[1], 'type', m[2], 'length', CASE WHEN m[2] NOT IN ('datetime', 'timestamp', 'time') THEN m[3]::int END,
			'scale', coalesce(m[4], CASE WHEN m[2] IN ('datetime', 'timestamp', 'time') THEN m[3] END)::int,
			'not_null', (m[5] IS NOT NULL OR n - 1 = ANY (keys)),
			'identity', nullif(m[6] IS NOT NULL, false),
			'generated', nullif(m[7] IS NOT NULL, false),
			'default', CASE WHEN m[8] IN ('now', 'other') THEN m[8]
							WHEN m[8] IS NOT NULL THEN 'constant' END,
			'default_value', CASE WHEN m[8] NOT IN ('now', 'other') THEN m[8] END,
			'labels', CASE WHEN m[2] IN ('enum', 'set') THEN '["", "small", "it''s"]'::jsonb END,
			'kind', coalesce('{"int": "int", "bigint": "int", "smallint": "int",
				"bigint unsigned": "uint", "decimal": "decimal", "double": "float8",
				"bit": "bits", "date": "date", "datetime": "timestamp", "json": "json",
				"timestamp": "timestamptz", "time": "time", "binary": "bytes",
				"blob": "bytes", "uuid": "uuid", "inet6": "inet"}'::jsonb ->> m[2], 'text'))) ORDER BY n)) || more)::text
	FROM regexp_split_to_table(columns, ', ?(?![0-9])') WITH ORDINALITY AS c (c, n),
		regexp_match(c, '^(\S+) ([a-z0-9]+(?: unsigned)?)(?:\((\d+)(?:,(\d+))?\))?( not null)?( identity)?( generated)?(?: default (.*))?$') AS m
$$;
CREATE FUNCTION alter_columns() RETURNS TABLE (relation text, name name, type text,
	not_null bool, "default" text, comment text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
	SELECT format('%I.%I', nspname, relname), attname,
		   format_type(atttypid, atttypmod), attnotnull,
		   coalesce(pg_get_expr(adbin, adrelid),
					CASE WHEN attidentity <> '' THEN 'identity' END),
		   col_description(attrelid, attnum)
	FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		JOIN pg_namespace n ON n.oid = relnamespace
		LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	WHERE nspname IN ('alter shop', 'alter_2') AND relkind = 'r' AND attnum > 0
		AND NOT attisdropped
	ORDER BY 1, attnum
$$;
CREATE FUNCTION alter_keys() RETURNS TABLE (relation text, name name, definition text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
	SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
	FROM pg_constraint WHERE contype = 'p' AND connamespace::regnamespace::text
		IN ('"alter shop"', 'alter_2') ORDER BY 1
$$;
-- creates a table, fills it, alters it; how it looked like at the source
CREATE PROCEDURE start(definition text, fill text) LANGUAGE plpgsql AS $$
BEGIN
	DROP SCHEMA IF EXISTS "alter shop", alter_2 CASCADE;
	PERFORM alter_test.test_ddl('create', definition);
	EXECUTE 'INSERT INTO "alter shop".' || fill;
END
$$;
-- as a worker has it
SET search_path = pg_catalog;
SET session_replication_role = replica;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET bytea_output = hex;

-- columns added, with what rows get that are there; all in one rewrite or none
SELECT alter_test.t('Items', 'id int, v varchar(10)') AS one \gset
CALL alter_test.start(:'one', 'items VALUES (1, ''a''), (2, ''b'')');
SELECT pg_relation_filenode('"alter shop".items') AS filenode \gset
SELECT alter_test.t('Items', 'id int, new decimal(5,2) not null default 1.5, v varchar(10), zero int not null, empty text not null, e enum not null, flags bit(3) not null, maybe int, day date not null, b binary(2) not null, j json not null') AS two \gset
SELECT alter_test.test_alter(:'one', :'two');
SELECT * FROM "alter shop".items ORDER BY id;
SELECT pg_relation_filenode('"alter shop".items') = :filenode AS not_rewritten;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
INSERT INTO "alter shop".items (id, zero, empty, e, flags, day, b, j)
	VALUES (3, 1, '', '', '000', 'today', '', '{}') RETURNING new;

-- values that only the source knows: NULL where that may be, and the caller hears of it
CALL alter_test.start(:'one', 'items VALUES (1, ''a''), (2, ''b'')');
SELECT alter_test.test_alter(:'one', alter_test.t('Items', 'id int, v varchar(10), t timestamp default now, n datetime(3) not null default now, o int default other, g int not null generated')) ~ 'differs' AS differs;
SELECT id, t, n IS NOT NULL AS n, o, g FROM "alter shop".items ORDER BY id;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
-- without rows nobody needs to care
CALL alter_test.start(:'one', 'items SELECT 1 WHERE false');
SELECT alter_test.test_alter(:'one', alter_test.t('Items', 'id int, v varchar(10), t timestamp default now, g int not null generated')) ~ 'differs' AS differs;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
-- dates that name no day
CALL alter_test.start(:'one', 'items VALUES (1, ''a'')');
SELECT alter_test.test_alter(:'one', alter_test.t('Items', 'id int, v varchar(10), d date default 0000-00-00, n date not null default 0000-00-00')) ~ 'differs' AS differs;
SELECT * FROM "alter shop".items;

-- dropped, renamed, in a circle, a name taken over, a new order
SELECT alter_test.t('t', 'id int, a int, b int, c int, d int, e int') AS one \gset
SELECT alter_test.t('t', 'B int, id int, c int, a int, x int, d text default new', '{1}') AS two \gset
CALL alter_test.start(:'one', 't VALUES (0, 1, 2, 3, 4, 5)');
SELECT alter_test.test_alter(:'one', :'two', '{1,0,2,3,5,-1}');
SELECT * FROM "alter shop".t;
SELECT name, type FROM alter_test.alter_columns();
-- the same again changes nothing
SELECT alter_test.test_alter(:'two', :'two', '{0,1,2,3,4,5}');
SELECT * FROM "alter shop".t;

-- NOT NULL set and dropped; NULLs that the source never had
SELECT alter_test.t('t', 'id int, a int not null, d date, n date') AS one \gset
CALL alter_test.start(:'one', 't VALUES (1, 1, NULL, NULL), (2, 2, ''2024-02-29'', NULL)');
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, a int, d date not null, n datetime not null')) ~ 'differs' AS differs;
SELECT * FROM "alter shop".t ORDER BY id;
SELECT name, type, not_null FROM alter_test.alter_columns();

-- defaults and comments
SELECT alter_test.t('t', 'id int, a int default 1, b int default 2, c text, d int', '{0}', '{"comment": "old"}') AS one \gset
CALL alter_test.start(:'one', 't VALUES (1)');
ALTER TABLE "alter shop".t ALTER d SET DEFAULT 77;
SELECT jsonb_set(alter_test.t('t', 'id int, a bigint default 7, b int, c text default x, d bigint')::jsonb, '{columns,3,comment}', '"it''s"')::text AS two \gset
SELECT alter_test.test_alter(:'one', :'two');
SELECT name, type, "default", comment FROM alter_test.alter_columns();
SELECT obj_description('"alter shop".t'::regclass);
SELECT alter_test.test_alter(:'two', :'one') ~ 'differs';
SELECT name, type, "default", comment FROM alter_test.alter_columns();
SELECT obj_description('"alter shop".t'::regclass);

-- types: every value as the source makes it
CREATE FUNCTION alter_test.change(from_type text, to_type text, value text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	one text := alter_test.t('t', 'id int, v ' || from_type);
	two text := alter_test.t('t', 'id int, v ' || to_type);
	differs text;
	result text;
	hint text;
BEGIN
	CALL alter_test.start(one, format('t VALUES (1, %L), (2, NULL)', value));
	differs := substring(alter_test.test_alter(one, two) from ' differs$');
	EXECUTE 'SELECT concat(quote_nullable(v), '' '', format_type(atttypid, atttypmod)) FROM "alter shop".t,'
		' pg_attribute WHERE attrelid = ''"alter shop".t''::regclass AND attname = ''v'' AND id = 1' INTO result;
	RETURN result || coalesce(differs, '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, hint);
END
$$;
SELECT f AS "from", t AS "to", v AS value, alter_test.change(f, t, v) FROM (VALUES
	('int', 'bigint', '5'),
	('bigint', 'int', '-5'),
	('bigint', 'int', '5000000000'),
	('int', 'bigint unsigned', '5'),
	('int', 'decimal(8,3)', '5'),
	('decimal(8,3)', 'decimal(8,1)', '5.25'),
	('decimal(8,3)', 'int', '-2.5'),
	('int', 'double', '5'),
	('double', 'int', '2.5'),
	('double', 'decimal(8,3)', '0.1'),
	('double', 'varchar(20)', '0.1'),
	('int', 'varchar(10)', '-12'),
	('varchar(10)', 'int', ' 12.6'),
	('varchar(10)', 'int', 'many'),
	('varchar(10)', 'decimal(8,3)', '12.6'),
	('varchar(10)', 'varchar(3)', 'abcdef'),
	('varchar(10)', 'text', 'abc'),
	('bit(1)', 'int', '1'),
	('int', 'bit(1)', '1'),
	('bit(1)', 'bit(8)', '1'),
	('bit(8)', 'bit(4)', '00000101'),
	('bit(8)', 'int', '11111111'),
	('bit(64)', 'bigint unsigned', repeat('1', 64)),
	('int', 'bit(8)', '5'),
	('enum', 'int', 'small'),
	('enum', 'varchar(9)', 'it''s'),
	('smallint', 'enum', '3'),
	('set', 'int', 'small'),
	('date', 'datetime', '2024-02-29'),
	('date', 'varchar(20)', '2024-02-29'),
	('datetime', 'date', '2024-02-29 23:59:59'),
	('datetime(6)', 'datetime(0)', '2024-02-29 23:59:59.5'),
	('datetime', 'timestamp', '2024-02-29 23:59:59'),
	('timestamp', 'datetime', '2024-02-29 23:59:59+00'),
	('varchar(30)', 'datetime', '2024-02-29 23:59:59'),
	('varchar(30)', 'json', '{"a":1}'),
	('json', 'text', '{"a":1}'),
	('text', 'blob', 'é'),
	('blob', 'text', '\xc3a9'),
	('blob', 'text', '\xff'),
	('binary(2)', 'binary(4)', '\xffff'),
	('varchar(40)', 'uuid', '00000000-0000-0000-0000-00000000000a'),
	('inet6', 'varchar(40)', '::1'),
	('date', 'int', '2024-02-29'),
	('json', 'int', '1')) AS c (f, t, v);
-- no rows, no values to keep
SELECT alter_test.t('t', 'id int, v json') AS one \gset
CALL alter_test.start(:'one', 't SELECT 1 WHERE false');
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, v int not null default 3')) ~ 'differs' AS differs;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
-- a stop that users can end
CALL alter_test.start(:'one', 't VALUES (1, ''1'')');
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, v int'));
ALTER TABLE "alter shop".t ALTER v TYPE int USING v::int;
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, v int'));
SELECT * FROM "alter shop".t;

-- the primary key: added, changed, of a column that goes, dropped
SELECT alter_test.t('t', 'id int, a int not null', '{}') AS one \gset
SELECT alter_test.t('t', 'id int, a int not null', '{0}') AS two \gset
SELECT alter_test.t('t', 'id int, a int', '{0,1}') AS three \gset
SELECT alter_test.t('t', 'a int', '{0}') AS four \gset
SELECT alter_test.t('t', 'a int', '{}') AS five \gset
CALL alter_test.start(:'one', 't VALUES (1, 2), (2, 3)');
SELECT alter_test.test_alter(:'one', :'two');
SELECT * FROM alter_test.alter_keys();
SELECT alter_test.test_alter(:'two', :'three');
SELECT * FROM alter_test.alter_keys();
SELECT alter_test.test_alter(:'three', :'four');
SELECT * FROM alter_test.alter_keys();
SELECT alter_test.test_alter(:'four', :'five');
SELECT name, not_null FROM alter_test.alter_columns();
SELECT count(*) FROM alter_test.alter_keys();
-- one that the rows forbid
CALL alter_test.start(:'one', 't VALUES (1, 2), (1, 3)');
SELECT alter_test.test_alter(:'one', :'two');
-- one that users have made
ALTER TABLE "alter shop".t ADD CONSTRAINT mine PRIMARY KEY (a);
SELECT alter_test.test_alter(:'one', :'two');
SELECT * FROM alter_test.alter_keys();

-- numbered columns: made, changed, no more
SELECT alter_test.t('t', 'id int, v int') AS one \gset
SELECT alter_test.t('t', 'id int identity, v int') AS two \gset
SELECT alter_test.t('t', 'id bigint identity, v int') AS three \gset
CALL alter_test.start(:'one', 't VALUES (41, 1)');
SELECT alter_test.test_alter(:'one', :'two') ~ 'differs' AS differs;
SELECT name, type, "default" FROM alter_test.alter_columns();
INSERT INTO "alter shop".t (v) VALUES (2) RETURNING id;
SELECT alter_test.test_alter(:'two', :'three') ~ 'differs' AS differs;
SELECT data_type FROM pg_sequences WHERE schemaname = 'alter shop';
SELECT alter_test.test_alter(:'three', :'one') ~ 'differs' AS differs;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
CALL alter_test.start(:'two', 't VALUES (41, 1)');
SELECT alter_test.test_alter(:'two', :'three') ~ 'differs' AS differs;
SELECT data_type FROM pg_sequences WHERE schemaname = 'alter shop';
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
SELECT alter_test.test_alter(:'three', :'one') ~ 'differs' AS differs;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
SELECT count(*) FROM pg_sequences WHERE schemaname = 'alter shop';
-- new ones: the order of the source's numbers is its own
SELECT alter_test.t('t', 'v int', '{}') AS one \gset
CALL alter_test.start(:'one', 't VALUES (1), (2)');
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'v int, id int identity', '{1}')) ~ 'differs' AS differs;
SELECT count(DISTINCT id), min(id) FROM "alter shop".t;
CALL alter_test.start(:'one', 't VALUES (1), (2)');
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'v int, id bigint unsigned identity', '{1}')) ~ 'differs' AS differs;
SELECT count(DISTINCT id), min(id) FROM "alter shop".t;
SELECT name, type, not_null, "default" FROM alter_test.alter_columns();
SELECT count(*) FROM pg_sequences WHERE schemaname = 'alter shop';

-- another name, another schema, both, with names that are taken on the way
SELECT alter_test.t('t', 'id int identity') AS one \gset
SELECT alter_test.t('New "Name"', 'id int identity') AS two \gset
SELECT alter_test.t('New "Name"', 'id int identity', catalog => 'alter_2') AS three \gset
CALL alter_test.start(:'one', 't VALUES (1)');
SELECT alter_test.test_alter(:'one', :'two');
SELECT * FROM "alter shop"."new ""name""";
SELECT alter_test.test_alter(:'two', :'three');
SELECT alter_test.test_ddl('create', :'one');
SELECT alter_test.test_ddl('create', :'two');
SELECT alter_test.test_alter(:'three', alter_test.t('u', 'id int identity, v int'));
SELECT * FROM "alter shop".u;
SELECT * FROM alter_test.alter_keys();
INSERT INTO "alter shop".u (id) VALUES (DEFAULT), (DEFAULT) ON CONFLICT DO NOTHING;
SELECT name, type, regexp_replace("default", '\d+', 'N') AS "default" FROM alter_test.alter_columns();
-- to a name that is taken
SELECT alter_test.test_alter(:'one', alter_test.t('u', 'id int'));
-- it has its new name already
SELECT alter_test.test_alter(alter_test.t('gone', 'id int identity, v int'), alter_test.t('u', 'id int identity, v int, w int'));
SELECT * FROM "alter shop".u;
-- it is not there
SELECT alter_test.test_alter(alter_test.t('gone', 'id int'), alter_test.t('gone', 'id int, v int'));

-- what users have made of their table stays
SELECT alter_test.t('t', 'id int, a int, b int') AS one \gset
CALL alter_test.start(:'one', 't VALUES (1, 2, 3)');
ALTER TABLE "alter shop".t ADD mine text DEFAULT 'x', ALTER a TYPE text, DROP b;
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, a bigint, b bigint'));
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, a bigint, mine int'));
SELECT * FROM "alter shop".t;
SELECT name, type FROM alter_test.alter_columns();

-- what depends on a column is never taken away
CALL alter_test.start(:'one', 't VALUES (1, 2, 3)');
CREATE VIEW "alter shop".on_t AS SELECT a FROM "alter shop".t;
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, b int'));
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, a text, b int'));
-- renaming and adding do no harm
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, x int, b bigint, c int'), '{0,1,2,-1}');
SELECT * FROM "alter shop".on_t;

-- targets that are no plain table
CALL alter_test.start(alter_test.t('unused', 'id int'), 'unused VALUES (1)');
CREATE TABLE "alter shop".t (id int, a int, b int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE "alter shop".t_1 PARTITION OF "alter shop".t FOR VALUES FROM (1) TO (100);
INSERT INTO "alter shop".t VALUES (1, 2, 3);
SELECT alter_test.test_alter(:'one', alter_test.t('t', 'id int, x bigint, n text default x'), '{0,2,-1}');
SELECT * FROM "alter shop".t_1;
SELECT alter_test.test_alter(alter_test.t('t', 'id int, x bigint, n text default x'),
							 alter_test.t('t', 'id int, x bigint, n text default x', '{1}'));
CREATE VIEW "alter shop".v AS SELECT 1 AS id, 2 AS a;
SELECT alter_test.test_alter(alter_test.t('v', 'id int, a int'), alter_test.t('v', 'id int, a bigint'));
SELECT alter_test.test_alter(alter_test.t('v', 'id int, a int'), alter_test.t('v', 'id int, a int, b int'));

-- names and values of the source run no SQL
CALL alter_test.start(alter_test.t('t', 'id int, a'');-- enum'), 't VALUES (1, ''small'')');
SELECT alter_test.test_alter(alter_test.t('t', 'id int, a'');-- enum'),
	jsonb_set(alter_test.t('t";--', 'id int, a'');-- int, ";-- varchar(30) default '');drop')::jsonb,
			  '{columns,1,comment}', '"'');--"')::text);
SELECT * FROM "alter shop"."t"";--";

SET client_min_messages = warning;
DROP SCHEMA "alter shop", alter_test CASCADE;
DROP SCHEMA IF EXISTS alter_2 CASCADE;
