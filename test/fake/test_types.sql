-- Functions of test_types.c, in a module built with SYNCHDB_TEST=1.

CREATE FUNCTION test_table(definition text)
	RETURNS text LANGUAGE C STRICT AS 'synchdb', 'sdb_test_table';

CREATE FUNCTION test_table_equal(definition text, other text)
	RETURNS bool LANGUAGE C STRICT AS 'synchdb', 'sdb_test_table_equal';

CREATE FUNCTION test_charset(charset text, bytes bytea)
	RETURNS text LANGUAGE C STRICT AS 'synchdb', 'sdb_test_charset';

CREATE FUNCTION test_mysql_column(is_mariadb bool, column_type text,
	charset text DEFAULT NULL, column_default text DEFAULT NULL,
	extra text DEFAULT '', is_json bool DEFAULT false,
	is_nullable bool DEFAULT true)
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_mysql_column';

CREATE FUNCTION test_mysql_row(definition text, packet bytea)
	RETURNS text LANGUAGE C STRICT AS 'synchdb', 'sdb_test_mysql_row';

CREATE FUNCTION test_mysql_sent(definition text, type int, is_unsigned bool)
	RETURNS void LANGUAGE C STRICT AS 'synchdb', 'sdb_test_mysql_sent';

CREATE FUNCTION test_mysql_json(document bytea)
	RETURNS text LANGUAGE C STRICT AS 'synchdb', 'sdb_test_mysql_json';
