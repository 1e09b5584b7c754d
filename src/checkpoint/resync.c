/*
 * resync.c --- what is to be copied again
 *
 * The wish is a flag of the table's row, so that it does not meet what the
 * worker writes there; the worker takes it up when it begins a session.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "checkpoint/catalog.h"
#include "checkpoint/checkpoint.h"

static uint64 execute(const char *sql, const char *connector, const char *id);

void
sdb_checkpoint_ask_resync(const char *connector, const char *id)
{
	CatalogAccess access;
	bool		is_known;
	bool		is_waiting;
	bool		is_free;

	sdb_catalog_enter(&access);
	is_known = execute("SELECT 1 FROM @extschema@.synchdb_table"
					   " WHERE name = $1 AND source_table = $2",
					   connector, id) > 0;
	is_waiting = execute("SELECT 1 FROM @extschema@.synchdb_table"
						 " WHERE name = $1 AND source_table = $2"
						 " AND stage IN ('pending', 'recopy')",
						 connector, id) > 0;
	is_free = !is_waiting &&
		execute("UPDATE @extschema@.synchdb_table SET resync = true"
				" WHERE name = $1 AND source_table = $2"
				" AND stage NOT IN ('pending', 'recopy', 'copying')",
				connector, id) > 0;
	sdb_catalog_leave(&access);
	if (!is_known)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("connector \"%s\" has no table \"%s\"",
						connector, id),
				 errhint("synchdb_table lists its tables, by their names at the source.")));
	if (is_waiting)
		ereport(NOTICE,
				(errmsg("table \"%s\" of connector \"%s\" is to be copied already",
						id, connector)));
	else if (!is_free)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("table \"%s\" of connector \"%s\" is being copied in ranges",
						id, connector),
				 errhint("Try again when that is done.")));
}

bool
sdb_checkpoint_has_resync(const char *connector)
{
	CatalogAccess access;
	bool		found;

	sdb_catalog_enter(&access);
	found = execute("SELECT 1 FROM @extschema@.synchdb_table"
					" WHERE name = $1 AND resync", connector, NULL) > 0;
	sdb_catalog_leave(&access);
	return found;
}

void
sdb_checkpoint_begin_resync(const char *connector)
{
	CatalogAccess access;

	sdb_catalog_enter(&access);
	(void) execute("DELETE FROM @extschema@.synchdb_range r"
				   " USING @extschema@.synchdb_table t"
				   " WHERE t.name = $1 AND t.resync AND r.name = t.name"
				   " AND r.source_table = t.source_table", connector, NULL);
	(void) execute("UPDATE @extschema@.synchdb_table SET stage = 'recopy',"
				   " resync = false, created = false,"
				   " copied_from = NULL, copied_until = NULL"
				   " WHERE name = $1 AND resync", connector, NULL);
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_forget_position(const char *connector)
{
	CatalogAccess access;

	sdb_catalog_enter(&access);
	(void) execute("UPDATE @extschema@.synchdb_checkpoint"
				   " SET position = NULL WHERE name = $1", connector, NULL);
	sdb_catalog_leave(&access);
}

/* Between enter and leave; id may be NULL. */
static uint64
execute(const char *sql, const char *connector, const char *id)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {0};

	values[0] = CStringGetTextDatum(connector);
	if (id != NULL)
		values[1] = CStringGetTextDatum(id);
	return sdb_catalog_execute(sql, id != NULL ? 2 : 1, types, values, NULL);
}
