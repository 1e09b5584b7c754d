/*
 * process.c --- what every worker process does first and last
 *
 * Termination: SIGTERM sets sdb_stop_requested and cancels whatever runs, as
 * a query cancel would.  The worker's outer loop then exits with code 0, so
 * that the postmaster does not start it again; after a crash it does.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/pmsignal.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "util/compat.h"
#include "util/extension.h"
#include "util/user_path.h"
#include "worker/worker_internal.h"

/* Session settings: what applying changes relies on, whatever is configured */
static const struct
{
	const char *name;
	const char *value;
}			session_settings[] = {
	{"search_path", "pg_catalog"},
	{"session_replication_role", "replica"},
	{"synchronous_commit", "off"},	/* the position rolls back with the data */
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	SDB_NEWER_TIMEOUTS
	{"idle_in_transaction_session_timeout", "0"},
	{"row_security", "on"},
	/* a key is built after the copy; two processes share in it from here on */
	{"maintenance_work_mem", "64MB"},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"xmloption", "content"},
	{"standard_conforming_strings", "on"}
};

volatile sig_atomic_t sdb_stop_requested = false;
int			sdb_process_reloads = 0;

/* Connecting to the database is short and is not to be cancelled. */
static volatile sig_atomic_t connected = false;

static char connector[NAMEDATALEN]; /* that this process works for */

static void stay_down(int code, Datum arg);
static void handle_stop(SIGNAL_ARGS);
static void insist_on_stop(void);
static void request_cancel(void);

void
sdb_process_begin(WorkerArguments *arguments)
{
	memcpy(arguments, MyBgworkerEntry->bgw_extra, sizeof(WorkerArguments));
	strlcpy(connector, arguments->name, sizeof(connector));

	pqsignal(SIGTERM, handle_stop);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	on_proc_exit(stay_down, 0);
	BackgroundWorkerInitializeConnectionByOid(arguments->database,
											  arguments->owner, 0);
	connected = true;
	if (sdb_stop_requested)
		proc_exit(0);
	sdb_user_path_remember();
	for (int i = 0; i < lengthof(session_settings); i++)
		SetConfigOption(session_settings[i].name, session_settings[i].value,
						PGC_SUSET, PGC_S_OVERRIDE);
}

void
sdb_process_report(const char *activity)
{
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("%s: %s", connector, activity));
	set_ps_display(activity);
}

void
sdb_process_check(void)
{
	insist_on_stop();
	CHECK_FOR_INTERRUPTS();
	if (unlikely(!PostmasterIsAlive()))
		proc_exit(1);
}

void
sdb_process_wait(WaitReason reason, pgsocket socket, long timeout_ms)
{
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (socket != PGINVALID_SOCKET)
		events |= WL_SOCKET_READABLE;
	if (timeout_ms >= 0)
		events |= WL_TIMEOUT;

	events = WaitLatchOrSocket(MyLatch, events, socket, timeout_ms,
							   sdb_wait_event(reason));
	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	insist_on_stop();
	CHECK_FOR_INTERRUPTS();
	sdb_process_reload();
}

void
sdb_process_reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	sdb_process_reloads++;
}

void
sdb_process_check_extension(void)
{
	Oid			schema;
	Oid			owner;

	sdb_process_begin_transaction();
	if (!sdb_extension_find("synchdb", &schema, &owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"synchdb\" was dropped")));
	sdb_process_commit_transaction();
}

void
sdb_process_begin_transaction(void)
{
	MemoryContext context = CurrentMemoryContext;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
}

void
sdb_process_commit_transaction(void)
{
	MemoryContext context = CurrentMemoryContext;

	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

ErrorData *
sdb_process_catch_error(MemoryContext context)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	error_context_stack = NULL;
	if (!sdb_stop_requested)
		EmitErrorReport();
	AbortCurrentTransaction();
	LockReleaseSession(USER_LOCKMETHOD);	/* of join.c */
	FlushErrorState();
	if (sdb_stop_requested)
		request_cancel();		/* this may have been the stop's; it stays */
	RESUME_INTERRUPTS();
	MemoryContextSwitchTo(context);
	return error;
}

int64
sdb_process_time_ms(TimestampTz time)
{
	return time / 1000 +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * 86400000;
}

/*
 * A worker that cannot even connect (its database or role is gone, or one may
 * not connect to the other) will not do so a few seconds later either; with any
 * other exit code the postmaster would try for ever.
 */
static void
stay_down(int code, Datum arg)
{
	if (connected || code == 0)
		return;
	ereport(LOG,
			(errmsg("connector \"%s\" is not started again by itself, since its worker cannot connect to its database",
					connector),
			 errhint("Once it can, use synchdb_start_engine_bgw().")));
	proc_exit(0);
}

static void
handle_stop(SIGNAL_ARGS)
{
	int			save_errno = errno;

	sdb_stop_requested = true;
	if (connected)
		request_cancel();
	SetLatch(MyLatch);
	errno = save_errno;
}

/*
 * A cancel that somebody swallowed (an exception handler of a function of the
 * user's, say) must not make us deaf to the stop that it came from.
 */
static void
insist_on_stop(void)
{
	if (unlikely(sdb_stop_requested))
		request_cancel();
}

static void
request_cancel(void)
{
	QueryCancelPending = true;
	InterruptPending = true;
}
