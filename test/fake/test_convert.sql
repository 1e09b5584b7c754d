-- Functions of test_convert.c, in a module built with SYNCHDB_TEST=1.

CREATE FUNCTION test_convert(kind text, literal text, target text,
	not_null bool DEFAULT false, declared_kind text DEFAULT NULL)
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_convert';

CREATE FUNCTION test_typemap(type_name text, length int DEFAULT -1,
	scale int DEFAULT -1, identity bool DEFAULT false,
	recommended text DEFAULT NULL)
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_typemap';

CREATE FUNCTION test_translate(type_name text, length bigint DEFAULT -1,
	scale bigint DEFAULT -1, "precision" bigint DEFAULT -1)
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_translate';

CREATE FUNCTION test_naming(database text, name text, columns text[])
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_naming';

CREATE FUNCTION test_collisions(tables text[])
	RETURNS void LANGUAGE C AS 'synchdb', 'sdb_test_collisions';

CREATE FUNCTION test_ddl(action text, definition text)
	RETURNS void LANGUAGE C AS 'synchdb', 'sdb_test_ddl';

CREATE FUNCTION test_alter(before text, after text, origins int[] DEFAULT NULL)
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_alter';

-- Sets what otherwise only a reload of the configuration may change.
CREATE FUNCTION test_setting(name text, value text)
	RETURNS void LANGUAGE C AS 'synchdb', 'sdb_test_setting';

-- The result of a conversion, or its error.
CREATE FUNCTION try_convert(kind text, literal text, target text,
	not_null bool DEFAULT false, declared_kind text DEFAULT NULL)
	RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN coalesce(quote_literal(test_convert(kind, literal, target,
											   not_null, declared_kind)),
					'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
