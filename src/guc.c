/*
 * guc.c --- the settings synchdb.*, in one table
 *
 * Everything is PGC_SIGHUP, so it can stand in postgresql.conf of a server
 * that does not preload the library: the server keeps it as a placeholder and
 * it is checked when the library is loaded.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/varlena.h"

#include "guc.h"
#include "util/compat.h"

/* Setting --- one line of the table; which fields count depends on type */
typedef struct Setting
{
	const char *name;			/* without prefix */
	const char *description;
	enum config_type type;
	void	   *variable;
	int			flags;
	int			boot;			/* bool, int and enum: the default */
	int			min;			/* int */
	int			max;			/* int */
	const char *boot_text;		/* string */
	const struct config_enum_entry *options;	/* enum */
	GucIntAssignHook assign_int;	/* int; NULL if none */
	GucStringCheckHook check;	/* string; NULL if anything goes */
	GucStringAssignHook assign; /* string; NULL if none */
} Setting;

#define BOOL(name_, boot_, description_) \
	{.name = #name_, .description = description_, .type = PGC_BOOL, \
	 .variable = &sdb_guc_##name_, .boot = boot_}
#define INT(name_, boot_, min_, max_, flags_, description_) \
	{.name = #name_, .description = description_, .type = PGC_INT, \
	 .variable = &sdb_guc_##name_, .flags = flags_, \
	 .boot = boot_, .min = min_, .max = max_}
#define INT_ASSIGNED(name_, boot_, min_, max_, assign_, description_) \
	{.name = #name_, .description = description_, .type = PGC_INT, \
	 .variable = &name_, .assign_int = assign_, \
	 .boot = boot_, .min = min_, .max = max_}
#define ENUM(name_, boot_, options_, description_) \
	{.name = #name_, .description = description_, .type = PGC_ENUM, \
	 .variable = &sdb_guc_##name_, .boot = boot_, .options = options_}
#define STRING(name_, boot_, flags_, description_) \
	{.name = #name_, .description = description_, .type = PGC_STRING, \
	 .variable = &sdb_guc_##name_, .flags = flags_, .boot_text = boot_}
#define OPERATIONS(name_, description_) \
	{.name = #name_, .description = description_, .type = PGC_STRING, \
	 .variable = &name_##_text, .flags = GUC_LIST_INPUT, \
	 .boot_text = "none", .check = check_operations, .assign = assign_##name_}

#define NO_MEANING "Accepted for compatibility, without effect: "
#define NO_JVM NO_MEANING "there is no Java virtual machine."
#define NO_OLR NO_MEANING "OpenLogReplicator is not used."

static const struct config_enum_entry type_mapping_options[] = {
	{"lossless", TYPE_MAPPING_LOSSLESS, false},
	{"synchdb", TYPE_MAPPING_SYNCHDB, false},
	{NULL, 0, false}
};

static const struct config_enum_entry zero_date_options[] = {
	{"null", ZERO_DATE_NULL, false},
	{"infinity", ZERO_DATE_INFINITY, false},
	{"error", ZERO_DATE_ERROR, false},
	{NULL, 0, false}
};

static const struct config_enum_entry letter_casing_options[] = {
	{"lowercase", CASING_LOWERCASE, false},
	{"uppercase", CASING_UPPERCASE, false},
	{"asis", CASING_ASIS, false},
	{NULL, 0, false}
};

static const struct config_enum_entry error_strategy_options[] = {
	{"exit", ERROR_STRATEGY_EXIT, false},
	{"skip", ERROR_STRATEGY_SKIP, false},
	{"retry", ERROR_STRATEGY_RETRY, false},
	{NULL, 0, false}
};

/* The numbers of the next three mean nothing. */
static const struct config_enum_entry dbz_log_level_options[] = {
	{"debug", 0, false},
	{"info", 1, false},
	{"warn", 2, false},
	{"error", 3, false},
	{"all", 4, false},
	{"fatal", 5, false},
	{"off", 6, false},
	{"trace", 7, false},
	{NULL, 0, false}
};

static const struct config_enum_entry logminer_stream_options[] = {
	{"uncommitted", 0, false},
	{"committed", 1, false},
	{NULL, 0, false}
};

static const struct config_enum_entry snapshot_engine_options[] = {
	{"debezium", 0, false},
	{"fdw", 1, false},
	{NULL, 0, false}
};

/* the letters of dbz_skipped_operations */
static const struct
{
	const char *letter;
	int			kinds;			/* bits of ChangeKind */
}			operations[] = {
	{"c", 1 << CHANGE_INSERT},
	{"u", 1 << CHANGE_UPDATE},
	{"d", 1 << CHANGE_DELETE},
	{"t", 1 << CHANGE_TRUNCATE},
	{"none", 0}
};

int			sdb_guc_type_mapping;
int			sdb_guc_zero_date;
int			sdb_guc_letter_casing_strategy;
int			sdb_guc_dbz_connect_timeout_ms;
int			sdb_guc_dbz_query_timeout_ms;
char	   *sdb_guc_secret_key_file;
bool		sdb_guc_replicate_indexes;
bool		sdb_guc_resync_incomplete;
bool		sdb_guc_dml_use_spi;
int			sdb_guc_dbz_batch_size;
int			sdb_guc_batch_bytes;
int			sdb_guc_error_handling_strategy;
bool		sdb_guc_log_change_on_error;
int			sdb_guc_snapshot_workers;
int			sdb_guc_snapshot_range_size;
int			sdb_guc_cdc_start_delay_ms;
int			sdb_guc_naptime;
int			sdb_guc_max_connector_workers;
bool		sdb_guc_synchdb_auto_launcher;

/* one variable with two names: see the assign hooks */
static int	snapshot_workers;
static int	dbz_snapshot_thread_num;
static char *dbz_skipped_operations_text;
static char *dbz_skipped_oeprations_text;
static int	dbz_skipped_operations; /* bits of ChangeKind */
static int	dbz_skipped_oeprations;

/* without meaning here */
static int	sdb_guc_dbz_queue_size;
static int	sdb_guc_jvm_max_heap_size;
static int	sdb_guc_jvm_max_direct_buffer_size;
static int	sdb_guc_dbz_snapshot_fetch_size;
static int	sdb_guc_dbz_snapshot_min_row_to_stream_results;
static int	sdb_guc_dbz_incremental_snapshot_chunk_size;
static char *sdb_guc_dbz_incremental_snapshot_watermarking_strategy;
static int	sdb_guc_dbz_offset_flush_interval_ms;
static bool sdb_guc_dbz_capture_only_selected_table_ddl;
static int	sdb_guc_dbz_log_level;
static int	sdb_guc_olr_read_buffer_size;
static int	sdb_guc_dbz_logminer_stream_mode;
static int	sdb_guc_olr_connect_timeout_ms;
static int	sdb_guc_olr_read_timeout_ms;
static int	sdb_guc_snapshot_engine;
static bool sdb_guc_fdw_migrate_with_subtx;

static void assign_snapshot_workers(int newval, void *extra);
static void assign_dbz_snapshot_thread_num(int newval, void *extra);
static bool check_operations(char **newval, void **extra, GucSource source);
static void assign_dbz_skipped_operations(const char *newval, void *extra);
static void assign_dbz_skipped_oeprations(const char *newval, void *extra);

static const Setting settings[] = {
	ENUM(type_mapping, TYPE_MAPPING_LOSSLESS, type_mapping_options,
		 "Chooses the types of new tables: lossless, or exactly those of SynchDB."),
	ENUM(zero_date, ZERO_DATE_NULL, zero_date_options,
		 "Says what a zero date becomes: null (-infinity where the column is NOT NULL), infinity (always -infinity), or error."),
	ENUM(letter_casing_strategy, CASING_LOWERCASE, letter_casing_options,
		 "Chooses the letter case of the names of new schemas, tables and columns."),
	INT(dbz_connect_timeout_ms, 30000, 1000, 3600000, GUC_UNIT_MS,
		"Limits the time to connect to a source."),
	INT(dbz_query_timeout_ms, 600000, 1000, 3600000, GUC_UNIT_MS,
		"Limits the time a source may take to answer a query."),
	STRING(secret_key_file, "", GUC_SUPERUSER_ONLY,
		   "Names the file with the key of stored passwords; empty for synchdb_secret.key in the data directory."),
	BOOL(replicate_indexes, false,
		 "Creates secondary indexes and foreign keys like those of the source."),
	BOOL(resync_incomplete, true,
		 "Copies a table again when it got or lost rows that the source did not log."),
	BOOL(dml_use_spi, false,
		 "Applies changes by SQL statements instead of writing to the tables directly."),
	INT(dbz_batch_size, 2048, 1, 65535, 0,
		"Limits the changes of whole transactions that are committed together."),
	INT(batch_bytes, 8 * 1024, 64, 1024 * 1024, GUC_UNIT_KB,
		"Limits the size of the rows that are committed together."),
	ENUM(error_handling_strategy, ERROR_STRATEGY_EXIT, error_strategy_options,
		 "Says what follows a change that cannot be applied: exit, skip (recorded in synchdb_error), or retry."),
	BOOL(log_change_on_error, true,
		 "Writes the change that could not be applied to the server log at DEBUG1."),
	OPERATIONS(dbz_skipped_operations,
			   "Lists the operations to leave out: c, u, d, t, or none."),
	OPERATIONS(dbz_skipped_oeprations,
			   "Another spelling of synchdb.dbz_skipped_operations; what either lists is left out."),
	INT_ASSIGNED(snapshot_workers, 0, 0, 16, assign_snapshot_workers,
				 "Sets the number of workers that copy a snapshot; 0 for what synchdb.dbz_snapshot_thread_num says."),
	INT_ASSIGNED(dbz_snapshot_thread_num, 2, 1, 16,
				 assign_dbz_snapshot_thread_num,
				 "Sets the number of workers that copy a snapshot, unless synchdb.snapshot_workers is set."),
	INT(snapshot_range_size, 500000, 0, PG_INT32_MAX, 0,
		"Splits tables with more rows than this into ranges that several workers copy; 0 for never."),
	INT(cdc_start_delay_ms, 0, 0, 65536, GUC_UNIT_MS,
		"Waits this long between the snapshot and streaming."),
	INT(max_connector_workers, 30, 1, 65535, 0,
		"Limits the number of connectors; counts from the first use after server start."),

	INT(naptime, 10, 1, 30000, GUC_UNIT_MS,
		"Sets how often a source that has to be asked for changes is asked."),
	INT(dbz_queue_size, 8192, 64, 65535, 0,
		NO_MEANING "there is no queue between reading and applying."),
	INT(jvm_max_heap_size, 1024, 0, 65536, GUC_UNIT_MB, NO_JVM),
	INT(jvm_max_direct_buffer_size, 1024, 0, 65536, GUC_UNIT_MB, NO_JVM),
	INT(dbz_snapshot_fetch_size, 0, 0, 65535, 0,
		NO_MEANING "rows of a snapshot are streamed."),
	INT(dbz_snapshot_min_row_to_stream_results, 0, 0, 65535, 0,
		NO_MEANING "rows of a snapshot are always streamed."),
	INT(dbz_incremental_snapshot_chunk_size, 2048, 1, 65535, 0,
		NO_MEANING "there are no incremental snapshots."),
	STRING(dbz_incremental_snapshot_watermarking_strategy, "insert_insert", 0,
		   NO_MEANING "there are no incremental snapshots."),
	INT(dbz_offset_flush_interval_ms, 60000, 1000, 3600000, GUC_UNIT_MS,
		NO_MEANING "the position is committed with the data."),
	BOOL(dbz_capture_only_selected_table_ddl, true,
		 NO_MEANING "only the definitions of captured tables are kept."),
	ENUM(dbz_log_level, 2, dbz_log_level_options,
		 NO_MEANING "log_min_messages decides."),
	INT(olr_read_buffer_size, 128, 8, 512, GUC_UNIT_MB, NO_OLR),
	INT(olr_connect_timeout_ms, 5000, 3000, 3600000, GUC_UNIT_MS, NO_OLR),
	INT(olr_read_timeout_ms, 5000, 3000, 3600000, GUC_UNIT_MS, NO_OLR),
	ENUM(dbz_logminer_stream_mode, 0, logminer_stream_options,
		 NO_MEANING "LogMiner is not used."),
	ENUM(snapshot_engine, 0, snapshot_engine_options,
		 NO_MEANING "snapshots are taken natively."),
	BOOL(fdw_migrate_with_subtx, true,
		 NO_MEANING "no foreign data wrapper is used.")
};

/* The launcher is registered, or not, when the server starts. */
static const Setting launcher_setting =
	BOOL(synchdb_auto_launcher, true,
		 "Starts active connectors with the server; needs shared_preload_libraries.");

static void register_setting(const Setting *setting, GucContext context);

void
sdb_guc_register(void)
{
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		register_setting(&settings[i], PGC_SIGHUP);
	register_setting(&launcher_setting,
					 process_shared_preload_libraries_in_progress ?
					 PGC_POSTMASTER : PGC_SIGHUP);

	MarkGUCPrefixReserved("synchdb");
}

bool
sdb_guc_error_strategy(const char *name, int *strategy)
{
	const struct config_enum_entry *entry;

	for (entry = error_strategy_options; entry->name != NULL; entry++)
		if (pg_strcasecmp(entry->name, name) == 0)
		{
			*strategy = entry->val;
			return true;
		}
	return false;
}

bool
sdb_guc_skips_operation(ChangeKind kind)
{
	return ((dbz_skipped_operations | dbz_skipped_oeprations) &
			(1 << kind)) != 0;
}

static void
register_setting(const Setting *setting, GucContext context)
{
	char	   *name = psprintf("synchdb.%s", setting->name);

	switch (setting->type)
	{
		case PGC_BOOL:
			DefineCustomBoolVariable(name, setting->description, NULL,
									 setting->variable, setting->boot,
									 context, setting->flags,
									 NULL, NULL, NULL);
			break;
		case PGC_INT:
			DefineCustomIntVariable(name, setting->description, NULL,
									setting->variable, setting->boot,
									setting->min, setting->max,
									context, setting->flags,
									NULL, setting->assign_int, NULL);
			break;
		case PGC_ENUM:
			DefineCustomEnumVariable(name, setting->description, NULL,
									 setting->variable, setting->boot,
									 setting->options,
									 context, setting->flags,
									 NULL, NULL, NULL);
			break;
		case PGC_STRING:
			DefineCustomStringVariable(name, setting->description, NULL,
									   setting->variable, setting->boot_text,
									   context, setting->flags,
									   setting->check, setting->assign, NULL);
			break;
		default:
			Assert(false);
	}
	pfree(name);
}

static void
assign_snapshot_workers(int newval, void *extra)
{
	sdb_guc_snapshot_workers = newval > 0 ? newval : dbz_snapshot_thread_num;
}

static void
assign_dbz_snapshot_thread_num(int newval, void *extra)
{
	sdb_guc_snapshot_workers = snapshot_workers > 0 ? snapshot_workers : newval;
}

/*
 * check_operations --- a comma separated list of letters; extra becomes the
 * bits of the kinds of changes they stand for.
 */
static bool
check_operations(char **newval, void **extra, GucSource source)
{
	char	   *raw = pstrdup(*newval);
	List	   *words;
	ListCell   *lc;
	int			kinds = 0;

	if (!SplitIdentifierString(raw, ',', &words))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(lc, words)
	{
		const char *word = lfirst(lc);
		int			i;

		for (i = 0; i < lengthof(operations); i++)
			if (strcmp(word, operations[i].letter) == 0)
				break;
		if (i == lengthof(operations))
		{
			GUC_check_errdetail("Unrecognized operation: \"%s\".", word);
			GUC_check_errhint("Available operations: c, u, d, t, none.");
			return false;
		}
		kinds |= operations[i].kinds;
	}
	list_free(words);
	pfree(raw);

	*extra = guc_malloc(LOG, sizeof(int));
	if (*extra == NULL)
		return false;
	*(int *) *extra = kinds;
	return true;
}

static void
assign_dbz_skipped_operations(const char *newval, void *extra)
{
	dbz_skipped_operations = *(int *) extra;
}

static void
assign_dbz_skipped_oeprations(const char *newval, void *extra)
{
	dbz_skipped_oeprations = *(int *) extra;
}
