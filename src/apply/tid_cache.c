/*
 * tid_cache.c --- where the rows of recent changes are
 *
 * A row that was written or found lately is often changed again.  For it the
 * cache saves the way down the index: it holds the TID that an index has for a
 * key.  An entry is a hint and no more.  Whoever follows it compares the row
 * that is there with the key, and asks the index if it is another one; so
 * nothing needs to be done when rows move or vanish.
 *
 * There is one cache for all tables of an Apply, of one size.  A key has one
 * place in it, which the newest of the keys that share it takes.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

#define ENTRIES		(256 * 1024)	/* a power of two; 3 MB */

typedef struct TidEntry
{
	uint32		tag;			/* the hash's upper half */
	ItemPointerData tid;		/* invalid: no entry */
} TidEntry;

struct TidCache
{
	TidEntry	entries[ENTRIES];
};

static uint64 hash_datum(Datum value, Form_pg_attribute att, uint64 seed);

uint64
sdb_tid_cache_hash(const Lookup *lookup, TupleDesc desc, const Datum *values)
{
	uint64		hash = lookup->indexid;

	for (int i = 0; i < lookup->nkeys; i++)
	{
		int			column = lookup->attnums[i] - 1;

		hash = hash_datum(values[column], TupleDescAttr(desc, column), hash);
	}
	return hash;
}

bool
sdb_tid_cache_get(const Apply *apply, uint64 hash, ItemPointer tid)
{
	const TidEntry *entry;

	if (apply->tids == NULL)
		return false;
	entry = &apply->tids->entries[hash % ENTRIES];
	if (entry->tag != (uint32) (hash >> 32))
		return false;
	*tid = entry->tid;
	return ItemPointerIsValid(tid);
}

void
sdb_tid_cache_put(Apply *apply, uint64 hash, const ItemPointerData *tid)
{
	TidEntry   *entry;

	if (apply->tids == NULL)
		apply->tids = MemoryContextAllocZero(apply->context,
											 sizeof(TidCache));
	entry = &apply->tids->entries[hash % ENTRIES];
	entry->tag = (uint32) (hash >> 32);
	entry->tid = *tid;
}

/* Of the bytes: values that are equal with other bytes are not found. */
static uint64
hash_datum(Datum value, Form_pg_attribute att, uint64 seed)
{
	const void *bytes = DatumGetPointer(value);
	int			len = att->attlen;

	if (att->attbyval)
	{
		bytes = &value;
		len = sizeof(value);
	}
	else if (len == -1)
	{
		len = VARSIZE_ANY_EXHDR(bytes);
		bytes = VARDATA_ANY(bytes);
	}
	else if (len == -2)
		len = strlen(bytes);
	return hash_bytes_extended(bytes, len, seed);
}
