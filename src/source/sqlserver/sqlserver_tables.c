/*
 * sqlserver_tables.c --- the captured tables, and which instance each is read
 * from
 *
 * A table is read from its newest capture instance that begins at or before
 * the next LSN.  A younger one is for later: where it begins, the stream
 * turns, which is to say that an interval ends just before and the tables are
 * settled again.  Statements that changed a table make a turn as well.
 *
 * An instance that begins behind the position leaves a gap.  If cleanup has
 * removed what was in it, changes are lost: that is an error.  If the instance
 * was made after the position, somebody disabled capturing and enabled it
 * again: the stream goes on with a warning, since nobody can know whether the
 * table was changed in between.  The table is read again from the instance's
 * beginning.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_log.h"

static void forget_done(SqlServerStream *stream);
static LogTable *add_table(SqlServerStream *stream, SourceTable *table);
static int	compare_instances(const ListCell *a, const ListCell *b);
static void settle_table(SqlServerStream *stream, List *instances);
static void take_instance(SqlServerStream *stream, LogTable *entry,
						  LogInstance *instance, bool is_newest);
static void postpone(SqlServerStream *stream, LogTable *entry);
static LogTable *find_table(SqlServerStream *stream,
							const LogInstance *instance);
static bool is_default_name(const LogInstance *instance,
							const SourceTable *table);
static bool is_captured(const SqlServerStream *stream,
						const SourceTable *table);
static LogInstance *choose(SqlServerStream *stream, List *instances,
						   bool *leaves_gap);
static void check_gap(SqlServerStream *stream, LogTable *entry,
					  const LogInstance *instance);
static bool made_behind(SqlServerStream *stream, const LogInstance *instance);
static bool must_follow(SqlServerStream *stream, const LogTable *entry,
						bool is_newest);
static bool has_ddl(const SqlServerStream *stream, const LogTable *entry);
static bool differs_from_source(const SqlServerStream *stream,
								const LogTable *entry);
static bool lacks_columns(const LogTable *entry);
static void settle_lost(SqlServerStream *stream, LogTable *entry);
static void add_turn(SqlServerStream *stream, const SqlServerLsn *lsn,
					 bool scanned);

void
sdb_sqlserver_tables_init(SqlServerStream *stream, List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		SourceTable *table = lfirst(lc);
		LogTable   *entry = add_table(stream, table);
		char	   *reason;

		if (table->copied_at != NULL)
			(void) sdb_sqlserver_position_parse(table->copied_at,
												&entry->point, &reason);
	}
}

LogTable *
sdb_sqlserver_tables_add(SqlServerStream *stream, SourceTable *table,
						 MemoryContext context)
{
	LogTable   *entry = add_table(stream, table);

	entry->table_context = context;
	return entry;
}

void
sdb_sqlserver_tables_remove(SqlServerStream *stream, LogTable *entry)
{
	sdb_sqlserver_page_forget_plan(entry);
	MemoryContextDelete(entry->page_context);
	stream->tables = list_delete_ptr(stream->tables, entry);
}

void
sdb_sqlserver_tables_settle(SqlServerStream *stream)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->step_context);
	List	   *sorted = list_copy(stream->instances);
	List	   *group = NIL;
	List	   *lost;
	ListCell   *lc;

	stream->has_turn = false;
	foreach(lc, stream->tables)
		((LogTable *) lfirst(lc))->seen = false;

	list_sort(sorted, compare_instances);
	stream->has_hidden = false;
	foreach(lc, sorted)
	{
		LogInstance *instance = lfirst(lc);

		if (instance->table == NULL)
			stream->has_hidden = true;
		if (group != NIL &&
			((LogInstance *) linitial(group))->source_object_id !=
			instance->source_object_id)
		{
			settle_table(stream, group);
			group = NIL;
		}
		group = lappend(group, instance);
	}
	if (group != NIL)
		settle_table(stream, group);

	lost = list_copy(stream->tables);
	foreach(lc, lost)
	{
		LogTable   *entry = lfirst(lc);

		if (!entry->seen)
			settle_lost(stream, entry);
	}
	forget_done(stream);
	foreach(lc, stream->ddl)
		add_turn(stream, &((LogDdl *) lfirst(lc))->lsn, true);
	MemoryContextSwitchTo(old_context);
}

bool
sdb_sqlserver_tables_turn_is_ahead(const SqlServerStream *stream)
{
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);

	return sdb_sqlserver_lsn_compare(&stream->turn, &next) > 0;
}

void
sdb_sqlserver_tables_report_cleanup(SqlServerStream *stream,
									const LogTable *entry,
									const SqlServerLsn *start)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s\" are no longer at the source",
					entry->table->id),
			 errdetail("The connector is at %s, but the cleanup job has removed all changes before %s.",
					   sdb_sqlserver_lsn_to_text(&stream->position),
					   sdb_sqlserver_lsn_to_text(start)),
			 errhint("Use synchdb_resync_table() to copy it again.  To have changes kept for longer: EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = <minutes>.")));
}

/* The statements up to the position have been followed. */
static void
forget_done(SqlServerStream *stream)
{
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);
	ListCell   *lc;

	foreach(lc, stream->ddl)
	{
		if (sdb_sqlserver_lsn_compare(&((LogDdl *) lfirst(lc))->lsn,
									  &next) <= 0)
			stream->ddl = foreach_delete_current(stream->ddl, lc);
	}
}

static LogTable *
add_table(SqlServerStream *stream, SourceTable *table)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);
	LogTable   *entry = palloc0(sizeof(LogTable));

	entry->table = table;
	entry->page_context = AllocSetContextCreate(stream->context,
												"SQL Server page",
												ALLOCSET_DEFAULT_SIZES);
	stream->tables = lappend(stream->tables, entry);
	MemoryContextSwitchTo(old_context);
	return entry;
}

/* By table, then from old to new. */
static int
compare_instances(const ListCell *a, const ListCell *b)
{
	const LogInstance *one = lfirst(a);
	const LogInstance *other = lfirst(b);
	int			order;

	if (one->source_object_id != other->source_object_id)
		return one->source_object_id < other->source_object_id ? -1 : 1;
	if (one->has_start != other->has_start)
		return one->has_start ? -1 : 1;
	order = sdb_sqlserver_lsn_compare(&one->start, &other->start);
	if (order != 0)
		return order;
	return one->object_id < other->object_id ? -1 : 1;
}

/* instances: of one table, from old to new */
static void
settle_table(SqlServerStream *stream, List *instances)
{
	LogInstance *first = linitial(instances);
	LogTable   *entry = find_table(stream, first);
	LogInstance *chosen;
	bool		leaves_gap;
	ListCell   *lc;

	if (entry == NULL &&
		(first->table == NULL ||
		 !sdb_sqlserver_source_captures(stream->source, first->schema,
										first->table)))
		return;
	if (entry != NULL && entry->source_object_id != 0 &&
		entry->source_object_id != first->source_object_id)
	{
		/* that one was dropped, and its name given to another */
		sdb_sqlserver_ddl_drop(stream, entry);
		entry = NULL;
	}
	chosen = choose(stream, instances, &leaves_gap);
	if (entry == NULL)
		entry = sdb_sqlserver_ddl_create(stream, chosen);
	if (entry == NULL)
		return;
	entry->seen = true;
	entry->lost = false;
	entry->source_object_id = first->source_object_id;
	if (leaves_gap && !entry->is_new)
		check_gap(stream, entry, chosen);
	if (leaves_gap)
		entry->point = sdb_sqlserver_lsn_previous(chosen->start);
	if (leaves_gap && !entry->is_new)
		postpone(stream, entry);
	else
		take_instance(stream, entry, chosen, chosen == llast(instances));

	foreach(lc, instances)
	{
		LogInstance *instance = lfirst(lc);

		if (instance->has_start)
			add_turn(stream, &instance->start, false);
	}
}

/* Have the table read from that instance. */
static void
take_instance(SqlServerStream *stream, LogTable *entry,
			  LogInstance *instance, bool is_newest)
{
	entry->instance = instance;
	/* instances were read again, and with them the ordinals */
	sdb_sqlserver_page_forget_plan(entry);
	if (!entry->is_new)
	{
		bool		must = must_follow(stream, entry, is_newest);
		bool		may = has_ddl(stream, entry);

		if ((must || may) &&
			sdb_sqlserver_lsn_compare(&stream->position, &entry->point) < 0)
		{
			postpone(stream, entry);
			return;
		}
		if (must)
			sdb_sqlserver_ddl_follow(stream, entry);
		else if (may)
			sdb_sqlserver_ddl_follow_types(stream, entry);
	}
	entry->identity = MemoryContextStrdup(stream->context,
										  instance->identity);
	entry->awaits_start = !instance->has_start;
	entry->is_due = false;
	entry->is_new = false;
}

/*
 * Nothing of the table is needed before its point, and a schema change before
 * it would count as contained in the copy.
 */
static void
postpone(SqlServerStream *stream, LogTable *entry)
{
	SqlServerLsn next = sdb_sqlserver_lsn_next(entry->point);

	entry->instance = NULL;
	entry->is_due = true;
	add_turn(stream, &next, false);
}

/* The known table of an instance; NULL if it is new. */
static LogTable *
find_table(SqlServerStream *stream, const LogInstance *instance)
{
	char	   *id;
	ListCell   *lc;

	foreach(lc, stream->tables)
	{
		LogTable   *entry = lfirst(lc);

		if (entry->source_object_id == instance->source_object_id)
			return entry;
	}
	if (instance->table != NULL)
	{
		id = sdb_table_make_id(stream->source->database, instance->schema,
							   instance->table);
		foreach(lc, stream->tables)
		{
			LogTable   *entry = lfirst(lc);

			if (strcmp(entry->table->id, id) == 0)
				return entry;
		}
	}
	/* renamed while the stream was down: the instance keeps the old name */
	foreach(lc, stream->tables)
	{
		LogTable   *entry = lfirst(lc);

		if (entry->source_object_id == 0 && !entry->seen &&
			is_default_name(instance, entry->table) &&
			!is_captured(stream, entry->table))
			return entry;
	}
	return NULL;
}

/* Is it called as instances of that table are called by default? */
static bool
is_default_name(const LogInstance *instance, const SourceTable *table)
{
	Size		len = strlen(table->schema);

	return strncmp(instance->name, table->schema, len) == 0 &&
		instance->name[len] == '_' &&
		strcmp(instance->name + len + 1, table->name) == 0;
}

/* Is there an instance of a table of that name? */
static bool
is_captured(const SqlServerStream *stream, const SourceTable *table)
{
	ListCell   *lc;

	foreach(lc, stream->instances)
	{
		LogInstance *instance = lfirst(lc);

		if (instance->table != NULL &&
			strcmp(instance->schema, table->schema) == 0 &&
			strcmp(instance->table, table->name) == 0)
			return true;
	}
	return false;
}

/* Which instance has what follows the position?  instances: old to new */
static LogInstance *
choose(SqlServerStream *stream, List *instances, bool *leaves_gap)
{
	LogInstance *chosen = linitial(instances);
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);
	ListCell   *lc;

	*leaves_gap = chosen->has_start &&
		sdb_sqlserver_lsn_compare(&chosen->start, &next) > 0;
	foreach(lc, instances)
	{
		LogInstance *instance = lfirst(lc);

		if (instance->has_start &&
			sdb_sqlserver_lsn_compare(&instance->start, &next) <= 0)
			chosen = instance;
	}
	return chosen;
}

/* The instance begins behind the position: what of that? */
static void
check_gap(SqlServerStream *stream, LogTable *entry,
		  const LogInstance *instance)
{
	SqlServerLsn covered = sdb_sqlserver_lsn_next(entry->point);
	bool		is_same;

	/* the stream begins before the capture job had done anything */
	if (sdb_sqlserver_lsn_is_zero(&stream->position) ||
		sdb_sqlserver_lsn_compare(&instance->start, &covered) <= 0)
		return;
	is_same = entry->identity != NULL &&
		strcmp(entry->identity, instance->identity) == 0;
	if (is_same && entry->awaits_start)
		return;
	if (is_same ||
		(entry->identity == NULL && !made_behind(stream, instance)))
		sdb_sqlserver_tables_report_cleanup(stream, entry, &instance->start);
	ereport(WARNING,
			(errmsg("capturing of table \"%s\" was disabled and enabled again",
					entry->table->id),
			 errdetail("Changes that were made to it in between, if any, are not known to the connector. It goes on with capture instance \"%s\" from %s.",
					   instance->name,
					   sdb_sqlserver_lsn_to_text(&instance->start)),
			 errhint("Use synchdb_resync_table() to copy it again, unless it was not changed meanwhile.  A second capture instance avoids the gap.")));
}

/*
 * Was the instance made when the position was reached already?  Cleanup moves
 * the start of an instance, always to an LSN of lsn_time_mapping.
 */
static bool
made_behind(SqlServerStream *stream, const LogInstance *instance)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	char	   *start = sdb_sqlserver_lsn_literal(&instance->start);
	char	   *position = sdb_sqlserver_lsn_literal(&stream->position);
	bool		was_moved = false;

	sdb_sqlserver_conn_query(conn,
							 psprintf("SELECT 1 FROM cdc.lsn_time_mapping AS m"
									  " WHERE m.start_lsn = %s AND NOT EXISTS"
									  " (SELECT * FROM cdc.lsn_time_mapping AS o"
									  " JOIN cdc.change_tables AS ct ON o.tran_end_time < ct.create_date"
									  " WHERE ct.object_id = %d AND o.start_lsn >= %s)",
									  start, instance->object_id, position));
	while (sdb_sqlserver_conn_fetch(conn))
		was_moved = true;
	return !was_moved;
}

/* May the definition differ from the one that is known? */
static bool
must_follow(SqlServerStream *stream, const LogTable *entry, bool is_newest)
{
	const LogInstance *instance = entry->instance;
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);
	ListCell   *lc;

	if (entry->is_due ||
		(entry->identity != NULL &&
		 strcmp(entry->identity, instance->identity) != 0))
		return true;
	if (instance->table != NULL &&
		(strcmp(instance->schema, entry->table->schema) != 0 ||
		 strcmp(instance->table, entry->table->name) != 0))
		return true;
	foreach(lc, stream->ddl)
	{
		LogDdl	   *ddl = lfirst(lc);

		if (ddl->source_object_id == instance->source_object_id &&
			sdb_sqlserver_lsn_compare(&ddl->lsn, &next) <= 0)
			return true;
	}
	if (entry->identity != NULL)
		return false;

	/* the stream begins: what happened while there was none? */
	if (is_newest && !has_ddl(stream, entry))
		return differs_from_source(stream, entry);
	return lacks_columns(entry);
}

/* Are there statements that changed the table? */
static bool
has_ddl(const SqlServerStream *stream, const LogTable *entry)
{
	ListCell   *lc;

	foreach(lc, stream->ddl)
	{
		if (((LogDdl *) lfirst(lc))->source_object_id ==
			entry->source_object_id)
			return true;
	}
	return false;
}

/* Does the source describe the table in another way than we know it? */
static bool
differs_from_source(const SqlServerStream *stream, const LogTable *entry)
{
	ListCell   *lc;

	foreach(lc, stream->described)
	{
		SourceTable *table = lfirst(lc);

		if (strcmp(table->id, entry->table->id) == 0)
			return !sdb_table_equal(table, entry->table);
	}
	return true;
}

/* Are there captured columns that we do not know? */
static bool
lacks_columns(const LogTable *entry)
{
	for (int i = 0; i < entry->instance->ncolumns; i++)
		if (sdb_table_find_column(entry->table,
								  entry->instance->columns[i]) < 0)
			return true;
	return false;
}

/* A table that was captured has no instance any more. */
static void
settle_lost(SqlServerStream *stream, LogTable *entry)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	char	   *schema = sdb_sqlserver_conn_literal(entry->table->schema);
	char	   *name = sdb_sqlserver_conn_literal(entry->table->name);
	char	   *found;

	entry->instance = NULL;
	if (entry->lost)
		return;
	found = sdb_sqlserver_conn_scalar(conn,
									  psprintf("SELECT t.name FROM sys.tables AS t"
											   " JOIN sys.schemas AS s ON s.schema_id = t.schema_id"
											   " WHERE s.name = %s AND t.name = %s",
											   schema, name));
	if (found == NULL && !stream->has_hidden)
	{
		if (sdb_sqlserver_lsn_compare(&stream->position, &entry->point) < 0)
			postpone(stream, entry);
		else
			sdb_sqlserver_ddl_drop(stream, entry);
		return;
	}
	entry->lost = true;
	ereport(WARNING,
			(errmsg("table \"%s\" is no longer captured: its changes do not arrive any more",
					entry->table->id),
			 errhint("EXEC sys.sp_cdc_enable_table @source_schema = %s, @source_name = %s, @role_name = NULL; then use synchdb_resync_table() to copy it again.",
					 schema, name)));
}

static void
add_turn(SqlServerStream *stream, const SqlServerLsn *lsn, bool scanned)
{
	SqlServerLsn next = sdb_sqlserver_lsn_next(stream->position);

	if (sdb_sqlserver_lsn_compare(lsn, &next) <= 0)
		return;
	if (stream->has_turn &&
		sdb_sqlserver_lsn_compare(lsn, &stream->turn) > 0)
		return;
	stream->turn_scanned = scanned ||
		(stream->has_turn && stream->turn_scanned &&
		 sdb_sqlserver_lsn_compare(lsn, &stream->turn) == 0);
	stream->has_turn = true;
	stream->turn = *lsn;
}
