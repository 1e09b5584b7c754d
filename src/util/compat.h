/*
 * compat.h --- differences between PostgreSQL versions
 *
 * The only file that looks at PG_VERSION_NUM.  Code is written for the newest
 * version; what the older ones lack is filled in here.
 */
#ifndef SDB_COMPAT_H
#define SDB_COMPAT_H

/* c.h */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* palloc.h: later minor versions of 15 have these */
#ifndef palloc_array
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#define palloc_object(type) ((type *) palloc(sizeof(type)))
#define palloc0_object(type) ((type *) palloc0(sizeof(type)))
#endif

/* varatt.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* wait_event.h */
#if PG_VERSION_NUM >= 170000
#define sdb_wait_event_new(name) WaitEventExtensionNew(name)
#else
#define sdb_wait_event_new(name) ((void) (name), PG_WAIT_EXTENSION)
#endif

/* guc_tables.c: settings that end a long transaction, by version */
#if PG_VERSION_NUM >= 170000
#define SDB_NEWER_TIMEOUTS {"transaction_timeout", "0"},
#else
#define SDB_NEWER_TIMEOUTS
#endif

/* guc.h */
#if PG_VERSION_NUM < 160000
#define guc_malloc(elevel, size) malloc(size)
#endif

/* parse_type.h: the last argument was a flag, then a context for errors */
#if PG_VERSION_NUM < 160000
#define sdb_parse_type_string(text, type, typmod) \
	parseTypeString(text, type, typmod, false)
#else
#define sdb_parse_type_string(text, type, typmod) \
	((void) parseTypeString(text, type, typmod, NULL))
#endif

/* jsonapi.h */
#if PG_VERSION_NUM < 170000
#define makeJsonLexContextCstringLen(lex, json, len, encoding, escapes) \
	(AssertMacro((lex) == NULL), \
	 makeJsonLexContextCstringLen(unconstify(char *, json), len, encoding, \
								  escapes))
#endif

/* executor.h, execnodes.h, tableam.h, tablecmds.h */
#if PG_VERSION_NUM < 160000
#define TU_UpdateIndexes bool
#define TU_None false
#define sdb_only_summarizing(update_indexes) false
#define sdb_insert_index_tuples(rri, slot, estate, update, only_summarizing) \
	((void) (only_summarizing), \
	 ExecInsertIndexTuples(rri, slot, estate, update, false, NULL, NIL))
#define sdb_root_to_child_map(rri, estate) \
	((rri)->ri_RootToPartitionMap = \
	 convert_tuples_by_name(RelationGetDescr((rri)->ri_RootResultRelInfo->ri_RelationDesc), \
							RelationGetDescr((rri)->ri_RelationDesc)))
#define sdb_eval_plan_qual_init(epqstate, estate) \
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1)
#define sdb_truncate(rels, relids, logged) \
	ExecuteTruncateGuts(rels, relids, logged, DROP_RESTRICT, false)
#else
#define sdb_only_summarizing(update_indexes) ((update_indexes) == TU_Summarizing)
#define sdb_insert_index_tuples(rri, slot, estate, update, only_summarizing) \
	ExecInsertIndexTuples(rri, slot, estate, update, false, NULL, NIL, \
						  only_summarizing)
#define sdb_root_to_child_map(rri, estate) ExecGetRootToChildMap(rri, estate)
#define sdb_eval_plan_qual_init(epqstate, estate) \
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL)
#define sdb_truncate(rels, relids, logged) \
	ExecuteTruncateGuts(rels, relids, logged, DROP_RESTRICT, false, false)
#endif

/* sdb_init_range_table --- make rte the only range table entry of estate */
#if PG_VERSION_NUM < 160000
#define sdb_init_range_table(estate, rte, updated) \
	((rte)->updatedCols = (updated), \
	 ExecInitRangeTable(estate, list_make1(rte)))
#else
#if PG_VERSION_NUM < 180000
#define sdb_exec_init_range_table(estate, rtes, infos) \
	ExecInitRangeTable(estate, rtes, infos)
#else
#define sdb_exec_init_range_table(estate, rtes, infos) \
	ExecInitRangeTable(estate, rtes, infos, bms_make_singleton(1))
#endif
#define sdb_init_range_table(estate, rte, updated) \
	do { \
		List	   *infos_ = NIL; \
		addRTEPermissionInfo(&infos_, rte)->updatedCols = (updated); \
		sdb_exec_init_range_table(estate, list_make1(rte), infos_); \
	} while (0)
#endif

/* genam.h, relcache.h */
#if PG_VERSION_NUM < 180000
#define sdb_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#define sdb_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel)
#else
#define sdb_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#define sdb_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel, true)
#endif

/* rel.h */
#if PG_VERSION_NUM < 160000
#define rd_newRelfilelocatorSubid rd_newRelfilenodeSubid
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#endif

#endif							/* SDB_COMPAT_H */
