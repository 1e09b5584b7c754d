/*
 * test_types.c --- SQL access to definitions, character sets and MySQL's
 * types, for the tests
 *
 * Compiled with SYNCHDB_TEST only; test_types.sql declares the functions.  No
 * connection and no worker is involved: definitions come in their JSON form,
 * values as the bytes that a server would send.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "change/change.h"
#include "source/mysql/mysql_json.h"
#include "source/mysql/mysql_result.h"
#include "source/mysql/mysql_types.h"
#include "util/charset.h"

PG_FUNCTION_INFO_V1(sdb_test_table);
PG_FUNCTION_INFO_V1(sdb_test_table_equal);
PG_FUNCTION_INFO_V1(sdb_test_charset);
PG_FUNCTION_INFO_V1(sdb_test_mysql_column);
PG_FUNCTION_INFO_V1(sdb_test_mysql_row);
PG_FUNCTION_INFO_V1(sdb_test_mysql_sent);
PG_FUNCTION_INFO_V1(sdb_test_mysql_json);

static char *text_or_null(FunctionCallInfo fcinfo, int arg);

/* (definition): what is stored for a copy of it, and its text as a change */
Datum
sdb_test_table(PG_FUNCTION_ARGS)
{
	SourceTable *table = sdb_table_from_json(text_or_null(fcinfo, 0));
	SourceTable *copy = sdb_table_copy(table);
	SchemaChange schema = {SCHEMA_CREATE_TABLE, NULL, copy};
	Change		change = {CHANGE_SCHEMA};
	StringInfoData buf;

	if (!sdb_table_equal(table, copy))
		elog(ERROR, "a copy differs from its original");
	change.schema = &schema;
	initStringInfo(&buf);
	sdb_table_to_json(&buf, copy);
	appendStringInfoChar(&buf, '\n');
	sdb_change_to_text(&buf, &change);
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (definition, definition) */
Datum
sdb_test_table_equal(PG_FUNCTION_ARGS)
{
	SourceTable *a = sdb_table_from_json(text_or_null(fcinfo, 0));
	SourceTable *b = sdb_table_from_json(text_or_null(fcinfo, 1));

	PG_RETURN_BOOL(sdb_table_equal(a, b));
}

/* (character set, bytes) as text; NULL if the set is not supported */
Datum
sdb_test_charset(PG_FUNCTION_ARGS)
{
	const Charset *charset = sdb_charset_find(text_or_null(fcinfo, 0));
	bytea	   *bytes = PG_GETARG_BYTEA_PP(1);
	const char *text;
	int			len;

	if (!charset)
		PG_RETURN_NULL();
	text = sdb_charset_to_server(charset, VARDATA_ANY(bytes),
								 VARSIZE_ANY_EXHDR(bytes), &len);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text, len));
}

/*
 * (is_mariadb, column_type, character set, default, extra, is_json,
 * is_nullable): the definition of a table t.t with that column
 */
Datum
sdb_test_mysql_column(PG_FUNCTION_ARGS)
{
	MysqlColumnInfo info = {0};
	SourceColumn column;
	SourceTable table = {0};
	StringInfoData buf;

	info.table_id = "t.t";
	info.column_name = "c";
	info.is_mariadb = PG_GETARG_BOOL(0);
	info.column_type = text_or_null(fcinfo, 1);
	info.charset = text_or_null(fcinfo, 2);
	info.column_default = text_or_null(fcinfo, 3);
	info.extra = text_or_null(fcinfo, 4);
	info.is_json = PG_GETARG_BOOL(5);
	info.is_nullable = PG_GETARG_BOOL(6) ? "YES" : "NO";
	sdb_mysql_types_column(&info, &column);

	table.catalog = table.name = "t";
	table.ncolumns = 1;
	table.columns = &column;
	initStringInfo(&buf);
	sdb_table_to_json(&buf, &table);
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (definition, row in the protocol's binary form): the row as an INSERT */
Datum
sdb_test_mysql_row(PG_FUNCTION_ARGS)
{
	SourceTable *table = sdb_table_from_json(text_or_null(fcinfo, 0));
	bytea	   *bytes = PG_GETARG_BYTEA_PP(1);
	Change		change = {CHANGE_INSERT};
	StringInfoData buf;

	change.table = table;
	change.after = palloc0(table->ncolumns * sizeof(SourceValue));
	sdb_mysql_result_row(sdb_mysql_result_plan(table),
						 (const uint8 *) VARDATA_ANY(bytes),
						 VARSIZE_ANY_EXHDR(bytes), change.after);
	initStringInfo(&buf);
	sdb_change_to_text(&buf, &change);
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (definition, type of its first column in a result, is it unsigned) */
Datum
sdb_test_mysql_sent(PG_FUNCTION_ARGS)
{
	SourceTable *table = sdb_table_from_json(text_or_null(fcinfo, 0));

	sdb_mysql_result_check(sdb_mysql_result_plan(table), 0,
						   PG_GETARG_INT32(1), PG_GETARG_BOOL(2));
	PG_RETURN_VOID();
}

/* (document in binary form) */
Datum
sdb_test_mysql_json(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;

	initStringInfo(&buf);
	sdb_mysql_json_to_text(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

static char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(arg));
}
