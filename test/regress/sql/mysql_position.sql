-- Positions of MySQL and MariaDB: what users may write, and which transactions
-- a position covers, at one server and at two.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
\getenv abs_srcdir PG_ABS_SRCDIR
\set functions :abs_srcdir '/../fake/test_source.sql'
\set ECHO none
\i :functions
\set ECHO all

SELECT p AS "position", test_position_check('mysql', p) AS reason
FROM (VALUES
	('{"file":"mysql-bin.000003","pos":1500}'),
	('{"ts_sec":1,"file":"mysql-bin.000003","pos":4,"row":1,"server_id":1,"event":2}'),
	('{"gtids":"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7"}'),
	('{"gtids":"3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5:tag:3:9-12,\n 4e11fa47-71ca-11e1-9e33-c80aa9429562:1"}'),
	('{"gtids":"0-1-5,7-2-18446744073709551614"}'),
	('{"gtids":""}'),
	('{"pos":1500}'),
	('{"file":"mysql-bin","pos":1500}'),
	('{"file":"mysql-bin.000003"}'),
	('{"file":"mysql-bin.000003","pos":3}'),
	('{"gtids":"3e11fa47-71ca-11e1-9e33-c80aa9429562:0"}'),
	('{"gtids":"3e11fa47-71ca-11e1-9e33-c80aa9429562:5-1"}'),
	('{"gtids":"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-99999999999999999999"}'),
	('{"gtids":"3e11fa47:1"}'),
	('{"gtids":"0-1"}'),
	('{"gtids":"0-1-99999999999999999999"}'),
	('{"gtids":"0-1-5;"}'),
	('[]'),
	('nonsense')) AS v (p);

-- one server: file and offset decide, whatever the sets say
SELECT test_position_covers('mysql', '{"file":"b.000009","pos":4,"server":"a"}',
	'{"file":"b.000008","pos":900,"server":"a"}') AS earlier_file,
	test_position_covers('mysql', '{"file":"b.000009","pos":4,"server":"a"}',
	'{"file":"b.000009","pos":4,"server":"a"}') AS same_place,
	test_position_covers('mysql',
	'{"file":"b.000010","pos":4,"server":"a","gtids":"0-1-1"}',
	'{"file":"b.000009","pos":4,"server":"a","gtids":"0-1-9"}') AS next_file;

-- two servers: the sets decide
CREATE FUNCTION covers(state text, before text) RETURNS bool LANGUAGE sql
RETURN test_position_covers('mysql',
	format('{"file":"a.000001","pos":4,"server":"a","gtids":"%s"}', state),
	format('{"file":"b.000009","pos":4,"server":"b","gtids":"%s"}', before));
\set u '3e11fa47-71ca-11e1-9e33-c80aa9429562'
\set w '4e11fa47-71ca-11e1-9e33-c80aa9429562'
SELECT covers(:'u' || ':1-5', :'u' || ':1-4') AS "5 is in",
	covers(:'u' || ':1-5', :'u' || ':1-5') AS "6 is not",
	covers(:'u' || ':1-3:5', :'u' || ':1-3') AS "5 is in, 4 not",
	covers(:'u' || ':1-3:4-5', :'u' || ':1-2:3-5') AS "merged",
	covers(:'u' || ':1-5,' || :'w' || ':1', :'u' || ':1-5') AS "of another",
	covers(:'u' || ':1-5:t:1', :'u' || ':1-5') AS "of a tag",
	covers(:'u' || ':1-5', :'u' || ':1-2:4-5:t:3') AS "gap",
	covers('0-1-5', '0-2-4') AS "domain",
	covers('0-1-5', '0-2-5') AS "domain, equal",
	covers('0-1-5,3-1-1', '0-2-5') AS "domain, another",
	covers('', :'u' || ':1') AS "nothing";
DROP FUNCTION covers;
