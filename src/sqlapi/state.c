/*
 * state.c --- SQL functions about states and counters
 *
 * States come from shared memory, everything else from the catalog, so a
 * connector that never ran since the server started has a row as well.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "sqlapi/sqlapi.h"
#include "worker/shmem.h"

/* Columns of synchdb_get_state, by idx0 */
enum
{
	STATE_NAME,
	STATE_CONNECTOR_TYPE,
	STATE_PID,
	STATE_STAGE,
	STATE_STATE,
	STATE_ERR,
	STATE_OFFSET,
	NSTATE_COLUMNS
};

static CheckItem *check_tables(Connector *connector, Source *source);
static void put_check(ReturnSetInfo *result, const CheckItem *item);
static void put_state(ReturnSetInfo *result, HeapTuple tuple, TupleDesc desc);
static void change_counters(const char *connector, const char *sql,
							int ncounters, const Datum *counters);

PG_FUNCTION_INFO_V1(sdb_sql_get_state);
PG_FUNCTION_INFO_V1(sdb_sql_check_connector);
PG_FUNCTION_INFO_V1(sdb_sql_reset_stats);
PG_FUNCTION_INFO_V1(sdb_sql_set_snapstats);

Datum
sdb_sql_get_state(PG_FUNCTION_ARGS)
{
	CatalogAccess access;
	uint64		nrows;
	uint64		i;

	InitMaterializedSRF(fcinfo, 0);

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute("SELECT c.name, c.data->>'connector',"
								" p.error, p.position"
								" FROM @extschema@.synchdb_conninfo c"
								" LEFT JOIN @extschema@.synchdb_checkpoint p"
								" ON p.name = c.name ORDER BY c.name",
								0, NULL, NULL, NULL);
	for (i = 0; i < nrows; i++)
		put_state((ReturnSetInfo *) fcinfo->resultinfo,
				  SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	sdb_catalog_leave(&access);
	return (Datum) 0;
}

/*
 * Connects here and now: a source waits with interrupts served, and changes
 * nothing.
 */
Datum
sdb_sql_check_connector(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Connector  *connector;
	Source	   *source;
	List	   *items;
	ListCell   *cell;

	sdb_sql_check_control(name);
	InitMaterializedSRF(fcinfo, 0);
	connector = sdb_connector_load(name);
	source = connector->routine->open(&connector->options);
	items = source->routine->check(source);
	items = lappend(items, check_tables(connector, source));
	foreach(cell, items)
		put_check(result, lfirst(cell));
	sdb_source_close(source);
	return (Datum) 0;
}

/* Which tables would the connector find? */
static CheckItem *
check_tables(Connector *connector, Source *source)
{
	CheckItem  *item = palloc0(sizeof(CheckItem));
	List	   *tables = source->routine->describe(source, NIL);
	List	   *idle = sdb_filter_idle_entries(connector->options.filter, tables);

	item->name = "tables";
	item->passed = tables != NIL && idle == NIL;
	item->fatal = tables == NIL && !sdb_filter_is_all(connector->options.filter);
	item->detail = idle == NIL ?
		psprintf("The table list matches %d %s.", list_length(tables),
				 list_length(tables) == 1 ? "table" : "tables") :
		psprintf("The table list matches %d %s; its entry \"%s\" matches none.",
				 list_length(tables),
				 list_length(tables) == 1 ? "table" : "tables",
				 (char *) linitial(idle));
	if (!item->passed)
		item->hint = pstrdup("Entries are regular expressions that must match a whole name such as database.table.");
	return item;
}

static void
put_check(ReturnSetInfo *result, const CheckItem *item)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(item->name);
	values[1] = BoolGetDatum(item->passed);
	values[2] = BoolGetDatum(item->fatal);
	values[3] = CStringGetTextDatum(item->detail ? item->detail : "");
	nulls[3] = item->detail == NULL;
	values[4] = CStringGetTextDatum(item->hint ? item->hint : "");
	nulls[4] = item->hint == NULL;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
sdb_sql_reset_stats(PG_FUNCTION_ARGS)
{
	change_counters(NameStr(*PG_GETARG_NAME(0)),
					"UPDATE @extschema@.synchdb_checkpoint SET"
					" ddls = 0, dmls = 0, reads = 0, creates = 0,"
					" updates = 0, deletes = 0, txs = 0, truncates = 0,"
					" bad_events = 0, total_events = 0, batches_done = 0,"
					" tables = 0, first_src_ts = 0, first_dbz_ts = 0,"
					" first_pg_ts = 0, last_src_ts = 0, last_dbz_ts = 0,"
					" last_pg_ts = 0, snapshot_begin_ts = 0,"
					" snapshot_end_ts = 0 WHERE name = $1",
					0, NULL);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_set_snapstats(PG_FUNCTION_ARGS)
{
	Datum		counters[4];
	int			i;

	for (i = 0; i < lengthof(counters); i++)
		counters[i] = PG_GETARG_DATUM(i + 1);
	change_counters(NameStr(*PG_GETARG_NAME(0)),
					"INSERT INTO @extschema@.synchdb_checkpoint AS c"
					" (name, tables, reads, snapshot_begin_ts,"
					" snapshot_end_ts) VALUES ($1, $2, $3, $4, $5)"
					" ON CONFLICT (name) DO UPDATE SET"
					" tables = c.tables + excluded.tables,"
					" reads = c.reads + excluded.reads,"
					" snapshot_begin_ts = excluded.snapshot_begin_ts,"
					" snapshot_end_ts = excluded.snapshot_end_ts",
					lengthof(counters), counters);
	PG_RETURN_VOID();
}

/* put_state --- one connector: name, type, error, position from the catalog */
static void
put_state(ReturnSetInfo *result, HeapTuple tuple, TupleDesc desc)
{
	char	   *name = SPI_getvalue(tuple, desc, 1);
	char	   *type = SPI_getvalue(tuple, desc, 2);
	char	   *error = SPI_getvalue(tuple, desc, 3);
	char	   *position = SPI_getvalue(tuple, desc, 4);
	ConnectorStatus status;
	Datum		values[NSTATE_COLUMNS];
	bool		nulls[NSTATE_COLUMNS] = {false};

	if (!sdb_shmem_status(name, &status))
	{
		MemSet(&status, 0, sizeof(status));
		status.pid = -1;
		status.stage = STAGE_UNKNOWN;
		status.state = STATE_STOPPED;
	}
	if (error == NULL)
		error = status.error[0] != '\0' ? status.error : "no error";
	if (position == NULL)
		position = "no offset";

	values[STATE_NAME] = CStringGetTextDatum(name);
	nulls[STATE_CONNECTOR_TYPE] = type == NULL;
	if (type != NULL)
		values[STATE_CONNECTOR_TYPE] = CStringGetTextDatum(type);
	values[STATE_PID] = Int32GetDatum(status.pid);
	values[STATE_STAGE] = CStringGetTextDatum(sdb_stage_name(status.stage));
	values[STATE_STATE] = CStringGetTextDatum(sdb_state_name(status.state));
	values[STATE_ERR] = CStringGetTextDatum(error);
	values[STATE_OFFSET] = CStringGetTextDatum(position);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* change_counters --- run sql with the name as $1 and bigints from $2 on. */
static void
change_counters(const char *connector, const char *sql, int ncounters,
				const Datum *counters)
{
	Oid			types[1 + 4] = {TEXTOID};
	Datum		values[1 + 4];
	CatalogAccess access;
	int			i;

	Assert(1 + ncounters <= lengthof(types));
	sdb_sql_check_control(connector);

	values[0] = CStringGetTextDatum(connector);
	for (i = 0; i < ncounters; i++)
	{
		types[1 + i] = INT8OID;
		values[1 + i] = counters[i];
	}

	sdb_catalog_enter(&access);
	(void) sdb_catalog_execute(sql, 1 + ncounters, types, values, NULL);
	sdb_catalog_leave(&access);
}
