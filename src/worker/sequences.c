/*
 * sequences.c --- sequences keep up with the numbers that the source gives
 *
 * Rows come with the numbers that the source gave them, past the sequence
 * behind a numbered column here.  So that whoever writes here one day gets new
 * numbers, the sequence is set past the largest one before each commit.  That
 * is not undone if the commit fails: then it is ahead, which harms nobody.
 *
 * Only integers are followed: no sequence gives others.  A sequence that the
 * worker may not set, or that ends before the number, is left alone: it is not
 * worth a stop.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ddl/ddl.h"
#include "worker/sequences.h"

typedef struct Entry
{
	const SourceTable *table;	/* hash key */
	int			column;			/* idx0 of the numbered one; -1 if none */
	int64		top;			/* largest number met since it was set; 0 if
								 * none */
	bool		searched;		/* sequence is known */
	Oid			sequence;		/* InvalidOid if there is none */
} Entry;

struct Sequences
{
	HTAB	   *entries;
	Entry	   *last;			/* of the row before; NULL if none */
	int			nbehind;		/* entries with a top */
};

static Entry *find_entry(Sequences *sequences, const SourceTable *table);
static int64 read_number(const SourceValue *value);
static void catch_up(Entry *entry);
static void find_sequence(Entry *entry);
static bool may_set(const Entry *entry);
static int64 last_value(Oid sequence);

Sequences *
sdb_sequences_create(void)
{
	Sequences  *sequences = palloc0(sizeof(Sequences));
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(SourceTable *);
	ctl.entrysize = sizeof(Entry);
	ctl.hcxt = CurrentMemoryContext;
	sequences->entries = hash_create("synchdb sequences", 64, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return sequences;
}

void
sdb_sequences_note(Sequences *sequences, const Change *change)
{
	Entry	   *entry = sequences->last;
	int64		number;

	if (change->after == NULL)
		return;
	if (entry == NULL || entry->table != change->table)
		entry = sequences->last = find_entry(sequences, change->table);
	if (entry->column < 0)
		return;
	number = read_number(&change->after[entry->column]);
	if (number <= entry->top)
		return;
	if (entry->top == 0)
		sequences->nbehind++;
	entry->top = number;
}

void
sdb_sequences_forget(Sequences *sequences, const SourceTable *table)
{
	Entry	   *entry = hash_search(sequences->entries, &table, HASH_FIND,
									NULL);

	if (entry == NULL)
		return;
	if (entry->top > 0)
		sequences->nbehind--;
	sequences->last = NULL;
	hash_search(sequences->entries, &table, HASH_REMOVE, NULL);
}

void
sdb_sequences_catch_up(Sequences *sequences)
{
	HASH_SEQ_STATUS scan;
	Entry	   *entry;

	if (sequences->nbehind == 0)
		return;
	hash_seq_init(&scan, sequences->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->top > 0)
			catch_up(entry);
		entry->top = 0;
	}
	sequences->nbehind = 0;
}

static Entry *
find_entry(Sequences *sequences, const SourceTable *table)
{
	bool		found;
	Entry	   *entry = hash_search(sequences->entries, &table, HASH_ENTER,
									&found);

	if (found)
		return entry;
	entry->column = -1;
	entry->top = 0;
	entry->searched = false;
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].identity)
			entry->column = i;
	}
	return entry;
}

/* 0 if it is none that a sequence could give. */
static int64
read_number(const SourceValue *value)
{
	if (value->kind == VALUE_INT)
		return value->u.sint;
	if (value->kind == VALUE_UINT && value->u.uint <= PG_INT64_MAX)
		return (int64) value->u.uint;
	return 0;
}

static void
catch_up(Entry *entry)
{
	if (entry->searched && OidIsValid(entry->sequence) &&
		get_rel_relkind(entry->sequence) != RELKIND_SEQUENCE)
		entry->searched = false;
	if (!entry->searched)
		find_sequence(entry);
	if (OidIsValid(entry->sequence) && may_set(entry) &&
		entry->top > last_value(entry->sequence))
		(void) DirectFunctionCall2(setval_oid,
								   ObjectIdGetDatum(entry->sequence),
								   Int64GetDatum(entry->top));
}

static void
find_sequence(Entry *entry)
{
	TargetTable *target = sdb_naming_target(entry->table);
	char	   *name = sdb_ddl_sequence(target,
										target->columns[entry->column]);

	entry->searched = true;
	entry->sequence = InvalidOid;
	if (name != NULL)
		entry->sequence = DatumGetObjectId(DirectFunctionCall1(regclassin,
															   CStringGetDatum(name)));
}

static bool
may_set(const Entry *entry)
{
	HeapTuple	tuple;
	Form_pg_sequence form;
	bool		fits;

	if (pg_class_aclcheck(entry->sequence, GetUserId(),
						  ACL_SELECT) != ACLCHECK_OK ||
		pg_class_aclcheck(entry->sequence, GetUserId(),
						  ACL_UPDATE) != ACLCHECK_OK)
		return false;
	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(entry->sequence));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	fits = form->seqincrement > 0 && entry->top >= form->seqmin &&
		entry->top <= form->seqmax;
	ReleaseSysCache(tuple);
	return fits;
}

/* 0 if it never gave one. */
static int64
last_value(Oid sequence)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	function;
	Datum		result;

	fmgr_info(F_PG_SEQUENCE_LAST_VALUE, &function);
	InitFunctionCallInfoData(*fcinfo, &function, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(sequence);
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	return fcinfo->isnull ? 0 : DatumGetInt64(result);
}
