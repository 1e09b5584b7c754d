/*
 * engine.c --- SQL functions that control running connectors
 *
 * Starting and asking wait until the worker has done its part.  A worker sees
 * what is committed only, and may need rows that this transaction has locked;
 * so a start after a change in the same transaction waits for its commit, and
 * any other request is refused.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/connector.h"
#include "sqlapi/sqlapi.h"
#include "worker/control.h"

#define DEFAULT_MODE "initial"

static void start_connector(const char *name, const char *mode);
static void send_request(const char *name, ConnectorRequest request,
						 const char *argument);
static void check_running(const char *name);
static bool is_running(const char *name, ConnectorStatus *status);
static const char *checked_mode(const char *mode);

PG_FUNCTION_INFO_V1(sdb_sql_start_engine_bgw);
PG_FUNCTION_INFO_V1(sdb_sql_start_engine_bgw_mode);
PG_FUNCTION_INFO_V1(sdb_sql_stop_engine_bgw);
PG_FUNCTION_INFO_V1(sdb_sql_pause_engine);
PG_FUNCTION_INFO_V1(sdb_sql_resume_engine);
PG_FUNCTION_INFO_V1(sdb_sql_restart_connector);
PG_FUNCTION_INFO_V1(sdb_sql_set_offset);
PG_FUNCTION_INFO_V1(sdb_sql_resync_table);
PG_FUNCTION_INFO_V1(sdb_sql_conninfo_changed);
PG_FUNCTION_INFO_V1(sdb_sql_reload_objmap);
PG_FUNCTION_INFO_V1(sdb_sql_log_jvm_meminfo);

Datum
sdb_sql_start_engine_bgw(PG_FUNCTION_ARGS)
{
	start_connector(NameStr(*PG_GETARG_NAME(0)), DEFAULT_MODE);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_start_engine_bgw_mode(PG_FUNCTION_ARGS)
{
	start_connector(NameStr(*PG_GETARG_NAME(0)),
					NameStr(*PG_GETARG_NAME(1)));
	PG_RETURN_INT32(0);
}

/* A connector that is not running is marked inactive all the same. */
Datum
sdb_sql_stop_engine_bgw(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));

	sdb_sql_check_control(name);
	(void) sdb_connector_set_active(name, false);
	if (!sdb_worker_stop(name))
		ereport(NOTICE,
				(errmsg("dbz connector (%s) is not running", name)));
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_pause_engine(PG_FUNCTION_ARGS)
{
	send_request(NameStr(*PG_GETARG_NAME(0)), REQUEST_PAUSE, NULL);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_resume_engine(PG_FUNCTION_ARGS)
{
	send_request(NameStr(*PG_GETARG_NAME(0)), REQUEST_RESUME, NULL);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_restart_connector(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	const char *mode = checked_mode(NameStr(*PG_GETARG_NAME(1)));

	sdb_sql_check_control(name);

	/* a mistake in the new definition is an error here, not in the worker */
	(void) sdb_connector_load(name);
	send_request(name, REQUEST_RESTART, mode);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_set_offset(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	char	   *position = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Connector  *connector;
	ConnectorStatus status;
	char	   *reason;

	sdb_sql_check_control(name);
	if (is_running(name, &status) && status.state != STATE_PAUSED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dbz connector (%s) is not in paused state", name),
				 errhint("Pause it first with synchdb_pause_engine().")));

	connector = sdb_connector_load(name);
	reason = connector->routine->position_check(position);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position for connector \"%s\"", name),
				 errdetail("%s", reason)));
	sdb_checkpoint_store(name, position, NULL);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_resync_table(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	char	   *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ConnectorStatus status;

	sdb_sql_check_control(name);
	sdb_checkpoint_ask_resync(name, table);
	if (is_running(name, &status))
		sdb_worker_poke(name);
	else
		ereport(NOTICE,
				(errmsg("table \"%s\" is copied again when connector \"%s\" is started",
						table, name)));
	PG_RETURN_INT32(0);
}

/* Trigger: a running worker follows a changed table list. */
Datum
sdb_sql_conninfo_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		isnull;
	Datum		name;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("synchdb_conninfo_changed() serves the trigger of synchdb_conninfo only")));
	name = heap_getattr(trigger->tg_newtuple, 1,
						RelationGetDescr(trigger->tg_relation), &isnull);
	sdb_worker_poke(TextDatumGetCString(name));
	return PointerGetDatum(NULL);
}

Datum
sdb_sql_reload_objmap(PG_FUNCTION_ARGS)
{
	send_request(NameStr(*PG_GETARG_NAME(0)), REQUEST_RELOAD, NULL);
	PG_RETURN_INT32(0);
}

Datum
sdb_sql_log_jvm_meminfo(PG_FUNCTION_ARGS)
{
	send_request(NameStr(*PG_GETARG_NAME(0)), REQUEST_MEMORY, NULL);
	PG_RETURN_INT32(0);
}

static void
start_connector(const char *name, const char *mode)
{
	Connector  *connector;
	bool		at_commit;

	sdb_sql_check_control(name);
	mode = checked_mode(mode);

	/* a mistake in the definition is an error here, not in the worker */
	connector = sdb_connector_load(name);

	at_commit = sdb_connector_changed_here(name);
	(void) sdb_connector_set_active(name, true);
	sdb_worker_start(name, connector->owner, mode, at_commit);
}

/* send_request --- checks, hands it over, waits until it is done. */
static void
send_request(const char *name, ConnectorRequest request, const char *argument)
{
	check_running(name);
	if (sdb_connector_changed_here(name))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("connector \"%s\" was changed in this transaction",
						name),
				 errdetail("Its worker cannot see the change yet."),
				 errhint("Commit first.")));
	sdb_worker_request(name, request, argument);
}

/* check_running --- may be controlled, and runs. */
static void
check_running(const char *name)
{
	ConnectorStatus status;

	sdb_sql_check_control(name);
	if (!is_running(name, &status))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dbz connector (%s) is not running", name),
				 errhint("Start it with synchdb_start_engine_bgw().")));
}

static bool
is_running(const char *name, ConnectorStatus *status)
{
	return sdb_shmem_status(name, status) && status->pid > 0;
}

/* checked_mode --- '' and 'null' stand for the default. */
static const char *
checked_mode(const char *mode)
{
	if (mode[0] == '\0' || pg_strcasecmp(mode, "null") == 0)
		return DEFAULT_MODE;
	if (!sdb_snapshot_mode_is_valid(mode))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid snapshot mode \"%s\"", mode),
				 errhint("Valid modes: %s.", sdb_snapshot_modes())));
	return mode;
}
