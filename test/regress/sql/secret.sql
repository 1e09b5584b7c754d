-- The key of stored passwords: its file, and what is said when it does not fit.
SET client_encoding = utf8;
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset
-- a key that is there comes back at the end
COPY (SELECT) TO PROGRAM 'test ! -e synchdb_secret.key || mv synchdb_secret.key synchdb_regress_saved.key';

-- made at first use, for its owner alone
SELECT synchdb_add_conninfo('c', 'h', 1, 'u', 'p''ä"\', 'd', :'db', '', '', 'mysql');
CREATE TEMP TABLE file (mode text, size text);
COPY file FROM PROGRAM 'stat -c "%a	%s" synchdb_secret.key*';
SELECT * FROM file;

-- pgcrypto can read it, given the key
SELECT pgp_sym_decrypt((data ->> 'pwd')::bytea, rtrim(pg_read_file('synchdb_secret.key'), E'\n')) AS password
FROM synchdb_conninfo;

-- not replaced by the next password
SELECT pg_read_file('synchdb_secret.key') AS key \gset
SELECT synchdb_add_conninfo('d', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
SELECT pg_read_file('synchdb_secret.key') = :'key' AS same;

-- Reading the definition needs the key; then the position is found wrong.
\set VERBOSITY terse
SELECT synchdb_set_offset('c', 'x');
\set VERBOSITY default

-- the messages name the file, which lies in the data directory
CREATE FUNCTION try() RETURNS TABLE (code text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM synchdb_set_offset('c', 'x');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	message = replace(message, current_setting('data_directory'), 'DATA');
	RETURN NEXT;
END $$;
\x
COPY (SELECT) TO PROGRAM 'chmod 640 synchdb_secret.key';
SELECT * FROM try();
COPY (SELECT) TO PROGRAM 'chmod 600 synchdb_secret.key && mv synchdb_secret.key synchdb_regress.key';
SELECT * FROM try();
COPY (SELECT 'too short') TO PROGRAM 'umask 077; cat > synchdb_secret.key';
SELECT * FROM try();
COPY (SELECT repeat('0123456789abcdef', 4)) TO PROGRAM 'cat > synchdb_secret.key';
SELECT * FROM try();
\x
-- a password set again is under the present key
SELECT synchdb_set_password('c', 'p');
\set VERBOSITY terse
SELECT synchdb_set_offset('c', 'x');
\set VERBOSITY default

SELECT synchdb_del_conninfo('c'), synchdb_del_conninfo('d');
DROP FUNCTION try;
COPY (SELECT) TO PROGRAM 'rm -f synchdb_secret.key synchdb_regress.key';
COPY (SELECT) TO PROGRAM 'test ! -e synchdb_regress_saved.key || mv synchdb_regress_saved.key synchdb_secret.key';
