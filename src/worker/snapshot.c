/*
 * snapshot.c --- what a start has to copy
 *
 * Decides from the stored state and the snapshot mode which tables exist,
 * which of them are to be copied, and where the stream starts.  The outcome
 * is stored before anything is copied, so an interrupted snapshot goes on
 * with what is left, and under its mode: only a snapshot that is complete
 * makes room for another one.
 *
 * Order matters: the position is fixed before any table is described or
 * copied, so nothing can fall between copy and stream.
 *
 * Once the snapshot is complete, tables may come in that are copied beside the
 * stream (join.c): those that a changed table list adds, and those that
 * somebody wants again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ddl/ddl.h"
#include "util/failpoint.h"
#include "worker/control.h"
#include "worker/tables.h"
#include "worker/worker_internal.h"

/* SnapshotMode --- what a mode does where nothing was stored before */
typedef struct SnapshotMode
{
	const char *name;
	bool		starts_over;	/* forgets what was stored */
	bool		creates;		/* creates target tables */
	TableStage	stage;			/* of the tables it finds */
	AfterSnapshot after;
	bool		when_needed;	/* copies again if the stream cannot go on */
} SnapshotMode;

#define DEFAULT_MODE "initial"

static const SnapshotMode modes[] = {
	{"initial", false, true, TABLE_PENDING, AFTER_STREAM},
	{"initial_only", false, true, TABLE_PENDING, AFTER_STOP},
	{"when_needed", false, true, TABLE_PENDING, AFTER_STREAM, true},
	{"always", true, true, TABLE_RECOPY, AFTER_STREAM},
	{"no_data", false, true, TABLE_PARTIAL, AFTER_STREAM},
	{"schemasync", false, true, TABLE_PARTIAL, AFTER_PAUSE},
	{"never", false, false, TABLE_PARTIAL, AFTER_STREAM},
	{"recovery", false, false, TABLE_PARTIAL, AFTER_STREAM}
};

static const SnapshotMode *find_mode(const char *name);
static void count_pending(Connector *connector, SnapshotPlan *plan);
static void find_tables(Connector *connector, Source *source,
						const SnapshotMode *mode);
static void follow_table_list(Connector *connector, Source *source,
							  const SnapshotMode *mode, const char *old_list);
static bool has_table(List *tables, const char *id);
static TableState *find_state(List *states, const char *id);
static bool matches(const TableFilter *filter, const SourceTable *table);
static bool is_copied(const Connector *connector, const SourceTable *table);
static List *describe_tables(Connector *connector, Source *source);
static void warn_of_idle_entries(Connector *connector, List *tables);
static void create_target(Connector *connector, const TableState *state);

void
sdb_snapshot_prepare(Connector *connector, Source *source, const char *name,
					 SnapshotPlan *plan)
{
	const SnapshotMode *mode;
	SnapshotRecord record;
	bool		asked = name[0] != '\0';
	bool		starts_over = asked && find_mode(name)->starts_over;

	sdb_process_begin_transaction();
	sdb_checkpoint_get_snapshot(connector->name, &record);
	if (!asked)
		name = record.mode != NULL ? record.mode : DEFAULT_MODE;
	mode = find_mode(name);

	if (starts_over || sdb_checkpoint_position(connector->name) == NULL)
	{
		find_tables(connector, source, mode);
		record.mode = pstrdup(mode->name);
		record.done = false;
	}
	else if (record.mode == NULL)
		record.done = true;		/* the user has set a position */
	else if (!record.done || (asked && mode->when_needed))
		record.mode = pstrdup(mode->name);
	else if (record.table_list != NULL &&
			 strcmp(record.table_list, connector->table_list) != 0)
		follow_table_list(connector, source, find_mode(record.mode),
						  record.table_list);
	if (asked && mode->after != AFTER_STREAM)
		record.done = false;
	sdb_checkpoint_begin_resync(connector->name);
	record.table_list = connector->table_list;
	sdb_checkpoint_set_snapshot(connector->name, &record);

	plan->beside = record.done;
	plan->may_start_over = record.done && record.mode != NULL &&
		find_mode(record.mode)->when_needed;
	plan->after = record.done ? AFTER_STREAM : mode->after;
	count_pending(connector, plan);
	sdb_process_commit_transaction();
}

bool
sdb_snapshot_copies(Connector *connector, const SourceTable *table)
{
	SnapshotRecord record;

	sdb_checkpoint_get_snapshot(connector->name, &record);
	return record.mode != NULL &&
		find_mode(record.mode)->stage != TABLE_PARTIAL &&
		is_copied(connector, table);
}

void
sdb_snapshot_complete(Connector *connector)
{
	SnapshotRecord record;

	sdb_checkpoint_get_snapshot(connector->name, &record);
	record.done = true;
	sdb_checkpoint_set_snapshot(connector->name, &record);
}

bool
sdb_snapshot_mode_is_valid(const char *name)
{
	for (int i = 0; i < lengthof(modes); i++)
		if (pg_strcasecmp(modes[i].name, name) == 0)
			return true;
	return false;
}

char *
sdb_snapshot_modes(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(modes); i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "", modes[i].name);
	return buf.data;
}

static const SnapshotMode *
find_mode(const char *name)
{
	for (int i = 0; i < lengthof(modes); i++)
		if (pg_strcasecmp(modes[i].name, name) == 0)
			return &modes[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown snapshot mode \"%s\"", name),
			 errhint("Known modes are: %s.", sdb_snapshot_modes())));
}

static void
count_pending(Connector *connector, SnapshotPlan *plan)
{
	ListCell   *cell;

	plan->npending = 0;
	plan->napart = 0;
	foreach(cell, sdb_checkpoint_tables(connector->name))
	{
		TableState *state = lfirst(cell);

		plan->npending += sdb_table_is_pending(state);
		plan->napart += sdb_table_is_apart(state);
	}
}

/*
 * Look at the source, and store which tables there are and what becomes of
 * them.  Tables that the snapshot list leaves out keep what is stored of them,
 * and then the stream goes on from where it was; else it starts from now.
 */
static void
find_tables(Connector *connector, Source *source, const SnapshotMode *mode)
{
	char	   *position = source->routine->current_position(source);
	List	   *tables;
	char	   *old_position = sdb_checkpoint_position(connector->name);
	List	   *old_states = sdb_checkpoint_tables(connector->name);
	Counters	counters = {{0}};
	ListCell   *cell;

	SDB_FAILPOINT("snapshot-before-describe");
	tables = describe_tables(connector, source);
	sdb_naming_check_collisions(tables);
	sdb_checkpoint_reset(connector->name);
	foreach(cell, tables)
	{
		TableState	state = {lfirst(cell), mode->stage, NULL, NULL};
		TableState *old = find_state(old_states, state.table->id);

		if (!is_copied(connector, state.table))
			state.stage = TABLE_PARTIAL;
		/* what we have copied before may be replaced */
		if (state.stage == TABLE_PENDING && old != NULL &&
			!sdb_table_is_pending(old))
			state.stage = TABLE_RECOPY;
		/* what its target was made for counts until it is copied */
		if (state.stage == TABLE_RECOPY && old != NULL &&
			old->stage != TABLE_PENDING)
		{
			old->table->estimated_rows = state.table->estimated_rows;
			state.table = old->table;
		}
		if (state.stage == TABLE_PARTIAL && old != NULL)
		{
			state = *old;
			if (state.stage == TABLE_COPYING)
				state.stage = TABLE_RECOPY; /* its ranges are forgotten */
			if (old_position != NULL)
				position = old_position;
		}
		else if (mode->creates)
			create_target(connector, &state);
		sdb_checkpoint_put_table(connector->name, &state);
	}
	counters.value[COUNTER_SNAPSHOT_BEGIN_TS] =
		sdb_process_time_ms(GetCurrentTimestamp());
	sdb_checkpoint_store(connector->name, position, &counters);
}

/*
 * The table list has changed: tables that came in are copied beside the
 * stream, as far as the connector copies at all; tables that went out are
 * forgotten, and stay here as they are.  To a new table that the old list
 * matches, the stream comes by itself.
 */
static void
follow_table_list(Connector *connector, Source *source,
				  const SnapshotMode *mode, const char *old_list)
{
	TableFilter *before = sdb_filter_make(old_list);
	List	   *tables = describe_tables(connector, source);
	List	   *states = sdb_checkpoint_tables(connector->name);
	ListCell   *cell;

	sdb_naming_check_collisions(tables);
	foreach(cell, tables)
	{
		TableState	state = {lfirst(cell), mode->stage, NULL, NULL};

		if (find_state(states, state.table->id) != NULL ||
			matches(before, state.table))
			continue;
		if (!is_copied(connector, state.table))
			state.stage = TABLE_PARTIAL;
		if (mode->creates)
			create_target(connector, &state);
		sdb_checkpoint_put_table(connector->name, &state);
	}
	foreach(cell, states)
	{
		TableState *state = lfirst(cell);

		if (!has_table(tables, state->table->id) &&
			!matches(connector->options.filter, state->table))
			sdb_tables_drop(connector, state->table);
	}
}

static bool
has_table(List *tables, const char *id)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		if (strcmp(((SourceTable *) lfirst(cell))->id, id) == 0)
			return true;
	}
	return false;
}

static TableState *
find_state(List *states, const char *id)
{
	ListCell   *cell;

	foreach(cell, states)
	{
		TableState *state = lfirst(cell);

		if (strcmp(state->table->id, id) == 0)
			return state;
	}
	return NULL;
}

/* Is the table in the connector's snapshot list? */
static bool
matches(const TableFilter *filter, const SourceTable *table)
{
	return sdb_filter_matches(filter, table->catalog, table->schema,
							  table->name);
}

static bool
is_copied(const Connector *connector, const SourceTable *table)
{
	return matches(connector->snapshot_filter, table);
}

static List *
describe_tables(Connector *connector, Source *source)
{
	List	   *tables = source->routine->describe(source, NIL);

	if (tables == NIL && !sdb_filter_is_all(connector->options.filter))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no table of the source matches the table list of connector \"%s\"",
						connector->name),
				 errhint("Entries are regular expressions that must match a whole name such as %s.orders.",
						 connector->options.database)));
	warn_of_idle_entries(connector, tables);
	return tables;
}

static void
warn_of_idle_entries(Connector *connector, List *tables)
{
	ListCell   *cell;

	foreach(cell, sdb_filter_idle_entries(connector->options.filter, tables))
		ereport(WARNING,
				(errmsg("entry \"%s\" in the table list of connector \"%s\" matches no table of the source",
						(char *) lfirst(cell), connector->name),
				 errhint("Entries are regular expressions that must match a whole name such as %s.orders.",
						 connector->options.database ?
						 connector->options.database : "schema")));
}

/*
 * The schema of a table's target; the table as well, empty, if no copy will
 * create it.
 */
static void
create_target(Connector *connector, const TableState *state)
{
	TargetTable *target = sdb_naming_target(state->table);

	sdb_ddl_create_schema(target->schema);
	if (state->stage != TABLE_PARTIAL)
		return;
	sdb_ddl_create_table(state->table, target, connector->routine->types,
						 KEY_NOW);
	CommandCounterIncrement();
	sdb_tables_record_attributes(connector, state->table);
}
