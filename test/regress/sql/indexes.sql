--
-- Secondary indexes and foreign keys like those of the source.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA index_test;
SET search_path = index_test;
SET client_min_messages = warning;
\set file :abs_srcdir '/../fake/test_convert.sql'
\set ECHO none
\i :file
\set ECHO all
LOAD 'synchdb';
-- a table "name" of int columns a, b, ... with these indexes and foreign keys
CREATE FUNCTION t(name text, columns text[], indexes jsonb DEFAULT '[]', foreign_keys jsonb DEFAULT '[]')
RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_build_object('catalog', 'index shop', 'name', name, 'keys', '{0}'::int[],
		'columns', jsonb_agg(jsonb_build_object('name', c, 'kind', 'int', 'not_null', n = 1,
			'type', CASE WHEN c ~ 'text' THEN 'text' WHEN c ~ 'json' THEN 'geometry' ELSE 'int' END) ORDER BY n),
		'indexes', indexes, 'foreign_keys', foreign_keys)::text
	FROM unnest(columns) WITH ORDINALITY AS u (c, n)
$$;
CREATE FUNCTION i(name text, columns int[], "unique" bool DEFAULT false, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('name', name, 'unique', "unique", 'parts',
		(SELECT jsonb_agg(jsonb_build_object('column', abs(c), 'descending', c < 0) || more)
		 FROM unnest(columns) AS u (c))) || more
$$;
CREATE FUNCTION f(name text, columns int[], "table" text, referenced text[], more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('name', name, 'columns', columns, 'catalog', 'index shop',
		'table', "table", 'referenced', referenced) || more
$$;
CREATE VIEW found AS
	SELECT pg_get_indexdef(indexrelid) AS definition, obj_description(indexrelid, 'pg_class') AS comment
	FROM pg_index WHERE indrelid::regclass::text LIKE '"index shop"%' AND NOT indisprimary
	UNION ALL
	SELECT format('%s %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)), obj_description(oid, 'pg_constraint')
	FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE '"index shop"%'
	ORDER BY 1;
SET search_path = pg_catalog;
SET session_replication_role = replica;

-- nothing unless it is asked for
SELECT index_test.t('T', '{id,a,b,text}', jsonb_build_array(
	index_test.i('by a', '{1}'), index_test.i('a', '{1,-2}', true), index_test.i('same', '{1}'),
	index_test.i('prefix', '{3}', more => '{"prefix": 10}'), index_test.i('words', '{3}', more => '{"special": true}'),
	index_test.i('sum', '{1}', more => '{"column": -1}'), index_test.i('pk again', '{0}'))) AS one \gset
SELECT index_test.test_ddl('create', :'one');
SELECT * FROM index_test.found;
SELECT index_test.test_ddl('drop', :'one');
SELECT index_test.test_setting('synchdb.replicate_indexes', 'on');

-- with the table, or after the load; what cannot be is said
SET client_min_messages = log;
SELECT index_test.test_ddl('create', :'one');
SET client_min_messages = notice;
SELECT * FROM index_test.found;
SELECT index_test.test_ddl('drop', :'one');
SELECT index_test.test_ddl('create without key', :'one');
SELECT * FROM index_test.found;
SELECT index_test.test_ddl('create key', :'one');
SELECT count(*) FROM index_test.found;

-- names are of the schema, and cut
SELECT index_test.test_ddl('create', index_test.t('T_by', '{id,a}', jsonb_build_array(index_test.i('a', '{1}'))));
SELECT index_test.test_ddl('create', index_test.t(repeat('t', 63), '{id,a,b}', jsonb_build_array(
	index_test.i(repeat('i', 64), '{1}'), index_test.i(repeat('i', 63) || 'j', '{2}'))));
SELECT substring(definition FROM 'INDEX (\S+|".+") ON'), comment FROM index_test.found WHERE definition ~ 'tt|t_by';
-- one that PostgreSQL refuses
INSERT INTO "index shop".t_by VALUES (1, 1), (2, 1);
SELECT index_test.test_alter(index_test.t('T_by', '{id,a}', jsonb_build_array(index_test.i('a', '{1}'))),
							 index_test.t('T_by', '{id,a}', jsonb_build_array(index_test.i('a', '{1}', true))));
SELECT count(*) FROM index_test.found WHERE definition ~ 't_by';

-- followed: changed, dropped, of columns that go, another name
SELECT index_test.t('U', '{id,b,x}', jsonb_build_array(
	index_test.i('by a', '{2}'), index_test.i('a', '{1}', true), index_test.i('new', '{1,2}'))) AS two \gset
SELECT index_test.test_alter(:'one', :'two', '{0,2,1}');
SELECT * FROM index_test.found WHERE definition ~ '"index shop".u';
SELECT index_test.test_alter(:'two', index_test.t('U', '{id,b,x}'));
SELECT * FROM index_test.found WHERE definition ~ '"index shop".u';
-- an index that users have made serves, and stays
CREATE INDEX mine ON "index shop".u (x, b);
SELECT index_test.test_alter(index_test.t('U', '{id,b,x}'), index_test.t('U', '{id,b,x}', jsonb_build_array(index_test.i('new', '{2,1}'))));
SELECT index_test.test_alter(index_test.t('U', '{id,b,x}', jsonb_build_array(index_test.i('new', '{2,1}'))), index_test.t('U', '{id,b,x}'));
SELECT * FROM index_test.found WHERE definition ~ '"index shop".u';
DROP SCHEMA "index shop" CASCADE;

-- foreign keys: when both tables are there, once, not validated
SELECT index_test.t('parent', '{id,code}', jsonb_build_array(index_test.i('code', '{1}', true))) AS parent \gset
SELECT index_test.t('child', '{id,parent,code}', '[]', jsonb_build_array(
	index_test.f('child_ibfk_1', '{1}', 'parent', '{id}', '{"on_delete": "cascade"}'),
	index_test.f(repeat('f', 64), '{2}', 'parent', '{code}', '{"on_update": "set null"}'),
	index_test.f('away', '{1}', 'elsewhere', '{id}'), index_test.f('self', '{2}', 'child', '{id}'),
	index_test.f('wrong', '{1}', 'parent', '{nothing}'))) AS child \gset
SELECT index_test.test_ddl('create', :'child');
SELECT index_test.test_ddl('create foreign keys', :'child');
SELECT index_test.test_ddl('create', :'parent');
INSERT INTO "index shop".child VALUES (1, 77, 78);
SELECT index_test.test_ddl('create foreign keys', :'child');
SELECT index_test.test_ddl('create foreign keys', :'child');
SELECT * FROM index_test.found;
-- emptied and dropped although something references it
INSERT INTO "index shop".parent VALUES (1, 1);
SELECT index_test.test_ddl('truncate', :'parent');
SELECT count(*) FROM "index shop".parent;
SELECT index_test.test_ddl('drop', :'parent');
SELECT definition FROM index_test.found;
SELECT index_test.test_ddl('create', :'parent');
SELECT index_test.test_ddl('create foreign keys', :'child');
-- changed and dropped
SELECT index_test.test_alter(:'child', index_test.t('child', '{id,parent,code}', '[]', jsonb_build_array(
	index_test.f('child_ibfk_1', '{2}', 'parent', '{id}'), index_test.f('self', '{2}', 'child', '{id}')))) IS NOT NULL;
SELECT definition FROM index_test.found;
-- users' own stand in the way
CREATE TABLE "index shop".mine (id int REFERENCES "index shop".parent);
SELECT index_test.test_ddl('drop', :'parent');

SET client_min_messages = warning;
DROP SCHEMA "index shop", index_test CASCADE;
