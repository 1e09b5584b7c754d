-- Functions of test_apply.c, in a module built with SYNCHDB_TEST=1; the forms
-- of tables and changes are described there.

CREATE FUNCTION test_apply(tables text[], changes text[],
	idempotent bool DEFAULT false, careful bool DEFAULT false)
	RETURNS void LANGUAGE C AS 'synchdb', 'sdb_test_apply';

CREATE FUNCTION test_apply_each(tables text[], changes text[])
	RETURNS text LANGUAGE C AS 'synchdb', 'sdb_test_apply_each';

CREATE FUNCTION test_bulk("table" text, "rows" text[], created bool)
	RETURNS bigint LANGUAGE C AS 'synchdb', 'sdb_test_bulk';

CREATE PROCEDURE test_apply_many("table" text, kind text, first bigint,
	last bigint, per_commit int)
	LANGUAGE C AS 'synchdb', 'sdb_test_apply_many';

CREATE FUNCTION test_bulk_many("table" text, nrows bigint, created bool)
	RETURNS bigint LANGUAGE C AS 'synchdb', 'sdb_test_bulk_many';

-- What test_apply raises: SQLSTATE, message, detail.
CREATE FUNCTION try_apply(tables text[], changes text[],
	idempotent bool DEFAULT false, careful bool DEFAULT false)
	RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM test_apply(tables, changes, idempotent, careful);
	RETURN 'applied';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''));
END
$$;
