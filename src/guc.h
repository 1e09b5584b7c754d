/*
 * guc.h --- the settings synchdb.*
 *
 * Each setting NAME of synchdb.NAME has a variable sdb_guc_NAME.  Settings
 * that scripts written for other engines set, and that mean nothing here, are
 * accepted and checked, and then ignored.
 *
 * A setting that has two names is one variable here: snapshot_workers counts
 * unless it is 0, then dbz_snapshot_thread_num does.
 */
#ifndef SDB_GUC_H
#define SDB_GUC_H

#include "change/change.h"

/* synchdb.type_mapping */
typedef enum TypeMapping
{
	TYPE_MAPPING_LOSSLESS,
	TYPE_MAPPING_SYNCHDB
} TypeMapping;

/* synchdb.zero_date --- what 0000-00-00 becomes */
typedef enum ZeroDate
{
	ZERO_DATE_NULL,				/* -infinity where the column is NOT NULL */
	ZERO_DATE_INFINITY,			/* -infinity */
	ZERO_DATE_ERROR
} ZeroDate;

/* synchdb.letter_casing_strategy --- names here */
typedef enum LetterCasing
{
	CASING_LOWERCASE,
	CASING_UPPERCASE,
	CASING_ASIS
} LetterCasing;

/* synchdb.error_handling_strategy --- a change that cannot be applied */
typedef enum ErrorStrategy
{
	ERROR_STRATEGY_EXIT,
	ERROR_STRATEGY_SKIP,
	ERROR_STRATEGY_RETRY
} ErrorStrategy;

/* what is copied, and how it looks here; TypeMapping, ... */
extern int	sdb_guc_type_mapping;
extern int	sdb_guc_zero_date;
extern int	sdb_guc_letter_casing_strategy;
extern bool sdb_guc_replicate_indexes;
extern bool sdb_guc_resync_incomplete;

/* connecting; times in ms */
extern int	sdb_guc_dbz_connect_timeout_ms;
extern int	sdb_guc_dbz_query_timeout_ms;
extern char *sdb_guc_secret_key_file;	/* "" for the default place */

/* applying */
extern bool sdb_guc_dml_use_spi;
extern int	sdb_guc_dbz_batch_size; /* changes */
extern int	sdb_guc_batch_bytes;	/* in kB */
extern int	sdb_guc_error_handling_strategy;	/* ErrorStrategy */
extern bool sdb_guc_log_change_on_error;

/* snapshots */
extern int	sdb_guc_snapshot_workers;	/* at least 1 */
extern int	sdb_guc_snapshot_range_size;	/* rows; 0 for never */
extern int	sdb_guc_cdc_start_delay_ms;
extern int	sdb_guc_naptime;	/* ms */

/* processes */
extern int	sdb_guc_max_connector_workers;
extern bool sdb_guc_synchdb_auto_launcher;

/*
 * sdb_guc_register --- define all settings; called from _PG_init alone.
 */
extern void sdb_guc_register(void);

/* The ErrorStrategy of that name (any case); false if there is none. */
extern bool sdb_guc_error_strategy(const char *name, int *strategy);

/* Did the user ask to leave out changes of that kind? */
extern bool sdb_guc_skips_operation(ChangeKind kind);

#endif							/* SDB_GUC_H */
