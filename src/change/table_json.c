/*
 * table_json.c --- the form of a table definition that the catalog stores
 *
 *		{"catalog": "inventory", "name": "orders", "keys": [0], "columns": [
 *		 {"name": "id", "type": "int", "kind": "int", "not_null": true}, ...],
 *
 *		 "indexes": [{"name": "by_day", "unique": true, "parts": [
 *		  {"column": 2, "prefix": 10, "descending": true}]}],
 *		 "foreign_keys": [{"name": "customer", "columns": [1],
 *		  "catalog": "inventory", "table": "customers", "referenced": ["id"],
 *		  "on_delete": "cascade"}]}
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

static const char *const action_names[] = {
	[FOREIGN_KEY_NO_ACTION] = "no action",
	[FOREIGN_KEY_RESTRICT] = "restrict",
	[FOREIGN_KEY_CASCADE] = "cascade",
	[FOREIGN_KEY_SET_NULL] = "set null",
	[FOREIGN_KEY_SET_DEFAULT] = "set default",
};

static void write_column(StringInfo buf, const SourceColumn *column);
static void write_indexes(StringInfo buf, const SourceTable *table);
static void write_foreign_keys(StringInfo buf, const SourceTable *table);
static void write_action(StringInfo buf, const char *name,
						 ForeignKeyAction action);
static void write_ints(StringInfo buf, const char *name, int n,
					   const int *values);
static void write_texts(StringInfo buf, const char *name, int n,
						char *const *texts);
static void write_name(StringInfo buf, const char *name);
static void write_text(StringInfo buf, const char *name, const char *text);
static void write_int(StringInfo buf, const char *name, int value);
static void write_true(StringInfo buf, const char *name, bool value);
static void read_column(SourceColumn *column, JsonbContainer *object);
static DefaultKind read_default(JsonbContainer *object);
static void read_indexes(SourceTable *table, JsonbContainer *root);
static void read_foreign_keys(SourceTable *table, JsonbContainer *root);
static ForeignKeyAction read_action(JsonbContainer *object, const char *name);
static int *read_column_numbers(const SourceTable *table,
								JsonbContainer *object, const char *name,
								int *n);
static char **read_texts(JsonbContainer *object, const char *name, int *n);
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
	write_text(buf, "charset", table->charset);
	write_true(buf, "versioned", table->versioned);
	write_ints(buf, "keys", table->nkeys, table->keys);
	write_name(buf, "columns");
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ',');
		write_column(buf, &table->columns[i]);
	}
	appendStringInfoChar(buf, ']');
	if (table->nindexes > 0)
		write_indexes(buf, table);
	if (table->nforeign_keys > 0)
		write_foreign_keys(buf, table);
	appendStringInfoChar(buf, '}');
}

SourceTable *
sdb_table_from_json(const char *json)
{
	Datum		jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	JsonbContainer *root = &DatumGetJsonbP(jsonb)->root;
	SourceTable *table = palloc0(sizeof(SourceTable));
	JsonbContainer *columns;

	if (!JsonContainerIsObject(root))
		report_member("catalog");
	table->catalog = read_text(root, "catalog", true);
	table->schema = read_text(root, "schema", false);
	table->name = read_text(root, "name", true);
	table->comment = read_text(root, "comment", false);
	table->charset = read_text(root, "charset", false);
	table->versioned = read_true(root, "versioned");
	table->id = sdb_table_make_id(table->catalog, table->schema, table->name);
	table->estimated_rows = -1;

	columns = read_array(root, "columns");
	table->ncolumns = JsonContainerSize(columns);
	table->columns = palloc0(table->ncolumns * sizeof(SourceColumn));
	for (int i = 0; i < table->ncolumns; i++)
		read_column(&table->columns[i], array_object(columns, i));

	table->keys = read_column_numbers(table, root, "keys", &table->nkeys);
	read_indexes(table, root);
	read_foreign_keys(table, root);
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
	write_true(buf, "row_end", column->row_end);
	if (column->default_kind != DEFAULT_NONE)
		write_text(buf, "default", default_names[column->default_kind]);
	write_text(buf, "default_value", column->default_value);
	write_text(buf, "charset", column->charset);
	write_text(buf, "recommended", column->recommended);
	write_text(buf, "comment", column->comment);
	if (column->nlabels > 0)
		write_texts(buf, "labels", column->nlabels, column->labels);
	appendStringInfoChar(buf, '}');
}

static void
write_indexes(StringInfo buf, const SourceTable *table)
{
	write_name(buf, "indexes");
	for (int i = 0; i < table->nindexes; i++)
	{
		const SourceIndex *index = &table->indexes[i];

		appendStringInfoString(buf, i == 0 ? "[{" : ",{");
		write_text(buf, "name", index->name);
		write_true(buf, "unique", index->unique);
		write_true(buf, "special", index->special);
		write_name(buf, "parts");
		appendStringInfoChar(buf, '[');
		for (int j = 0; j < index->nparts; j++)
		{
			const SourceIndexPart *part = &index->parts[j];

			appendStringInfoString(buf, j == 0 ? "{" : ",{");
			write_int(buf, "column", part->column);
			if (part->prefix > 0)
				write_int(buf, "prefix", part->prefix);
			write_true(buf, "descending", part->descending);
			appendStringInfoChar(buf, '}');
		}
		appendStringInfoString(buf, "]}");
	}
	appendStringInfoChar(buf, ']');
}

static void
write_foreign_keys(StringInfo buf, const SourceTable *table)
{
	write_name(buf, "foreign_keys");
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		const SourceForeignKey *key = &table->foreign_keys[i];

		appendStringInfoString(buf, i == 0 ? "[{" : ",{");
		write_text(buf, "name", key->name);
		write_ints(buf, "columns", key->ncolumns, key->columns);
		write_text(buf, "catalog", key->catalog);
		write_text(buf, "schema", key->schema);
		write_text(buf, "table", key->table);
		write_texts(buf, "referenced", key->ncolumns, key->referenced);
		write_action(buf, "on_delete", key->on_delete);
		write_action(buf, "on_update", key->on_update);
		appendStringInfoChar(buf, '}');
	}
	appendStringInfoChar(buf, ']');
}

static void
write_action(StringInfo buf, const char *name, ForeignKeyAction action)
{
	if (action != FOREIGN_KEY_NO_ACTION)
		write_text(buf, name, action_names[action]);
}

static void
write_ints(StringInfo buf, const char *name, int n, const int *values)
{
	write_name(buf, name);
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < n; i++)
		appendStringInfo(buf, i == 0 ? "%d" : ",%d", values[i]);
	appendStringInfoChar(buf, ']');
}

static void
write_texts(StringInfo buf, const char *name, int n, char *const *texts)
{
	write_name(buf, name);
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ',');
		escape_json(buf, texts[i]);
	}
	appendStringInfoChar(buf, ']');
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
	column->row_end = read_true(object, "row_end");
	column->default_kind = read_default(object);
	is_constant = column->default_kind == DEFAULT_CONSTANT;
	column->default_value = read_text(object, "default_value", is_constant);
	column->charset = read_text(object, "charset", false);
	column->recommended = read_text(object, "recommended", false);
	column->comment = read_text(object, "comment", false);
	if (read_member(object, "labels", jbvBinary, &labels))
		column->labels = read_texts(object, "labels", &column->nlabels);
}

static void
read_indexes(SourceTable *table, JsonbContainer *root)
{
	JsonbValue	member;
	JsonbContainer *array;

	if (!read_member(root, "indexes", jbvBinary, &member))
		return;
	array = read_array(root, "indexes");
	table->nindexes = JsonContainerSize(array);
	table->indexes = palloc0(table->nindexes * sizeof(SourceIndex));
	for (int i = 0; i < table->nindexes; i++)
	{
		SourceIndex *index = &table->indexes[i];
		JsonbContainer *object = array_object(array, i);
		JsonbContainer *parts = read_array(object, "parts");

		index->name = read_text(object, "name", true);
		index->unique = read_true(object, "unique");
		index->special = read_true(object, "special");
		index->nparts = JsonContainerSize(parts);
		index->parts = palloc0(index->nparts * sizeof(SourceIndexPart));
		for (int j = 0; j < index->nparts; j++)
		{
			JsonbContainer *part = array_object(parts, j);

			index->parts[j].column = read_int(part, "column");
			index->parts[j].prefix = Max(read_int(part, "prefix"), 0);
			index->parts[j].descending = read_true(part, "descending");
			if (index->parts[j].column < -1 ||
				index->parts[j].column >= table->ncolumns)
				report_member("column");
		}
	}
}

static void
read_foreign_keys(SourceTable *table, JsonbContainer *root)
{
	JsonbValue	member;
	JsonbContainer *array;

	if (!read_member(root, "foreign_keys", jbvBinary, &member))
		return;
	array = read_array(root, "foreign_keys");
	table->nforeign_keys = JsonContainerSize(array);
	table->foreign_keys = palloc0(table->nforeign_keys *
								  sizeof(SourceForeignKey));
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		SourceForeignKey *key = &table->foreign_keys[i];
		JsonbContainer *object = array_object(array, i);
		int			nreferenced;

		key->name = read_text(object, "name", true);
		key->columns = read_column_numbers(table, object, "columns",
										   &key->ncolumns);
		key->catalog = read_text(object, "catalog", true);
		key->schema = read_text(object, "schema", false);
		key->table = read_text(object, "table", true);
		key->referenced = read_texts(object, "referenced", &nreferenced);
		key->on_delete = read_action(object, "on_delete");
		key->on_update = read_action(object, "on_update");
		if (nreferenced != key->ncolumns)
			report_member("referenced");
	}
}

static ForeignKeyAction
read_action(JsonbContainer *object, const char *name)
{
	char	   *text = read_text(object, name, false);

	if (!text)
		return FOREIGN_KEY_NO_ACTION;
	for (int i = 0; i < lengthof(action_names); i++)
	{
		if (strcmp(text, action_names[i]) == 0)
			return (ForeignKeyAction) i;
	}
	report_member(name);
}

/* An array of idx0 of the table's columns; NULL if it is empty. */
static int *
read_column_numbers(const SourceTable *table, JsonbContainer *object,
					const char *name, int *n)
{
	JsonbContainer *array = read_array(object, name);
	int		   *numbers = NULL;

	*n = JsonContainerSize(array);
	if (*n > 0)
		numbers = palloc(*n * sizeof(int));
	for (int i = 0; i < *n; i++)
	{
		numbers[i] = value_int(getIthJsonbValueFromContainer(array, i));
		if (numbers[i] < 0 || numbers[i] >= table->ncolumns)
			report_member(name);
	}
	return numbers;
}

static char **
read_texts(JsonbContainer *object, const char *name, int *n)
{
	JsonbContainer *array = read_array(object, name);
	char	  **texts;

	*n = JsonContainerSize(array);
	texts = palloc(*n * sizeof(char *));
	for (int i = 0; i < *n; i++)
		texts[i] = value_text(getIthJsonbValueFromContainer(array, i));
	return texts;
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
