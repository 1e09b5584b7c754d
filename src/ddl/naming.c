/*
 * naming.c --- names of targets
 *
 * Lower case here is what PostgreSQL makes of an unquoted name: ASCII letters
 * only, in every multi-byte encoding, whatever the locale.  So a table that
 * is called Zähler or ÄPFEL at the source is found by typing its name without
 * quotes, and no name depends on the database's collation.  Upper case is
 * treated alike.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "parser/scansup.h"
#include "utils/builtins.h"

#include "convert/objmap.h"
#include "ddl/naming.h"
#include "guc.h"

#define MAX_LISTED_COLLISIONS	20

/* Landing --- a source table and where it lands, for finding collisions */
typedef struct Landing
{
	char	   *target;			/* quoted and qualified */
	const char *source;			/* SourceTable.id */
} Landing;

static void name_table(const SourceTable *table, char **schema, char **name);
static char *name_column(const SourceTable *table, const SourceColumn *column);
static char *target_name(const SourceTable *table, const char *name);
static void check_columns(const SourceTable *table, char **columns);
static int	compare_strings(const void *a, const void *b);
static int	compare_landings(const void *a, const void *b);

TargetTable *
sdb_naming_target(const SourceTable *table)
{
	TargetTable *target = palloc(sizeof(TargetTable));

	name_table(table, &target->schema, &target->name);
	target->columns = palloc(table->ncolumns * sizeof(char *));
	for (int i = 0; i < table->ncolumns; i++)
		target->columns[i] = name_column(table, &table->columns[i]);
	check_columns(table, target->columns);
	return target;
}

void
sdb_naming_check_collisions(List *tables)
{
	Landing    *landings = palloc(list_length(tables) * sizeof(Landing));
	StringInfoData detail;
	int			n = 0;
	int			ncollisions = 0;
	ListCell   *lc;

	foreach(lc, tables)
	{
		const SourceTable *table = lfirst(lc);
		char	   *schema;
		char	   *name;

		name_table(table, &schema, &name);
		landings[n].target = quote_qualified_identifier(schema, name);
		landings[n++].source = table->id;
	}
	qsort(landings, n, sizeof(Landing), compare_landings);

	initStringInfo(&detail);
	for (int i = 1; i < n; i++)
	{
		if (strcmp(landings[i - 1].target, landings[i].target) != 0)
			continue;
		if (++ncollisions > MAX_LISTED_COLLISIONS)
			continue;
		appendStringInfo(&detail,
						 "%sTables \"%s\" and \"%s\" would both be %s.",
						 detail.len > 0 ? "\n" : "", landings[i - 1].source,
						 landings[i].source, landings[i].target);
	}
	if (ncollisions == 0)
		return;
	if (ncollisions > MAX_LISTED_COLLISIONS)
		appendStringInfo(&detail, "\nThere are %d more.",
						 ncollisions - MAX_LISTED_COLLISIONS);
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_TABLE),
			 errmsg("source tables would land on the same table"),
			 errdetail_internal("%s", detail.data),
			 errhint("Set synchdb.letter_casing_strategy to \"asis\", give one of them another name with synchdb_add_objmap(), or choose the tables so that only one of them is captured.")));
}

static void
name_table(const SourceTable *table, char **schema, char **name)
{
	const ObjectRule *rule = sdb_objmap_table(table);

	*schema = rule ? rule->schema : target_name(table, table->catalog);
	*name = rule ? rule->target : target_name(table, table->name);
}

static char *
name_column(const SourceTable *table, const SourceColumn *column)
{
	const ObjectRule *rule = sdb_objmap_column(RULE_COLUMN, table, column);

	return rule ? rule->target : target_name(table, column->name);
}

/* A name as it is here; errors if PostgreSQL would cut it. */
static char *
target_name(const SourceTable *table, const char *name)
{
	int			length = strlen(name);
	char	   *result;

	if (length >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name \"%s\" is too long", name),
				 errdetail("It belongs to source table \"%s\" and has %d bytes; PostgreSQL allows %d.",
						   table->id, length, NAMEDATALEN - 1),
				 errhint("Give it another name with synchdb_add_objmap(), or leave the table out.")));

	if (sdb_guc_letter_casing_strategy == CASING_LOWERCASE)
		return downcase_identifier(name, length, false, false);

	result = pstrdup(name);
	if (sdb_guc_letter_casing_strategy == CASING_UPPERCASE)
	{
		for (char *c = result; *c != '\0'; c++)
			*c = pg_ascii_toupper((unsigned char) *c);
	}
	return result;
}

static void
check_columns(const SourceTable *table, char **columns)
{
	char	  **sorted = palloc(table->ncolumns * sizeof(char *));

	memcpy(sorted, columns, table->ncolumns * sizeof(char *));
	qsort(sorted, table->ncolumns, sizeof(char *), compare_strings);
	for (int i = 1; i < table->ncolumns; i++)
	{
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("two columns of source table \"%s\" would both be named \"%s\"",
							table->id, sorted[i]),
					 errhint("Set synchdb.letter_casing_strategy to \"asis\", or give one of them another name with synchdb_add_objmap().")));
	}
	pfree(sorted);
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static int
compare_landings(const void *a, const void *b)
{
	const Landing *left = a;
	const Landing *right = b;
	int			result = strcmp(left->target, right->target);

	return result != 0 ? result : strcmp(left->source, right->source);
}
