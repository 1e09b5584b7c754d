/*
 * follow.c --- bring an existing target in line with its names and types
 *
 * What a table, its columns and their types are called here depends on the
 * user's rules, and rules change.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "convert/objmap.h"
#include "convert/typemap.h"
#include "ddl/ddl.h"
#include "ddl/ddl_internal.h"
#include "util/compat.h"

static void move_table(const TargetTable *target, Oid relid);
static void rename_columns(const SourceTable *table, const TargetTable *target,
						   TupleDesc desc, const AttrNumber *attnums);
static void change_types(const SourceTable *table, const TargetTable *target,
						 const SourceType *types, TupleDesc desc,
						 const AttrNumber *attnums);
static const char *using_clause(const char *column, Oid from, Oid to);

void
sdb_ddl_follow(const SourceTable *table, const SourceType *types, Oid relid,
			   const AttrNumber *attnums)
{
	TargetTable *target = sdb_naming_target(table);
	char		relkind;
	Oid			present = sdb_ddl_find(target, &relkind);
	Relation	relation;
	TupleDesc	desc;

	/* another table has the name: then it is the target, whatever was */
	if (OidIsValid(present) && present != relid)
		return;
	relation = relation_open(relid, AccessShareLock);
	desc = CreateTupleDescCopy(RelationGetDescr(relation));
	relkind = relation->rd_rel->relkind;
	relation_close(relation, AccessShareLock);
	move_table(target, relid);
	rename_columns(table, target, desc, attnums);
	if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE)
		change_types(table, target, types, desc, attnums);
}

bool
sdb_ddl_is_there(const SourceTable *table)
{
	TargetTable *target = sdb_naming_target(table);
	char		relkind;
	Oid			relid = sdb_ddl_find(target, &relkind);

	for (int i = 0; i < table->ncolumns && OidIsValid(relid); i++)
	{
		if (get_attnum(relid, target->columns[i]) == InvalidAttrNumber)
			return false;
	}
	return OidIsValid(relid);
}

static void
move_table(const TargetTable *target, Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *name = get_rel_name(relid);
	Oid			namespace;

	if (strcmp(schema, target->schema) != 0)
	{
		sdb_ddl_create_schema(target->schema);
		CommandCounterIncrement();
		namespace = get_namespace_oid(target->schema, false);

		/* where the old name is taken in the new schema, the new one first */
		if (strcmp(name, target->name) != 0 &&
			OidIsValid(get_relname_relid(name, namespace)))
		{
			sdb_ddl_run(psprintf("ALTER TABLE %s RENAME TO %s",
								 quote_qualified_identifier(schema, name),
								 quote_identifier(target->name)));
			name = target->name;
		}
		sdb_ddl_run(psprintf("ALTER TABLE %s SET SCHEMA %s",
							 quote_qualified_identifier(schema, name),
							 quote_identifier(target->schema)));
	}
	if (strcmp(name, target->name) != 0)
		sdb_ddl_run(psprintf("ALTER TABLE %s RENAME TO %s",
							 quote_qualified_identifier(target->schema, name),
							 quote_identifier(target->name)));
}

/*
 * Two columns may change places, so each that changes takes a name in between
 * that nobody else has.
 */
static void
rename_columns(const SourceTable *table, const TargetTable *target,
			   TupleDesc desc, const AttrNumber *attnums)
{
	const char *name = sdb_ddl_name(target);

	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < table->ncolumns; i++)
		{
			const char *present;
			char	   *between;

			if (attnums[i] <= 0 || attnums[i] > desc->natts ||
				TupleDescAttr(desc, attnums[i] - 1)->attisdropped)
				continue;
			present = NameStr(TupleDescAttr(desc, attnums[i] - 1)->attname);
			if (strcmp(present, target->columns[i]) == 0)
				continue;
			between = psprintf("........synchdb.renamed.%d........", attnums[i]);
			sdb_ddl_run(psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", name,
								 quote_identifier(pass == 0 ? present : between),
								 quote_identifier(pass == 0 ? between :
												  target->columns[i])));
		}
	}
}

/* Only where a rule says which type it is: others may be the user's choice. */
static void
change_types(const SourceTable *table, const TargetTable *target,
			 const SourceType *types, TupleDesc desc,
			 const AttrNumber *attnums)
{
	StringInfoData sql;
	const char *separator = " ";

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s", sdb_ddl_name(target));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];
		Form_pg_attribute att;
		const char *text;
		Oid			type;
		int32		typmod;

		if (attnums[i] <= 0 || attnums[i] > desc->natts ||
			sdb_objmap_datatype(table, column) == NULL)
			continue;
		att = TupleDescAttr(desc, attnums[i] - 1);
		text = sdb_typemap_column(types, table, column);
		if (att->attisdropped || sdb_typemap_is_serial(text))
			continue;
		sdb_parse_type_string(text, &type, &typmod);
		if (type == att->atttypid && typmod == att->atttypmod)
			continue;
		appendStringInfo(&sql, "%sALTER COLUMN %s TYPE %s%s", separator,
						 quote_identifier(target->columns[i]), text,
						 using_clause(target->columns[i], att->atttypid,
									  type));
		separator = ", ";
	}
	if (separator[0] == ',')
		sdb_ddl_run(sql.data);
}

/*
 * What ALTER COLUMN needs if no assignment does it.  The length is left to the
 * assignment, as an explicit cast would cut what is too long.
 */
static const char *
using_clause(const char *column, Oid from, Oid to)
{
	Oid			function;

	if (find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &function) !=
		COERCION_PATH_NONE)
		return "";
	return psprintf(" USING %s%s::%s", quote_identifier(column),
					find_coercion_pathway(to, from, COERCION_EXPLICIT,
										  &function) != COERCION_PATH_NONE ?
					"" : "::pg_catalog.text",
					format_type_extended(to, -1, FORMAT_TYPE_FORCE_QUALIFY));
}
