/*
 * indexes.c --- secondary and unique indexes, with synchdb.replicate_indexes
 *
 * An index of ours bears a comment that names the source's index; by that it
 * is found when the source drops or changes it, whatever it is called here.
 * The names of indexes are shared by all tables of a schema, so they are made
 * of the table's name and the source's: orders_by_day_idx.
 *
 * What no index here can be (of the first characters of a text, of
 * expressions, full text, spatial) is left out with a line in the log, and so
 * with a WARNING what PostgreSQL refuses: rows matter more.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl/ddl_internal.h"
#include "guc.h"

#define INDEX_COMMENT "synchdb: index %s"

static void create_indexes(const SourceTable *table,
						   const TargetTable *target, bool unique);
static void create_index(const SourceTable *table, const TargetTable *target,
						 Oid relid, const SourceIndex *index);
static bool is_carried(const SourceTable *table, const SourceIndex *index);
static bool is_there(const TargetTable *target, Oid relid,
					 const SourceIndex *index);
static void drop_index(Oid relid, const SourceIndex *index);
static bool same_index(const SourceIndex *before, const SourceIndex *after,
					   const int *origins);

void
sdb_ddl_create_plain_indexes(const SourceTable *table,
							 const TargetTable *target)
{
	create_indexes(table, target, false);
}

void
sdb_ddl_create_unique_indexes(const SourceTable *table,
							  const TargetTable *target)
{
	create_indexes(table, target, true);
}

void
sdb_ddl_drop_unique_indexes(const SourceTable *table,
							const TargetTable *target)
{
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);
	bool		released = false;

	for (int i = 0; i < table->nindexes; i++)
	{
		if (!table->indexes[i].unique)
			continue;
		if (!released)
			sdb_ddl_release_references(relid);
		released = true;
		drop_index(relid, &table->indexes[i]);
	}
}

bool
sdb_ddl_has_own_unique(const TargetTable *target)
{
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);

	return OidIsValid(relid) &&
		sdb_ddl_finds(psprintf("SELECT FROM pg_catalog.pg_index"
							   " WHERE indrelid = %u AND NOT indisprimary"
							   " AND (indisunique OR indisexclusion)"
							   " AND coalesce(pg_catalog.obj_description("
							   "indexrelid, 'pg_class'), '') NOT LIKE %s",
							   relid,
							   quote_literal_cstr(psprintf(INDEX_COMMENT,
														   "%"))));
}

static void
create_indexes(const SourceTable *table, const TargetTable *target,
			   bool unique)
{
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);

	if (!sdb_guc_replicate_indexes || !sdb_ddl_is_table(relkind))
		return;
	for (int i = 0; i < table->nindexes; i++)
	{
		const SourceIndex *index = &table->indexes[i];

		if (index->unique == unique && is_carried(table, index) &&
			!is_there(target, relid, index))
			create_index(table, target, relid, index);
	}
}

void
sdb_ddl_drop_indexes(const SchemaChange *change, Oid relid)
{
	const SourceTable *before = change->before;

	for (int i = 0; i < before->nindexes; i++)
	{
		const SourceIndex *index = &before->indexes[i];
		const SourceIndex *after = sdb_table_find_index(change->after,
														index->name);

		if (after == NULL || !same_index(index, after, change->origins))
			drop_index(relid, index);
	}
}

static void
create_index(const SourceTable *table, const TargetTable *target, Oid relid,
			 const SourceIndex *index)
{
	char	   *name = ChooseRelationName(target->name, index->name,
										  index->unique ? "key" : "idx",
										  get_rel_namespace(relid), false);
	StringInfoData sql;
	ErrorData  *error;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sINDEX %s ON %s",
					 index->unique ? "UNIQUE " : "", quote_identifier(name),
					 sdb_ddl_name(target));
	for (int i = 0; i < index->nparts; i++)
		appendStringInfo(&sql, "%s%s%s", i == 0 ? " (" : ", ",
						 quote_identifier(target->columns[index->parts[i].column]),
						 index->parts[i].descending ? " DESC" : "");
	appendStringInfo(&sql, "); COMMENT ON INDEX %s IS %s",
					 quote_qualified_identifier(target->schema, name),
					 quote_literal_cstr(psprintf(INDEX_COMMENT,
												 index->name)));
	error = sdb_ddl_attempt_sql(sql.data);
	if (error == NULL)
		return;
	if (!sdb_ddl_is_refusal(error))
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("index \"%s\" of source table \"%s\" is left out: %s",
					index->name, table->id, error->message)));
}

static bool
is_carried(const SourceTable *table, const SourceIndex *index)
{
	const char *reason = index->special || index->nparts == 0 ?
		"It is of a kind of its own." : NULL;

	for (int i = 0; i < index->nparts; i++)
	{
		if (index->parts[i].column < 0)
			reason = "It is made of expressions.";
		else if (index->parts[i].prefix > 0)
			reason = "Only the beginning of a column counts in it.";
	}
	if (reason != NULL)
		ereport(LOG,
				(errmsg("index \"%s\" of source table \"%s\" is left out",
						index->name, table->id),
				 errdetail_internal("%s", reason)));
	return reason == NULL;
}

/* Does an index of the same columns serve already, ours or not? */
static bool
is_there(const TargetTable *target, Oid relid, const SourceIndex *index)
{
	StringInfoData columns;
	StringInfoData options;

	initStringInfo(&columns);
	initStringInfo(&options);
	for (int i = 0; i < index->nparts; i++)
	{
		const SourceIndexPart *part = &index->parts[i];
		const char *separator = i > 0 ? " " : "";

		appendStringInfo(&columns, "%s%d", separator,
						 get_attnum(relid, target->columns[part->column]));
		appendStringInfo(&options, "%s%d", separator, part->descending ? 3 : 0);
	}
	return sdb_ddl_finds(psprintf("SELECT FROM pg_catalog.pg_index"
								  " WHERE indrelid = %u AND indisvalid"
								  " AND indkey::pg_catalog.text = '%s'"
								  " AND indoption::pg_catalog.text = '%s'"
								  " AND indpred IS NULL%s", relid,
								  columns.data, options.data,
								  index->unique ? " AND indisunique" : ""));
}

static void
drop_index(Oid relid, const SourceIndex *index)
{
	sdb_ddl_run_each(psprintf("SELECT pg_catalog.format('DROP INDEX %%I.%%I',"
							  " nspname, relname)"
							  " FROM pg_catalog.pg_index"
							  " JOIN pg_catalog.pg_class c ON c.oid = indexrelid"
							  " JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace"
							  " WHERE indrelid = %u"
							  " AND pg_catalog.obj_description(c.oid, 'pg_class') = %s",
							  relid,
							  quote_literal_cstr(psprintf(INDEX_COMMENT,
														  index->name))));
}

static bool
same_index(const SourceIndex *before, const SourceIndex *after,
		   const int *origins)
{
	if (before->unique != after->unique ||
		before->special != after->special ||
		before->nparts != after->nparts)
		return false;
	for (int i = 0; i < after->nparts; i++)
	{
		const SourceIndexPart *old = &before->parts[i];
		const SourceIndexPart *new = &after->parts[i];

		if (old->prefix != new->prefix ||
			old->descending != new->descending ||
			(new->column < 0 ? -1 : origins[new->column]) != old->column)
			return false;
	}
	return true;
}
