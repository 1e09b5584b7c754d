/*
 * mysql_rows.c --- rows of WRITE, UPDATE and DELETE events
 *
 * An event names a table by number, then for each image (the old row, the new
 * row) the columns that were sent, then rows: for each image a bitmap of its
 * NULLs among the columns sent, then the values.  The values are read by the
 * decoders that mysql_row_plan.c chose.
 *
 * MariaDB's log of a table with system versioning also has its past: where a
 * row is updated, an insert of what it was follows, and a delete is an update of
 * the time until when it holds.  Only the present is delivered.
 *
 * sdb_error_position names the column at work while a row is decoded.
 *
 * Formats: Rows_event in MySQL's libs/mysql/binlog/event; version 1 lacks the
 * extra data of version 2; MariaDB's compressed ones are the same, with all
 * behind the bitmaps deflated.  In a partial update a number of options
 * precedes the new row, and if one says so, a bitmap of the JSON columns that
 * are sent as changes to the value before.
 */
#include "postgres.h"

#include "source/mysql/mysql_json.h"
#include "source/mysql/mysql_row_values.h"
#include "source/mysql/mysql_rows.h"
#include "util/error_position.h"

#define ROWS_FLAG_STMT_END	0x0001

/*
 * row_end of rows of the present: the last moment that the server knows.
 * MariaDB 11.5 knows more of them than those before.
 */
#define END_OF_TIME(seconds) \
	(((seconds) - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * \
	  (int64) SECS_PER_DAY) * USECS_PER_SEC + 999999)

static const int64 ends_of_time[] = {
	END_OF_TIME(INT64CONST(0x7fffffff)),
	END_OF_TIME(INT64CONST(0xffffffff))
};

/* before a new row of a partial update; no other option is known */
#define OPTION_PARTIAL_JSON	0x01

/* What the types of events differ in */
typedef struct RowsType
{
	MysqlEventType type;
	ChangeKind	kind;
	bool		extra_data;		/* version 2 */
	bool		compressed;
	bool		partial;		/* JSON may be sent as what changed in it */
} RowsType;

static const RowsType rows_types[] = {
	{MYSQL_EVENT_WRITE_ROWS, CHANGE_INSERT, true, false},
	{MYSQL_EVENT_UPDATE_ROWS, CHANGE_UPDATE, true, false},
	{MYSQL_EVENT_DELETE_ROWS, CHANGE_DELETE, true, false},
	{MYSQL_EVENT_PARTIAL_UPDATE_ROWS, CHANGE_UPDATE, true, false, true},
	{MYSQL_EVENT_WRITE_ROWS_V1, CHANGE_INSERT, false, false},
	{MYSQL_EVENT_UPDATE_ROWS_V1, CHANGE_UPDATE, false, false},
	{MYSQL_EVENT_DELETE_ROWS_V1, CHANGE_DELETE, false, false},
	{MARIADB_EVENT_WRITE_ROWS_COMPRESSED_V1, CHANGE_INSERT, false, true},
	{MARIADB_EVENT_UPDATE_ROWS_COMPRESSED_V1, CHANGE_UPDATE, false, true},
	{MARIADB_EVENT_DELETE_ROWS_COMPRESSED_V1, CHANGE_DELETE, false, true},
	{MARIADB_EVENT_WRITE_ROWS_COMPRESSED, CHANGE_INSERT, true, true},
	{MARIADB_EVENT_UPDATE_ROWS_COMPRESSED, CHANGE_UPDATE, true, true},
	{MARIADB_EVENT_DELETE_ROWS_COMPRESSED, CHANGE_DELETE, true, true}
};

static void decode_row(MysqlRows *rows, const MysqlRowPlan *plan,
					   SourceValue *before, SourceValue *after);
static bool is_history(MysqlRows *rows, const MysqlRowPlan *plan,
					   const SourceValue *before, const SourceValue *after);
static bool is_present(const MysqlRows *rows, const MysqlRowPlan *plan,
					   const SourceValue *row_end);
static const RowsType *find_rows_type(const MysqlEvent *event);
static void skip_extra_data(ByteCursor *cur);
static int	count_present(const uint8 *present, int ncolumns);
static void check_left_out(const MysqlRows *rows, const MysqlRowPlan *plan,
						   const SourceValue *row);
static void decode_image(ByteCursor *cur, const uint8 *present,
						 const MysqlRowPlan *plan, SourceValue *row);
static void decode_partial_update(MysqlRows *rows, const MysqlRowPlan *plan,
								  SourceValue *before, SourceValue *after);
static const uint8 *take_partial_bits(ByteCursor *cur,
									  const MysqlRowPlan *plan);
static void decode_changes(ByteCursor *cur, const ByteCursor *document,
						   const MysqlRowPlan *plan, int idx0,
						   SourceValue *value);

static inline bool
bit_is_set(const uint8 *bits, int idx0)
{
	return (bits[idx0 >> 3] & (1 << (idx0 & 7))) != 0;
}

void
sdb_mysql_rows_open(const MysqlFormat *format, const MysqlEvent *event,
					MysqlRows *rows)
{
	const RowsType *type = find_rows_type(event);
	ByteCursor	cur = event->body;
	int			bitmap_len;

	memset(rows, 0, sizeof(*rows));
	rows->event_kind = type->kind;
	rows->table_id = sdb_mysql_table_id(&cur, format, event->type);
	rows->is_last = (sdb_bytes_le16(&cur) & ROWS_FLAG_STMT_END) != 0;
	if (type->extra_data)
		skip_extra_data(&cur);

	rows->ncolumns = sdb_mysql_packed_columns(&cur);
	bitmap_len = (rows->ncolumns + 7) / 8;
	if (type->kind != CHANGE_INSERT)
		rows->before_present = sdb_bytes_take(&cur, bitmap_len);
	if (type->kind != CHANGE_DELETE)
		rows->after_present = sdb_bytes_take(&cur, bitmap_len);

	if (type->compressed)
		sdb_mysql_inflate_event(&cur);
	rows->rows = cur;
	if (type->partial)
		rows->documents = palloc((rows->ncolumns + 1) * sizeof(ByteCursor));

	rows->lacks_columns = rows->after_present != NULL &&
		(type->kind == CHANGE_INSERT || format->is_mariadb) &&
		count_present(rows->after_present, rows->ncolumns) < rows->ncolumns;

	/* INSERT () VALUES () under a minimal image sends no byte for its row */
	rows->empty_row = type->kind == CHANGE_INSERT && rows->ncolumns > 0 &&
		sdb_bytes_left(&cur) == 0 &&
		count_present(rows->after_present, rows->ncolumns) == 0;
}

bool
sdb_mysql_rows_next(MysqlRows *rows, MysqlRowPlan *plan,
					SourceValue *before, SourceValue *after)
{
	sdb_error_position.table = plan->table->id;
	do
	{
		if (sdb_bytes_left(&rows->rows) == 0 && !rows->empty_row)
			return false;
		decode_row(rows, plan, before, after);
		rows->kind = rows->event_kind;
	} while (plan->row_end >= 0 && is_history(rows, plan, before, after));

	if (rows->lacks_columns)
		check_left_out(rows, plan, after);
	return true;
}

static void
decode_row(MysqlRows *rows, const MysqlRowPlan *plan, SourceValue *before,
		   SourceValue *after)
{
	ByteCursor *cur = &rows->rows;
	const uint8 *start = cur->pos;

	if (rows->ncolumns != plan->ncolumns)
		sdb_mysql_malformed(cur, "Rows of %d columns follow a table map of %d.",
							rows->ncolumns, plan->ncolumns);

	if (rows->documents)
		decode_partial_update(rows, plan, before, after);
	else if (rows->before_present)
		decode_image(cur, rows->before_present, plan, before);
	if (rows->after_present && !rows->documents)
		decode_image(cur, rows->after_present, plan, after);
	sdb_error_position.column = NULL;
	if (cur->pos == start && !rows->empty_row)
		sdb_mysql_malformed(cur, "%zu bytes follow rows that have none.",
							sdb_bytes_left(cur));
	rows->empty_row = false;
}

/* If it is of the present, rows->kind is set to what happens to it. */
static bool
is_history(MysqlRows *rows, const MysqlRowPlan *plan,
		   const SourceValue *before, const SourceValue *after)
{
	bool		was_present = rows->event_kind != CHANGE_INSERT &&
		is_present(rows, plan, &before[plan->row_end]);
	bool		is_now;

	if (rows->event_kind == CHANGE_DELETE)
		return !was_present;
	is_now = after[plan->row_end].kind == VALUE_UNCHANGED ? was_present :
		is_present(rows, plan, &after[plan->row_end]);
	if (was_present)
		rows->kind = is_now ? CHANGE_UPDATE : CHANGE_DELETE;
	else
		rows->kind = CHANGE_INSERT;
	return !was_present && !is_now;
}

static bool
is_present(const MysqlRows *rows, const MysqlRowPlan *plan,
		   const SourceValue *row_end)
{
	if (row_end->kind != VALUE_TIMESTAMPTZ)
		sdb_mysql_malformed(&rows->rows,
							"A row of table \"%s\" does not say until when it holds.",
							plan->table->id);
	for (int i = 0; i < lengthof(ends_of_time); i++)
	{
		if (row_end->u.sint == ends_of_time[i])
			return true;
	}
	return false;
}

static const RowsType *
find_rows_type(const MysqlEvent *event)
{
	for (int i = 0; i < lengthof(rows_types); i++)
	{
		if (rows_types[i].type == event->type)
			return &rows_types[i];
	}
	elog(ERROR, "%s is not a rows event", sdb_mysql_event_name(event->type));
}

/* Its length counts itself. */
static void
skip_extra_data(ByteCursor *cur)
{
	uint16		len = sdb_bytes_le16(cur);

	if (len < sizeof(len))
		sdb_mysql_malformed(cur, "Extra data cannot have %u bytes.", len);
	sdb_bytes_take(cur, len - sizeof(len));
}

static int
count_present(const uint8 *present, int ncolumns)
{
	int			result = 0;

	for (int i = 0; i < ncolumns; i++)
		result += bit_is_set(present, i);
	return result;
}

/*
 * Columns left out of an INSERT take their default here: one that could not be
 * carried over would come out wrong.  Generated columns have none, and MariaDB
 * leaves virtual ones out even when they change.
 */
static void
check_left_out(const MysqlRows *rows, const MysqlRowPlan *plan,
			   const SourceValue *row)
{
	for (int i = 0; i < plan->table->ncolumns; i++)
	{
		const SourceColumn *column = &plan->table->columns[i];

		if (row[i].kind == VALUE_UNCHANGED &&
			(column->generated || (rows->kind == CHANGE_INSERT &&
								   column->default_kind == DEFAULT_OTHER)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a change of table \"%s\" leaves out column \"%s\", whose value is not known here",
							plan->table->id, column->name),
					 errhint("Run SET GLOBAL binlog_row_image = 'FULL' at the source.")));
	}
}

static void
decode_image(ByteCursor *cur, const uint8 *present, const MysqlRowPlan *plan,
			 SourceValue *row)
{
	int			npresent = count_present(present, plan->ncolumns);
	const uint8 *nulls = sdb_bytes_take(cur, (npresent + 7) / 8);
	int			nth = 0;		/* among those present */

	for (int i = 0; i < plan->ncolumns; i++)
	{
		const RowColumn *column = &plan->columns[i];

		if (!bit_is_set(present, i))
			row[i].kind = VALUE_UNCHANGED;
		else if (bit_is_set(nulls, nth++))
			row[i].kind = VALUE_NULL;
		else
		{
			sdb_error_position.column = column->name;
			column->decode(cur, column, &row[i]);
		}
	}
}

static inline bool
is_json(const MysqlRowPlan *plan, int idx0)
{
	return plan->columns[idx0].decode == sdb_mysql_row_json;
}

/* Both rows; the bits are for all JSON columns, sent or not. */
static void
decode_partial_update(MysqlRows *rows, const MysqlRowPlan *plan,
					  SourceValue *before, SourceValue *after)
{
	ByteCursor *cur = &rows->rows;
	const uint8 *present = rows->before_present;
	const uint8 *partial;
	const uint8 *nulls;
	int			nth = 0;		/* among those present */
	int			nth_json = 0;

	nulls = sdb_bytes_take(cur,
						   (count_present(present, plan->ncolumns) + 7) / 8);
	for (int i = 0; i < plan->ncolumns; i++)
	{
		rows->documents[i].pos = NULL;
		before[i].kind = VALUE_UNCHANGED;
		if (!bit_is_set(present, i))
			continue;
		before[i].kind = VALUE_NULL;
		if (bit_is_set(nulls, nth++))
			continue;
		sdb_error_position.column = plan->columns[i].name;
		rows->documents[i] = *cur;
		plan->columns[i].decode(cur, &plan->columns[i], &before[i]);
	}

	present = rows->after_present;
	partial = take_partial_bits(cur, plan);
	nulls = sdb_bytes_take(cur,
						   (count_present(present, plan->ncolumns) + 7) / 8);
	nth = 0;
	for (int i = 0; i < plan->ncolumns; i++)
	{
		bool		is_partial = partial != NULL && is_json(plan, i) &&
			bit_is_set(partial, nth_json++);

		after[i].kind = VALUE_UNCHANGED;
		if (!bit_is_set(present, i))
			continue;
		after[i].kind = VALUE_NULL;
		if (bit_is_set(nulls, nth++))
			continue;
		sdb_error_position.column = plan->columns[i].name;
		if (is_partial)
			decode_changes(cur, &rows->documents[i], plan, i, &after[i]);
		else
			plan->columns[i].decode(cur, &plan->columns[i], &after[i]);
	}
}

/* NULL if no column is sent as changes. */
static const uint8 *
take_partial_bits(ByteCursor *cur, const MysqlRowPlan *plan)
{
	uint64		options = sdb_mysql_packed_int(cur);
	int			njson = 0;

	if ((options & ~(uint64) OPTION_PARTIAL_JSON) != 0)
		sdb_mysql_malformed(cur, "Row options " UINT64_FORMAT " are not known.",
							options);
	if (options == 0)
		return NULL;
	for (int i = 0; i < plan->ncolumns; i++)
		njson += is_json(plan, i);
	return sdb_bytes_take(cur, (njson + 7) / 8);
}

/* The new value of a JSON column; document is the one before. */
static void
decode_changes(ByteCursor *cur, const ByteCursor *document,
			   const MysqlRowPlan *plan, int idx0, SourceValue *value)
{
	ByteCursor	old = *document;
	ByteCursor	diffs = *cur;
	uint32		len;
	const char *data;
	StringInfoData buf;

	len = sdb_bytes_le32(&diffs);
	*cur = diffs;
	diffs.end = sdb_bytes_take(cur, len) + len;
	value->kind = VALUE_UNCHANGED;
	if (len == 0)
		return;
	if (document->pos == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a change of table \"%s\" has only what changed in column \"%s\", whose value before is not in the log",
						plan->table->id, plan->columns[idx0].name),
				 errhint("Run SET GLOBAL binlog_row_image = 'FULL', or SET GLOBAL binlog_row_value_options = '', at the source, and take a new snapshot of the table.")));

	len = sdb_bytes_le32(&old);
	data = (const char *) sdb_bytes_take(&old, len);
	initStringInfo(&buf);
	sdb_mysql_json_patch(&buf, data, len, &diffs);
	value->kind = VALUE_JSON;
	value->u.bytes.data = buf.data;
	value->u.bytes.len = buf.len;
}
