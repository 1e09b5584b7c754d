/*
 * mysql_resolve_column.c --- definitions of columns, completed
 *
 * What a statement leaves out is filled in as the server does it: the character
 * set of the table, lengths and precisions, the size of a TEXT that was given
 * a length, NOT NULL of numbered columns and of old timestamps.  The result goes
 * through sdb_mysql_types_column, in the words in which a server would have
 * described the column.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "source/mysql/mysql_charset.h"
#include "source/mysql/mysql_resolve.h"
#include "source/mysql/mysql_types.h"
#include "util/charset.h"

/* Bytes of a row that a VARCHAR may take */
#define MAX_VARCHAR_BYTES	65535

/* The families of TEXT and BLOB, by what they can hold */
typedef struct BlobSize
{
	const char *text;
	const char *blob;
	int64		max_bytes;
} BlobSize;

static const BlobSize blob_sizes[] = {
	{"tinytext", "tinyblob", 255},
	{"text", "blob", 65535},
	{"mediumtext", "mediumblob", 16777215},
	{"longtext", "longblob", PG_INT64_MAX}
};

/* What numbers a type has if none are written; -1 for none */
typedef struct TypeArguments
{
	const char *type;
	int			count;			/* how many are shown */
	int			first;
	int			second;
} TypeArguments;

static const TypeArguments type_arguments[] = {
	{"decimal", 2, 10, 0},
	{"bit", 1, 1},
	{"char", 1, 1},
	{"binary", 1, 1},
	{"varchar", 1, -1},
	{"varbinary", 1, -1},
	{"vector", 1, 2048},
	{"time", 1, 0},
	{"datetime", 1, 0},
	{"timestamp", 1, 0}
};

static const char *choose_type(const MysqlColumnDef *def,
							   const char *charset);
static bool is_character_type(const char *type);
static const char *bytes_type(const char *type);
static const BlobSize *find_blob(const char *type, bool *is_text);
static const BlobSize *blob_for(int64 nbytes);
static void append_type(StringInfo buf, const MysqlResolver *resolver,
						const MysqlColumnDef *def, const char *type);
static void append_labels(StringInfo buf, const MysqlResolver *resolver,
						  const List *labels);
static void resolve_default(const MysqlResolver *resolver,
							const MysqlColumnDef *def, SourceColumn *column);
static bool is_old_timestamp(const MysqlResolver *resolver,
							 const MysqlColumnDef *def);

const char *
sdb_mysql_resolve_charset(const MysqlResolver *resolver,
						  const MysqlCharset *charset, const char *inherited)
{
	const char *result = NULL;

	if (charset->charset != NULL && strcmp(charset->charset, "default") != 0)
		result = sdb_mysql_charset_name(charset->charset);
	else if (charset->charset != NULL)
		result = resolver->database_charset;
	if (result == NULL && charset->collation != NULL)
		result = sdb_mysql_charset_of_collation(charset->collation);
	return result != NULL ? result : inherited;
}

bool
sdb_mysql_resolve_column(const MysqlResolver *resolver,
						 const MysqlColumnDef *def, const char *table_id,
						 const char *table_charset, SourceColumn *column,
						 bool *zero_default, char **reason)
{
	MysqlColumnInfo info = {0};
	StringInfoData type;
	bool		is_mariadb = resolver->dialect->is_mariadb;
	bool		is_text = is_character_type(def->type);
	const char *charset = NULL;
	bool		old_timestamp = is_old_timestamp(resolver, def);

	if (is_text)
	{
		charset = sdb_mysql_resolve_charset(resolver, &def->charset,
											table_charset);
		if (charset == NULL)
		{
			*reason = psprintf("the character set of column \"%s\" is not known",
							   def->name);
			return false;
		}
	}
	if (def->is_json && is_mariadb && strcmp(def->type, "json") == 0)
		charset = "utf8mb4";

	initStringInfo(&type);
	append_type(&type, resolver, def, choose_type(def, charset));
	info.table_id = table_id;
	info.column_name = def->name;
	info.column_type = type.data;
	info.charset = charset;
	info.is_nullable = def->nullness == MYSQL_NOT_NULL || def->is_primary ||
		def->auto_increment || old_timestamp || def->period != NULL ?
		"NO" : "YES";
	info.extra = def->auto_increment ? "auto_increment" :
		def->is_generated || def->period != NULL ? "STORED GENERATED" : "";
	info.comment = def->comment != NULL ?
		sdb_mysql_resolve_text(resolver, def->comment) : NULL;
	info.period = def->period;
	info.is_mariadb = is_mariadb;
	info.is_json = def->is_json;
	info.is_exact = true;
	sdb_mysql_types_column(&info, column);
	resolve_default(resolver, def, column);

	*zero_default = old_timestamp && !def->on_update_now &&
		def->value.kind == MYSQL_DEFAULT_ABSENT;
	if (old_timestamp && def->value.kind == MYSQL_DEFAULT_ABSENT)
		column->default_kind = DEFAULT_OTHER;
	return true;
}

void
sdb_mysql_resolve_convert(SourceColumn *column, const char *charset)
{
	bool		is_text;
	const BlobSize *size = find_blob(column->type_name, &is_text);
	int			old_len;
	int			new_len = sdb_mysql_charset_max_len(charset);

	if (column->charset == NULL)
		return;
	old_len = sdb_mysql_charset_max_len(column->charset);
	column->charset = pstrdup(charset);
	if (size != NULL && is_text && new_len > old_len &&
		size->max_bytes != PG_INT64_MAX)
		column->type_name =
			pstrdup(blob_for(size->max_bytes / old_len * new_len)->text);
	if (strcmp(column->type_name, "varchar") == 0 &&
		(int64) column->length * new_len > MAX_VARCHAR_BYTES)
	{
		column->type_name =
			pstrdup(blob_for((int64) column->length * new_len)->text);
		column->length = -1;
	}
	if (strcmp(charset, "binary") == 0 &&
		bytes_type(column->type_name) != NULL)
	{
		column->type_name = pstrdup(bytes_type(column->type_name));
		column->kind = VALUE_BYTES;
		column->charset = NULL;
	}
}

/* The type that a definition gets, its size and character set considered. */
static const char *
choose_type(const MysqlColumnDef *def, const char *charset)
{
	const char *type = def->type;
	int			char_len = charset != NULL ?
		sdb_mysql_charset_max_len(charset) : 1;
	int64		nbytes = def->nargs > 0 ? def->args[0] * char_len : 0;
	bool		is_text;

	if (find_blob(type, &is_text) != NULL && def->nargs > 0)
		type = is_text ? blob_for(nbytes)->text : blob_for(nbytes)->blob;
	if (strcmp(type, "varchar") == 0 && nbytes > MAX_VARCHAR_BYTES)
		type = blob_for(nbytes)->text;
	if (strcmp(type, "varbinary") == 0 && nbytes > MAX_VARCHAR_BYTES)
		type = blob_for(nbytes)->blob;
	if (strcmp(type, "float") == 0 && def->nargs == 1 && def->args[0] > 24)
		type = "double";
	if (charset != NULL && strcmp(charset, "binary") == 0 &&
		bytes_type(type) != NULL)
		type = bytes_type(type);
	return type;
}

static bool
is_character_type(const char *type)
{
	bool		is_text;

	return strcmp(type, "char") == 0 || strcmp(type, "varchar") == 0 ||
		strcmp(type, "enum") == 0 || strcmp(type, "set") == 0 ||
		(find_blob(type, &is_text) != NULL && is_text);
}

/* What a type of text is in the character set binary; NULL if the same */
static const char *
bytes_type(const char *type)
{
	bool		is_text;
	const BlobSize *size = find_blob(type, &is_text);

	if (strcmp(type, "char") == 0)
		return "binary";
	if (strcmp(type, "varchar") == 0)
		return "varbinary";
	return size != NULL && is_text ? size->blob : NULL;
}

static const BlobSize *
find_blob(const char *type, bool *is_text)
{
	for (int i = 0; i < lengthof(blob_sizes); i++)
	{
		*is_text = strcmp(type, blob_sizes[i].text) == 0;
		if (*is_text || strcmp(type, blob_sizes[i].blob) == 0)
			return &blob_sizes[i];
	}
	return NULL;
}

static const BlobSize *
blob_for(int64 nbytes)
{
	const BlobSize *size = blob_sizes;

	while (nbytes > size->max_bytes)
		size++;
	return size;
}

/* COLUMN_TYPE, as the server writes it */
static void
append_type(StringInfo buf, const MysqlResolver *resolver,
			const MysqlColumnDef *def, const char *type)
{
	appendStringInfoString(buf, type);
	if (def->labels != NIL)
		append_labels(buf, resolver, def->labels);
	for (int i = 0; i < lengthof(type_arguments); i++)
	{
		const TypeArguments *args = &type_arguments[i];
		int64		first = def->nargs > 0 ? def->args[0] : args->first;

		if (strcmp(type, args->type) != 0)
			continue;
		/* DECIMAL(0) and BIT(0) are as if nothing had been written */
		if (first == 0 && (strcmp(type, "decimal") == 0 ||
						   strcmp(type, "bit") == 0) &&
			(def->nargs < 2 || def->args[1] == 0))
			first = args->first;
		appendStringInfo(buf, "(" INT64_FORMAT, first);
		if (args->count == 2)
			appendStringInfo(buf, "," INT64_FORMAT,
							 def->nargs > 1 ? def->args[1] : args->second);
		appendStringInfoChar(buf, ')');
	}
	if (def->is_unsigned)
		appendStringInfoString(buf, " unsigned");
}

static void
append_labels(StringInfo buf, const MysqlResolver *resolver,
			  const List *labels)
{
	const char *separator = "(";
	ListCell   *lc;

	foreach(lc, labels)
	{
		char	   *label = sdb_mysql_resolve_text(resolver, lfirst(lc));
		int			len = strlen(label);

		/* the server cuts them off */
		while (len > 0 && label[len - 1] == ' ')
			len--;
		appendStringInfo(buf, "%s'", separator);
		for (int i = 0; i < len; i++)
		{
			if (label[i] == '\'' || label[i] == '\\')
				appendStringInfoChar(buf, label[i] == '\'' ? '\'' : '\\');
			appendStringInfoChar(buf, label[i]);
		}
		appendStringInfoChar(buf, '\'');
		separator = ",";
	}
	appendStringInfoChar(buf, ')');
}

/* FLOAT(7,3) rounds its default; the definition forgets the 3. */
static void
resolve_default(const MysqlResolver *resolver, const MysqlColumnDef *def,
				SourceColumn *column)
{
	SourceColumn rounded = {.type_name = "decimal", .scale = 0};
	MysqlDefault value = def->value;

	if (def->nargs == 2 && (strcmp(def->type, "float") == 0 ||
							strcmp(def->type, "double") == 0))
	{
		rounded.scale = (int32) def->args[1];
		sdb_mysql_resolve_default(resolver, &def->value, &rounded);
		if (rounded.default_kind == DEFAULT_CONSTANT)
		{
			MysqlText  *text = palloc0(sizeof(MysqlText));

			text->bytes = rounded.default_value;
			text->len = strlen(text->bytes);
			value.value = text;
		}
	}
	sdb_mysql_resolve_default(resolver, &value, column);
}

/* Without explicit_defaults_for_timestamp, a TIMESTAMP is NOT NULL. */
static bool
is_old_timestamp(const MysqlResolver *resolver, const MysqlColumnDef *def)
{
	return !resolver->explicit_timestamps && !def->is_generated &&
		def->period == NULL &&
		strcmp(def->type, "timestamp") == 0 && def->nullness != MYSQL_NULL;
}
