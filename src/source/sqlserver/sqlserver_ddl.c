/*
 * sqlserver_ddl.c --- what becomes of a table whose definition changed
 *
 * The source keeps no history of definitions, so a table is described as it
 * is now, with the columns that its capture instance has, and compared with
 * what is known.  The difference is delivered as a schema change.
 *
 * A column that was added is captured by a younger instance only.  Rows that
 * were there or changed before that one began have a value for it which no
 * change brings.  So after the column was added here, it is read from the
 * table for all rows where it is not NULL (for all of them if it has a
 * default), and delivered as updates.  A row that is there now and not yet in
 * the stream is left out (Change.missing_ok); its insert will bring all
 * columns.  A value that is too new is mended by the change that made it so.
 *
 * Known limits: columns are matched by name, which cannot change while a
 * table is captured; a table without a key cannot have a column read again.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_log.h"

/* LogReread --- columns of a table that are to be read again */
typedef struct LogReread
{
	SourceTable *table;
	bool	   *is_wanted;		/* of each column: to be read */
	SqlServerPlan *plan;		/* NULL before the first row */
	SourceValue *before;
	SourceValue *after;
	MemoryContext row_context;	/* reset before each row */
} LogReread;

static SourceTable *describe(SqlServerStream *stream,
							 const LogInstance *instance,
							 MemoryContext *context);
static void take_type(SourceColumn *to, const SourceColumn *from);
static bool has_older_rows(SqlServerStream *stream, const SourceTable *table,
						   const LogInstance *instance);
static char *uncopied_rows_query(const SourceTable *table,
								 const LogInstance *instance);
static void alter_table(SqlServerStream *stream, LogTable *entry,
						SourceTable *table, MemoryContext context);
static void add_reread(SqlServerStream *stream, LogTable *entry,
					   const int *origins);
static void begin_reread(SqlServerStream *stream, LogReread *reread);
static void append_condition(StringInfo buf, const LogReread *reread);

void
sdb_sqlserver_ddl_follow(SqlServerStream *stream, LogTable *entry)
{
	MemoryContext context;
	SourceTable *table = describe(stream, entry->instance, &context);

	if (table == NULL)
		return;
	if (sdb_table_equal(table, entry->table))
		MemoryContextDelete(context);
	else
		alter_table(stream, entry, table, context);
}

void
sdb_sqlserver_ddl_follow_types(SqlServerStream *stream, LogTable *entry)
{
	MemoryContext context;
	MemoryContext old_context;
	SourceTable *now = describe(stream, entry->instance, &context);
	SourceTable *table;
	bool		differs = false;

	if (now == NULL)
		return;
	old_context = MemoryContextSwitchTo(context);
	table = sdb_table_copy(entry->table);
	for (int i = 0; i < table->ncolumns; i++)
	{
		int			at = sdb_table_find_column(now, table->columns[i].name);

		if (at < 0 || strcmp(table->columns[i].type_name,
							 now->columns[at].type_name) == 0)
			continue;
		take_type(&table->columns[i], &now->columns[at]);
		differs = true;
	}
	MemoryContextSwitchTo(old_context);
	if (differs)
		alter_table(stream, entry, table, context);
	else
		MemoryContextDelete(context);
}

LogTable *
sdb_sqlserver_ddl_create(SqlServerStream *stream, LogInstance *instance)
{
	MemoryContext context;
	MemoryContext old_context;
	SourceTable *table = describe(stream, instance, &context);
	SchemaChange *schema;
	LogTable   *entry;

	if (table == NULL)
		return NULL;
	entry = sdb_sqlserver_tables_add(stream, table, context);
	entry->is_new = true;
	old_context = MemoryContextSwitchTo(stream->schema_context);
	schema = palloc0(sizeof(SchemaChange));
	schema->kind = SCHEMA_CREATE_TABLE;
	schema->after = table;
	schema->incomplete = has_older_rows(stream, table, instance);
	sdb_sqlserver_log_push(stream, schema);
	MemoryContextSwitchTo(old_context);
	return entry;
}

void
sdb_sqlserver_ddl_drop(SqlServerStream *stream, LogTable *entry)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->schema_context);
	SchemaChange *schema = palloc0(sizeof(SchemaChange));

	schema->kind = SCHEMA_DROP_TABLE;
	schema->before = entry->table;
	sdb_sqlserver_log_push(stream, schema);
	if (entry->table_context != NULL)
		stream->dropped = lappend(stream->dropped, entry->table_context);
	MemoryContextSwitchTo(old_context);
	sdb_sqlserver_tables_remove(stream, entry);
}

bool
sdb_sqlserver_ddl_reread(SqlServerStream *stream, Change *change)
{
	LogReread  *reread = linitial(stream->rereads);
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	SourceTable *table = reread->table;
	MemoryContext old_context;

	if (reread->plan == NULL)
		begin_reread(stream, reread);
	if (!sdb_sqlserver_conn_fetch(conn))
	{
		stream->rereads = list_delete_first(stream->rereads);
		return false;
	}
	MemoryContextReset(reread->row_context);
	old_context = MemoryContextSwitchTo(reread->row_context);
	sdb_sqlserver_values_row(reread->plan, reread->after);
	MemoryContextSwitchTo(old_context);
	for (int i = 0; i < table->ncolumns; i++)
		reread->before[i].kind = VALUE_UNCHANGED;
	for (int i = 0; i < table->nkeys; i++)
		reread->before[table->keys[i]] = reread->after[table->keys[i]];

	memset(change, 0, sizeof(Change));
	change->kind = CHANGE_UPDATE;
	change->table = table;
	change->before = reread->before;
	change->after = reread->after;
	change->missing_ok = true;
	change->nbytes = table->ncolumns * sizeof(SourceValue);
	return true;
}

/* As it is now, in a new child of the stream's context; NULL if it is gone. */
static SourceTable *
describe(SqlServerStream *stream, const LogInstance *instance,
		 MemoryContext *context)
{
	SourceTable *found;
	MemoryContext old_context;

	found = sdb_sqlserver_catalog_describe_instance(stream->source,
													instance->name);
	if (found == NULL)
		return NULL;
	*context = AllocSetContextCreate(stream->context, "SQL Server table",
									 ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(*context);
	found = sdb_table_copy(found);
	MemoryContextSwitchTo(old_context);
	return found;
}

static void
take_type(SourceColumn *to, const SourceColumn *from)
{
	to->type_name = from->type_name;
	to->kind = from->kind;
	to->length = from->length;
	to->scale = from->scale;
	to->charset = from->charset;
	to->recommended = from->recommended;
}

/* Has the table rows from before it was captured? */
static bool
has_older_rows(SqlServerStream *stream, const SourceTable *table,
			   const LogInstance *instance)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	bool		found = false;
	int			number;

	if (!sdb_sqlserver_conn_try_query(conn,
									  uncopied_rows_query(table, instance),
									  &number))
		return true;			/* who knows */
	while (sdb_sqlserver_conn_fetch(conn))
		found = true;
	return found;
}

/* A row that is in the table and was not recorded, as far as keys tell. */
static char *
uncopied_rows_query(const SourceTable *table, const LogInstance *instance)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT TOP (1) 1 FROM %s AS t",
					 sdb_sqlserver_table_name(table));
	for (int i = 0; i < table->nkeys; i++)
	{
		const char *name =
			sdb_sqlserver_conn_identifier(table->columns[table->keys[i]].name);

		if (i == 0)
			appendStringInfo(&buf, " WHERE NOT EXISTS"
							 " (SELECT * FROM %s AS x WHERE ",
							 sdb_sqlserver_instances_change_table(instance));
		appendStringInfo(&buf, "%sx.%s = t.%s", i > 0 ? " AND " : "", name,
						 name);
	}
	if (table->nkeys > 0)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* table: the new definition, in that context */
static void
alter_table(SqlServerStream *stream, LogTable *entry, SourceTable *table,
			MemoryContext context)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->schema_context);
	SchemaChange *schema = palloc0(sizeof(SchemaChange));

	schema->kind = SCHEMA_ALTER_TABLE;
	schema->before = entry->table;
	schema->after = table;
	schema->origins = palloc_array(int, table->ncolumns);
	for (int i = 0; i < table->ncolumns; i++)
		schema->origins[i] = sdb_table_find_column(entry->table,
												   table->columns[i].name);
	sdb_sqlserver_log_push(stream, schema);
	if (entry->table_context != NULL)
		stream->dropped = lappend(stream->dropped, entry->table_context);
	MemoryContextSwitchTo(old_context);

	sdb_sqlserver_page_forget_plan(entry);
	entry->table = table;
	entry->table_context = context;
	add_reread(stream, entry, schema->origins);
}

/* Have the columns read again that are new. */
static void
add_reread(SqlServerStream *stream, LogTable *entry, const int *origins)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->schema_context);
	SourceTable *table = entry->table;
	LogReread  *reread = palloc0(sizeof(LogReread));
	const char *name = NULL;

	reread->table = table;
	reread->is_wanted = palloc0_array(bool, table->ncolumns);
	for (int i = 0; i < table->ncolumns; i++)
	{
		reread->is_wanted[i] = origins[i] < 0;
		if (origins[i] < 0)
			name = table->columns[i].name;
	}
	if (name != NULL && table->nkeys > 0)
	{
		reread->before = palloc_array(SourceValue, table->ncolumns);
		reread->after = palloc_array(SourceValue, table->ncolumns);
		stream->rereads = lappend(stream->rereads, reread);
	}
	else if (name != NULL)
		ereport(WARNING,
				(errmsg("column \"%s\" of table \"%s\" has its values from %s on only",
						name, table->id,
						sdb_sqlserver_lsn_to_text(&entry->instance->start)),
				 errdetail("The table has no primary key by which the column of older rows could be read."),
				 errhint("Use synchdb_resync_table() to copy it again.")));
	MemoryContextSwitchTo(old_context);
}

static void
begin_reread(SqlServerStream *stream, LogReread *reread)
{
	SourceTable *table = reread->table;
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	MemoryContext old_context = MemoryContextSwitchTo(stream->schema_context);
	int		   *fields = palloc_array(int, table->ncolumns);
	bool	   *is_read = palloc_array(bool, table->ncolumns);
	int			nfields = 0;
	StringInfoData buf;

	memcpy(is_read, reread->is_wanted, table->ncolumns * sizeof(bool));
	for (int i = 0; i < table->nkeys; i++)
		is_read[table->keys[i]] = true;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 0; i < table->ncolumns; i++)
	{
		fields[i] = -1;
		if (!is_read[i])
			continue;
		appendStringInfoString(&buf, nfields > 0 ? ", " : "");
		sdb_sqlserver_values_select(&buf, &table->columns[i], "x");
		fields[i] = nfields++;
	}
	appendStringInfo(&buf, " FROM %s AS x", sdb_sqlserver_table_name(table));
	append_condition(&buf, reread);

	reread->plan = sdb_sqlserver_values_plan(table);
	reread->row_context = AllocSetContextCreate(stream->schema_context,
												"SQL Server row",
												ALLOCSET_DEFAULT_SIZES);
	sdb_sqlserver_conn_query(conn, buf.data);
	sdb_sqlserver_values_begin(reread->plan, conn, fields);
	MemoryContextSwitchTo(old_context);
}

/* Rows whose new columns are NULL need nothing, unless there is a default. */
static void
append_condition(StringInfo buf, const LogReread *reread)
{
	const SourceTable *table = reread->table;
	const char *separator = " WHERE ";

	for (int i = 0; i < table->ncolumns; i++)
		if (reread->is_wanted[i] &&
			table->columns[i].default_kind != DEFAULT_NONE)
			return;
	for (int i = 0; i < table->ncolumns; i++)
	{
		const char *name = table->columns[i].name;

		if (!reread->is_wanted[i])
			continue;
		appendStringInfo(buf, "%sx.%s IS NOT NULL", separator,
						 sdb_sqlserver_conn_identifier(name));
		separator = " OR ";
	}
}
