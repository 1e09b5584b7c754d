/*
 * sqlserver_page.c --- rows of one change table, a page at a time
 *
 * Tables with changes in an interval are merged, so of each some rows must be
 * at hand: a page.  A page ends after so many bytes, and the next begins
 * behind the key of its last row (keyset paging), so that memory does not
 * grow with the size of a transaction.  If only one table has changes, its
 * rows come from one open result instead, again a page at a time.
 *
 * The two rows of an update, before and after, make one LogRow and are never
 * apart.
 *
 * What a change table leaves out becomes UNCHANGED: large values that did not
 * change, and computed columns, whose values are read from the table itself
 * where it has a key.  Those are as of now, not as of the change; once all
 * changes of a row are applied they are right.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_log.h"

/* bytes of rows at hand: of all tables, and of one at least and at most */
#define ALL_PAGES_BYTES		(8 * 1024 * 1024)
#define PAGE_MIN_BYTES		(16 * 1024)
#define PAGE_MAX_BYTES		(1024 * 1024)
#define PAGE_MIN_ROWS		16
#define PAGE_MAX_ROWS		4096

/* fields of a result before the columns */
enum
{
	FIELD_COMMIT,
	FIELD_COMMAND_ID,
	FIELD_SEQVAL,
	FIELD_OPERATION,
	FIELD_MASK,
	NFIXED_FIELDS
};

static void make_plan(SqlServerStream *stream, LogTable *entry);
static void select_columns(LogTable *entry);
static bool can_join(const SourceTable *table);
static char *join_table(const SourceTable *table);
static bool open_result(SqlServerStream *stream, LogTable *entry, int nrows);
static char *page_query(const SqlServerStream *stream, const LogTable *entry,
						int nrows);
static void append_first_rows(StringInfo buf, const SqlServerStream *stream,
							  const LogTable *entry);
static void append_next_rows(StringInfo buf, const SqlServerStream *stream,
							 const LogTable *entry, int nrows);
static void append_branch(StringInfo buf, const LogTable *entry, int nrows,
						  const char *condition);
static char *order_by(const LogTable *entry, const char *qualifier);
static int	page_bytes(const SqlServerStream *stream);
static int	page_rows(const LogTable *entry, int nbytes);
static void read_row(SqlServerStream *stream, LogTable *entry, bool *is_half);
static LogKey read_key(SqlServerConn *conn, const LogTable *entry);
static LogRow *add_row(LogTable *entry);
static void blank_unsent(const LogTable *entry, const LogKey *key,
						 const uint8 *mask, int mask_len,
						 SourceValue *values);
static SourceValue *copy_values(const LogTable *entry, int *nbytes);
static void copy_decimal(SourceValue *value, int *nbytes);
static void copy_bytes(const void **data, int len, int *nbytes);
pg_noreturn static void report_half(const LogTable *entry,
									const LogKey *key);

void
sdb_sqlserver_page_reset(LogTable *entry)
{
	MemoryContextReset(entry->page_context);
	entry->rows = NULL;
	entry->nrows = 0;
	entry->max_rows = 0;
	entry->next = 0;
	entry->more = true;
	entry->started = false;
}

bool
sdb_sqlserver_page_fill(SqlServerStream *stream, LogTable *entry)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	bool		is_stream = stream->nactive == 1;
	int			max_bytes = page_bytes(stream);
	int			max_rows = page_rows(entry, max_bytes);
	MemoryContext old_context;
	int			nread = 0;
	int			nbytes = 0;
	bool		is_half = false;
	bool		ended = false;

	MemoryContextReset(entry->page_context);
	entry->rows = NULL;
	entry->nrows = 0;
	entry->max_rows = 0;
	entry->next = 0;
	if (!entry->more)
		return false;

	MemoryContextReset(stream->step_context);
	old_context = MemoryContextSwitchTo(stream->step_context);
	if (entry->plan_context == NULL)
		make_plan(stream, entry);
	if (stream->open_table != entry &&
		!open_result(stream, entry, is_stream ? 0 : max_rows))
	{
		entry->more = false;
		MemoryContextSwitchTo(old_context);
		return false;
	}

	MemoryContextSwitchTo(entry->page_context);
	while (is_half ||
		   (nbytes < max_bytes && (nread < max_rows || !is_stream)))
	{
		if (!sdb_sqlserver_conn_fetch(conn))
		{
			ended = true;
			break;
		}
		read_row(stream, entry, &is_half);
		nread++;
		nbytes += is_half ? 0 : entry->rows[entry->nrows - 1].nbytes;
	}
	MemoryContextSwitchTo(old_context);

	if (is_half && (is_stream || nread < max_rows || entry->nrows == 1))
		report_half(entry, &entry->rows[entry->nrows - 1].key);
	if (is_half)
		entry->nrows--;
	entry->more = is_stream ? !ended : !ended || nread >= max_rows;
	if (!ended && !is_stream)
		sdb_sqlserver_conn_cancel(conn);
	stream->open_table = is_stream && !ended ? entry : NULL;
	if (!sdb_sqlserver_conn_in_result(conn))
	{
		SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);

		sdb_sqlserver_poll_check_cleanup(stream, entry, entry->started ?
										 entry->last.commit : next);
	}
	if (entry->nrows == 0)
		return false;
	entry->last = entry->rows[entry->nrows - 1].key;
	entry->started = true;
	entry->row_bytes = Max(nbytes / entry->nrows, 1);
	return true;
}

void
sdb_sqlserver_page_forget_plan(LogTable *entry)
{
	if (entry->plan_context != NULL)
		MemoryContextDelete(entry->plan_context);
	entry->plan_context = NULL;
}

bool
sdb_sqlserver_mask_is_set(const uint8 *mask, int len, int ordinal)
{
	int			from_end = (ordinal - 1) / 8;

	if (ordinal < 1 || from_end >= len)
		return false;
	return (mask[len - 1 - from_end] >> ((ordinal - 1) % 8)) & 1;
}

static void
make_plan(SqlServerStream *stream, LogTable *entry)
{
	const SourceTable *table = entry->table;
	MemoryContext old_context;

	entry->plan_context = AllocSetContextCreate(stream->context,
												"SQL Server plan",
												ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(entry->plan_context);
	entry->plan = sdb_sqlserver_values_plan(table);
	entry->fields = palloc_array(int, table->ncolumns);
	entry->ordinals = palloc0_array(int, table->ncolumns);
	entry->scratch = palloc_array(SourceValue, table->ncolumns);
	select_columns(entry);
	MemoryContextSwitchTo(old_context);
}

/* The select list, what it is joined with, and where each column will be. */
static void
select_columns(LogTable *entry)
{
	const SourceTable *table = entry->table;
	bool		can = can_join(table);
	bool		joins = false;
	int			nfields = NFIXED_FIELDS;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];
		int			captured =
			sdb_sqlserver_instances_find_column(entry->instance, column->name);

		entry->fields[i] = -1;
		if (column->generated ? !can : captured < 0)
			continue;
		appendStringInfoString(&buf, ", ");
		sdb_sqlserver_values_select(&buf, column,
									column->generated ? "t" : "x");
		entry->fields[i] = nfields++;
		if (column->generated)
			joins = true;
		else
			entry->ordinals[i] = entry->instance->ordinals[captured];
	}
	entry->columns = buf.data;
	entry->join = joins ? join_table(table) : pstrdup("");
}

/* Can rows of the table be found by their key? */
static bool
can_join(const SourceTable *table)
{
	for (int i = 0; i < table->nkeys; i++)
		if (table->columns[table->keys[i]].generated)
			return false;
	return table->nkeys > 0;
}

static char *
join_table(const SourceTable *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, " LEFT JOIN %s AS t ON ",
					 sdb_sqlserver_table_name(table));
	for (int i = 0; i < table->nkeys; i++)
	{
		const char *name =
			sdb_sqlserver_conn_identifier(table->columns[table->keys[i]].name);

		appendStringInfo(&buf, "%st.%s = x.%s", i > 0 ? " AND " : "", name,
						 name);
	}
	return buf.data;
}

/* False if the change table is gone, which the next look will explain. */
static bool
open_result(SqlServerStream *stream, LogTable *entry, int nrows)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	int			number;

	if (!sdb_sqlserver_conn_try_query(conn, page_query(stream, entry, nrows),
									  &number))
	{
		if (number != SQLSERVER_INVALID_OBJECT)
			sdb_sqlserver_conn_query(conn, page_query(stream, entry, nrows));
		stream->fingerprint = NULL;
		return false;
	}
	sdb_sqlserver_values_begin(entry->plan, conn, entry->fields);
	return true;
}

/* nrows: 0 for all of them */
static char *
page_query(const SqlServerStream *stream, const LogTable *entry, int nrows)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	if (nrows > 0)
		appendStringInfo(&buf, "TOP (%d) ", nrows);
	appendStringInfo(&buf, "x.[__$start_lsn], %s, x.[__$seqval],"
					 " x.[__$operation], x.[__$update_mask]%s FROM ",
					 entry->instance->has_command_id ?
					 "x.[__$command_id]" : "0", entry->columns);
	if (entry->started)
		append_next_rows(&buf, stream, entry, nrows);
	else
		append_first_rows(&buf, stream, entry);
	appendStringInfo(&buf, " ORDER BY %s", order_by(entry, "x."));
	return buf.data;
}

static void
append_first_rows(StringInfo buf, const SqlServerStream *stream,
				  const LogTable *entry)
{
	appendStringInfo(buf, "%s AS x%s WHERE x.[__$start_lsn] > %s"
					 " AND x.[__$start_lsn] <= %s",
					 sdb_sqlserver_instances_change_table(entry->instance),
					 entry->join,
					 sdb_sqlserver_lsn_literal(&stream->position),
					 sdb_sqlserver_lsn_literal(&stream->until));
}

/*
 * Rows behind a key, as up to three ranges of the clustered index, since one
 * condition for all would have the server read the transaction from its start.
 */
static void
append_next_rows(StringInfo buf, const SqlServerStream *stream,
				 const LogTable *entry, int nrows)
{
	const LogKey *last = &entry->last;
	char	   *commit = sdb_sqlserver_lsn_literal(&last->commit);
	char	   *seqval = sdb_sqlserver_lsn_literal(&last->seqval);
	char	   *same = psprintf("[__$start_lsn] = %s", commit);

	appendStringInfoChar(buf, '(');
	if (entry->instance->has_command_id)
	{
		append_branch(buf, entry, nrows,
					  psprintf("%s AND [__$command_id] > %d", same,
							   last->command_id));
		appendStringInfoString(buf, " UNION ALL ");
		same = psprintf("%s AND [__$command_id] = %d", same,
						last->command_id);
	}
	append_branch(buf, entry, nrows,
				  psprintf("%s AND [__$seqval] >= %s AND ([__$seqval] > %s"
						   " OR [__$operation] > %d)", same, seqval, seqval,
						   last->operation));
	appendStringInfoString(buf, " UNION ALL ");
	append_branch(buf, entry, nrows,
				  psprintf("[__$start_lsn] > %s AND [__$start_lsn] <= %s",
						   commit,
						   sdb_sqlserver_lsn_literal(&stream->until)));
	appendStringInfo(buf, ") AS x%s", entry->join);
}

static void
append_branch(StringInfo buf, const LogTable *entry, int nrows,
			  const char *condition)
{
	appendStringInfo(buf, "SELECT * FROM (SELECT TOP (%d) * FROM %s"
					 " WHERE %s ORDER BY %s) AS p", nrows,
					 sdb_sqlserver_instances_change_table(entry->instance),
					 condition, order_by(entry, ""));
}

/* The clustered index of the change table. */
static char *
order_by(const LogTable *entry, const char *qualifier)
{
	return psprintf("%s[__$start_lsn], %s%s%s[__$seqval], %s[__$operation]",
					qualifier,
					entry->instance->has_command_id ? qualifier : "",
					entry->instance->has_command_id ? "[__$command_id], " : "",
					qualifier, qualifier);
}

static int
page_bytes(const SqlServerStream *stream)
{
	int			nbytes = ALL_PAGES_BYTES / Max(stream->nactive, 1);

	return Min(Max(nbytes, PAGE_MIN_BYTES), PAGE_MAX_BYTES);
}

/* So many rows will likely fit. */
static int
page_rows(const LogTable *entry, int nbytes)
{
	int			nrows = nbytes / Max(entry->row_bytes, 1);

	return Min(Max(nrows, PAGE_MIN_ROWS), PAGE_MAX_ROWS);
}

/* is_half: the last row is an update whose second row is still to come */
static void
read_row(SqlServerStream *stream, LogTable *entry, bool *is_half)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	LogKey		key = read_key(conn, entry);
	LogRow	   *row;
	SourceValue *values;
	const uint8 *mask;
	int			mask_len;
	int			nbytes = 0;

	if (*is_half != (key.operation == LOG_AFTER))
		report_half(entry, &key);
	if (*is_half)
	{
		LogKey		other = key;

		row = &entry->rows[entry->nrows - 1];
		other.operation = LOG_BEFORE;
		if (sdb_sqlserver_log_compare(&other, &row->key) != 0)
			report_half(entry, &key);
	}
	else
		row = add_row(entry);

	sdb_sqlserver_values_row(entry->plan, entry->scratch);
	mask = sdb_sqlserver_conn_field(conn, FIELD_MASK, &mask_len);
	blank_unsent(entry, &key, mask, mask != NULL ? mask_len : 0,
				 entry->scratch);
	values = copy_values(entry, &nbytes);
	if (key.operation == LOG_DELETE || key.operation == LOG_BEFORE)
		row->before = values;
	else
		row->after = values;
	row->key = key;
	row->nbytes += nbytes;
	*is_half = key.operation == LOG_BEFORE;
}

static LogKey
read_key(SqlServerConn *conn, const LogTable *entry)
{
	LogKey		key;
	const uint8 *data;
	int			len;

	data = sdb_sqlserver_conn_field(conn, FIELD_COMMIT, &len);
	key.commit = sdb_sqlserver_lsn_read(data, len, "__$start_lsn");
	data = sdb_sqlserver_conn_field(conn, FIELD_SEQVAL, &len);
	key.seqval = sdb_sqlserver_lsn_read(data, len, "__$seqval");
	key.command_id = (int32) sdb_sqlserver_conn_int(conn, FIELD_COMMAND_ID);
	key.operation = (int) sdb_sqlserver_conn_int(conn, FIELD_OPERATION);
	if (key.operation < LOG_DELETE || key.operation > LOG_AFTER)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown operation %d in the change table of \"%s\"",
						key.operation, entry->table->id),
				 errdetail("The row is of commit LSN %s.",
						   sdb_sqlserver_lsn_to_text(&key.commit))));
	return key;
}

static LogRow *
add_row(LogTable *entry)
{
	if (entry->nrows == entry->max_rows)
	{
		entry->max_rows = Max(2 * entry->max_rows, 64);
		if (entry->rows == NULL)
			entry->rows = palloc_array(LogRow, entry->max_rows);
		else
			entry->rows = repalloc(entry->rows,
								   entry->max_rows * sizeof(LogRow));
	}
	memset(&entry->rows[entry->nrows], 0, sizeof(LogRow));
	return &entry->rows[entry->nrows++];
}

/* NULL that only says that a value was not recorded becomes UNCHANGED. */
static void
blank_unsent(const LogTable *entry, const LogKey *key, const uint8 *mask,
			 int mask_len, SourceValue *values)
{
	bool		is_update = key->operation >= LOG_BEFORE;
	bool		is_old = key->operation == LOG_DELETE ||
		key->operation == LOG_BEFORE;

	for (int i = 0; i < entry->table->ncolumns; i++)
	{
		const SourceColumn *column = &entry->table->columns[i];

		if (is_old && column->generated)
			values[i].kind = VALUE_UNCHANGED;
		if (values[i].kind != VALUE_NULL || column->generated ||
			!sdb_sqlserver_types_is_lob(column))
			continue;
		if ((is_old && sdb_sqlserver_types_is_old_lob(column)) ||
			(is_update &&
			 !sdb_sqlserver_mask_is_set(mask, mask_len, entry->ordinals[i])))
			values[i].kind = VALUE_UNCHANGED;
	}
}

/* A copy of the decoded row, with all it points to */
static SourceValue *
copy_values(const LogTable *entry, int *nbytes)
{
	int			ncolumns = entry->table->ncolumns;
	SourceValue *values = palloc_array(SourceValue, ncolumns);

	memcpy(values, entry->scratch, ncolumns * sizeof(SourceValue));
	*nbytes += ncolumns * sizeof(SourceValue);
	for (int i = 0; i < ncolumns; i++)
	{
		SourceValue *value = &values[i];

		switch (value->kind)
		{
			case VALUE_TEXT:
			case VALUE_BYTES:
			case VALUE_JSON:
			case VALUE_UUID:
			case VALUE_INET:
			case VALUE_ZERODATE:
				copy_bytes((const void **) &value->u.bytes.data,
						   value->u.bytes.len, nbytes);
				break;
			case VALUE_BITS:
				copy_bytes((const void **) &value->u.bits.data,
						   (value->u.bits.nbits + 7) / 8, nbytes);
				break;
			case VALUE_GEOMETRY:
				if (value->u.geometry.wkb != NULL)
					copy_bytes((const void **) &value->u.geometry.wkb,
							   value->u.geometry.len, nbytes);
				if (value->u.geometry.native != NULL)
					copy_bytes((const void **) &value->u.geometry.native,
							   value->u.geometry.native_len, nbytes);
				break;
			case VALUE_DECIMAL:
				copy_decimal(value, nbytes);
				break;
			case VALUE_INTERVAL:
				copy_bytes((const void **) &value->u.interval,
						   sizeof(Interval), nbytes);
				break;
			default:
				break;			/* holds nothing but itself */
		}
	}
	return values;
}

static void
copy_decimal(SourceValue *value, int *nbytes)
{
	SourceDecimal *copy = palloc(sizeof(SourceDecimal));

	*copy = *value->u.decimal;
	*nbytes += sizeof(SourceDecimal);
	copy_bytes((const void **) &copy->digits, copy->ndigits * sizeof(int16),
			   nbytes);
	value->u.decimal = copy;
}

static void
copy_bytes(const void **data, int len, int *nbytes)
{
	void	   *copy = palloc(len > 0 ? len : 1);

	memcpy(copy, *data, len);
	*data = copy;
	*nbytes += len;
}

static void
report_half(const LogTable *entry, const LogKey *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("an update in the change table of \"%s\" is not a pair of rows",
					entry->table->id),
			 errdetail("Operation %d at commit LSN %s, sequence %s has no counterpart.",
					   key->operation,
					   sdb_sqlserver_lsn_to_text(&key->commit),
					   sdb_sqlserver_lsn_to_text(&key->seqval))));
}
