/*
 * truncate.c --- emptying a target
 *
 * The whole table is emptied, partitions included; sequences go on counting,
 * and nothing else follows along: a table that a foreign key here refers to is
 * an error, as it is for TRUNCATE.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

static void check_foreign_keys(ApplyTable *table, List *relids);

void
sdb_truncate_table(ApplyTable *table)
{
	List	   *relids;
	List	   *rels = NIL;
	List	   *logged = NIL;
	ListCell   *lc;

	if (table->spi != NULL)
	{
		sdb_spi_truncate(table);
		return;
	}

	/* it must not be open when its storage is replaced */
	sdb_relation_close(table);
	LockRelationOid(table->relid, AccessExclusiveLock);
	relids = table->relkind == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(table->relid, AccessExclusiveLock, NULL) :
		list_make1_oid(table->relid);
	check_foreign_keys(table, relids);
	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		CheckTableNotInUse(rel, "TRUNCATE");
		rels = lappend(rels, rel);
		if (RelationIsLogicallyLogged(rel))
			logged = lappend_oid(logged, lfirst_oid(lc));
	}
	CommandCounterIncrement();
	sdb_truncate(rels, relids, logged);
	foreach(lc, rels)
		table_close(lfirst(lc), NoLock);
	CommandCounterIncrement();
}

static void
check_foreign_keys(ApplyTable *table, List *relids)
{
	List	   *others = heap_truncate_find_FKs(relids);

	if (others == NIL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot truncate a table referenced in a foreign key constraint"),
			 errdetail("Table \"%s\" references \"%s\".",
					   get_rel_name(linitial_oid(others)), table->names->name),
			 errhint("Drop the foreign key here; the source enforces it.")));
}
