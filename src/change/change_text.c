/*
 * change_text.c --- a change as one line of text
 *
 * The text is for tests, the error table and DEBUG logs; nothing reads it
 * back.  It never spans lines, and two different changes never give the same
 * text:
 *
 *		names		plain if [a-z_][a-z0-9_]*, else "quoted"
 *		numbers		plain; a double as the shortest text that reads back
 *		text, JSON	'quoted', or E'quoted' with backslash escapes if it has
 *					control characters
 *		bytes		\x and hexadecimal digits
 *		bits		B'0101'
 *		dates		2024-01-31, 2024-01-31T10:20:30.5, the latter with Z for
 *					an instant; times of day -838:59:59
 *		interval	P1M2DT3.5S
 *		geometry	SRID=4326;\x0101...
 *		zero date	ZERODATE'0000-00-00'
 *
 * It depends on memory, StringInfo and the float printing of libpgcommon
 * alone, so it links outside of a server as well.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"

#include "change/change.h"
#include "util/calendar.h"

static const char *const change_names[] = {
	[CHANGE_BEGIN] = "begin",
	[CHANGE_INSERT] = "insert",
	[CHANGE_UPDATE] = "update",
	[CHANGE_DELETE] = "delete",
	[CHANGE_TRUNCATE] = "truncate",
	[CHANGE_SCHEMA] = "schema",
	[CHANGE_COMMIT] = "commit",
};

static const char *const action_texts[] = {
	[FOREIGN_KEY_NO_ACTION] = NULL,
	[FOREIGN_KEY_RESTRICT] = "restrict",
	[FOREIGN_KEY_CASCADE] = "cascade",
	[FOREIGN_KEY_SET_NULL] = "set null",
	[FOREIGN_KEY_SET_DEFAULT] = "set default",
};

static void append_table(StringInfo buf, const SourceTable *table);
static void append_row(StringInfo buf, const SourceTable *table,
					   const SourceValue *row, bool with_unchanged);
static void append_schema(StringInfo buf, const SchemaChange *schema);
static void append_column(StringInfo buf, const SourceColumn *column);
static void append_index(StringInfo buf, const SourceTable *table,
						 const SourceIndex *index);
static void append_foreign_key(StringInfo buf, const SourceTable *table,
							   const SourceForeignKey *key);
static void append_name(StringInfo buf, const char *name);
static void append_quoted(StringInfo buf, const char *data, int len);
static void append_hex(StringInfo buf, const char *data, int len);
static void append_bits(StringInfo buf, const SourceBits *bits);
static void append_decimal(StringInfo buf, const SourceDecimal *decimal);
static void append_date(StringInfo buf, int64 days);
static void append_time(StringInfo buf, int64 usecs);
static void append_timestamp(StringInfo buf, int64 usecs);
static void append_interval(StringInfo buf, const Interval *interval);
static void append_uuid(StringInfo buf, const SourceBytes *bytes);
static void append_inet(StringInfo buf, const SourceBytes *bytes);

const char *
sdb_change_kind_name(ChangeKind kind)
{
	return change_names[kind];
}

void
sdb_change_to_text(StringInfo buf, const Change *change)
{
	switch (change->kind)
	{
		case CHANGE_BEGIN:
			appendStringInfoString(buf, "BEGIN");
			break;
		case CHANGE_INSERT:
			appendStringInfoString(buf, "INSERT ");
			append_table(buf, change->table);
			append_row(buf, change->table, change->after, true);
			break;
		case CHANGE_UPDATE:
			appendStringInfoString(buf, "UPDATE ");
			append_table(buf, change->table);
			append_row(buf, change->table, change->before, false);
			appendStringInfoString(buf, " ->");
			append_row(buf, change->table, change->after, true);
			break;
		case CHANGE_DELETE:
			appendStringInfoString(buf, "DELETE ");
			append_table(buf, change->table);
			append_row(buf, change->table, change->before, false);
			break;
		case CHANGE_TRUNCATE:
			appendStringInfoString(buf, "TRUNCATE ");
			append_table(buf, change->table);
			break;
		case CHANGE_SCHEMA:
			append_schema(buf, change->schema);
			break;
		case CHANGE_COMMIT:
			appendStringInfoString(buf, "COMMIT");
			break;
	}
}

void
sdb_value_to_text(StringInfo buf, const SourceValue *value)
{
	char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

	switch (value->kind)
	{
		case VALUE_NULL:
			appendStringInfoString(buf, "NULL");
			break;
		case VALUE_UNCHANGED:
			appendStringInfoString(buf, "UNCHANGED");
			break;
		case VALUE_BOOL:
			appendStringInfoString(buf, value->u.boolean ? "true" : "false");
			break;
		case VALUE_INT:
			appendStringInfo(buf, INT64_FORMAT, value->u.sint);
			break;
		case VALUE_UINT:
			appendStringInfo(buf, UINT64_FORMAT, value->u.uint);
			break;
		case VALUE_FLOAT4:
			float_to_shortest_decimal_buf(value->u.float4, number);
			appendStringInfoString(buf, number);
			break;
		case VALUE_FLOAT8:
			double_to_shortest_decimal_buf(value->u.float8, number);
			appendStringInfoString(buf, number);
			break;
		case VALUE_DECIMAL:
			append_decimal(buf, value->u.decimal);
			break;
		case VALUE_TEXT:
		case VALUE_JSON:
			append_quoted(buf, value->u.bytes.data, value->u.bytes.len);
			break;
		case VALUE_BYTES:
			append_hex(buf, value->u.bytes.data, value->u.bytes.len);
			break;
		case VALUE_BITS:
			append_bits(buf, &value->u.bits);
			break;
		case VALUE_DATE:
			append_date(buf, value->u.sint);
			break;
		case VALUE_TIME:
			append_time(buf, value->u.sint);
			break;
		case VALUE_TIMESTAMP:
			append_timestamp(buf, value->u.sint);
			break;
		case VALUE_TIMESTAMPTZ:
			append_timestamp(buf, value->u.sint);
			appendStringInfoChar(buf, 'Z');
			break;
		case VALUE_INTERVAL:
			append_interval(buf, value->u.interval);
			break;
		case VALUE_UUID:
			append_uuid(buf, &value->u.bytes);
			break;
		case VALUE_INET:
			append_inet(buf, &value->u.bytes);
			break;
		case VALUE_GEOMETRY:
			appendStringInfo(buf, "SRID=%u;", value->u.geometry.srid);
			if (value->u.geometry.wkb != NULL)
				append_hex(buf, value->u.geometry.wkb,
						   value->u.geometry.len);
			else
				append_hex(buf, value->u.geometry.native,
						   value->u.geometry.native_len);
			break;
		case VALUE_ZERODATE:
			appendStringInfoString(buf, "ZERODATE");
			append_quoted(buf, value->u.bytes.data, value->u.bytes.len);
			break;
	}
}

static void
append_table(StringInfo buf, const SourceTable *table)
{
	append_name(buf, table->catalog);
	appendStringInfoChar(buf, '.');
	if (table->schema)
	{
		append_name(buf, table->schema);
		appendStringInfoChar(buf, '.');
	}
	append_name(buf, table->name);
}

static void
append_row(StringInfo buf, const SourceTable *table, const SourceValue *row,
		   bool with_unchanged)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (row[i].kind == VALUE_UNCHANGED && !with_unchanged)
			continue;
		appendStringInfoChar(buf, ' ');
		append_name(buf, table->columns[i].name);
		appendStringInfoChar(buf, '=');
		sdb_value_to_text(buf, &row[i]);
	}
}

static void
append_schema(StringInfo buf, const SchemaChange *schema)
{
	const SourceTable *table = schema->after;

	if (schema->kind == SCHEMA_DROP_TABLE)
	{
		appendStringInfoString(buf, "DROP TABLE ");
		append_table(buf, schema->before);
		return;
	}

	if (schema->kind == SCHEMA_ALTER_TABLE)
	{
		appendStringInfoString(buf, "ALTER TABLE ");
		append_table(buf, schema->before);
		if (strcmp(schema->before->id, table->id) != 0)
		{
			appendStringInfoString(buf, " to ");
			append_table(buf, table);
		}
	}
	else
	{
		appendStringInfoString(buf, "CREATE TABLE ");
		append_table(buf, table);
	}
	appendStringInfoString(buf, " (");
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_column(buf, &table->columns[i]);
		if (schema->origins == NULL || schema->origins[i] < 0)
			continue;
		appendStringInfoString(buf, " was ");
		append_name(buf, schema->before->columns[schema->origins[i]].name);
	}
	for (int i = 0; i < table->nkeys; i++)
	{
		appendStringInfoString(buf, i == 0 ? ", primary key (" : ", ");
		append_name(buf, table->columns[table->keys[i]].name);
	}
	if (table->nkeys > 0)
		appendStringInfoChar(buf, ')');
	for (int i = 0; i < table->nindexes; i++)
		append_index(buf, table, &table->indexes[i]);
	for (int i = 0; i < table->nforeign_keys; i++)
		append_foreign_key(buf, table, &table->foreign_keys[i]);
	appendStringInfoChar(buf, ')');
	if (table->comment)
	{
		appendStringInfoString(buf, " comment ");
		append_quoted(buf, table->comment, strlen(table->comment));
	}
	if (schema->incomplete)
		appendStringInfoString(buf, " incomplete");
}

static void
append_column(StringInfo buf, const SourceColumn *column)
{
	append_name(buf, column->name);
	appendStringInfo(buf, " %s", column->type_name);
	if (column->length >= 0 && column->scale >= 0)
		appendStringInfo(buf, "(%d,%d)", column->length, column->scale);
	else if (column->length >= 0 || column->scale >= 0)
		appendStringInfo(buf, "(%d)", Max(column->length, column->scale));
	for (int i = 0; i < column->nlabels; i++)
	{
		appendStringInfoChar(buf, i == 0 ? '(' : ',');
		append_quoted(buf, column->labels[i], strlen(column->labels[i]));
	}
	if (column->nlabels > 0)
		appendStringInfoChar(buf, ')');
	if (column->charset)
		appendStringInfo(buf, " charset %s", column->charset);
	if (column->not_null)
		appendStringInfoString(buf, " not null");
	if (column->identity)
		appendStringInfoString(buf, " identity");
	if (column->generated)
		appendStringInfoString(buf, " generated");
	if (column->default_kind == DEFAULT_NOW)
		appendStringInfoString(buf, " default now");
	if (column->default_kind == DEFAULT_OTHER)
		appendStringInfoString(buf, " default other");
	if (column->default_kind == DEFAULT_CONSTANT)
	{
		appendStringInfoString(buf, " default ");
		append_quoted(buf, column->default_value,
					  strlen(column->default_value));
	}
	if (column->comment)
	{
		appendStringInfoString(buf, " comment ");
		append_quoted(buf, column->comment, strlen(column->comment));
	}
}

static void
append_index(StringInfo buf, const SourceTable *table,
			 const SourceIndex *index)
{
	appendStringInfo(buf, ", %s%sindex ", index->unique ? "unique " : "",
					 index->special ? "special " : "");
	append_name(buf, index->name);
	for (int i = 0; i < index->nparts; i++)
	{
		const SourceIndexPart *part = &index->parts[i];

		appendStringInfoString(buf, i == 0 ? " (" : ", ");
		if (part->column >= 0)
			append_name(buf, table->columns[part->column].name);
		else
			appendStringInfoString(buf, "...");
		if (part->prefix > 0)
			appendStringInfo(buf, "(%d)", part->prefix);
		if (part->descending)
			appendStringInfoString(buf, " desc");
	}
	appendStringInfoChar(buf, ')');
}

static void
append_foreign_key(StringInfo buf, const SourceTable *table,
				   const SourceForeignKey *key)
{
	const SourceTable referenced = {
		.catalog = key->catalog, .schema = key->schema, .name = key->table
	};

	appendStringInfoString(buf, ", foreign key ");
	append_name(buf, key->name);
	for (int i = 0; i < key->ncolumns; i++)
	{
		appendStringInfoString(buf, i == 0 ? " (" : ", ");
		append_name(buf, table->columns[key->columns[i]].name);
	}
	appendStringInfoString(buf, ") references ");
	append_table(buf, &referenced);
	for (int i = 0; i < key->ncolumns; i++)
	{
		appendStringInfoString(buf, i == 0 ? " (" : ", ");
		append_name(buf, key->referenced[i]);
	}
	appendStringInfoChar(buf, ')');
	if (action_texts[key->on_delete] != NULL)
		appendStringInfo(buf, " on delete %s", action_texts[key->on_delete]);
	if (action_texts[key->on_update] != NULL)
		appendStringInfo(buf, " on update %s", action_texts[key->on_update]);
}

static void
append_name(StringInfo buf, const char *name)
{
	Size		plain = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");
	bool		is_plain = plain > 0 && name[plain] == '\0' &&
		!(name[0] >= '0' && name[0] <= '9');

	if (is_plain)
	{
		appendStringInfoString(buf, name);
		return;
	}

	appendStringInfoChar(buf, '"');
	for (const char *p = name; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c == '"')
			appendStringInfoString(buf, "\"\"");
		else if (c < 0x20 || c == 0x7f || c == '\\')
			appendStringInfo(buf, "\\x%02x", c);
		else
			appendStringInfoChar(buf, *p);
	}
	appendStringInfoChar(buf, '"');
}

static void
append_quoted(StringInfo buf, const char *data, int len)
{
	bool		escape = false;

	for (int i = 0; i < len && !escape; i++)
	{
		unsigned char c = (unsigned char) data[i];

		escape = c < 0x20 || c == 0x7f;
	}

	appendStringInfoString(buf, escape ? "E'" : "'");
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c == '\'')
			appendStringInfoString(buf, "''");
		else if (!escape)
			appendStringInfoChar(buf, data[i]);
		else if (c == '\\')
			appendStringInfoString(buf, "\\\\");
		else if (c == '\n')
			appendStringInfoString(buf, "\\n");
		else if (c == '\r')
			appendStringInfoString(buf, "\\r");
		else if (c == '\t')
			appendStringInfoString(buf, "\\t");
		else if (c < 0x20 || c == 0x7f)
			appendStringInfo(buf, "\\x%02x", c);
		else
			appendStringInfoChar(buf, data[i]);
	}
	appendStringInfoChar(buf, '\'');
}

static void
append_hex(StringInfo buf, const char *data, int len)
{
	static const char digits[] = "0123456789ABCDEF";

	appendStringInfoString(buf, "\\x");
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		appendStringInfoChar(buf, digits[c >> 4]);
		appendStringInfoChar(buf, digits[c & 0x0f]);
	}
}

static void
append_bits(StringInfo buf, const SourceBits *bits)
{
	int			unused = (bits->nbits + 7) / 8 * 8 - bits->nbits;

	appendStringInfoString(buf, "B'");
	for (int i = unused; i < unused + bits->nbits; i++)
	{
		bool		is_set = bits->data[i / 8] & (0x80 >> (i % 8));

		appendStringInfoChar(buf, is_set ? '1' : '0');
	}
	appendStringInfoChar(buf, '\'');
}

static void
append_decimal(StringInfo buf, const SourceDecimal *decimal)
{
	int			fraction_groups = (decimal->dscale + 3) / 4;
	int			end;

	if (decimal->negative)
		appendStringInfoChar(buf, '-');

	if (decimal->ndigits == 0 || decimal->weight < 0)
		appendStringInfoChar(buf, '0');
	else
	{
		/* the first group that is not zero starts the number */
		bool		started = false;

		for (int w = decimal->weight; w >= 0; w--)
		{
			int			i = decimal->weight - w;
			int			digit = i < decimal->ndigits ? decimal->digits[i] : 0;

			if (started)
				appendStringInfo(buf, "%04d", digit);
			else if (digit != 0 || w == 0)
			{
				appendStringInfo(buf, "%d", digit);
				started = true;
			}
		}
	}
	if (decimal->dscale == 0)
		return;

	appendStringInfoChar(buf, '.');
	end = buf->len + decimal->dscale;
	for (int group = 1; group <= fraction_groups; group++)
	{
		int			i = decimal->weight + group;
		bool		stored = i >= 0 && i < decimal->ndigits;

		appendStringInfo(buf, "%04d", stored ? decimal->digits[i] : 0);
	}
	buf->len = end;
	buf->data[end] = '\0';
}

static void
append_date(StringInfo buf, int64 days)
{
	int64		year;
	int			month;
	int			day;

	sdb_calendar_from_days(days, &year, &month, &day);
	appendStringInfo(buf, "%s%04lld-%02d-%02d", year < 0 ? "-" : "",
					 (long long) (year < 0 ? -year : year), month, day);
}

/* Fractional seconds, if there are any, without trailing zeros. */
static void
append_fraction(StringInfo buf, int usecs)
{
	if (usecs == 0)
		return;
	appendStringInfo(buf, ".%06d", usecs);
	while (buf->data[buf->len - 1] == '0')
		buf->data[--buf->len] = '\0';
}

static void
append_time(StringInfo buf, int64 usecs)
{
	uint64		rest = usecs < 0 ? -(uint64) usecs : (uint64) usecs;
	int			fraction = (int) (rest % USECS_PER_SEC);
	uint64		seconds = rest / USECS_PER_SEC;

	appendStringInfo(buf, "%s%02llu:%02d:%02d", usecs < 0 ? "-" : "",
					 (unsigned long long) (seconds / 3600),
					 (int) (seconds / 60 % 60), (int) (seconds % 60));
	append_fraction(buf, fraction);
}

static void
append_timestamp(StringInfo buf, int64 usecs)
{
	int64		days = usecs / USECS_PER_DAY;
	int64		rest = usecs % USECS_PER_DAY;

	if (rest < 0)
	{
		rest += USECS_PER_DAY;
		days--;
	}
	append_date(buf, days);
	appendStringInfoChar(buf, 'T');
	append_time(buf, rest);
}

static void
append_interval(StringInfo buf, const Interval *interval)
{
	uint64		usecs = interval->time < 0 ? -(uint64) interval->time :
		(uint64) interval->time;

	appendStringInfo(buf, "P%dM%dDT%s%llu", interval->month, interval->day,
					 interval->time < 0 ? "-" : "",
					 (unsigned long long) (usecs / USECS_PER_SEC));
	append_fraction(buf, (int) (usecs % USECS_PER_SEC));
	appendStringInfoChar(buf, 'S');
}

static void
append_uuid(StringInfo buf, const SourceBytes *bytes)
{
	for (int i = 0; i < bytes->len; i++)
		appendStringInfo(buf, i == 4 || i == 6 || i == 8 || i == 10 ?
						 "-%02x" : "%02x", (unsigned char) bytes->data[i]);
}

/* IPv6 without the :: abbreviation, so that one address has one text. */
static void
append_inet(StringInfo buf, const SourceBytes *bytes)
{
	const unsigned char *b = (const unsigned char *) bytes->data;

	if (bytes->len == 4)
	{
		appendStringInfo(buf, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
		return;
	}
	for (int i = 0; i < bytes->len; i += 2)
		appendStringInfo(buf, "%s%x", i == 0 ? "" : ":",
						 (b[i] << 8) | b[i + 1]);
}
