/*
 * table_json.c --- the form of a table definition that the catalog stores
 *
 *		{"catalog": "inventory", "name": "orders", "keys": [0], "columns": [
 *		 {"name": "id", "type": "int", "kind": "int", "not_null": true}, ...]}
 *
 * A member is left out where it would say nothing: NULL, false, -1, no
 * default, no labels.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "change/table.h"
#include "util/compat.h"

static const char *const default_names[] = {
	[DEFAULT_NONE] = "none",
	[DEFAULT_CONSTANT] = "constant",
	[DEFAULT_NOW] = "now",
	[DEFAULT_OTHER] = "other",
};

static void write_column(StringInfo buf, const SourceColumn *column);
static void write_name(StringInfo buf, const char *name);
static void write_text(StringInfo buf, const char *name, const char *text);
static void write_int(StringInfo buf, const char *name, int value);
static void write_true(StringInfo buf, const char *name, bool value);
static void read_column(SourceColumn *column, JsonbContainer *object);
static DefaultKind read_default(JsonbContainer *object);
static JsonbContainer *read_array(JsonbContainer *object, const char *name);
static JsonbContainer *array_object(JsonbContainer *array, int idx0);
static char *read_text(JsonbContainer *object, const char *name,
					   bool is_required);
static int	read_int(JsonbContainer *object, const char *name);
static bool read_true(JsonbContainer *object, const char *name);
static bool read_member(JsonbContainer *object, const char *name,
						enum jbvType type, JsonbValue *value);
static char *value_text(const JsonbValue *value);
static int	value_int(const JsonbValue *value);
pg_noreturn static void report_member(const char *name);

void
sdb_table_to_json(StringInfo buf, const SourceTable *table)
{
	appendStringInfoChar(buf, '{');
	write_text(buf, "catalog", table->catalog);
	write_text(buf, "schema", table->schema);
	write_text(buf, "name", table->name);
	write_text(buf, "comment", table->comment);
	write_name(buf, "keys");
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < table->nkeys; i++)
		appendStringInfo(buf, i == 0 ? "%d" : ",%d", table->keys[i]);
	appendStringInfoChar(buf, ']');
	write_name(buf, "columns");
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ',');
		write_column(buf, &table->columns[i]);
	}
	appendStringInfoString(buf, "]}");
}

SourceTable *
sdb_table_from_json(const char *json)
{
	Datum		jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	JsonbContainer *root = &DatumGetJsonbP(jsonb)->root;
	SourceTable *table = palloc0(sizeof(SourceTable));
	JsonbContainer *keys;
	JsonbContainer *columns;

	if (!JsonContainerIsObject(root))
		report_member("catalog");
	table->catalog = read_text(root, "catalog", true);
	table->schema = read_text(root, "schema", false);
	table->name = read_text(root, "name", true);
	table->comment = read_text(root, "comment", false);
	table->id = sdb_table_make_id(table->catalog, table->schema, table->name);
	table->estimated_rows = -1;

	columns = read_array(root, "columns");
	table->ncolumns = JsonContainerSize(columns);
	table->columns = palloc0(table->ncolumns * sizeof(SourceColumn));
	for (int i = 0; i < table->ncolumns; i++)
		read_column(&table->columns[i], array_object(columns, i));

	keys = read_array(root, "keys");
	table->nkeys = JsonContainerSize(keys);
	if (table->nkeys > 0)
		table->keys = palloc(table->nkeys * sizeof(int));
	for (int i = 0; i < table->nkeys; i++)
	{
		table->keys[i] = value_int(getIthJsonbValueFromContainer(keys, i));
		if (table->keys[i] < 0 || table->keys[i] >= table->ncolumns)
			report_member("keys");
	}
	return table;
}

static void
write_column(StringInfo buf, const SourceColumn *column)
{
	appendStringInfoChar(buf, '{');
	write_text(buf, "name", column->name);
	write_text(buf, "type", column->type_name);
	write_text(buf, "kind", sdb_value_kind_name(column->kind));
	write_int(buf, "length", column->length);
	write_int(buf, "scale", column->scale);
	write_true(buf, "not_null", column->not_null);
	write_true(buf, "identity", column->identity);
	write_true(buf, "generated", column->generated);
	if (column->default_kind != DEFAULT_NONE)
		write_text(buf, "default", default_names[column->default_kind]);
	write_text(buf, "default_value", column->default_value);
	write_text(buf, "charset", column->charset);
	write_text(buf, "recommended", column->recommended);
	write_text(buf, "comment", column->comment);
	if (column->nlabels > 0)
	{
		write_name(buf, "labels");
		for (int i = 0; i < column->nlabels; i++)
		{
			appendStringInfoChar(buf, i == 0 ? '[' : ',');
			escape_json(buf, column->labels[i]);
		}
		appendStringInfoChar(buf, ']');
	}
	appendStringInfoChar(buf, '}');
}

/* The name of the next member, after a comma unless it is the first. */
static void
write_name(StringInfo buf, const char *name)
{
	if (buf->data[buf->len - 1] != '{')
		appendStringInfoChar(buf, ',');
	appendStringInfo(buf, "\"%s\":", name);
}

static void
write_text(StringInfo buf, const char *name, const char *text)
{
	if (!text)
		return;
	write_name(buf, name);
	escape_json(buf, text);
}

static void
write_int(StringInfo buf, const char *name, int value)
{
	if (value == -1)
		return;
	write_name(buf, name);
	appendStringInfo(buf, "%d", value);
}

static void
write_true(StringInfo buf, const char *name, bool value)
{
	if (!value)
		return;
	write_name(buf, name);
	appendStringInfoString(buf, "true");
}

static void
read_column(SourceColumn *column, JsonbContainer *object)
{
	JsonbValue	labels;
	bool		is_constant;

	column->name = read_text(object, "name", true);
	column->type_name = read_text(object, "type", true);
	if (!sdb_value_kind_parse(read_text(object, "kind", true), &column->kind))
		report_member("kind");
	column->length = read_int(object, "length");
	column->scale = read_int(object, "scale");
	column->not_null = read_true(object, "not_null");
	column->identity = read_true(object, "identity");
	column->generated = read_true(object, "generated");
	column->default_kind = read_default(object);
	is_constant = column->default_kind == DEFAULT_CONSTANT;
	column->default_value = read_text(object, "default_value", is_constant);
	column->charset = read_text(object, "charset", false);
	column->recommended = read_text(object, "recommended", false);
	column->comment = read_text(object, "comment", false);
	if (read_member(object, "labels", jbvBinary, &labels))
	{
		JsonbContainer *array = read_array(object, "labels");

		column->nlabels = JsonContainerSize(array);
		column->labels = palloc(column->nlabels * sizeof(char *));
		for (int i = 0; i < column->nlabels; i++)
			column->labels[i] =
				value_text(getIthJsonbValueFromContainer(array, i));
	}
}

static DefaultKind
read_default(JsonbContainer *object)
{
	char	   *name = read_text(object, "default", false);

	if (!name)
		return DEFAULT_NONE;
	for (int i = 0; i < lengthof(default_names); i++)
	{
		if (strcmp(name, default_names[i]) == 0)
			return (DefaultKind) i;
	}
	report_member("default");
}

static JsonbContainer *
read_array(JsonbContainer *object, const char *name)
{
	JsonbValue	value;

	if (!read_member(object, name, jbvBinary, &value) ||
		!JsonContainerIsArray(value.val.binary.data))
		report_member(name);
	return value.val.binary.data;
}

static JsonbContainer *
array_object(JsonbContainer *array, int idx0)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, idx0);

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		report_member("columns");
	return value->val.binary.data;
}

/* NULL if there is no such member and it is not required. */
static char *
read_text(JsonbContainer *object, const char *name, bool is_required)
{
	JsonbValue	value;

	if (read_member(object, name, jbvString, &value))
		return value_text(&value);
	if (is_required)
		report_member(name);
	return NULL;
}

static int
read_int(JsonbContainer *object, const char *name)
{
	JsonbValue	value;

	return read_member(object, name, jbvNumeric, &value) ?
		value_int(&value) : -1;
}

static bool
read_true(JsonbContainer *object, const char *name)
{
	JsonbValue	value;

	return read_member(object, name, jbvBool, &value) && value.val.boolean;
}

/* False if there is no such member; an error if it is of another type. */
static bool
read_member(JsonbContainer *object, const char *name, enum jbvType type,
			JsonbValue *value)
{
	if (!getKeyJsonValueFromContainer(object, name, strlen(name), value))
		return false;
	if (value->type != type)
		report_member(name);
	return true;
}

static char *
value_text(const JsonbValue *value)
{
	if (value->type != jbvString)
		report_member("labels");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int
value_int(const JsonbValue *value)
{
	Datum		number;

	if (value->type != jbvNumeric)
		report_member("keys");
	number = NumericGetDatum(value->val.numeric);
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

static void
report_member(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed definition of a source table: \"%s\" is missing or not what it should be",
					name)));
}
