-- Functions of test_source.c, in a module built with SYNCHDB_TEST=1.

CREATE FUNCTION test_source_check(connector text, OUT name text,
	OUT passed bool, OUT fatal bool, OUT detail text, OUT hint text)
	RETURNS SETOF record STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_check';

CREATE FUNCTION test_source_describe(connector text, ids text[] DEFAULT NULL,
	OUT id text, OUT definition text)
	RETURNS SETOF record
	LANGUAGE C AS 'synchdb', 'sdb_test_source_describe';

CREATE FUNCTION test_source_position(connector text)
	RETURNS text STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_position';

-- Each table ends with a line that has the points and no row.
CREATE FUNCTION test_source_snapshot(connector text, parts int DEFAULT 1,
	OUT id text, OUT copied_from text, OUT copied_until text, OUT "row" text)
	RETURNS SETOF record STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_snapshot';

-- Ends after max_steps, or when nothing was ready for wait_ms; the position
-- is the one after the step.
CREATE FUNCTION test_source_stream(connector text, start text, max_steps int,
	wait_ms int, definitions text[] DEFAULT NULL,
	OUT "position" text, OUT change text)
	RETURNS SETOF record
	LANGUAGE C AS 'synchdb', 'sdb_test_source_stream';

-- What the definitions have become by now, according to the stream; the line
-- without id has the position reached.
CREATE FUNCTION test_source_follow(connector text, start text,
	definitions text[], OUT id text, OUT definition text)
	RETURNS SETOF record STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_follow';

-- The longest of ncalls that had nothing ready, in ms.
CREATE FUNCTION test_source_idle(connector text, start text, ncalls int)
	RETURNS float8 STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_idle';

-- Raises an error in the given call of the source; the number of calls if
-- there are fewer.
CREATE FUNCTION test_source_fail(connector text, start text, call int,
	cancel bool)
	RETURNS int STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_source_fail';

CREATE FUNCTION test_position_covers(type text, "position" text, before text)
	RETURNS bool STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_position_covers';

CREATE FUNCTION test_position_check(type text, "position" text)
	RETURNS text STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_position_check';

-- Bytes that this process has from malloc().
CREATE FUNCTION test_heap()
	RETURNS bigint LANGUAGE C AS 'synchdb', 'sdb_test_heap';
