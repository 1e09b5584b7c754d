/*
 * attribute.c --- synchdb_attribute: columns at the source and here
 *
 * A relation is known by its Oid, which ends with it: rows of relations that
 * are gone are removed when a table is dropped and when a connector starts.
 * A dump brings back the Oids of another database; they are put right when
 * the connector starts there.
 *
 * The name of a source table is cut to the length of a name.  Names that were
 * cut may be those of several tables, so nothing is removed by them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "checkpoint/catalog.h"
#include "checkpoint/checkpoint.h"

static void sweep(const char *connector, const char *type);
static Datum name_datum(const char *name);
static Datum array_datum(int n, const Datum *elements, Oid type);

void
sdb_checkpoint_put_attributes(const char *connector, const char *type,
							  const SourceTable *table, Oid relid,
							  const AttrNumber *attnums)
{
	Oid			types[] = {NAMEOID, NAMEOID, OIDOID, NAMEOID, INT2ARRAYOID,
	NAMEARRAYOID, NAMEARRAYOID};
	CatalogAccess access;
	Datum		values[7];
	Datum	   *numbers;
	Datum	   *names;
	Datum	   *type_names;
	int			n = 0;

	sdb_catalog_enter(&access);
	numbers = palloc(table->ncolumns * sizeof(Datum));
	names = palloc(table->ncolumns * sizeof(Datum));
	type_names = palloc(table->ncolumns * sizeof(Datum));
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (attnums[i] == InvalidAttrNumber)
			continue;
		numbers[n] = Int16GetDatum(attnums[i]);
		names[n] = name_datum(table->columns[i].name);
		type_names[n++] = name_datum(table->columns[i].type_name);
	}
	values[0] = name_datum(connector);
	values[1] = name_datum(type);
	values[2] = ObjectIdGetDatum(relid);
	values[3] = name_datum(table->id);
	values[4] = array_datum(n, numbers, INT2OID);
	values[5] = array_datum(n, names, NAMEOID);
	values[6] = array_datum(n, type_names, NAMEOID);
	sdb_catalog_execute("INSERT INTO @extschema@.synchdb_attribute (name, type,"
						" attrelid, attnum, ext_tbname, ext_attname,"
						" ext_atttypename)"
						" SELECT $1, $2, $3, c.attnum, $4, c.attname, c.typename"
						" FROM unnest($5, $6, $7) AS c (attnum, attname, typename)"
						" ON CONFLICT (name, type, attrelid, attnum) DO UPDATE SET"
						" ext_tbname = excluded.ext_tbname,"
						" ext_attname = excluded.ext_attname,"
						" ext_atttypename = excluded.ext_atttypename",
						7, types, values, NULL);
	sdb_catalog_execute("UPDATE @extschema@.synchdb_attribute"
						" SET ext_tbname = $4, ext_atttypename = 'null',"
						" ext_attname = format('........synchdb.dropped.%s........',"
						" attnum)"
						" WHERE name = $1 AND type = $2 AND attrelid = $3"
						" AND attnum <> ALL ($5)",
						5, types, values, NULL);
	sdb_catalog_leave(&access);
}

bool
sdb_checkpoint_attributes(const char *connector, const char *type,
						  const SourceTable *table, Oid *relid,
						  AttrNumber *attnums)
{
	Oid			types[] = {NAMEOID, NAMEOID, NAMEOID};
	CatalogAccess access;
	Datum		values[3];
	uint64		nrows;

	memset(attnums, 0, table->ncolumns * sizeof(AttrNumber));
	*relid = InvalidOid;
	if (strlen(table->id) >= NAMEDATALEN)
		return false;
	sdb_catalog_enter(&access);
	values[0] = name_datum(connector);
	values[1] = name_datum(type);
	values[2] = name_datum(table->id);
	nrows = sdb_catalog_execute("SELECT a.attrelid, a.attnum, a.ext_attname"
								" FROM @extschema@.synchdb_attribute a"
								" JOIN pg_class c ON c.oid = a.attrelid"
								" WHERE a.name = $1 AND a.type = $2"
								" AND a.ext_tbname = $3",
								3, types, values, NULL);
	for (uint64 row = 0; row < nrows; row++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[row];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		const char *name = SPI_getvalue(tuple, desc, 3);

		*relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		for (int i = 0; i < table->ncolumns; i++)
		{
			/* the names there are cut to fit */
			if (strncmp(table->columns[i].name, name, NAMEDATALEN - 1) == 0)
				attnums[i] = DatumGetInt16(SPI_getbinval(tuple, desc, 2,
														 &isnull));
		}
	}
	sdb_catalog_leave(&access);
	return OidIsValid(*relid);
}

void
sdb_checkpoint_drop_attributes(const char *connector, const char *type,
							   const char *id)
{
	Oid			types[] = {NAMEOID, NAMEOID, NAMEOID};
	CatalogAccess access;
	Datum		values[3];

	sdb_catalog_enter(&access);
	values[0] = name_datum(connector);
	values[1] = name_datum(type);
	values[2] = name_datum(id);
	if (strlen(id) < NAMEDATALEN)
		sdb_catalog_execute("DELETE FROM @extschema@.synchdb_attribute"
							" WHERE name = $1 AND type = $2 AND ext_tbname = $3",
							3, types, values, NULL);
	sweep(connector, type);
	sdb_catalog_leave(&access);
}

void
sdb_checkpoint_check_attributes(const char *connector, const char *type,
								int n, const char *const *ids,
								const Oid *relids, bool *missing)
{
	Oid			types[] = {NAMEOID, NAMEOID, NAMEARRAYOID, OIDARRAYOID};
	CatalogAccess access;
	Datum		values[4];
	Datum	   *names;
	Datum	   *oids;

	sdb_catalog_enter(&access);
	names = palloc(n * sizeof(Datum));
	oids = palloc(n * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		/* no row has an empty name */
		names[i] = name_datum(strlen(ids[i]) < NAMEDATALEN ? ids[i] : "");
		oids[i] = ObjectIdGetDatum(relids[i]);
		missing[i] = false;
	}
	values[0] = name_datum(connector);
	values[1] = name_datum(type);
	values[2] = array_datum(n, names, NAMEOID);
	values[3] = array_datum(n, oids, OIDOID);
	sweep(connector, type);
	sdb_catalog_execute("DELETE FROM @extschema@.synchdb_attribute AS a"
						" USING unnest($3, $4) AS t (id, relid)"
						" WHERE a.name = $1 AND a.type = $2"
						" AND a.ext_tbname = t.id AND a.attrelid <> t.relid",
						4, types, values, NULL);
	sdb_catalog_execute("SELECT t.n::int FROM unnest($3, $4)"
						" WITH ORDINALITY AS t (id, relid, n)"
						" WHERE NOT EXISTS (SELECT"
						" FROM @extschema@.synchdb_attribute AS a"
						" WHERE a.name = $1 AND a.type = $2"
						" AND a.attrelid = t.relid)",
						4, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
		missing[atoi(SPI_getvalue(SPI_tuptable->vals[i],
								  SPI_tuptable->tupdesc, 1)) - 1] = true;
	sdb_catalog_leave(&access);
}

/* Forget relations that are gone; between enter and leave. */
static void
sweep(const char *connector, const char *type)
{
	Oid			types[] = {NAMEOID, NAMEOID};
	Datum		values[2];

	values[0] = name_datum(connector);
	values[1] = name_datum(type);
	sdb_catalog_execute("DELETE FROM @extschema@.synchdb_attribute AS a"
						" WHERE name = $1 AND type = $2 AND NOT EXISTS"
						" (SELECT FROM pg_class AS c WHERE c.oid = a.attrelid)",
						2, types, values, NULL);
}

static Datum
name_datum(const char *name)
{
	return DirectFunctionCall1(namein, CStringGetDatum(name));
}

static Datum
array_datum(int n, const Datum *elements, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(unconstify(Datum *, elements), n,
										   type, length, by_value, align));
}
