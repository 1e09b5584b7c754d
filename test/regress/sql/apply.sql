--
-- Changes into tables of every kind.  Nothing here touches a source.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA apply_test;
SET search_path = apply_test;
SET client_min_messages = warning;
\set convert :abs_srcdir '/../fake/test_convert.sql'
\set apply :abs_srcdir '/../fake/test_apply.sql'
\set ECHO none
\i :convert
\i :apply
\set ECHO all
LOAD 'synchdb';
CREATE SCHEMA shop;
SET session_replication_role = replica;

-- a table with a key: insert, update of key and value, delete
CREATE TABLE shop.a (id int PRIMARY KEY, name text, note text DEFAULT 'none');
\set A '''{shop.a id:int:key name:text note:text}'''
SELECT test_apply(:A, '{INSERT shop.a|1|one|x,INSERT shop.a|2|two|\\U,INSERT shop.a|3|\\N|\\N,
  UPDATE shop.a|1|\\U|\\U|1|uno|\\U,
  UPDATE shop.a|2|\\U|\\U|20|two|y,
  DELETE shop.a|3|\\U|\\U}');
SELECT * FROM shop.a ORDER BY id;

-- one row many times in one batch
SELECT test_apply(:A, '{INSERT shop.a|5|a|a,UPDATE shop.a|5|\\U|\\U|5|b|\\U,UPDATE shop.a|5|\\U|\\U|5|c|\\U,
  UPDATE shop.a|5|\\U|\\U|6|d|\\U,DELETE shop.a|6|\\U|\\U,INSERT shop.a|6|e|e,DELETE shop.a|6|\\U|\\U,
  INSERT shop.a|5|f|f}');
SELECT * FROM shop.a ORDER BY id;

-- keys trade places
SELECT test_apply(:A, '{UPDATE shop.a|1|\\U|\\U|0|\\U|\\U,UPDATE shop.a|20|\\U|\\U|1|\\U|\\U,UPDATE shop.a|0|\\U|\\U|20|\\U|\\U}');
SELECT * FROM shop.a ORDER BY id;

-- inserts wait while other rows change; keys and unique values change hands
CREATE TABLE shop.hand (id int PRIMARY KEY, u int UNIQUE);
\set HAND '''{shop.hand id:int:key u:int}'''
SELECT test_apply(:HAND, '{INSERT shop.hand|1|10,INSERT shop.hand|2|20}');
SELECT test_apply(:HAND, '{INSERT shop.hand|3|30,UPDATE shop.hand|1|10|1|11,INSERT shop.hand|4|10,
  DELETE shop.hand|2|20,INSERT shop.hand|2|20,UPDATE shop.hand|1|11|1|12,UPDATE shop.hand|2|20|2|21,INSERT shop.hand|5|20,
  UPDATE shop.hand|3|30|6|30,INSERT shop.hand|3|31,DELETE shop.hand|1|12,UPDATE shop.hand|3|31|1|12,INSERT shop.hand|3|11}');
SELECT * FROM shop.hand ORDER BY id;

-- errors, strict
SELECT try_apply(:A, '{UPDATE shop.a|99|\\U|\\U|99|x|x}');
SELECT try_apply(:A, '{DELETE shop.a|99|\\U|\\U}');
SELECT try_apply(:A, '{INSERT shop.a|1|x|x}');
SELECT try_apply(:A, '{INSERT shop.a|1|x|x}', careful => true);
SELECT try_apply('{shop.none id:int:key}', '{INSERT shop.none|1}');
SELECT try_apply('{shop.a id:int:key other:text}', '{INSERT shop.a|1|x}');
SELECT * FROM shop.a ORDER BY id;

-- a change after an error that was rolled back
SELECT try_apply(:A, '{INSERT shop.a|30|x|x,INSERT shop.a|1|x|x}'), try_apply(:A, '{INSERT shop.a|31|x|x}');
SELECT count(*) FROM shop.a WHERE id IN (30, 31);

-- change by change, each in a subtransaction
SELECT test_apply_each(:A, '{INSERT shop.a|40|x|x,INSERT shop.a|40|y|y,UPDATE shop.a|40|\\U|\\U|1|\\U|\\U,
  UPDATE shop.a|40|\\U|\\U|41|z|\\U,DELETE shop.a|40|\\U|\\U,UPDATE shop.a|41|\\U|\\U|42|\\U|\\U}');
SELECT test_apply_each('{shop.none id:int:key,shop.a id:int:key name:text}', '{INSERT shop.none|1,INSERT shop.a|50|x,INSERT shop.none|1,DELETE shop.a|51|x,DELETE shop.a|50|x}');
SELECT * FROM shop.a WHERE id >= 40 ORDER BY id;

-- idempotent: overwrite, insert what is missing, delete if present
TRUNCATE shop.a;
SELECT test_apply(:A, '{INSERT shop.a|1|a|a,INSERT shop.a|1|b|b,DELETE shop.a|9|\\U|\\U,
  UPDATE shop.a|2|\\U|\\U|2|new|new,UPDATE shop.a|3|\\U|\\U|\\U|part|\\U}', idempotent => true);
SELECT * FROM shop.a ORDER BY id;
-- the key moved: only the new row is there, only the old one, both
SELECT test_apply(:A, '{UPDATE shop.a|7|\\U|\\U|1|c|c}', idempotent => true);
SELECT * FROM shop.a ORDER BY id;
SELECT test_apply(:A, '{UPDATE shop.a|2|\\U|\\U|8|\\U|moved}', idempotent => true);
SELECT * FROM shop.a ORDER BY id;
SELECT test_apply(:A, '{UPDATE shop.a|8|\\U|\\U|1|both|\\U}', idempotent => true);
SELECT * FROM shop.a ORDER BY id;

-- no key: rows are found by all columns, one of several equal ones
CREATE TABLE shop.k (n int, t text, f float8, j json);
\set K '''{shop.k n:int t:text f:float j:json}'''
SELECT test_apply(:K, ARRAY['INSERT shop.k|1|a|1.5|{"a": 1}', 'INSERT shop.k|1|a|1.5|{"a": 1}', 'INSERT shop.k|1|a|1.5|{"a":1}',
  'INSERT shop.k|\N|\N|\N|\N', 'INSERT shop.k|2|b|NaN|[]',
  'UPDATE shop.k|1|a|1.5|{"a": 1}|1|a|2.5|{"a": 1}', 'DELETE shop.k|\N|\N|\N|\N', 'UPDATE shop.k|2|b|NaN|[]|2|c|\U|\U']);
SELECT * FROM shop.k ORDER BY n, f, t, j::text;
SELECT try_apply(:K, ARRAY['DELETE shop.k|1|a|9|\N']);
-- any index narrows the search, nulls included
CREATE INDEX ON shop.k (t, n);
SELECT test_apply(:K, ARRAY['DELETE shop.k|1|a|1.5|{"a":1}', 'INSERT shop.k|\N|x|1|\N', 'UPDATE shop.k|\N|x|1|\N|4|x|1|\N']);
SELECT * FROM shop.k ORDER BY n, f, t, j::text;

-- a unique index serves as key if it cannot hold nulls or be deferred
CREATE TABLE shop.u (a int NOT NULL, b int, c int NOT NULL UNIQUE DEFERRABLE, d text);
CREATE UNIQUE INDEX ON shop.u (b);
CREATE UNIQUE INDEX ON shop.u (a) WHERE a > 0;
\set U '''{shop.u a:int b:int c:int d:text}'''
SELECT try_apply(:U, '{INSERT shop.u|1|\\N|1|x,UPDATE shop.u|1|\\N|1|z|1|1|1|y}');
CREATE UNIQUE INDEX ON shop.u (a);
SELECT try_apply(:U, '{INSERT shop.u|1|\\N|1|x,UPDATE shop.u|1|\\N|1|z|1|1|1|y}');
SELECT try_apply(:U, '{DELETE shop.u|7|1|1|z}');
SELECT * FROM shop.u;

-- the source knows its rows by another key than we do, or sends nothing
SELECT test_apply(:U, '{INSERT shop.u|2|20|2|p,INSERT shop.u|3|30|3|q,UPDATE shop.u|\\U|\\U|3|\\U|\\U|\\U|\\U|qq,DELETE shop.u|\\U|20|\\U|p}');
SELECT try_apply(:U, '{DELETE shop.u|\\U|\\U|\\U|\\U}');
SELECT * FROM shop.u;

-- generated columns are computed, identity columns take the source's number
CREATE TABLE shop.g (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, w int, h int,
  area int GENERATED ALWAYS AS (w * h) STORED, extra text DEFAULT upper('local'), later int);
ALTER TABLE shop.g DROP COLUMN later;
ALTER TABLE shop.g ADD COLUMN added int NOT NULL DEFAULT 7;
\set G '''{shop.g id:int:key w:int h:int area:int}'''
SELECT test_apply(:G, '{INSERT shop.g|10|2|3|0,INSERT shop.g|11|4|5|0}');
UPDATE shop.g SET extra = 'mine', added = 8 WHERE id = 10;
SELECT test_apply(:G, '{UPDATE shop.g|10|2|3|6|10|5|\\U|0,UPDATE shop.g|11|\\U|\\U|\\U|12|4|6|0}');
SELECT * FROM shop.g ORDER BY id;

-- constraints
CREATE TABLE shop.c (id int PRIMARY KEY, v int NOT NULL CHECK (v < 10), EXCLUDE (v WITH =));
\set C '''{shop.c id:int:key v:int}'''
SELECT try_apply(:C, '{INSERT shop.c|1|\\N}');
SELECT try_apply(:C, '{INSERT shop.c|1|11}');
SELECT try_apply(:C, '{INSERT shop.c|1|1,INSERT shop.c|2|1}');
SELECT try_apply(:C, '{INSERT shop.c|1|1,UPDATE shop.c|1|\\U|1|2}');

-- partitions: routing, leaves of another layout, moves
CREATE TABLE shop.p (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.p_eu PARTITION OF shop.p FOR VALUES IN ('eu');
CREATE TABLE shop.p_us (gone int, v text, region text NOT NULL, id int NOT NULL);
ALTER TABLE shop.p_us DROP COLUMN gone;
ALTER TABLE shop.p ATTACH PARTITION shop.p_us FOR VALUES IN ('us');
CREATE TABLE shop.p_rest PARTITION OF shop.p FOR VALUES IN ('as', 'af') PARTITION BY RANGE (id);
CREATE TABLE shop.p_rest1 PARTITION OF shop.p_rest FOR VALUES FROM (0) TO (100);
\set P '''{shop.p id:int:key region:text:key v:text}'''
SELECT test_apply(:P, '{INSERT shop.p|1|eu|a,INSERT shop.p|2|us|b,INSERT shop.p|3|as|c,INSERT shop.p|4|us|d,
  UPDATE shop.p|2|us|\\U|2|us|bb,UPDATE shop.p|4|us|\\U|4|eu|\\U,UPDATE shop.p|1|eu|a|1|us|aa,DELETE shop.p|3|as|c,
  UPDATE shop.p|1|us|\\U|1|af|\\U}');
SELECT tableoid::regclass, * FROM shop.p ORDER BY id;
SELECT try_apply(:P, '{INSERT shop.p|5|xx|a}');
SELECT try_apply(:P, '{DELETE shop.p|5|eu|a}');
-- the old row does not tell its partition: every leaf is searched
\set P1 '''{shop.p id:int:key region:text v:text}'''
SELECT test_apply(:P1, '{UPDATE shop.p|2|\\U|\\U|2|eu|b3,UPDATE shop.p|4|\\U|\\U|4|us|d3}');
SELECT test_apply(:P, '{DELETE shop.p|9|xx|a,INSERT shop.p|4|us|twice}', idempotent => true);
SELECT tableoid::regclass, * FROM shop.p ORDER BY id;
SELECT test_apply(:P, '{INSERT shop.p|5|eu|gone,TRUNCATE shop.p,INSERT shop.p|6|us|left}');
SELECT tableoid::regclass, * FROM shop.p ORDER BY id;
-- a leaf as the target
SELECT try_apply('{shop.p_us id:int:key region:text:key v:text}', '{INSERT shop.p_us|7|eu|x}');

-- truncate, in order with inserts; referenced by a foreign key
CREATE TABLE shop.t (id int PRIMARY KEY);
CREATE TABLE shop.f (id int REFERENCES shop.t);
\set T '''{shop.t id:int:key,shop.f id:int}'''
SELECT try_apply(:T, '{INSERT shop.t|1,TRUNCATE shop.t}');
SELECT try_apply(:T, '{INSERT shop.f|1,TRUNCATE shop.f,INSERT shop.f|2,INSERT shop.t|3}');
SELECT * FROM shop.f;
DROP TABLE shop.f;
SELECT try_apply(:T, '{TRUNCATE shop.t,INSERT shop.t|4,TRUNCATE shop.t,INSERT shop.t|5}');
SELECT * FROM shop.t;

-- triggers: only those that are meant to, and in order with other tables
CREATE TABLE shop.log (n serial, what text);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO shop.log (what) VALUES (concat_ws(' ', TG_NAME, TG_OP, OLD, NEW, (SELECT count(*) FROM shop.a WHERE id > 100)));
  RETURN NEW;
END $$;
CREATE TABLE shop.w (id int PRIMARY KEY, v text);
CREATE TRIGGER origin AFTER INSERT ON shop.w FOR EACH ROW EXECUTE FUNCTION shop.note();
\set W '''{shop.w id:int:key v:text,shop.a id:int:key name:text note:text}'''
SELECT test_apply(:W, '{INSERT shop.w|1|a}');
CREATE TRIGGER replica AFTER INSERT OR UPDATE OR DELETE ON shop.w FOR EACH ROW EXECUTE FUNCTION shop.note();
ALTER TABLE shop.w ENABLE REPLICA TRIGGER replica;
CREATE TRIGGER always BEFORE UPDATE OF v ON shop.w FOR EACH ROW EXECUTE FUNCTION shop.note();
ALTER TABLE shop.w ENABLE ALWAYS TRIGGER always;
SELECT test_apply(:W, '{INSERT shop.a|101|x|x,INSERT shop.w|2|b,INSERT shop.a|102|x|x,UPDATE shop.w|2|\\U|2|c,
  UPDATE shop.w|2|\\U|3|d,DELETE shop.w|1|\\U,DELETE shop.w|3|\\U}');
SELECT what FROM shop.log ORDER BY n;
TABLE shop.w;

-- what the role may not do
CREATE ROLE synchdb_test_applier;
GRANT USAGE ON SCHEMA shop, apply_test TO synchdb_test_applier;
GRANT INSERT, SELECT ON shop.a TO synchdb_test_applier;
SET ROLE synchdb_test_applier;
SELECT try_apply(:A, '{INSERT shop.a|200|x|x}');
SELECT try_apply(:A, '{UPDATE shop.a|200|\\U|\\U|200|y|y}');
SELECT try_apply(:A, '{DELETE shop.a|200|\\U|\\U}');
SELECT try_apply(:A, '{TRUNCATE shop.a}');
RESET ROLE;
ALTER TABLE shop.a ENABLE ROW LEVEL SECURITY;
SET ROLE synchdb_test_applier;
SELECT try_apply(:A, '{INSERT shop.a|201|x|x}');
RESET ROLE;
DROP OWNED BY synchdb_test_applier;
DROP ROLE synchdb_test_applier;
ALTER TABLE shop.a DISABLE ROW LEVEL SECURITY;

-- targets that only SQL can write: a view, and every table by setting
CREATE TABLE shop.base (id int PRIMARY KEY, v text, d int DEFAULT 5);
CREATE VIEW shop.v AS SELECT id AS key, v, d FROM shop.base;
\set V '''{shop.v key:int:key v:text}'''
SELECT test_apply(:V, '{INSERT shop.v|1|a,INSERT shop.v|2|b,INSERT shop.v|3|\\N,UPDATE shop.v|1|\\U|4|\\U,
  UPDATE shop.v|2|b|2|bb,DELETE shop.v|3|\\N}');
SELECT * FROM shop.base ORDER BY id;
SELECT try_apply(:V, '{UPDATE shop.v|9|\\U|9|x}');
SELECT test_apply(:V, '{INSERT shop.v|4|again,UPDATE shop.v|9|x|9|ins,UPDATE shop.v|8|x|2|moved,UPDATE shop.v|4|x|2|both,DELETE shop.v|7|x}', idempotent => true);
SELECT * FROM shop.base ORDER BY id;
SELECT test_apply(:V, '{TRUNCATE shop.v}');
SELECT try_apply('{shop.v key:int v:text}', '{INSERT shop.v|1|x}');
SELECT test_setting('synchdb.dml_use_spi', 'on');
SELECT test_apply(:K, ARRAY['TRUNCATE shop.k', 'INSERT shop.k|1|a|1.5|{"a": 1}', 'INSERT shop.k|1|a|1.5|{"a": 1}',
  'INSERT shop.k|\N|\N|\N|\N', 'UPDATE shop.k|1|a|1.5|{"a": 1}|1|a|2.5|{"a": 1}', 'UPDATE shop.k|\N|\N|\N|\N|3|\N|\N|[]']);
SELECT * FROM shop.k ORDER BY n, f, t, j::text;
SELECT test_apply(:G, '{INSERT shop.g|20|2|3|0,UPDATE shop.g|20|2|3|6|20|5|\\U|0,DELETE shop.g|10|\\U|\\U|\\U}');
SELECT * FROM shop.g ORDER BY id;
SELECT test_apply(:P, '{INSERT shop.p|1|eu|a,UPDATE shop.p|1|eu|a|1|us|b,DELETE shop.p|6|us|left}');
SELECT tableoid::regclass, * FROM shop.p ORDER BY id;
SELECT test_setting('synchdb.dml_use_spi', 'off');

-- a foreign table, here of this database
CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
  EXECUTE format('CREATE SERVER synchdb_test_here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, port %L, host %L)',
    current_database(), current_setting('port'), split_part(current_setting('unix_socket_directories'), ',', 1));
END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER synchdb_test_here;
CREATE TABLE shop.remote (id int PRIMARY KEY, v text);
CREATE FOREIGN TABLE shop.ft (id int, v text) SERVER synchdb_test_here OPTIONS (schema_name 'shop', table_name 'remote');
SELECT test_apply('{shop.ft id:int:key v:text}', '{INSERT shop.ft|1|a,INSERT shop.ft|2|b,INSERT shop.ft|3|\\N,UPDATE shop.ft|1|\\U|5|\\U,DELETE shop.ft|2|b}');
SELECT try_apply('{shop.ft id:int:key v:text}', '{DELETE shop.ft|2|b}');
SELECT * FROM shop.ft ORDER BY id;
SELECT test_apply('{shop.ft id:int:key v:text}', '{TRUNCATE shop.ft,INSERT shop.ft|6|f}');
SELECT * FROM shop.ft ORDER BY id;
DROP SERVER synchdb_test_here CASCADE;

-- bulk load: frozen where nothing could see the table before
CREATE EXTENSION pg_visibility;
BEGIN;
CREATE TABLE shop.bulk (id int, v text);
SELECT test_bulk('shop.bulk id:int:key v:text', '{1|a,2|\\N,3|c}', true);
COMMIT;
SELECT all_visible, all_frozen FROM pg_visibility('shop.bulk');
SELECT test_bulk('shop.bulk id:int:key v:text', '{4|d}', false);
SELECT * FROM shop.bulk ORDER BY id;
SELECT test_bulk('shop.p id:int:key region:text:key v:text', '{50|eu|a,51|us|b}', false);
SELECT tableoid::regclass, * FROM shop.p WHERE id >= 50 ORDER BY id;

-- a row much larger than a run, and toast that stays where it is
SELECT test_apply(:A, ARRAY['INSERT shop.a|300|' || repeat('x', 10000000) || '|n', 'INSERT shop.a|301|s|n',
  'UPDATE shop.a|300|\U|\U|300|\U|changed']);
SELECT id, length(name), note FROM shop.a WHERE id >= 300 ORDER BY id;

-- as many columns as a table can have
DO $$
DECLARE
  ncolumns int := 1600;
  columns text := (SELECT string_agg(format('c%s int', i), ',') FROM generate_series(2, ncolumns) i);
  spec text := (SELECT string_agg(format('c%s:int', i), ' ') FROM generate_series(2, ncolumns) i);
  vals text := (SELECT string_agg(i::text, '|') FROM generate_series(2, ncolumns) i);
BEGIN
  EXECUTE format('CREATE TABLE shop.wide (c1 int PRIMARY KEY, %s)', columns);
  PERFORM test_apply(ARRAY['shop.wide c1:int:key ' || spec],
    ARRAY['INSERT shop.wide|1|' || vals, 'INSERT shop.wide|2|' || vals, 'UPDATE shop.wide|1|' || vals || '|3|' || vals]);
END $$;
SELECT c1, c2, c1600 FROM shop.wide ORDER BY c1;

-- what is kept between batches follows the table's definition
CREATE TABLE shop.d (id int PRIMARY KEY, v text);
SELECT test_apply('{shop.d id:int:key v:text}', ARRAY['INSERT shop.d|1|a', 'INSERT shop.d|2|b',
  'SQL ALTER TABLE shop.d ADD COLUMN x int DEFAULT 5', 'INSERT shop.d|3|c', 'UPDATE shop.d|1|\U|1|aa',
  'SQL ALTER TABLE shop.d DROP CONSTRAINT d_pkey', 'UPDATE shop.d|2|\U|2|bb', 'INSERT shop.d|3|c',
  'SQL ALTER TABLE shop.d DROP COLUMN v, ADD COLUMN v varchar(10), ALTER COLUMN id TYPE bigint', 'DELETE shop.d|3|\U', 'INSERT shop.d|4|d',
  'SQL CREATE UNIQUE INDEX ON shop.d (id)', 'UPDATE shop.d|4|\U|4|dd', 'SQL ALTER TABLE shop.d RENAME TO e',
  'SQL CREATE TABLE shop.d (v text, id numeric)', 'INSERT shop.d|6|f', 'UPDATE shop.d|6|f|7|g',
  'SQL INSERT INTO shop.d VALUES (''seen'', (SELECT count(*) FROM shop.d))']);
SELECT * FROM shop.e ORDER BY id;
SELECT * FROM shop.d ORDER BY id;

-- many transactions
CREATE TABLE shop.m (id int PRIMARY KEY, n int);
CALL test_apply_many('shop.m id:int:key n:int', 'insert', 1, 1000, 7);
CALL test_apply_many('shop.m id:int:key n:int', 'update', 1, 900, 50);
CALL test_apply_many('shop.m id:int:key n:int', 'delete', 101, 1000, 1);
SELECT count(*), min(n), max(n) FROM shop.m;
TRUNCATE shop.m;
SELECT test_bulk_many('shop.m id:int:key n:int', 5000, false);
SELECT count(*), min(n), max(n) FROM shop.m;

-- more tables in one transaction than are known and open at once
CREATE SCHEMA many;
DO $$
BEGIN
	FOR n IN 1 .. 900 LOOP
		EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, note text)', n);
	END LOOP;
END
$$;
SELECT test_apply(array_agg(format('many.t%s id:int:key note:text', n)),
				  array_agg(format('INSERT many.t%s|1|a', n)) ||
				  array_agg(format('INSERT many.t%s|2|b', n)) ||
				  array_agg(format('UPDATE many.t%s|1|\U|3|c', n)) ||
				  array_agg(format('DELETE many.t%s|2|\U', n)))
FROM generate_series(1, 900) AS n;
SELECT count(*) AS changed
FROM generate_series(1, 900) AS n,
	 query_to_xml(format('SELECT * FROM many.t%s', n), true, false, '') AS found
WHERE found::text ~ '^<table[^>]*>\s*<row>\s*<id>3</id>\s*<note>c</note>\s*</row>\s*</table>\s*$';
DROP SCHEMA many CASCADE;

DROP EXTENSION pg_visibility, postgres_fdw;
DROP SCHEMA shop, apply_test CASCADE;
