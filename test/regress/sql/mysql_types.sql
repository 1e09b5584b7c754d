--
-- Definitions, character sets and values of MySQL and MariaDB, as the bytes
-- and texts that their servers send.  Nothing here touches a source.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA mysql_types_test;
SET search_path = mysql_types_test, pg_catalog;
SET client_min_messages = warning;
\set file :abs_srcdir '/../fake/test_types.sql'
\set ECHO none
\i :file
\set ECHO all

-- a definition with everything comes back as it was stored
\set definition '{"catalog":"a.b","schema":"s\\"x","name":"T","comment":"c''\\n","keys":[1,0],"columns":[{"name":"Id \\"q\\"","type":"int unsigned","kind":"uint","not_null":true,"identity":true},{"name":"e","type":"enum","kind":"text","length":5,"scale":0,"generated":true,"default":"constant","default_value":"","charset":"utf8mb4","recommended":"mood","comment":"x","labels":["","a,b","\\u0001é\\\\ \\"'' 😀"]},{"name":"n","type":"timestamp","kind":"timestamptz","scale":6,"default":"now"}]}'
SELECT test_table(:'definition');
SELECT split_part(test_table(:'definition'), E'\n', 1) = :'definition';
-- a difference anywhere counts
SELECT change, test_table_equal(:'definition',
								jsonb_set(:'definition', path::text[], value)::text)
FROM (VALUES ('none', '{keys}', '[1, 0]'::jsonb),
			 ('schema', '{schema}', '"s"'),
			 ('comment', '{comment}', '""'),
			 ('keys', '{keys}', '[0, 1]'),
			 ('type', '{columns,0,type}', '"int"'),
			 ('not null', '{columns,0,not_null}', 'false'),
			 ('scale', '{columns,1,scale}', '1'),
			 ('default', '{columns,1,default_value}', '"x"'),
			 ('label', '{columns,1,labels,0}', '"x"'),
			 ('no default', '{columns,2,default}', '"none"'))
	 AS t (change, path, value);
-- indexes and foreign keys likewise
\set definition '{"catalog":"a","name":"t","keys":[],"columns":[{"name":"x","type":"int","kind":"int"},{"name":"y","type":"text","kind":"text"}],"indexes":[{"name":"i","unique":true,"parts":[{"column":1,"prefix":10,"descending":true},{"column":0}]},{"name":"f","special":true,"parts":[{}]}],"foreign_keys":[{"name":"k","columns":[0,1],"catalog":"a","table":"T","referenced":["p","q"],"on_delete":"cascade","on_update":"set null"}]}'
SELECT test_table(:'definition');
SELECT split_part(test_table(:'definition'), E'\n', 1) = :'definition';
SELECT change, test_table_equal(:'definition',
								jsonb_set(:'definition', path::text[], value)::text)
FROM (VALUES ('none', '{keys}', '[]'::jsonb),
			 ('index', '{indexes,0,name}', '"j"'),
			 ('unique', '{indexes,0,unique}', 'false'),
			 ('special', '{indexes,0,special}', 'true'),
			 ('prefix', '{indexes,0,parts,0,prefix}', '11'),
			 ('column', '{indexes,0,parts,0,column}', '0'),
			 ('descending', '{indexes,0,parts,0,descending}', 'false'),
			 ('indexes', '{indexes}', '[]'),
			 ('foreign key', '{foreign_keys,0,name}', '"j"'),
			 ('columns', '{foreign_keys,0,columns}', '[1, 0]'),
			 ('table', '{foreign_keys,0,table}', '"t"'),
			 ('referenced', '{foreign_keys,0,referenced,1}', '"r"'),
			 ('on delete', '{foreign_keys,0,on_delete}', '"restrict"'),
			 ('foreign keys', '{foreign_keys}', '[]'))
	 AS t (change, path, value);
-- malformed definitions
SELECT test_table('[1]');
SELECT test_table('{"catalog":"a","name":"T","columns":[3],"keys":[]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[{"name":"x"}],"keys":[]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[],"keys":[0]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[{"name":"x","type":"int","kind":"whole"}],"keys":[]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[],"keys":[],"indexes":[{"name":"i","parts":[{"column":0}]}]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[],"keys":[],"foreign_keys":[{"name":"i","columns":[],"catalog":"a","table":"t","referenced":["x"]}]}');
SELECT test_table('{"catalog":"a","name":"T","columns":[],"keys":[],"foreign_keys":[{"name":"i","columns":[],"catalog":"a","table":"t","referenced":[],"on_delete":"run"}]}');

-- columns; MariaDB quotes text defaults, MySQL does not
CREATE FUNCTION shown(is_mariadb bool, column_type text, charset text,
	column_default text, extra text DEFAULT '', is_json bool DEFAULT false)
RETURNS text LANGUAGE sql AS $$
	SELECT (test_mysql_column(is_mariadb, column_type, charset, column_default,
							  extra, is_json)::jsonb #> '{columns,0}') - 'name'
$$;
SELECT CASE WHEN maria THEN 'MariaDB' ELSE 'MySQL' END AS server, type, def,
	   shown(maria, type, cs, def, extra)
FROM (VALUES
	(true, 'int(10) unsigned', NULL, NULL, 'auto_increment'),
	(false, 'int(5) unsigned zerofill', NULL, '00007', ''),
	(false, 'decimal(10,4)', NULL, '-12.5000', ''),
	(true, 'double(10,2)', NULL, '1e300', ''),
	(true, 'int(11)', NULL, '1 + 2', ''),
	(true, 'int(11)', NULL, NULL, 'STORED GENERATED'),
	(true, 'bit(8)', NULL, 'b''101''', ''),
	(false, 'bit(1)', NULL, 'b''1''', ''),
	(true, 'varchar(20)', 'latin1', '''it''''s \\ x''', ''),
	(false, 'varchar(20)', 'latin1', 'it''s \ x', ''),
	(true, 'varchar(20)', 'latin1', '''''', ''),
	(true, 'varchar(20)', 'latin1', 'NULL', ''),
	(true, 'varchar(20)', 'latin1', '''NULL''', ''),
	(false, 'varchar(20)', 'latin1', 'NULL', ''),
	(true, 'varchar(20)', 'latin1', 'concat(''a'',''b'')', ''),
	(true, 'varchar(20)', 'latin1', '''a'' ''b''', ''),
	(false, 'varchar(20)', 'latin1', 'uuid()', 'DEFAULT_GENERATED'),
	(false, 'varchar(20)', 'latin1', 'CURRENT_TIMESTAMP', ''),
	(false, 'varchar(20)', 'latin1', 'why?', ''),
	(false, 'varchar(20)', 'utf8mb4', 'why?', ''),
	(true, 'varchar(100) /*M!100301 COMPRESSED*/', 'latin1', 'NULL', ''),
	(true, 'binary(4)', NULL, '''ab\0''', ''),
	(true, 'binary(4)', NULL, '''a?''', ''),
	(false, 'binary(4)', NULL, '0x6162', ''),
	(false, 'varbinary(4)', NULL, '0x00FF', ''),
	(true, 'datetime(3) /* mariadb-5.3 */', NULL, 'current_timestamp(3)', ''),
	(false, 'timestamp', NULL, 'CURRENT_TIMESTAMP', 'DEFAULT_GENERATED on update CURRENT_TIMESTAMP'),
	(true, 'timestamp(3)', NULL, '''2020-01-02 03:04:05.678''', ''),
	(false, 'timestamp(3)', NULL, '2020-01-02 03:04:05.678', ''),
	(false, 'datetime', NULL, '0000-00-00 00:00:00', ''),
	(false, 'date', NULL, '2024-02-29', ''),
	(false, 'date', NULL, '2023-02-29', ''),
	(false, 'date', NULL, '0000-01-01', ''),
	(false, 'time(2)', NULL, '23:59:59.00', ''),
	(false, 'time(2)', NULL, '24:00:00.00', ''),
	(false, 'time(2)', NULL, '-838:59:59.00', ''),
	(true, 'enum(''a'',''b''''c'',''x,y'','''',''back\\sl'',''new\nline'')', 'utf8mb3', '''b''''c''', ''),
	(false, 'set(''a)'',''b'')', 'utf8mb4', 'a)', ''),
	(true, 'inet6', NULL, '''::1''', ''),
	(true, 'uuid', NULL, 'uuid()', ''),
	(false, 'geomcollection', NULL, NULL, ''),
	(false, 'vector(3)', NULL, NULL, '')) AS t (maria, type, cs, def, extra);
SELECT shown(true, 'longtext', 'utf8mb4', '''{}''', '', true);
-- what cannot be converted
SELECT shown(true, 'varchar(10)', 'armscii8', NULL);
SELECT shown(true, 'xmltype', NULL, NULL);
SELECT shown(true, 'enum(''a', 'latin1', NULL);

-- every character of every set; the digests are of results that were equal to
-- the servers' own
CREATE FUNCTION converted(charset text, bytes bytea)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN test_charset(charset, bytes);
EXCEPTION WHEN character_not_in_repertoire THEN
	RETURN NULL;
END
$$;
CREATE TABLE bytes (n int, b bytea);
INSERT INTO bytes
	SELECT 1, decode(lpad(to_hex(i), 2, '0'), 'hex')
	FROM generate_series(1, 255) i;
INSERT INTO bytes
	SELECT 2, decode(lpad(to_hex(i), 4, '0'), 'hex')
	FROM generate_series(x'8001'::int, x'ffff'::int) i;
INSERT INTO bytes
	SELECT 3, decode('8f' || to_hex(i), 'hex')
	FROM generate_series(x'a1a1'::int, x'fefe'::int) i;
SELECT charset, count(c), md5(string_agg(c, '' ORDER BY b))
FROM (SELECT charset, b, converted(charset, b) AS c
	  FROM unnest('{latin1,latin2,latin5,latin7,greek,hebrew,cp866,cp1250,cp1251,cp1256,cp1257,koi8r,koi8u,tis620}'::text[]) charset, bytes
	  WHERE n = 1
	  UNION ALL
	  SELECT charset, b, converted(charset, b)
	  FROM unnest('{sjis,cp932,euckr,gb2312,gbk,gb18030,big5}'::text[]) charset, bytes
	  WHERE n = 2
	  UNION ALL
	  SELECT charset, b, converted(charset, b)
	  FROM unnest('{ujis,eucjpms}'::text[]) charset, bytes
	  WHERE n > 1) x
GROUP BY charset ORDER BY charset;
-- exceptions in the middle of a run, and text that needs no conversion
SELECT test_charset('sjis', '\x93fa81608160967b61'), test_charset('latin1', 'abc');
SELECT convert_to(test_charset('cp932', '\xf040f9fc'), 'utf8') AS cp932,
	   convert_to(test_charset('ujis', '\x8ff5a1a1c0'), 'utf8') AS ujis;
SELECT test_charset('utf16', '\x0061d83dde00'), test_charset('utf16le', '\x61003dd800de'),
	   test_charset('utf32', '\x000000610001f600'), test_charset('ucs2', '\x006100e9'),
	   test_charset('utf8mb4', '\x61f09f9880'), test_charset('UTF8MB3', '\xc3a9');
SELECT charset, bytes, converted(charset, bytes) IS NULL AS refused
FROM (VALUES ('utf16', '\xd800'::bytea), ('utf16', '\xdc000041'), ('utf16', '\xd8000041'),
			 ('utf16', '\x41'), ('ucs2', '\xd83dde00'), ('utf32', '\x00110000'),
			 ('utf32', '\x0000d800'), ('utf32', '\x000041'), ('utf8mb4', '\xf09f98'),
			 ('utf8mb4', '\xc080'), ('utf8mb4', '\xeda080'), ('sjis', '\x81'),
			 ('gb18030', '\x8130'), ('gbk', '\x8180ff'), ('euckr', '\xa1')) AS t (charset, bytes);
SELECT test_charset('utf8mb4', '\x6100');
SELECT test_charset('sjis', '\x93fa0061');
SELECT test_charset('utf16', '\x0000');
SELECT test_charset('gbk', '\x8180ff');
SELECT charset FROM unnest('{armscii8,cp850,cp852,dec8,geostd8,hp8,keybcs2,macce,macroman,swe7,binary,klingon}'::text[]) charset
WHERE test_charset(charset, 'a') IS NOT NULL;

-- rows in the protocol's binary form
CREATE FUNCTION decoded(column_type text, VARIADIC vals bytea[])
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT test_mysql_row(test_mysql_column(true, column_type, NULL),
						  CASE WHEN v IS NULL THEN '\x0004'::bytea ELSE '\x0000'::bytea || v END)
	FROM unnest(vals) WITH ORDINALITY u (v, n) ORDER BY n
$$;
-- counted bytes
CREATE FUNCTION counted(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT set_byte('\x00'::bytea, 0, length(value)) || value
$$;
CREATE FUNCTION counted(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT counted(convert_to(value, 'UTF8'))
$$;
SELECT decoded('tinyint(4)', '\x80', '\x7f', NULL);
SELECT decoded('tinyint(3) unsigned', '\xff', '\x00');
SELECT decoded('smallint(6)', '\x0080', '\xff7f');
SELECT decoded('smallint(5) unsigned', '\xffff');
SELECT decoded('mediumint(9)', '\x000080ff', '\xffff7f00');
SELECT decoded('mediumint(8) unsigned', '\xffffff00');
SELECT decoded('int(11)', '\x00000080', '\xffffff7f');
SELECT decoded('int(10) unsigned', '\xffffffff');
SELECT decoded('bigint(20)', '\x0000000000000080', '\xffffffffffffff7f');
SELECT decoded('bigint(20) unsigned', '\xffffffffffffffff', '\x0000000000000000');
SELECT decoded('float', '\xcdcccc3d', '\xffff7fff', '\x00000080', '\x01000000');
SELECT decoded('double', '\xffffffffffffef7f', '\x0100000000000000', '\x0000000000001080');
SELECT decoded('decimal(65,30)', counted('0.000000000000000000000000000000'),
	counted('-0.000000000000000000000000000001'),
	counted('12345678901234567890123456789012345.123456789012345678901234567890'));
SELECT decoded('decimal(10,4)', counted('12.5000'), counted('-0001.2345'), counted('10000.0001'));
SELECT decoded('decimal(9,0)', counted('0'), counted('10000'), counted('-999999999'));
SELECT decoded('bit(12)', '\x020005', '\x020fff');
SELECT decoded('year', '\x0000', '\x6b08');
SELECT decoded('date', '\x04d0070101', '\x04cf070c1f', '\x040f270c1f', '\x04e807021d', '\x0400000301', '\x00',
	'\x04e707021d', '\x07d0070101000000');
SELECT decoded('time(6)', '\x0c0122000000163b3b3f420f00', '\x080022000000163b3b', '\x0c000000000000000020a10700', '\x080001000000000000',
	'\x0c010000000000000001000000', '\x00');
SELECT decoded('datetime(6)', '\x0bb1070c1f173b3b3f420f00', '\x07e407000f0a0000', '\x04e4070115', '\x00');
SELECT decoded('timestamp', '\x07b2070101000001', '\x00');
SELECT decoded('varchar(10)', counted(''), counted('null'), counted('it''s'), counted(E'tab\t'), counted('back\slash'),
	'\xfc0300616263', '\xfd030000616263', '\xfe0300000000000000616263');
SELECT decoded('varbinary(10)', counted(''), counted('\x00275c'::bytea));
SELECT decoded('point', counted('\xe6100000010100'::bytea), counted(''));
SELECT decoded('uuid', counted('00112233-4455-6677-8899-AABBccddeeff'));
SELECT decoded('inet4', counted('255.0.1.2'));
SELECT decoded('inet6', counted('2001:db8::1'), counted('::ffff:1.2.3.4'));
-- malformed values
CREATE FUNCTION refused(column_type text, value bytea)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN decoded(column_type, value);
EXCEPTION WHEN data_corrupted OR character_not_in_repertoire THEN
	RETURN sqlstate || ' ' || sqlerrm;
END
$$;
SELECT type, value, refused(type, value)
FROM (VALUES ('int(11)', '\x'::bytea), ('int(11)', '\x000000'), ('int(11)', '\x0000000000'), ('bigint(20)', '\x00'),
			 ('double', '\x00'), ('date', '\x03d00701'), ('date', '\x04d00701'), ('date', '\x04d0070d01'),
			 ('date', '\x0410270101'), ('time', '\x0700000000000000'), ('time', '\x080023000000000000'),
			 ('time', '\x080000000000003c00'), ('time', '\x0c000000000000000040420f00'),
			 ('time', '\x0800ffffffff000000'), ('datetime', '\x07d0070101180000'),
			 ('datetime', '\x0bd007010100000040420f00'), ('varchar(5)', '\x0561'), ('varchar(5)', '\xfb'),
			 ('varchar(5)', '\xfeffffffffffffffff61')) AS t (type, value);
SELECT type, value, refused(type, counted(value))
FROM (VALUES ('decimal(5,2)', ''), ('decimal(5,2)', '-'), ('decimal(5,2)', '1.2.3'), ('decimal(5,2)', '1e5'),
			 ('decimal(5,2)', repeat('9', 80)), ('uuid', '00112233'), ('uuid', repeat('0', 34)),
			 ('inet4', '1.2.3'), ('inet6', '1.2.3.4')) AS t (type, value);
SELECT type, value, refused(type, counted(value))
FROM (VALUES ('bit(12)', '\x05'::bytea), ('point', '\xe610'), ('varchar(5)', '\xff'),
			 ('varchar(5)', '\x00')) AS t (type, value);
-- a row of many columns, cut anywhere, and with any bit flipped
CREATE TABLE packet (definition, bytes) AS
	SELECT '{"catalog":"d","name":"t","columns":[{"name":"a","type":"int","kind":"int"},'
		'{"name":"b","type":"varchar","length":10,"charset":"utf8mb4","kind":"text"},'
		'{"name":"c","type":"decimal","length":9,"scale":2,"kind":"decimal"},{"name":"d","type":"date","kind":"date"},'
		'{"name":"e","type":"time","scale":6,"kind":"time"},{"name":"f","type":"double","kind":"float8"},'
		'{"name":"g","type":"bigint unsigned","kind":"uint"},{"name":"h","type":"int","kind":"int"}],"keys":[]}',
		'\x00000201020304'::bytea || counted('caf' || U&'\00e9') || counted('-12.50') || '\x04d0070101' ||
		'\x0c01010000000203043f420f00' || '\x000000000000f83f' || '\xffffffffffffffff';
SELECT test_mysql_row(definition, bytes) FROM packet;
CREATE FUNCTION row_outcome(definition text, bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM test_mysql_row(definition, bytes);
	RETURN 'row';
EXCEPTION WHEN data_corrupted OR character_not_in_repertoire THEN
	RETURN 'error';
END
$$;
SELECT row_outcome(definition, substr(bytes, 1, n)), count(*)
FROM packet, generate_series(0, length(bytes) - 1) n GROUP BY 1 ORDER BY 1;
SELECT row_outcome(definition, set_bit(bytes, n, 1 - get_bit(bytes, n))), count(*)
FROM packet, generate_series(0, 8 * length(bytes) - 1) n GROUP BY 1 ORDER BY 1;
SELECT row_outcome(definition, bytes || '\x00') FROM packet;
-- a column that another type has meanwhile
CREATE FUNCTION sent(column_type text, type int, is_unsigned bool) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM test_mysql_sent(test_mysql_column(true, column_type, 'utf8mb4'), type, is_unsigned);
	RETURN 'as expected';
EXCEPTION WHEN serialization_failure THEN
	RETURN sqlerrm;
END
$$;
SELECT column_type, type, is_unsigned, sent(column_type, type, is_unsigned)
FROM (VALUES ('int(11)', 3, false), ('int(11)', 3, true), ('int(10) unsigned', 3, true), ('int(11)', 8, false),
			 ('int(11)', 253, false), ('varchar(5)', 253, false), ('varchar(5)', 252, false), ('varchar(5)', 3, false),
			 ('varchar(5)', 12, false), ('year', 13, true), ('double unsigned', 5, true))
	AS t (column_type, type, is_unsigned);

-- binary JSON of MySQL
SELECT test_mysql_json(d::bytea)
FROM unnest('{"",
"\\x05ff7f", "\\x0900000080ffffffff", "\\x0affffffffffffffff", "\\x0400", "\\x0401",
"\\x0b76830df4f521843e", "\\x0b0080e03779c34143", "\\x0b000000000000f03f", "\\x0b0000000000000080",
"\\x0b0100000000000000", "\\x0bffffffffffffef7f",
"\\x0c15611f225c2f080c0a0d097f20c3a920f09f988062630000000000",
"\\x0004002800200000002000010021000200230005000501000400000502000401006261616120622263",
"\\x02060052000f16000f20000f2a000f34000f3e000f48000a0800000000007eb2190b080000000591cbffff0b0840e2011ea50000000c080000001ea57eb2190c083f420ffb7efff37e0a080000000000820300",
"\\x02040059000f10000f19000f2f000f5100f6070b028000000c32f614271e7fffffffffffd8effffffffffffffffffffff620421e80bc614e35b7bf87350e34c02f075f791dcd650000000000000000000000f606090080000000",
"\\x0f0f03616263",
"\\x0002007300120001001300010002140000630061620b004f0005010005feff0725000929000931000a39000b41000c4900040100040000004b0070110100ffffffff000000000000000000000080ffffffffffffffff000000000000f83f017800000400010010000b0001000c0c006b03760a00"
}'::text[]) d;
-- nested as deep as a server allows, and one deeper
CREATE FUNCTION nested(levels int) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	doc text := '00000400';		-- an empty array, two bytes each
BEGIN
	FOR i IN 2 .. levels LOOP
		doc := '0100' || substr(to_hex(65536 + 7 + length(doc) / 2), 4, 2) ||
			substr(to_hex(65536 + 7 + length(doc) / 2), 2, 2) || '02' || '0700' || doc;
	END LOOP;
	RETURN decode('02' || doc, 'hex');
END
$$;
SELECT test_mysql_json(nested(100)) = repeat('[', 100) || repeat(']', 100);
SELECT test_mysql_json(nested(101));
-- cut anywhere, and with any bit flipped: an error or another document
CREATE FUNCTION outcome(document bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM test_mysql_json(document);
	RETURN 'text';
EXCEPTION WHEN data_corrupted OR character_not_in_repertoire THEN
	RETURN 'error';
END
$$;
CREATE TABLE document (d) AS
	SELECT '\x0002007300120001001300010002140000630061620b004f0005010005feff0725000929000931000a39000b41000c4900040100040000004b0070110100ffffffff000000000000000000000080ffffffffffffffff000000000000f83f017800000400010010000b0001000c0c006b03760a00'::bytea;
SELECT outcome(substr(d, 1, n)), count(*)
FROM document, generate_series(1, length(d) - 1) n GROUP BY 1 ORDER BY 1;
SELECT outcome(set_bit(d, n, 1 - get_bit(d, n))), count(*)
FROM document, generate_series(0, 8 * length(d) - 1) n GROUP BY 1 ORDER BY 1;
SELECT test_mysql_json('\x020100ff00050100');
SELECT test_mysql_json('\x0403');
SELECT test_mysql_json('\x0d');
SELECT test_mysql_json('\x0b000000000000f07f');
-- three members that are one string
SELECT test_mysql_json('\x02030022000c0d000c0d000c0d0014' || convert_to(repeat('a', 20), 'utf8'));

DROP SCHEMA mysql_types_test CASCADE;
