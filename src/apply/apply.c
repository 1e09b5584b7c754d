/*
 * apply.c --- the operations: insert, update, delete, truncate
 *
 * Order.  Changes become visible together at commit, so only changes that
 * meet must keep their order: a pending insert is written before a change of
 * its own row (row_lookup.c says how that is known), and all pending inserts
 * before a truncate or anything a trigger could see (heap_write.c).
 *
 * Strict mode takes the source's word for what is there: a missing or doubled
 * row is an error.  Idempotent mode serves the window of a snapshot without
 * exact point (ARCHITECTURE.md, invariant 2): the target may be further than
 * the change, up to the window's end.  An INSERT then overwrites, a DELETE may
 * find nothing, and an UPDATE inserts its new row if the old one is missing;
 * if that cannot be made whole, a later change in the window will bring it.
 *
 * Known limit: idempotent mode makes room by the key alone.  A row that meets
 * another unique index, which a later change of the window would have left,
 * is refused with 23505.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "apply/apply_internal.h"
#include "util/compat.h"

static void unlink_tables(void *arg);
static void hide_row(void *arg);
static ApplyTable *get_table(Apply *apply, SourceTable *source);
static void apply_row(ApplyTable *table, const Change *change, ApplyMode mode);
static void convert_key(ApplyTable *table, const SourceValue *row);
static void overlay_key(ApplyTable *table, const SourceValue *row);
static void convert_row(ApplyTable *table, const SourceValue *row);
static bool was_sent_whole(const SourceTable *source, const SourceValue *row);
static void fill_defaults(ApplyTable *table);
static ExprState *column_default(ApplyTable *table, int column);
static void insert_row(ApplyTable *table);
static bool update_row(ApplyTable *table, bool missing_ok);
static bool delete_row(ApplyTable *table, bool missing_ok);
static ApplyTarget *find_row(ApplyTable *table, bool missing_ok);
static bool find_row_at(ApplyTable *table, Oid *relid, ItemPointerData *tid);
static void upsert(ApplyTable *table, const SourceValue *after);
static void update_idempotent(ApplyTable *table, const Change *change);
static void update_idempotent_sql(ApplyTable *table, const Change *change);
static bool key_moves(ApplyTable *table, const Change *change);
pg_noreturn static void report_missing(ApplyTable *table,
									   const char *action);
static char *key_text(ApplyTable *table);

Apply *
sdb_apply_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "synchdb apply",
												  ALLOCSET_DEFAULT_SIZES);
	Apply	   *apply = MemoryContextAllocZero(context, sizeof(Apply));
	MemoryContextCallback *callback;

	apply->context = context;
	apply->txn_context = AllocSetContextCreate(context,
											   "synchdb apply transaction",
											   ALLOCSET_DEFAULT_SIZES);
	apply->change_context = AllocSetContextCreate(context,
												  "synchdb apply change",
												  ALLOCSET_DEFAULT_SIZES);
	dlist_init(&apply->open);
	dlist_init(&apply->ready);
	dlist_init(&apply->pending);
	callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	callback->func = unlink_tables;
	callback->arg = apply;
	MemoryContextRegisterResetCallback(context, callback);
	return apply;
}

void
sdb_apply_begin(Apply *apply, bool careful)
{
	Assert(dlist_is_empty(&apply->open));
	apply->careful = careful;
}

void
sdb_apply_change(Apply *apply, const Change *change, ApplyMode mode)
{
	ApplyTable *table = get_table(apply, change->table);
	ErrorContextCallback callback = {.callback = hide_row};
	MemoryContext oldcxt;

	sdb_apply_activate(apply);
	oldcxt = MemoryContextSwitchTo(apply->change_context);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sdb_relation_open(table);
	apply_row(table, change, mode);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(apply->change_context);
}

void
sdb_apply_insert(ApplyTable *table, const SourceValue *row)
{
	ErrorContextCallback callback = {.callback = hide_row};

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sdb_relation_check_access(table, ACL_INSERT);
	convert_row(table, row);
	insert_row(table);
	error_context_stack = callback.previous;
}

void
sdb_apply_flush(Apply *apply)
{
	sdb_heap_flush_all(apply);
}

Size
sdb_apply_pending_bytes(const Apply *apply)
{
	return apply->pending_bytes;
}

void
sdb_apply_end(Apply *apply)
{
	dlist_mutable_iter iter;

	if (!apply->active)
		return;
	sdb_heap_flush_all(apply);
	dlist_foreach_modify(iter, &apply->open)
		sdb_relation_close(dlist_container(ApplyTable, open_node, iter.cur));
	MemoryContextReset(apply->txn_context);
	PopActiveSnapshot();
	apply->active = false;
	CommandCounterIncrement();
}

void
sdb_apply_abort(Apply *apply)
{
	sdb_relation_abort(apply);
	MemoryContextReset(apply->change_context);
	MemoryContextReset(apply->txn_context);
	apply->active = false;
}

void
sdb_apply_forget(Apply *apply, SourceTable *source)
{
	if (source->engine_private != NULL)
		sdb_relation_drop(source->engine_private);
	source->engine_private = NULL;
}

void
sdb_apply_activate(Apply *apply)
{
	if (apply->active)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	apply->active = true;
}

/* The Apply's memory goes. */
static void
unlink_tables(void *arg)
{
	sdb_relation_unlink((Apply *) arg);
}

/*
 * Error context callback.  These errors of the executor come with the whole
 * row as their detail, and rows have no place in a log.
 */
static void
hide_row(void *arg)
{
	if (geterrcode() == ERRCODE_NOT_NULL_VIOLATION ||
		geterrcode() == ERRCODE_CHECK_VIOLATION)
		errdetail("The row is not shown.");
}

static ApplyTable *
get_table(Apply *apply, SourceTable *source)
{
	if (source->engine_private == NULL)
		source->engine_private = sdb_relation_make(apply, source);
	return source->engine_private;
}

static void
apply_row(ApplyTable *table, const Change *change, ApplyMode mode)
{
	bool		strict = mode == APPLY_STRICT || table->key_columns == NULL;
	bool		missing_ok = mode != APPLY_STRICT;

	switch (change->kind)
	{
		case CHANGE_INSERT:
			if (strict)
				sdb_apply_insert(table, change->after);
			else
				upsert(table, change->after);
			break;
		case CHANGE_UPDATE:
			sdb_relation_check_access(table, ACL_UPDATE);
			if (!strict)
			{
				update_idempotent(table, change);
				break;
			}
			convert_key(table, change->before);
			convert_row(table, change->after);
			missing_ok |= change->missing_ok;
			if (!update_row(table, missing_ok) && !missing_ok)
				report_missing(table, "update");
			break;
		case CHANGE_DELETE:
			sdb_relation_check_access(table, ACL_DELETE);
			convert_key(table, change->before);
			if (!delete_row(table, missing_ok) && !missing_ok)
				report_missing(table, "delete");
			break;
		case CHANGE_TRUNCATE:
			sdb_relation_check_access(table, ACL_TRUNCATE);
			sdb_heap_flush_all(table->apply);
			sdb_truncate_table(table);
			break;
		default:
			elog(ERROR, "cannot apply a change of kind \"%s\"",
				 sdb_change_kind_name(change->kind));
	}
}

/*
 * Fill table->key from an old row.  Where a column of the key was not sent
 * (the source may know rows by another key), all that was sent is taken.
 */
static void
convert_key(ApplyTable *table, const SourceValue *row)
{
	RowImage   *key = &table->key;
	int			column = -1;
	bool		is_whole = table->key_columns != NULL;

	memset(key->sent, false, table->desc->natts * sizeof(bool));
	sdb_plan_row(table->key_plan, row, key->values, key->isnull, key->sent);
	while ((column = bms_next_member(table->key_columns, column)) >= 0)
		is_whole &= key->sent[column - 1];
	if (is_whole)
		return;
	if (table->key_columns != NULL)
		sdb_plan_row(table->plan, row, key->values, key->isnull, key->sent);
	if (memchr(key->sent, true, table->desc->natts) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the source did not send what identifies a row of table \"%s\"",
						table->source->id)));
}

/* Replace what the key holds by what is sent in row. */
static void
overlay_key(ApplyTable *table, const SourceValue *row)
{
	RowImage   *key = &table->key;
	int			natts = table->desc->natts;
	bool	   *sent = palloc_array(bool, natts);

	memcpy(sent, key->sent, natts * sizeof(bool));
	sdb_plan_row(table->key_plan, row, key->values, key->isnull, key->sent);
	for (int i = 0; i < natts; i++)
		key->sent[i] |= sent[i];
}

static void
convert_row(ApplyTable *table, const SourceValue *row)
{
	sdb_plan_row(table->plan, row, table->row.values, table->row.isnull,
				 table->row.sent);
}

static bool
was_sent_whole(const SourceTable *source, const SourceValue *row)
{
	for (int i = 0; i < source->ncolumns; i++)
		if (row[i].kind == VALUE_UNCHANGED)
			return false;
	return true;
}

/* Give the columns of an INSERT that were not sent their default. */
static void
fill_defaults(ApplyTable *table)
{
	RowImage   *row = &table->row;
	ExprContext *econtext = GetPerTupleExprContext(table->estate);
	int			natts = table->desc->natts;

	for (int i = 0; i < natts; i++)
	{
		ExprState  *expr;

		if (row->sent[i])
			continue;
		expr = column_default(table, i);
		row->isnull[i] = true;
		if (expr != NULL)
			row->values[i] = ExecEvalExpr(expr, econtext, &row->isnull[i]);
	}
}

/* NULL if the default is NULL or the column is generated. */
static ExprState *
column_default(ApplyTable *table, int column)
{
	MemoryContext oldcxt;
	Node	   *expr = NULL;

	if (table->defaults != NULL && table->default_known[column])
		return table->defaults[column];

	oldcxt = MemoryContextSwitchTo(table->estate->es_query_cxt);
	if (table->defaults == NULL)
	{
		table->defaults = palloc0_array(ExprState *, table->desc->natts);
		table->default_known = palloc0_array(bool, table->desc->natts);
	}
	if (!TupleDescAttr(table->desc, column)->attgenerated)
		expr = build_column_default(table->rel, column + 1);
	if (expr != NULL)
		table->defaults[column] =
			ExecInitExpr(expression_planner((Expr *) expr), NULL);
	table->default_known[column] = true;
	MemoryContextSwitchTo(oldcxt);
	return table->defaults[column];
}

/* INSERT of table->row */
static void
insert_row(ApplyTable *table)
{
	if (table->spi != NULL)
	{
		sdb_spi_insert(table);
		return;
	}

	fill_defaults(table);
	if (table->main != NULL)
	{
		sdb_heap_fill_insert(table->main, &table->row,
							 sdb_heap_next_slot(table->main));
		sdb_heap_append(table->main);
	}
	else
		sdb_routing_insert(table->routing, &table->row);
}

/* UPDATE of the row of table->key by table->row; false if it is not there */
static bool
update_row(ApplyTable *table, bool missing_ok)
{
	bool		done;

	if (table->spi != NULL)
		return sdb_spi_update(table);

	do
	{
		ApplyTarget *target = find_row(table, missing_ok);

		if (target == NULL)
			return false;
		if (table->main != NULL)
		{
			sdb_heap_fill_update(target, &table->row, target->row);
			done = sdb_heap_update(target, target->row);
			ExecClearTuple(target->row);
		}
		else
			done = sdb_routing_update(table->routing, target, &table->row);
	} while (!done);
	return true;
}

/* DELETE of the row of table->key; false if it is not there */
static bool
delete_row(ApplyTable *table, bool missing_ok)
{
	ApplyTarget *target;

	if (table->spi != NULL)
		return sdb_spi_delete(table);

	do
	{
		target = find_row(table, missing_ok);
		if (target == NULL)
			return false;
	} while (!sdb_heap_delete(target));
	return true;
}

/* Where the row of table->key is, in the result's found; NULL if nowhere */
static ApplyTarget *
find_row(ApplyTable *table, bool missing_ok)
{
	if (table->main == NULL)
		return sdb_routing_lookup(table->routing, &table->key, missing_ok);
	return sdb_lookup_row(table->main, &table->key) ? table->main : NULL;
}

static bool
find_row_at(ApplyTable *table, Oid *relid, ItemPointerData *tid)
{
	ApplyTarget *target = find_row(table, true);

	if (target == NULL)
		return false;
	*relid = RelationGetRelid(target->rel);
	*tid = target->found->tts_tid;
	return true;
}

/* An INSERT that overwrites. */
static void
upsert(ApplyTable *table, const SourceValue *after)
{
	sdb_relation_check_access(table, ACL_INSERT);
	sdb_relation_check_access(table, ACL_UPDATE);
	convert_key(table, after);
	convert_row(table, after);
	if (!update_row(table, true))
		insert_row(table);
}

/*
 * The old row, the new one, both or none may be there.  If both, the old key
 * is in use again by a later change, which will bring its row back.
 */
static void
update_idempotent(ApplyTable *table, const Change *change)
{
	Oid			old_relid;
	Oid			new_relid;
	ItemPointerData old_tid;
	ItemPointerData new_tid;
	bool		old_there;
	bool		new_there;

	if (table->spi != NULL)
	{
		update_idempotent_sql(table, change);
		return;
	}

	convert_row(table, change->after);
	convert_key(table, change->before);
	old_there = find_row_at(table, &old_relid, &old_tid);
	overlay_key(table, change->after);
	new_there = find_row_at(table, &new_relid, &new_tid);

	if (old_there && new_there &&
		(old_relid != new_relid || !ItemPointerEquals(&old_tid, &new_tid)))
	{
		sdb_relation_check_access(table, ACL_DELETE);
		convert_key(table, change->before);
		delete_row(table, true);
		overlay_key(table, change->after);
	}
	else if (old_there && !new_there)
		convert_key(table, change->before);

	if (!update_row(table, true) &&
		was_sent_whole(table->source, change->after))
	{
		sdb_relation_check_access(table, ACL_INSERT);
		insert_row(table);
	}
}

/* The same where a row's place cannot be told. */
static void
update_idempotent_sql(ApplyTable *table, const Change *change)
{
	bool		moves = key_moves(table, change);
	bool		done;

	convert_row(table, change->after);
	done = update_row(table, true);
	if (moves)
	{
		convert_key(table, change->before);
		if (done)
			delete_row(table, true);
		else
			done = update_row(table, true);
	}
	if (!done && was_sent_whole(table->source, change->after))
		insert_row(table);
}

/* Does an UPDATE change the key?  Leaves the new key in table->key. */
static bool
key_moves(ApplyTable *table, const Change *change)
{
	RowImage   *key = &table->key;
	int			natts = table->desc->natts;
	Datum	   *before = palloc_array(Datum, natts);

	convert_key(table, change->before);
	memcpy(before, key->values, natts * sizeof(Datum));
	overlay_key(table, change->after);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(table->desc, i);

		if (key->sent[i] && !key->isnull[i] &&
			!datum_image_eq(before[i], key->values[i], att->attbyval,
							att->attlen))
			return true;
	}
	return false;
}

static void
report_missing(ApplyTable *table, const char *action)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("could not find the row to %s in table %s", action,
					table->name),
			 table->key_columns != NULL ?
			 errdetail("%s is not present.", key_text(table)) :
			 errdetail("The table has no key; no row is equal to the source's old row in all columns."),
			 errhint("The table was changed here, or was not copied completely.  Copy it again from the source, or mend the row."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, table->names->schema),
			 err_generic_string(PG_DIAG_TABLE_NAME, table->names->name)));
}

/* "Key (a, b)=(1, 2)", as core words it */
static char *
key_text(ApplyTable *table)
{
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < table->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(table->desc, i);
		const char *text = "null";

		if (!table->key.sent[i] || !bms_is_member(i + 1, table->key_columns))
			continue;
		if (!table->key.isnull[i])
		{
			Oid			output;
			bool		is_varlena;

			getTypeOutputInfo(att->atttypid, &output, &is_varlena);
			text = OidOutputFunctionCall(output, table->key.values[i]);
		}
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 NameStr(att->attname));
		appendStringInfo(&values, "%s%s", values.len > 0 ? ", " : "", text);
	}
	return psprintf("Key (%s)=(%s)", names.data, values.data);
}
