/*
 * bulk.c --- loading a table's snapshot
 *
 * The rows of a plain heap go through the runs of heap_write.c with what COPY
 * has on top: a ring of buffers of its own, no search for free space in a
 * table that is new in this transaction, and rows that are frozen as they are
 * written if nothing could see the table before.  Other targets get ordinary
 * inserts.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

struct BulkLoad
{
	Apply	   *apply;
	ApplyTable *table;
	int64		nrows;
};

static int	insert_options(Relation rel);

BulkLoad *
sdb_bulk_begin(SourceTable *source, bool created)
{
	BulkLoad   *load = palloc0_object(BulkLoad);
	ApplyTarget *target;

	load->apply = sdb_apply_create();
	load->table = sdb_relation_make(load->apply, source);
	sdb_apply_begin(load->apply, false);
	sdb_apply_activate(load->apply);
	sdb_relation_open(load->table);

	target = load->table->main;
	if (target != NULL && !target->triggers)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(load->apply->txn_context);

		target->bistate = GetBulkInsertState();
		MemoryContextSwitchTo(oldcxt);
		if (created)
			target->insert_options = insert_options(target->rel);
	}
	return load;
}

void
sdb_bulk_row(BulkLoad *load, const SourceValue *row)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(load->apply->change_context);

	sdb_apply_insert(load->table, row);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(load->apply->change_context);
	load->nrows++;
}

int64
sdb_bulk_end(BulkLoad *load)
{
	ApplyTarget *target = load->table->main;
	int64		nrows = load->nrows;

	sdb_apply_flush(load->apply);
	if (target != NULL && target->bistate != NULL)
	{
		FreeBulkInsertState(target->bistate);
		table_finish_bulk_insert(target->rel, target->insert_options);
	}
	sdb_apply_end(load->apply);
	MemoryContextDelete(load->apply->context);
	pfree(load);
	return nrows;
}

/*
 * Freezing is only right if no snapshot or portal of this transaction is
 * older than the table, the rule of COPY FREEZE.
 */
static int
insert_options(Relation rel)
{
	int			options = 0;

	if (rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
		options |= TABLE_INSERT_SKIP_FSM;

	InvalidateCatalogSnapshot();
	if ((rel->rd_createSubid == GetCurrentSubTransactionId() ||
		 rel->rd_newRelfilelocatorSubid == GetCurrentSubTransactionId()) &&
		ThereAreNoPriorRegisteredSnapshots() && ThereAreNoReadyPortals())
		options |= TABLE_INSERT_FROZEN;
	return options;
}
