/*
 * ranges.c --- the key ranges of tables that are copied in parts
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/ranges.h"

static bool claim(const char *connector, const char *sql,
				  ClaimedRange *claimed);
static char *copy_column(int column, MemoryContext context);

void
sdb_ranges_put(const char *connector, const char *id, List *ranges)
{
	Oid			types[5] = {TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID};
	CatalogAccess access;
	ListCell   *cell;

	sdb_catalog_enter(&access);
	foreach(cell, ranges)
	{
		KeyRange   *range = lfirst(cell);
		Datum		values[5];
		char		nulls[6] = "     ";

		values[0] = CStringGetTextDatum(connector);
		values[1] = CStringGetTextDatum(id);
		values[2] = Int32GetDatum(foreach_current_index(cell));
		if (range->lower != NULL)
			values[3] = CStringGetTextDatum(range->lower);
		else
			nulls[3] = 'n';
		if (range->upper != NULL)
			values[4] = CStringGetTextDatum(range->upper);
		else
			nulls[4] = 'n';
		(void) sdb_catalog_execute("INSERT INTO @extschema@.synchdb_range"
								   " (name, source_table, number, lower,"
								   " upper) VALUES ($1, $2, $3, $4, $5)",
								   5, types, values, nulls);
	}
	sdb_catalog_leave(&access);
}

bool
sdb_ranges_claim(const char *connector, ClaimedRange *claimed)
{
	return claim(connector,
				 "SELECT source_table, number, lower, upper"
				 " FROM @extschema@.synchdb_range"
				 " WHERE name = $1 AND NOT done"
				 " ORDER BY source_table, number"
				 " LIMIT 1 FOR UPDATE SKIP LOCKED", claimed);
}

void
sdb_ranges_mark_done(const char *connector, const ClaimedRange *claimed)
{
	Oid			types[3] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[3];
	CatalogAccess access;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	values[1] = CStringGetTextDatum(claimed->id);
	values[2] = Int32GetDatum(claimed->number);
	(void) sdb_catalog_execute("UPDATE @extschema@.synchdb_range"
							   " SET done = true WHERE name = $1"
							   " AND source_table = $2 AND number = $3",
							   3, types, values, NULL);
	sdb_catalog_leave(&access);
}

bool
sdb_ranges_claim_complete(const char *connector, ClaimedRange *claimed)
{
	return claim(connector,
				 "SELECT source_table, 0,"
				 " (SELECT min(upper) FROM @extschema@.synchdb_range r"
				 " WHERE r.name = t.name"
				 " AND r.source_table = t.source_table AND number = 0),"
				 " (SELECT min(upper) FROM @extschema@.synchdb_range r"
				 " WHERE r.name = t.name"
				 " AND r.source_table = t.source_table AND number = 0)"
				 " FROM @extschema@.synchdb_table t"
				 " WHERE name = $1 AND stage = 'copying' AND NOT EXISTS"
				 " (SELECT 1 FROM @extschema@.synchdb_range r"
				 " WHERE r.name = t.name"
				 " AND r.source_table = t.source_table AND NOT done)"
				 " LIMIT 1 FOR UPDATE SKIP LOCKED", claimed);
}

int
sdb_ranges_count(const char *connector)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	CatalogAccess access;
	int			count;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	count = (int) sdb_catalog_execute("SELECT 1 FROM @extschema@.synchdb_range"
									  " WHERE name = $1 AND NOT done",
									  1, types, values, NULL);
	sdb_catalog_leave(&access);
	return count;
}

void
sdb_ranges_drop(const char *connector, const char *id)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2];
	CatalogAccess access;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	if (id != NULL)
		values[1] = CStringGetTextDatum(id);
	(void) sdb_catalog_execute("DELETE FROM @extschema@.synchdb_range"
							   " WHERE name = $1"
							   " AND source_table = coalesce($2, source_table)",
							   2, types, values, id != NULL ? "  " : " n");
	sdb_catalog_leave(&access);
}

/* Runs sql, whose one row is source_table, number, lower and upper. */
static bool
claim(const char *connector, const char *sql, ClaimedRange *claimed)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	CatalogAccess access;
	bool		found;

	sdb_catalog_enter(&access);
	values[0] = CStringGetTextDatum(connector);
	found = sdb_catalog_execute(sql, 1, types, values, NULL) > 0;
	if (found)
	{
		claimed->id = copy_column(1, context);
		claimed->number = atoi(copy_column(2, context));
		claimed->range.lower = copy_column(3, context);
		claimed->range.upper = copy_column(4, context);
	}
	sdb_catalog_leave(&access);
	return found;
}

static char *
copy_column(int column, MemoryContext context)
{
	char	   *text = SPI_getvalue(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, column);

	return text != NULL ? MemoryContextStrdup(context, text) : NULL;
}
