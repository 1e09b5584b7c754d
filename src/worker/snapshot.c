/*
 * snapshot.c --- what a start has to copy
 *
 * Decides from the stored state and the snapshot mode which tables exist,
 * which of them are to be copied, and where the stream starts.  The outcome
 * is stored before anything is copied, so an interrupted snapshot goes on
 * with the tables not yet copied.
 *
 * Order matters: the position is fixed before any table is described or
 * copied, so nothing can fall between copy and stream.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "ddl/ddl.h"
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
} SnapshotMode;

static const SnapshotMode modes[] = {
	{"initial", false, true, TABLE_PENDING, AFTER_STREAM},
	{"initial_only", false, true, TABLE_PENDING, AFTER_STOP},
	{"when_needed", false, true, TABLE_PENDING, AFTER_STREAM},
	{"always", true, true, TABLE_RECOPY, AFTER_STREAM},
	{"no_data", false, true, TABLE_PARTIAL, AFTER_STREAM},
	{"schemasync", false, true, TABLE_PARTIAL, AFTER_PAUSE},
	{"never", false, false, TABLE_PARTIAL, AFTER_STREAM},
	{"recovery", false, false, TABLE_PARTIAL, AFTER_STREAM}
};

static const SnapshotMode *find_mode(const char *name);
static int	count_pending(const char *connector);
static void find_tables(Connector *connector, Source *source,
						const SnapshotMode *mode);
static void forget_gone(Connector *connector, Source *source);
static bool has_table(List *tables, const char *id);
static TableState *find_state(List *states, const char *id);
static bool is_copied(const Connector *connector, const SourceTable *table);
static List *describe_tables(Connector *connector, Source *source);
static void create_target(Connector *connector, const TableState *state);

int
sdb_snapshot_prepare(Connector *connector, Source *source, const char *name,
					 AfterSnapshot *after)
{
	const SnapshotMode *mode = find_mode(name);
	int			npending;

	*after = mode->after;
	sdb_process_begin_transaction();
	if (sdb_checkpoint_position(connector->name) == NULL || mode->starts_over)
		find_tables(connector, source, mode);
	else if (count_pending(connector->name) > 0)
		forget_gone(connector, source);
	npending = count_pending(connector->name);
	sdb_process_commit_transaction();
	return npending;
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

static int
count_pending(const char *connector)
{
	int			npending = 0;
	ListCell   *cell;

	foreach(cell, sdb_checkpoint_tables(connector))
	{
		TableState *state = lfirst(cell);

		if (sdb_table_is_pending(state))
			npending++;
	}
	return npending;
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
	List	   *tables = describe_tables(connector, source);
	char	   *old_position = sdb_checkpoint_position(connector->name);
	List	   *old_states = sdb_checkpoint_tables(connector->name);
	Counters	counters = {{0}};
	ListCell   *cell;

	sdb_naming_check_collisions(tables);
	sdb_checkpoint_reset(connector->name);
	foreach(cell, tables)
	{
		TableState	state = {lfirst(cell), mode->stage, NULL, NULL};
		TableState *old = find_state(old_states, state.table->id);

		if (!is_copied(connector, state.table))
			state.stage = TABLE_PARTIAL;
		if (state.stage == TABLE_PARTIAL && old != NULL)
		{
			state = *old;
			if (state.stage == TABLE_COPYING)
				state.stage = TABLE_RECOPY; /* its ranges are forgotten */
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
 * A table that was dropped at the source before it was copied cannot be copied
 * any more, and must not stand in the way of the others.
 */
static void
forget_gone(Connector *connector, Source *source)
{
	List	   *tables = source->routine->describe(source, NIL);
	ListCell   *cell;

	foreach(cell, sdb_checkpoint_tables(connector->name))
	{
		TableState *state = lfirst(cell);

		if (!sdb_table_is_pending(state) ||
			has_table(tables, state->table->id))
			continue;
		ereport(WARNING,
				(errmsg("table \"%s\" is not copied: the source no longer has it",
						state->table->id)));
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
is_copied(const Connector *connector, const SourceTable *table)
{
	return sdb_filter_matches(connector->snapshot_filter,
							  psprintf("%s.%s", table->schema ?
									   table->schema : table->catalog,
									   table->name));
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
	return tables;
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
