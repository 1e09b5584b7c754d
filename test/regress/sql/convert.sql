--
-- Values of every kind into every type that can hold them, at the edges.
-- Nothing here touches a source.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
SET lc_monetary = 'C';
CREATE SCHEMA convert_test;
SET search_path = convert_test, pg_catalog;
SET client_min_messages = warning;
\set file :abs_srcdir '/../fake/test_convert.sql'
\set ECHO none
\i :file
\set ECHO all
LOAD 'synchdb';
-- nothing may depend on these
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SET bytea_output = 'escape';

CREATE TABLE tried (n int GENERATED ALWAYS AS IDENTITY, kind text,
	literal text, target text, not_null bool DEFAULT false, declared text);
CREATE VIEW outcome AS
	SELECT kind, literal, target,
		   try_convert(kind, literal, target, not_null, declared) AS result
	FROM tried ORDER BY n;

-- integers
INSERT INTO tried (kind, literal, target) VALUES
	('int', '-32768', 'smallint'),
	('int', '32767', 'smallint'),
	('int', '32768', 'smallint'),
	('int', '-32769', 'smallint'),
	('int', '2147483647', 'integer'),
	('int', '-2147483648', 'integer'),
	('int', '2147483648', 'integer'),
	('int', '-9223372036854775808', 'bigint'),
	('int', '9223372036854775807', 'bigint'),
	('int', '-9223372036854775808', 'numeric'),
	('int', '9223372036854775807', 'numeric(19)'),
	('int', '0', 'numeric(5,2)'),
	('int', '-999', 'numeric(5,2)'),
	('int', '1000', 'numeric(5,2)'),
	('int', '10000', 'numeric(5,0)'),
	('int', '-100000000', 'numeric(9)'),
	('int', '-7', 'double precision'),
	('int', '-9223372036854775808', 'real'),
	('int', '1', 'boolean'),
	('int', '0', 'boolean'),
	('int', '-1', 'boolean'),
	('int', '5', 'bit(3)'),
	('int', '5', 'bit(12)'),
	('int', '5', 'bit(70)'),
	('int', '8', 'bit(3)'),
	('int', '-1', 'bit(3)'),
	('int', '-42', 'text'),
	('int', '-42', 'varchar(2)'),
	('int', '-42', 'jsonb'),
	('int', '-42', 'money'),
	('int', '-42', 'date'),
	('int', '-42', 'bytea'),
	('uint', '32767', 'smallint'),
	('uint', '32768', 'smallint'),
	('uint', '2147483647', 'integer'),
	('uint', '4294967295', 'integer'),
	('uint', '4294967295', 'bigint'),
	('uint', '9223372036854775808', 'bigint'),
	('uint', '18446744073709551615', 'numeric(20)'),
	('uint', '18446744073709551615', 'numeric(19)'),
	('uint', '10000000000000000000', 'numeric'),
	('uint', '18446744073709551615', 'double precision'),
	('uint', '18446744073709551615', 'boolean'),
	('uint', '18446744073709551615', 'bit(64)'),
	('uint', '18446744073709551615', 'text'),
	('bool', 'true', 'boolean'),
	('bool', 'false', 'boolean'),
	('bool', 'true', 'smallint'),
	('bool', 'true', 'numeric(1)'),
	('bool', 'true', 'bit(1)'),
	('bool', 'true', 'text'),
	('bool', 'true', 'date');
SELECT * FROM outcome;
DELETE FROM tried;

-- what no field can hold is refused before memory is asked for
INSERT INTO tried (kind, literal, target) VALUES
	('text', '#1073741820', 'text'),
	('text', '#1073741820', 'char(3)'),
	('text', '#1073741823', 'jsonb'),
	('bytes', '#1073741820', 'bytea'),
	('bytes', '#536870900', 'text');
SELECT * FROM outcome;
DELETE FROM tried;

-- floating point
INSERT INTO tried (kind, literal, target) VALUES
	('float4', '3.14', 'real'),
	('float4', '3.14', 'double precision'),
	('float4', '3.14', 'numeric'),
	('float4', '3.4028235e38', 'text'),
	('float4', '1e-45', 'text'),
	('float8', '0.1', 'double precision'),
	('float8', '0.30000000000000004', 'text'),
	('float8', '0.30000000000000004', 'numeric'),
	('float8', '-0', 'text'),
	('float8', '1.7976931348623157e308', 'text'),
	('float8', '5e-324', 'text'),
	('float8', '1.5', 'real'),
	('float8', '1e39', 'real'),
	('float8', '1e-60', 'real'),
	('float8', '2.5', 'integer'),
	('float8', '-32768.4', 'smallint'),
	('float8', '9223372036854775807', 'bigint'),
	('float8', 'nan', 'bigint'),
	('float8', 'nan', 'numeric'),
	('float8', 'inf', 'double precision'),
	('float8', '12.345', 'money'),
	('float8', '1.5', 'uuid');
SET extra_float_digits = 1;
SELECT * FROM outcome;
SET extra_float_digits = 0;
DELETE FROM tried;

-- decimals
INSERT INTO tried (kind, literal, target) VALUES
	('decimal', '0', 'numeric'),
	('decimal', '0.00', 'numeric'),
	('decimal', '12345.6700', 'numeric'),
	('decimal', '-0.0001', 'numeric(10,4)'),
	('decimal', '0.00000000000000000000000000000000000001', 'numeric(65,38)'),
	('decimal', '99999999999999999999999999999999999.999999999999999999999999999999', 'numeric(65,30)'),
	('decimal', '-99999999999999999999999999999999999.999999999999999999999999999999', 'numeric(65,30)'),
	('decimal', '99999999999999999999999999999999999999999999999999999999999999999', 'numeric(65)'),
	('decimal', '1000.00', 'numeric(5,2)'),
	('decimal', '999.99', 'numeric(5,2)'),
	('decimal', '12', 'numeric(5,2)'),
	('decimal', '2.5', 'integer'),
	('decimal', '-2.5', 'integer'),
	('decimal', '32768', 'smallint'),
	('decimal', '9223372036854775808', 'bigint'),
	('decimal', '0.1', 'double precision'),
	('decimal', '0.1', 'real'),
	('decimal', '1e39', 'real'),
	('decimal', '12345.6700', 'text'),
	('decimal', '1234.56', 'money'),
	('decimal', '1234.56', 'timestamp');
SELECT * FROM outcome;
-- more digits than a decimal of any source
SELECT test_convert('decimal', repeat('123456789', 100) || '.5', 'numeric') =
	repeat('123456789', 100) || '.5' AS exact;
DELETE FROM tried;

-- characters of one to four bytes, anywhere in a text of any length
SELECT bool_and(test_convert('text', piece, 'char(90)') = rpad(piece, 90) AND
				test_convert('text', piece, format('varchar(%s)',
							 greatest(length(piece), 1))) = piece)
	AS counts_characters
FROM generate_series(1, 12) AS first, generate_series(0, 80) AS n,
	 substr(repeat('aä€😀bcß日', 12), first, n) AS piece;

-- text
INSERT INTO tried (kind, literal, target) VALUES
	('text', '', 'text'),
	('text', 'null', 'text'),
	('text', 'it''s "quoted" \n', 'text'),
	('text', '', 'varchar(3)'),
	('text', 'äöü', 'varchar(3)'),
	('text', 'äöü  ', 'varchar(3)'),
	('text', 'äöüß', 'varchar(3)'),
	('text', '😀', 'varchar(1)'),
	('text', 'any length', 'varchar'),
	('text', '', 'char(3)'),
	('text', 'ä', 'char(3)'),
	('text', 'äöü', 'char(3)'),
	('text', 'äöü  ', 'char(3)'),
	('text', 'äöüß', 'char(3)'),
	('text', 'abc', 'char(1)'),
	('text', '-12.50', 'numeric(5,2)'),
	('text', 'twelve', 'numeric(5,2)'),
	('text', '2024-02-29', 'date'),
	('text', '{"a": 1}', 'jsonb'),
	('text', '{"a": 1', 'json'),
	('text', 'a\b', 'bytea'),
	('text', '{a,b}', 'text[]'),
	('text', '10.0.0.1', 'inet'),
	('json', '{"b": 1, "a": [1.50, null]}', 'jsonb'),
	('json', '{"b": 1, "a": [1.50, null]}', 'json'),
	('json', '{"b": 1, "a": [1.50, null]}', 'text'),
	('json', '{"b": 1}', 'varchar(4)'),
	('json', '"\u0000"', 'jsonb'),
	('json', '"\u0000"', 'json'),
	('json', '{', 'jsonb');
SELECT * FROM outcome;
DELETE FROM tried;

-- bytes, bits, identifiers, addresses, geometries
SET bytea_output = 'hex';
INSERT INTO tried (kind, literal, target) VALUES
	('bytes', '\x', 'bytea'),
	('bytes', '\x00ff5c27', 'bytea'),
	('bytes', '\x00ff5c27', 'text'),
	('bytes', '\x00112233445566778899aabbccddeeff', 'uuid'),
	('bytes', '\x0011', 'uuid'),
	('bytes', '\x31', 'integer'),
	('bits', '1', 'boolean'),
	('bits', '0', 'boolean'),
	('bits', '01', 'boolean'),
	('bits', '1', 'bit'),
	('bits', '101', 'bit(3)'),
	('bits', '10000001', 'bit(8)'),
	('bits', '100000010', 'bit(9)'),
	('bits', '0000000100000011000001110000111100011111001111110111111100000001', 'bit(64)'),
	('bits', '101', 'bit(4)'),
	('bits', '101', 'varbit(4)'),
	('bits', '10101', 'varbit(4)'),
	('bits', '101', 'integer'),
	('bits', '1111111111111111111111111111111111111111111111111111111111111111', 'bigint'),
	('bits', '1111111111111111111111111111111111111111111111111111111111111111', 'numeric(20)'),
	('bits', '0000101', 'text'),
	('uuid', '00112233-4455-6677-8899-aabbccddeeff', 'uuid'),
	('uuid', '00112233-4455-6677-8899-aabbccddeeff', 'text'),
	('uuid', '00112233-4455-6677-8899-aabbccddeeff', 'integer'),
	('inet', '192.168.0.1', 'inet'),
	('inet', '2001:db8::1', 'inet'),
	('inet', '::ffff:1.2.3.4', 'inet'),
	('inet', '192.168.0.1', 'cidr'),
	('inet', '2001:db8::1', 'varchar(39)'),
	('geometry', '0;\x0101000000000000000000f03f000000000000f03f', 'text'),
	('geometry', '4326;\x0101000000000000000000f03f000000000000f03f', 'text'),
	('geometry', '4294967295;\x00', 'jsonb'),
	('geometry', '4326;\x0101000000000000000000f03f000000000000f03f', 'bytea'),
	('geometry', '4326;\x0101000000000000000000f03f000000000000f03f', 'integer');
SELECT * FROM outcome;
DELETE FROM tried;

-- a type that keeps its input text stands for PostGIS's
CREATE TYPE geometry;
CREATE FUNCTION geometry_in(cstring) RETURNS geometry
	LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION geometry_out(geometry) RETURNS cstring
	LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, LIKE = text);
INSERT INTO tried (kind, literal, target) VALUES
	('geometry', '0;\x0101000000aabb', 'geometry'),
	('geometry', '4326;\x0101000000aabb', 'geometry'),
	('geometry', '4326;\x0000000001aabb', 'geometry'),
	('geometry', '4326;\x0201000000', 'geometry'),
	('geometry', '4326;\x01010000', 'geometry');
SELECT * FROM outcome;
DELETE FROM tried;

-- dates and times; a "#" is followed by the bare number
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
INSERT INTO tried (kind, literal, target) VALUES
	('date', '1000-01-01', 'date'),
	('date', '9999-12-31', 'date'),
	('date', '1969-12-31', 'date'),
	('date', '0044-03-15 BC', 'date'),
	('date', '0044-03-15 BC', 'text'),
	('date', '4714-11-24 BC', 'date'),
	('date', '#-2451546', 'date'),
	('date', '#2145031948', 'date'),
	('date', '#2145031949', 'date'),
	('date', '#9223372036854775807', 'date'),
	('date', '#-9223372036854775808', 'text'),
	('date', '2024-02-29', 'timestamp'),
	('date', '2024-02-29', 'timestamptz'),
	('date', '#106751983', 'timestamp'),
	('date', '#106751991', 'timestamp'),
	('date', '2024-02-29', 'varchar(10)'),
	('date', '2024-02-29', 'integer'),
	('time', '00:00:00', 'time'),
	('time', '23:59:59.999999', 'time'),
	('time', '23:59:59.999999', 'time(0)'),
	('time', '23:59:59.999999', 'time(3)'),
	('time', '24:00:00', 'time'),
	('time', '24:00:00.000001', 'time'),
	('time', '838:59:59', 'time'),
	('time', '-00:00:00.000001', 'time'),
	('time', '838:59:59.999999', 'interval'),
	('time', '-838:59:59.999999', 'interval'),
	('time', '-838:59:59.999999', 'interval(0)'),
	('time', '-838:59:59.999999', 'text'),
	('time', '-00:00:00.5', 'text'),
	('time', '12:34:56', 'text'),
	('time', '12:34:56', 'date'),
	('timestamp', '1000-01-01 00:00:00', 'timestamp'),
	('timestamp', '9999-12-31 23:59:59.999999', 'timestamp'),
	('timestamp', '9999-12-31 23:59:59.999999', 'timestamp(0)'),
	('timestamp', '1999-12-31 23:59:59.999999', 'timestamp(0)'),
	('timestamp', '1969-12-31 23:59:59.999999', 'timestamp(3)'),
	('timestamp', '2000-01-01 00:00:00.000001', 'timestamp(5)'),
	('timestamp', '2024-08-28 14:30:00.654321', 'text'),
	('timestamp', '1969-12-31 23:59:59.5', 'varchar(21)'),
	('timestamp', '1969-12-31 23:59:59.5', 'date'),
	('timestamp', '1969-12-31 23:59:59.6', 'time(0)'),
	('timestamp', '2024-08-28 14:30:00', 'timestamptz'),
	('timestamp', '#-211813488000000000', 'timestamp'),
	('timestamp', '#-211813488000000001', 'timestamp'),
	('timestamp', '#9223371331200000000', 'timestamp'),
	('timestamp', '#9223372036854775807', 'text'),
	('timestamptz', '1970-01-01 00:00:01', 'timestamptz'),
	('timestamptz', '2038-01-19 03:14:07.999999', 'timestamptz(0)'),
	('timestamptz', '2024-07-01 12:00:00', 'timestamp'),
	('timestamptz', '2024-07-01 12:00:00.25', 'text'),
	('timestamptz', '2024-07-01 02:00:00', 'date'),
	('timestamptz', '2024-07-01 12:00:00', 'time'),
	('interval', '1 year 6 mons', 'interval'),
	('interval', '2 days 03:04:05.123456', 'interval(3)'),
	('interval', '-2 days 03:04:05.999999', 'interval day to second(0)'),
	('interval', '1 year 2 mons -3 days -04:05:06.7', 'text'),
	('interval', '1 day', 'integer');
SELECT * FROM outcome;
DELETE FROM tried;

-- dates that name no day, under each setting
INSERT INTO tried (kind, literal, target, not_null, declared) VALUES
	('zerodate', '0000-00-00', 'date', false, 'date'),
	('zerodate', '0000-00-00', 'date', true, 'date'),
	('zerodate', '0000-00-00 00:00:00', 'timestamp', false, 'timestamp'),
	('zerodate', '0000-00-00 00:00:00', 'timestamp(3)', true, 'timestamp'),
	('zerodate', '0000-00-00 00:00:00', 'timestamptz', true, 'timestamptz'),
	('zerodate', '2024-02-00', 'varchar(10)', true, 'date'),
	('zerodate', '2024-02-00', 'varchar(9)', true, 'date'),
	('zerodate', '2024-02-00', 'interval', false, 'time'),
	('zerodate', '2024-02-00', 'interval', true, 'time');
CREATE VIEW zero_outcome AS
	SELECT literal, target, not_null,
		   try_convert(kind, literal, target, not_null, declared) AS result
	FROM tried ORDER BY n;
SELECT * FROM zero_outcome;
SELECT test_setting('synchdb.zero_date', 'infinity');
SELECT * FROM zero_outcome;
SELECT test_setting('synchdb.zero_date', 'error');
SELECT * FROM zero_outcome;
SELECT test_setting('synchdb.zero_date', 'null');
DELETE FROM tried;

-- NULL, "not sent", and values of another kind than the column's
INSERT INTO tried (kind, literal, target, declared) VALUES
	('null', '', 'integer', 'int'),
	('unchanged', '', 'integer', 'int'),
	('uint', '7', 'integer', 'int'),
	('text', '7', 'integer', 'int'),
	('uuid', '00112233-4455-6677-8899-aabbccddeeff', 'integer', 'int');
SELECT * FROM outcome;
DELETE FROM tried;

-- domains keep their constraints
CREATE DOMAIN short_text AS varchar(3) CHECK (VALUE <> 'bad');
CREATE DOMAIN shorter_text AS short_text CHECK (length(VALUE) < 3);
CREATE DOMAIN some_date AS date NOT NULL;
CREATE DOMAIN seconds AS timestamp(0);
INSERT INTO tried (kind, literal, target) VALUES
	('text', 'abc', 'short_text'),
	('text', 'bad', 'short_text'),
	('text', 'abcd', 'short_text'),
	('text', 'abc', 'shorter_text'),
	('text', 'ab', 'shorter_text'),
	('timestamp', '2024-12-31 23:59:59.9', 'seconds');
INSERT INTO tried (kind, literal, target, declared) VALUES
	('int', '12', 'short_text', 'text'),
	('zerodate', '0000-00-00', 'some_date', 'date'),
	('null', '', 'some_date', 'date'),
	('null', '', 'short_text', 'text');
SELECT * FROM outcome;
DELETE FROM tried;

CREATE TYPE mood AS ENUM ('sad', 'it''s, "ok"');
SELECT try_convert('text', 'it''s, "ok"', 'mood'),
	   try_convert('text', 'happy', 'mood');

-- an error in full
SELECT test_convert('time', '-01:00:00', 'time');
SELECT test_convert('json', '"\u0000"', 'jsonb');
SELECT test_convert('date', '2024-01-01', 'integer');
SELECT test_convert('text', 'abcd', 'short_text');

-- types
SELECT name, length, scale, test_typemap(name, length, scale) AS lossless
FROM (VALUES ('varchar', 20, -1), ('varchar', 0, -1), ('varchar', 65535, -1),
			 ('varchar', 10485760, -1), ('varchar', 10485761, -1),
			 ('varchar', -1, -1), ('decimal', 65, 30), ('decimal', 10, 0),
			 ('decimal', 1000, 0), ('decimal', 1001, 0), ('decimal', -1, -1),
			 ('datetime', -1, 0), ('datetime', -1, 6), ('datetime', -1, 7),
			 ('timestamp', -1, 3), ('time', -1, -1), ('bit', 1, -1),
			 ('bit', 64, -1), ('bigint unsigned', -1, -1), ('real', -1, -1),
			 ('geometry', -1, -1)) AS t (name, length, scale);
SELECT test_typemap('int', identity => true) AS int,
	   test_typemap('int unsigned', identity => true) AS int_unsigned,
	   test_typemap('double', identity => true) AS double;
SELECT test_typemap('strange', recommended => 'public.strange');
SELECT test_typemap('strange');
SELECT test_translate('decimal', -1, 2, 10) AS "decimal",
	   test_translate('varchar', 20) AS "varchar",
	   test_translate('varchar', 99999999999) AS huge,
	   test_translate('datetime', -1, 3) AS datetime,
	   test_translate('strange') AS unknown;
SELECT test_setting('synchdb.type_mapping', 'synchdb');
SELECT test_typemap('bigint unsigned') AS bigint_unsigned,
	   test_typemap('real') AS real,
	   test_typemap('int unsigned', identity => true) AS int_unsigned,
	   test_typemap('decimal', 10, 2) AS "decimal";
SELECT test_setting('synchdb.type_mapping', 'lossless');

-- names
SELECT test_naming('Shop', 'Order.Items "x"', '{Id,select,ÄB,"a b"}');
SELECT test_setting('synchdb.letter_casing_strategy', 'uppercase');
SELECT test_naming('Shop', 'Order.Items "x"', '{Id,select,ÄB,"a b"}');
SELECT test_setting('synchdb.letter_casing_strategy', 'asis');
SELECT test_naming('Shop', 'Order.Items "x"', '{Id,select,ÄB,"a b"}');
SELECT test_naming('shop', 'items', '{id,Id}');
SELECT test_collisions('{items,Items}');
SELECT test_setting('synchdb.letter_casing_strategy', 'lowercase');
SELECT test_naming('shop', 'items', '{id,b,Id}');
SELECT test_naming('shop', repeat('n', 63), '{}');
SELECT test_naming('shop', repeat('n', 64), '{}');
SELECT test_naming('shop', 'items', ARRAY[repeat('ä', 32)]);
SELECT test_collisions('{items,orders}');
SELECT test_collisions('{items,Items,orders,ITEMS,b}');

DROP SCHEMA convert_test CASCADE;
