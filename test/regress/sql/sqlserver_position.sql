--
-- Log sequence numbers, positions and update masks of SQL Server.  Nothing
-- here touches a source.
--
\getenv abs_srcdir PG_ABS_SRCDIR
SET client_encoding = utf8;
CREATE SCHEMA sqlserver_position_test;
SET search_path = sqlserver_position_test, pg_catalog;
SET client_min_messages = warning;
\set source_file :abs_srcdir '/../fake/test_source.sql'
\set file :abs_srcdir '/../fake/test_sqlserver.sql'
\set ECHO none
\i :source_file
\i :file
\set ECHO all

-- numbers of ten bytes, highest first
SELECT lsn, test_sqlserver_lsn(lsn)
FROM (VALUES ('00000025:00000ef8:0048'),
			 ('00000025:00000EF8:0000'),
			 ('00000025:00000000:0000'),
			 ('00000025:ffffffff:ffff'),
			 ('00000000:00000000:0000'),
			 ('ffffffff:ffffffff:ffff')) v (lsn);
SELECT lsn, test_sqlserver_lsn(lsn)
FROM (VALUES (''), ('00000025:00000ef8:004'), ('00000025:00000ef8:00488'),
			 ('00000025-00000ef8-0048'), ('0000002g:00000ef8:0048'),
			 ('0x0000002500000ef80048'), ('00000025:00000ef8:00 8')) v (lsn);

-- what is a position, and why not
SELECT p, coalesce(test_position_check('sqlserver', p), 'yes') AS check
FROM (VALUES ('{"commit_lsn":"00000025:00000ef8:0048"}'),
			 ('{"event_serial_no":1,"commit_lsn":"00000100:00000c00:0003","change_lsn":"00000100:00000c00:0002"}'),
			 ('{"commit_lsn":"00000100:00000c00:0003","snapshot":true,"snapshot_completed":false}'),
			 ('{"commit_lsn":"00000100:00000c00"}'),
			 ('{"commit_lsn":"it''s \" none"}'),
			 ('{"commit_lsn":1500}'),
			 ('{"commit_lsn":null}'),
			 ('{"change_lsn":"00000100:00000c00:0002"}'),
			 ('["commit_lsn"]'),
			 ('{"commit_lsn":'),
			 ('')) v (p);

-- a transaction begins just before its commit LSN
CREATE FUNCTION covers(lsn text, before text) RETURNS bool LANGUAGE sql AS $$
	SELECT test_position_covers('sqlserver', format('{"commit_lsn":"%s"}', lsn),
								format('{"commit_lsn":"%s"}', before))
$$;
SELECT lsn, before, covers(lsn, before)
FROM (VALUES ('00000025:00000ef8:0048', '00000025:00000ef8:0047'),
			 ('00000025:00000ef8:0048', '00000025:00000ef8:0048'),
			 ('00000025:00000ef8:0048', '00000025:00000ef7:ffff'),
			 ('00000025:00000ef8:0048', '00000026:00000000:0000'),
			 ('00000080:00000000:0000', '0000007f:ffffffff:ffff'),
			 ('000000ff:00000000:0000', '00000100:00000000:0000')) v (lsn, before);
SELECT test_position_covers('sqlserver', '{"pos":4}', '{"commit_lsn":"00000025:00000ef8:0048"}');

-- bits count from the last byte: of nine columns, the ninth is in the first
SELECT mask, string_agg(ordinal::text, ' ' ORDER BY ordinal) AS changed
FROM (VALUES ('\x01'::bytea), ('\x80'), ('\x01ff'), ('\x0100'), ('\x0001'),
			 ('\x800000000000000001'), ('\x')) v (mask),
	generate_series(-1, 80) ordinal
WHERE test_sqlserver_mask(mask, ordinal)
GROUP BY mask ORDER BY mask;

DROP SCHEMA sqlserver_position_test CASCADE;
