/*
 * test_convert.c --- SQL access to convert/ and ddl/, for the tests
 *
 * Compiled with SYNCHDB_TEST only; test_convert.sql declares the functions.
 * No source and no worker is involved: values come from literals, tables from
 * the JSON form of a definition.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "parser/parse_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "change/change.h"
#include "convert/plan.h"
#include "convert/typemap.h"
#include "ddl/ddl.h"
#include "ddl/naming.h"
#include "source/source.h"
#include "util/compat.h"
#include "util/error_position.h"

PG_FUNCTION_INFO_V1(sdb_test_convert);
PG_FUNCTION_INFO_V1(sdb_test_typemap);
PG_FUNCTION_INFO_V1(sdb_test_translate);
PG_FUNCTION_INFO_V1(sdb_test_naming);
PG_FUNCTION_INFO_V1(sdb_test_collisions);
PG_FUNCTION_INFO_V1(sdb_test_ddl);
PG_FUNCTION_INFO_V1(sdb_test_alter);
PG_FUNCTION_INFO_V1(sdb_test_setting);

static ValueKind parse_kind(const char *name);
static void parse_value(ValueKind kind, char *text, SourceValue *value);
static void parse_bytes(char *text, SourceBytes *bytes);
static void parse_bits(char *text, SourceBits *bits);
static const SourceDecimal *parse_decimal(char *text);
static Datum read_datum(Oid type, char *text);
static SourceTable *make_table(char *catalog, char *name);
static char *test_position(void *arg);

/*
 * (kind, literal, target type, not_null, declared kind) as text; declared kind
 * NULL for the kind itself.  A value that is not sent shows as "(not sent)".
 */
Datum
sdb_test_convert(PG_FUNCTION_ARGS)
{
	ValueKind	kind = parse_kind(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	SourceTable *table = make_table("test", "t");
	AttrNumber	attnum = 1;
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	ErrorContextCallback callback = {.callback = sdb_error_position_callback};
	SourceValue value;
	ConvertPlan *plan;
	Oid			type;
	int32		typmod;
	Oid			output;
	bool		is_varlena;
	Datum		result;
	bool		isnull = false;
	bool		sent = false;

	sdb_parse_type_string(text_to_cstring(PG_GETARG_TEXT_PP(2)), &type,
						  &typmod);
	TupleDescInitEntry(desc, 1, "v", type, typmod, 0);
	TupleDescAttr(desc, 0)->attnotnull = PG_GETARG_BOOL(3);

	table->ncolumns = 1;
	table->columns = palloc0(sizeof(SourceColumn));
	table->columns[0].name = "Value";
	table->columns[0].type_name = "something";
	table->columns[0].kind = PG_ARGISNULL(4) ? kind :
		parse_kind(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	parse_value(kind, text_to_cstring(PG_GETARG_TEXT_PP(1)), &value);

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sdb_error_position = (ErrorPosition)
	{
		.connector = "c", .action = "insert", .table = table->id,
			.position = test_position
	};
	plan = sdb_plan_make(table, desc, &attnum);
	sdb_plan_row(plan, &value, &result, &isnull, &sent);
	error_context_stack = callback.previous;

	if (!sent)
		PG_RETURN_TEXT_P(cstring_to_text("(not sent)"));
	if (isnull)
		PG_RETURN_NULL();
	getTypeOutputInfo(type, &output, &is_varlena);
	PG_RETURN_TEXT_P(cstring_to_text(OidOutputFunctionCall(output, result)));
}

/* (type name, length, scale, identity, recommended) of a MySQL column */
Datum
sdb_test_typemap(PG_FUNCTION_ARGS)
{
	SourceColumn column = {.name = "Value"};
	char	   *result;

	column.type_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	column.length = PG_GETARG_INT32(1);
	column.scale = PG_GETARG_INT32(2);
	column.identity = PG_GETARG_BOOL(3);
	if (!PG_ARGISNULL(4))
		column.recommended = text_to_cstring(PG_GETARG_TEXT_PP(4));
	result = sdb_typemap_column(sdb_source_find("mysql")->types,
								make_table("test", "t"), &column);
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/* (type name, length, scale, precision) */
Datum
sdb_test_translate(PG_FUNCTION_ARGS)
{
	char	   *result;

	result = sdb_typemap_translate(sdb_source_find("mysql")->types,
								   text_to_cstring(PG_GETARG_TEXT_PP(0)),
								   PG_GETARG_INT64(1), PG_GETARG_INT64(2),
								   PG_GETARG_INT64(3));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/* (database, table, columns[]): the target as schema, name and columns */
Datum
sdb_test_naming(PG_FUNCTION_ARGS)
{
	SourceTable *table = make_table(text_to_cstring(PG_GETARG_TEXT_PP(0)),
									text_to_cstring(PG_GETARG_TEXT_PP(1)));
	TargetTable *target;
	StringInfoData buf;
	Datum	   *columns;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false,
					  TYPALIGN_INT, &columns, NULL, &table->ncolumns);
	table->columns = palloc0(table->ncolumns * sizeof(SourceColumn));
	for (int i = 0; i < table->ncolumns; i++)
		table->columns[i].name = TextDatumGetCString(columns[i]);

	target = sdb_naming_target(table);
	initStringInfo(&buf);
	appendStringInfo(&buf, "%s | %s |", target->schema, target->name);
	for (int i = 0; i < table->ncolumns; i++)
		appendStringInfo(&buf, " %s", target->columns[i]);
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (tables[]) of one database */
Datum
sdb_test_collisions(PG_FUNCTION_ARGS)
{
	List	   *tables = NIL;
	Datum	   *names;
	int			nnames;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, NULL, &nnames);
	for (int i = 0; i < nnames; i++)
		tables = lappend(tables,
						 make_table("Shop", TextDatumGetCString(names[i])));
	sdb_naming_check_collisions(tables);
	PG_RETURN_VOID();
}

/* (action, definition as JSON) with MySQL's types */
Datum
sdb_test_ddl(PG_FUNCTION_ARGS)
{
	char	   *action = text_to_cstring(PG_GETARG_TEXT_PP(0));
	SourceTable *table =
		sdb_table_from_json(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	const SourceType *types = sdb_source_find("mysql")->types;
	TargetTable *target = sdb_naming_target(table);
	SchemaChange change = {.before = table, .after = table};

	if (strcmp(action, "create") == 0)
	{
		change.kind = SCHEMA_CREATE_TABLE;
		sdb_ddl_apply(&change, types);
	}
	else if (strcmp(action, "drop") == 0)
	{
		change.kind = SCHEMA_DROP_TABLE;
		sdb_ddl_apply(&change, types);
	}
	else if (strcmp(action, "create without key") == 0)
	{
		sdb_ddl_create_schema(target->schema);
		if (!OidIsValid(sdb_ddl_create_table(table, target, types,
											 KEY_LATER)))
			ereport(NOTICE, (errmsg("table exists")));
	}
	else if (strcmp(action, "create key") == 0)
	{
		sdb_ddl_create_key(table, target);
		sdb_ddl_create_plain_indexes(table, target);
		sdb_ddl_create_unique_indexes(table, target);
	}
	else if (strcmp(action, "create foreign keys") == 0)
		sdb_ddl_create_foreign_keys(table);
	else if (strcmp(action, "set identity") == 0)
		sdb_ddl_set_identity(table, target);
	else if (strcmp(action, "truncate") == 0)
		sdb_ddl_truncate(target);
	else
		elog(ERROR, "unknown action \"%s\"", action);
	PG_RETURN_VOID();
}

/*
 * (before, after, origins[]) with MySQL's types; origins NULL for columns of
 * the same names.  Result: the change as text, and "differs" if the rows here
 * may differ from the source's.
 */
Datum
sdb_test_alter(PG_FUNCTION_ARGS)
{
	SourceTable *before =
		sdb_table_from_json(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	SourceTable *after =
		sdb_table_from_json(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	int		   *origins = palloc(after->ncolumns * sizeof(int));
	SchemaChange schema = {SCHEMA_ALTER_TABLE, before, after, origins};
	Change		change = {.kind = CHANGE_SCHEMA, .schema = &schema};
	StringInfoData buf;

	for (int i = 0; i < after->ncolumns; i++)
	{
		if (PG_ARGISNULL(2))
			origins[i] = sdb_table_find_column(before,
											   after->columns[i].name);
		else
			origins[i] = ((int32 *) ARR_DATA_PTR(PG_GETARG_ARRAYTYPE_P(2)))[i];
	}
	initStringInfo(&buf);
	sdb_change_to_text(&buf, &change);
	if (!sdb_ddl_apply(&schema, sdb_source_find("mysql")->types))
		appendStringInfoString(&buf, " differs");
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (name, value): what otherwise only a reload may change */
Datum
sdb_test_setting(PG_FUNCTION_ARGS)
{
	SetConfigOption(text_to_cstring(PG_GETARG_TEXT_PP(0)),
					text_to_cstring(PG_GETARG_TEXT_PP(1)),
					PGC_SIGHUP, PGC_S_SESSION);
	PG_RETURN_VOID();
}

static ValueKind
parse_kind(const char *name)
{
	ValueKind	kind;

	if (!sdb_value_kind_parse(name, &kind))
		elog(ERROR, "unknown kind \"%s\"", name);
	return kind;
}

/*
 * Numbers and temporal values in PostgreSQL's notation, or for dates, times
 * and timestamps the bare number after a "#".  Bytes as bytea, a geometry as
 * "srid;bytea".  Text and bytes that are "#" and a number claim that length
 * without having it.
 */
static void
parse_value(ValueKind kind, char *text, SourceValue *value)
{
	SourceBytes wkb;
	inet	   *address;

	value->kind = kind;
	if (text[0] == '#' && (kind == VALUE_TEXT || kind == VALUE_BYTES))
	{
		value->u.bytes.data = text;
		value->u.bytes.len = strtol(text + 1, NULL, 10);
		return;
	}
	if (text[0] == '#')
	{
		value->u.sint = strtoll(text + 1, NULL, 10);
		return;
	}

	switch (kind)
	{
		case VALUE_NULL:
		case VALUE_UNCHANGED:
			break;
		case VALUE_BOOL:
			value->u.boolean = strcmp(text, "true") == 0;
			break;
		case VALUE_INT:
			value->u.sint = strtoll(text, NULL, 10);
			break;
		case VALUE_UINT:
			value->u.uint = strtoull(text, NULL, 10);
			break;
		case VALUE_FLOAT4:
			value->u.float4 = strtof(text, NULL);
			break;
		case VALUE_FLOAT8:
			value->u.float8 = strtod(text, NULL);
			break;
		case VALUE_DECIMAL:
			value->u.decimal = parse_decimal(text);
			break;
		case VALUE_TEXT:
		case VALUE_JSON:
		case VALUE_ZERODATE:
			value->u.bytes.data = text;
			value->u.bytes.len = strlen(text);
			break;
		case VALUE_BYTES:
			parse_bytes(text, &value->u.bytes);
			break;
		case VALUE_BITS:
			parse_bits(text, &value->u.bits);
			break;
		case VALUE_DATE:
			value->u.sint = DatumGetDateADT(read_datum(DATEOID, text));
			break;
		case VALUE_TIME:
			value->u.sint =
				DatumGetIntervalP(read_datum(INTERVALOID, text))->time;
			break;
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
			value->u.sint =
				DatumGetTimestamp(read_datum(TIMESTAMPOID, text));
			break;
		case VALUE_INTERVAL:
			value->u.interval =
				DatumGetIntervalP(read_datum(INTERVALOID, text));
			break;
		case VALUE_UUID:
			value->u.bytes.data = (char *)
				DatumGetUUIDP(read_datum(UUIDOID, text))->data;
			value->u.bytes.len = UUID_LEN;
			break;
		case VALUE_INET:
			address = DatumGetInetPP(read_datum(INETOID, text));
			value->u.bytes.data = (char *) ip_addr(address);
			value->u.bytes.len = ip_addrsize(address);
			break;
		case VALUE_GEOMETRY:
			parse_bytes(strchr(text, ';') + 1, &wkb);
			value->u.geometry.native = NULL;
			value->u.geometry.wkb = wkb.data;
			value->u.geometry.len = wkb.len;
			value->u.geometry.srid = strtoul(text, NULL, 10);
			break;
	}
}

static void
parse_bytes(char *text, SourceBytes *bytes)
{
	bytea	   *value = DatumGetByteaPP(read_datum(BYTEAOID, text));

	bytes->data = VARDATA_ANY(value);
	bytes->len = VARSIZE_ANY_EXHDR(value);
}

/* The unused high bits are set, which nobody may notice. */
static void
parse_bits(char *text, SourceBits *bits)
{
	int			nbits = strlen(text);
	int			nbytes = (nbits + 7) / 8;
	uint8	   *data = palloc(nbytes);

	memset(data, 0xFF, nbytes);
	for (int i = 0; i < nbits; i++)
	{
		uint8		mask = 1 << (i % 8);

		if (text[nbits - 1 - i] != '1')
			data[nbytes - 1 - i / 8] &= ~mask;
	}
	bits->data = data;
	bits->nbits = nbits;
}

/* From what numeric_send writes. */
static const SourceDecimal *
parse_decimal(char *text)
{
	SourceDecimal *decimal = palloc(sizeof(SourceDecimal));
	Datum		numeric = read_datum(NUMERICOID, text);
	bytea	   *sent = DatumGetByteaPP(DirectFunctionCall1(numeric_send,
														   numeric));
	StringInfoData buf;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	decimal->ndigits = pq_getmsgint(&buf, 2);
	decimal->weight = pq_getmsgint(&buf, 2);
	decimal->negative = pq_getmsgint(&buf, 2) != 0;
	decimal->dscale = pq_getmsgint(&buf, 2);
	decimal->digits = palloc(Max(decimal->ndigits, 1) * sizeof(int16));
	for (int i = 0; i < decimal->ndigits; i++)
		decimal->digits[i] = pq_getmsgint(&buf, 2);
	return decimal;
}

static Datum
read_datum(Oid type, char *text)
{
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(type, &input, &ioparam);
	return OidInputFunctionCall(input, text, ioparam, -1);
}

static SourceTable *
make_table(char *catalog, char *name)
{
	SourceTable *table = palloc0(sizeof(SourceTable));

	table->catalog = catalog;
	table->name = name;
	table->id = sdb_table_make_id(catalog, NULL, name);
	return table;
}

static char *
test_position(void *arg)
{
	return pstrdup("{\"file\":\"bin.000001\",\"pos\":4}");
}
