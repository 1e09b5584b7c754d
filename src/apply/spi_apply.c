/*
 * spi_apply.c --- targets that only SQL can write
 *
 * Foreign tables, views with INSTEAD OF triggers, tables of other access
 * methods, and every table under synchdb.dml_use_spi, which is how extensions
 * that work on statements get to see the changes.  Each row is one prepared
 * statement with a typed parameter for every value; which columns a statement
 * names depends on what was sent, so a few statements per table are kept.
 *
 * The row to change is named by the source's key.  Without a key one of the
 * rows that are equal in all columns is picked by its place, which views and
 * foreign tables do not have: they need a key.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "apply/apply_internal.h"

/* Sets of columns that statements are kept for; the oldest goes first */
#define MAX_STATEMENTS	64

typedef enum StatementKind
{
	STATEMENT_INSERT,
	STATEMENT_UPDATE,
	STATEMENT_DELETE
} StatementKind;

/* Statement --- a prepared statement for one set of columns to write */
typedef struct Statement
{
	StatementKind kind;
	bool	   *set;			/* [attnum - 1]; nothing in a DELETE */
	SPIPlanPtr	plan;
} Statement;

struct SpiTable
{
	ApplyTable *table;
	MemoryContext context;
	List	   *statements;		/* of Statement * */
	bool	   *where;			/* columns of the condition; [attnum - 1] */
};

static void check_kind(ApplyTable *table);
static void find_condition(SpiTable *spi);
static void free_plans(void *arg);
static bool *columns_to_set(SpiTable *spi);
static uint64 execute(SpiTable *spi, StatementKind kind, const bool *set);
static SPIPlanPtr get_plan(SpiTable *spi, StatementKind kind, const bool *set);
static SPIPlanPtr prepare(SpiTable *spi, StatementKind kind, const bool *set);
static void append_insert(StringInfo sql, SpiTable *spi, const bool *set);
static void append_update(StringInfo sql, SpiTable *spi, const bool *set);
static void append_where(StringInfo sql, SpiTable *spi, StatementKind kind,
						 int nparams);
static void append_equal(StringInfo sql, Form_pg_attribute att, int param,
						 bool nullable);
static const char *column_name(SpiTable *spi, int column);

SpiTable *
sdb_spi_make(ApplyTable *table)
{
	SpiTable   *spi = palloc0_object(SpiTable);
	MemoryContextCallback *callback = palloc0_object(MemoryContextCallback);

	check_kind(table);
	spi->table = table;
	spi->context = CurrentMemoryContext;
	find_condition(spi);
	callback->func = free_plans;
	callback->arg = spi;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return spi;
}

void
sdb_spi_insert(ApplyTable *table)
{
	execute(table->spi, STATEMENT_INSERT, table->row.sent);
}

bool
sdb_spi_update(ApplyTable *table)
{
	return execute(table->spi, STATEMENT_UPDATE,
				   columns_to_set(table->spi)) > 0;
}

bool
sdb_spi_delete(ApplyTable *table)
{
	return execute(table->spi, STATEMENT_DELETE,
				   palloc0_array(bool, table->desc->natts)) > 0;
}

void
sdb_spi_truncate(ApplyTable *table)
{
	char	   *sql = psprintf(table->relkind == RELKIND_VIEW ?
							   "DELETE FROM %s" : "TRUNCATE TABLE %s",
							   table->name);

	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not truncate relation %s", table->name);
	SPI_finish();
}

static void
check_kind(ApplyTable *table)
{
	switch (table->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return;
		case RELKIND_VIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot write to relation %s", table->name),
					 errdetail_relkind_not_supported(table->relkind)));
	}
	if (table->source->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot apply changes of table \"%s\" to relation %s without a primary key",
						table->source->id, table->name),
				 errdetail("Equal rows of a view or foreign table cannot be told apart."),
				 errhint("Give the source table a primary key.")));
}

/* The source's key, else unique indexes here, else every column */
static void
find_condition(SpiTable *spi)
{
	ApplyTable *table = spi->table;
	SourceTable *source = table->source;

	spi->where = palloc0_array(bool, table->desc->natts);
	for (int i = 0; i < source->nkeys; i++)
		spi->where[table->attnums[source->keys[i]] - 1] = true;
	for (int i = 0; i < source->ncolumns && source->nkeys == 0; i++)
	{
		if (table->key_columns == NULL ||
			bms_is_member(table->attnums[i], table->key_columns))
			spi->where[table->attnums[i] - 1] = true;
	}
}

static void
free_plans(void *arg)
{
	SpiTable   *spi = arg;
	ListCell   *lc;

	foreach(lc, spi->statements)
		SPI_freeplan(((Statement *) lfirst(lc))->plan);
}

/*
 * What an UPDATE writes: all that was sent, but a GENERATED ALWAYS identity
 * column only if it changes (which is an error that PostgreSQL words).
 */
static bool *
columns_to_set(SpiTable *spi)
{
	ApplyTable *table = spi->table;
	RowImage   *row = &table->row;
	RowImage   *key = &table->key;
	int			natts = table->desc->natts;
	bool	   *set = palloc0_array(bool, natts);

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(table->desc, i);

		set[i] = row->sent[i] && !att->attisdropped;
		if (set[i] && att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS &&
			key->sent[i] && !key->isnull[i] && !row->isnull[i] &&
			datum_image_eq(key->values[i], row->values[i], att->attbyval,
						   att->attlen))
			set[i] = false;
	}
	return set;
}

/* Run a statement with the values of table->row and table->key. */
static uint64
execute(SpiTable *spi, StatementKind kind, const bool *set)
{
	ApplyTable *table = spi->table;
	int			natts = table->desc->natts;
	Datum	   *values = palloc_array(Datum, 2 * natts);
	char	   *nulls = palloc_array(char, 2 * natts);
	int			n = 0;
	int			result;
	uint64		processed;

	for (int i = 0; i < natts; i++)
	{
		if (!set[i] || TupleDescAttr(table->desc, i)->attisdropped)
			continue;
		values[n] = table->row.values[i];
		nulls[n++] = table->row.isnull[i] ? 'n' : ' ';
	}
	for (int i = 0; i < natts && kind != STATEMENT_INSERT; i++)
	{
		if (!spi->where[i])
			continue;
		if (!table->key.sent[i])
			ereport(ERROR,
					(errcode(ERRCODE_NO_DATA_FOUND),
					 errmsg("cannot find a row of relation %s", table->name),
					 errdetail("The source did not send column %s of the old row.",
							   column_name(spi, i))));
		values[n] = table->key.values[i];
		nulls[n++] = table->key.isnull[i] ? 'n' : ' ';
	}

	SPI_connect();
	result = SPI_execute_plan(get_plan(spi, kind, set), values, nulls, false,
							  0);
	if (result < 0)
		elog(ERROR, "could not write to relation %s: %s", table->name,
			 SPI_result_code_string(result));
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

static SPIPlanPtr
get_plan(SpiTable *spi, StatementKind kind, const bool *set)
{
	Size		nbytes = spi->table->desc->natts * sizeof(bool);
	Statement  *statement;
	MemoryContext oldcxt;
	ListCell   *lc;

	foreach(lc, spi->statements)
	{
		statement = lfirst(lc);
		if (statement->kind == kind &&
			memcmp(statement->set, set, nbytes) == 0)
			return statement->plan;
	}

	if (list_length(spi->statements) == MAX_STATEMENTS)
	{
		statement = linitial(spi->statements);
		spi->statements = list_delete_first(spi->statements);
		SPI_freeplan(statement->plan);
		pfree(statement->set);
		pfree(statement);
	}

	oldcxt = MemoryContextSwitchTo(spi->context);
	statement = palloc0_object(Statement);
	statement->kind = kind;
	statement->set = memcpy(palloc(nbytes), set, nbytes);
	MemoryContextSwitchTo(oldcxt);

	statement->plan = prepare(spi, kind, set);
	if (statement->plan == NULL)
		elog(ERROR, "could not prepare a statement on relation %s: %s",
			 spi->table->name, SPI_result_code_string(SPI_result));
	SPI_keepplan(statement->plan);

	oldcxt = MemoryContextSwitchTo(spi->context);
	spi->statements = lappend(spi->statements, statement);
	MemoryContextSwitchTo(oldcxt);
	return statement->plan;
}

/* Parameters are the columns to write, then those of the condition. */
static SPIPlanPtr
prepare(SpiTable *spi, StatementKind kind, const bool *set)
{
	TupleDesc	desc = spi->table->desc;
	Oid		   *types = palloc_array(Oid, 2 * desc->natts);
	StringInfoData sql;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
		if (set[i] && !TupleDescAttr(desc, i)->attisdropped)
			types[n++] = TupleDescAttr(desc, i)->atttypid;

	initStringInfo(&sql);
	switch (kind)
	{
		case STATEMENT_INSERT:
			append_insert(&sql, spi, set);
			return SPI_prepare(sql.data, n, types);
		case STATEMENT_UPDATE:
			append_update(&sql, spi, set);
			break;
		case STATEMENT_DELETE:
			appendStringInfo(&sql, "DELETE FROM %s t", spi->table->name);
			break;
	}
	append_where(&sql, spi, kind, n);
	for (int i = 0; i < desc->natts; i++)
		if (spi->where[i])
			types[n++] = TupleDescAttr(desc, i)->atttypid;
	return SPI_prepare(sql.data, n, types);
}

static void
append_insert(StringInfo sql, SpiTable *spi, const bool *set)
{
	int			n = 0;

	appendStringInfo(sql, "INSERT INTO %s (", spi->table->name);
	for (int i = 0; i < spi->table->desc->natts; i++)
		if (column_name(spi, i) != NULL && set[i])
			appendStringInfo(sql, "%s%s", n++ > 0 ? ", " : "",
							 column_name(spi, i));
	if (n == 0)
	{
		resetStringInfo(sql);
		appendStringInfo(sql, "INSERT INTO %s DEFAULT VALUES",
						 spi->table->name);
		return;
	}
	appendStringInfoString(sql, ") OVERRIDING SYSTEM VALUE VALUES (");
	for (int i = 1; i <= n; i++)
		appendStringInfo(sql, "%s$%d", i > 1 ? ", " : "", i);
	appendStringInfoChar(sql, ')');
}

static void
append_update(StringInfo sql, SpiTable *spi, const bool *set)
{
	int			n = 0;
	int			first = 0;

	appendStringInfo(sql, "UPDATE %s t SET ", spi->table->name);
	for (int i = 0; i < spi->table->desc->natts; i++)
	{
		if (!set[i] || column_name(spi, i) == NULL)
			continue;
		appendStringInfo(sql, "%s%s = $%d", n > 0 ? ", " : "",
						 column_name(spi, i), n + 1);
		n++;
	}
	if (n > 0)
		return;

	/* nothing changes: it remains to tell whether the row is there */
	while (!spi->where[first])
		first++;
	appendStringInfo(sql, "%s = t.%s", column_name(spi, first),
					 column_name(spi, first));
}

/* nparams: parameters before those of the condition */
static void
append_where(StringInfo sql, SpiTable *spi, StatementKind kind, int nparams)
{
	bool		has_key = spi->table->key_columns != NULL;
	const char *separator = " WHERE ";

	if (!has_key)
		appendStringInfo(sql, " %s (SELECT tableoid, ctid FROM %s t",
						 kind == STATEMENT_DELETE ? "USING" : "FROM",
						 spi->table->name);
	for (int i = 0; i < spi->table->desc->natts; i++)
	{
		if (!spi->where[i])
			continue;
		appendStringInfoString(sql, separator);
		append_equal(sql, TupleDescAttr(spi->table->desc, i), ++nparams,
					 !has_key);
		separator = " AND ";
	}
	if (!has_key)
		appendStringInfoString(sql, " LIMIT 1) k WHERE"
							   " t.ctid OPERATOR(pg_catalog.=) k.ctid AND"
							   " t.tableoid OPERATOR(pg_catalog.=) k.tableoid");
}

/*
 * A column equal to a parameter, by its type's own operator whatever the
 * search_path; types without one are compared as text.
 */
static void
append_equal(StringInfo sql, Form_pg_attribute att, int param, bool nullable)
{
	char	   *column = psprintf("t.%s",
								  quote_identifier(NameStr(att->attname)));
	char	   *value = psprintf("$%d", param);
	TypeCacheEntry *type = lookup_type_cache(att->atttypid,
											 TYPECACHE_EQ_OPR);

	appendStringInfoChar(sql, '(');
	if (nullable)
		appendStringInfo(sql, "%s IS NULL AND %s IS NULL OR ", column, value);
	if (OidIsValid(type->eq_opr))
		generate_operator_clause(sql, column, att->atttypid, type->eq_opr,
								 value, att->atttypid);
	else
		appendStringInfo(sql, "%s::text OPERATOR(pg_catalog.=) %s::text",
						 column, value);
	appendStringInfoChar(sql, ')');
}

/* Quoted; NULL if the column was dropped. */
static const char *
column_name(SpiTable *spi, int column)
{
	Form_pg_attribute att = TupleDescAttr(spi->table->desc, column);

	return att->attisdropped ? NULL : quote_identifier(NameStr(att->attname));
}
