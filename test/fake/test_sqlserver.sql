-- Functions of test_sqlserver.c, in a module built with SYNCHDB_TEST=1.

-- The LSNs before, itself, and after, and as a literal; NULL if it is none.
CREATE FUNCTION test_sqlserver_lsn(lsn text)
	RETURNS text STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_sqlserver_lsn';

-- Is a captured column marked in __$update_mask?
CREATE FUNCTION test_sqlserver_mask(mask bytea, ordinal int)
	RETURNS bool STRICT
	LANGUAGE C AS 'synchdb', 'sdb_test_sqlserver_mask';
