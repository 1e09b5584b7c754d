/*
 * objmap.c --- reading and finding rules
 *
 * The names of synchdb_objmap end after NAMEDATALEN - 1 bytes, so what they
 * are compared with is cut alike.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "convert/objmap.h"
#include "convert/transform.h"
#include "convert/typemap.h"

#define DEFAULT_SCHEMA	"public"

static const char *const kind_names[] = {
	[RULE_TABLE] = "table",
	[RULE_COLUMN] = "column",
	[RULE_DATATYPE] = "datatype",
	[RULE_TRANSFORM] = "transform",
};

/* Of the connector that this process serves */
static List *installed = NIL;

/* For the error context */
static const ObjectRule *parsing = NULL;

static void check_parts(const ObjectRule *rule);
static void name_parsing(void *arg);
static void parse_identity(ObjectRule *rule);
static void parse_length(ObjectRule *rule);
static void parse_target_name(ObjectRule *rule, const char *target);
static char *next_name(const char **pos);
static const ObjectRule *find(RuleKind kind, const char *source,
							  bool identity);
static const ObjectRule *find_type(const SourceColumn *column);
static bool matches(const ObjectRule *rule, const SourceTable *table);

bool
sdb_objmap_kind(const char *name, RuleKind *kind)
{
	for (int i = 0; i < lengthof(kind_names); i++)
	{
		if (strcmp(name, kind_names[i]) == 0)
		{
			*kind = (RuleKind) i;
			return true;
		}
	}
	return false;
}

char *
sdb_objmap_fold(const char *source)
{
	const char *end = source + strlen(source);

	while (isspace((unsigned char) *source))
		source++;
	while (end > source && isspace((unsigned char) end[-1]))
		end--;
	return str_tolower(source, end - source, DEFAULT_COLLATION_OID);
}

ObjectRule *
sdb_objmap_parse(RuleKind kind, const char *source, const char *target)
{
	ObjectRule *rule = palloc0(sizeof(ObjectRule));
	ErrorContextCallback callback;

	rule->kind = kind;
	rule->source = pstrdup(source);
	rule->key = rule->source;
	if (source[0] == '\0')
		sdb_objmap_fail(rule, ERRCODE_INVALID_PARAMETER_VALUE,
						"The source object is empty.", NULL);
	check_parts(rule);

	parsing = rule;
	callback.callback = name_parsing;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	switch (kind)
	{
		case RULE_TABLE:
		case RULE_COLUMN:
			parse_target_name(rule, target);
			break;
		case RULE_DATATYPE:
			rule->target = sdb_objmap_fold(target);
			parse_identity(rule);
			parse_length(rule);
			sdb_typemap_check_rule(rule);
			break;
		case RULE_TRANSFORM:
			rule->target = pstrdup(target);
			sdb_transform_check(rule);
			break;
	}
	error_context_stack = callback.previous;
	return rule;
}

void
sdb_objmap_fail(const ObjectRule *rule, int sqlerrcode, const char *detail,
				const char *hint)
{
	parsing = NULL;				/* the message has it */
	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("invalid %s rule for \"%s\"", kind_names[rule->kind],
					rule->source),
			 errdetail("%s", detail),
			 hint ? errhint("%s", hint) : 0));
}

void
sdb_objmap_install(List *rules)
{
	installed = rules;
}

const ObjectRule *
sdb_objmap_table(const SourceTable *table)
{
	if (installed == NIL)
		return NULL;
	return find(RULE_TABLE, table->id, false);
}

const ObjectRule *
sdb_objmap_column(RuleKind kind, const SourceTable *table,
				  const SourceColumn *column)
{
	if (installed == NIL)
		return NULL;
	return find(kind, psprintf("%s.%s", table->id,
							   sdb_table_quote_part(column->name)),
				column->identity);
}

const ObjectRule *
sdb_objmap_datatype(const SourceTable *table, const SourceColumn *column)
{
	const ObjectRule *rule = sdb_objmap_column(RULE_DATATYPE, table, column);

	return rule != NULL || installed == NIL ? rule : find_type(column);
}

List *
sdb_objmap_unmatched(List *tables)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, installed)
	{
		const ObjectRule *rule = lfirst(cell);
		bool		found = false;
		ListCell   *table;

		foreach(table, tables)
			found = found || matches(rule, lfirst(table));
		if (!found)
			result = lappend(result,
							 psprintf("%s \"%s\"", kind_names[rule->kind],
									  rule->source));
	}
	return result;
}

/* A name with too few parts would never match. */
static void
check_parts(const ObjectRule *rule)
{
	bool		is_table = rule->kind == RULE_TABLE;
	bool		quoted = false;
	int			nparts = 1;
	const char *p;

	if (rule->kind == RULE_DATATYPE)
		return;
	for (p = rule->source; *p != '\0'; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '.' && !quoted)
			nparts++;
	}
	if (nparts < (is_table ? 2 : 3))
		sdb_objmap_fail(rule, ERRCODE_INVALID_PARAMETER_VALUE,
						psprintf("\"%s\" does not name a %s.", rule->source,
								 is_table ? "table" : "column"),
						is_table ?
						"A table is named by database.table, or database.schema.table." :
						"A column is named by database.table.column, or database.schema.table.column.");
}

/* Error context: what others say about a type or an expression. */
static void
name_parsing(void *arg)
{
	if (parsing != NULL)
		errcontext("%s rule for \"%s\"", kind_names[parsing->kind],
				   parsing->source);
}

/* shop.orders.id|true */
static void
parse_identity(ObjectRule *rule)
{
	char	   *bar = strrchr(rule->source, '|');
	char	   *flag;

	if (bar == NULL)
		return;
	flag = sdb_objmap_fold(bar + 1);
	if (strcmp(flag, "true") == 0)
		rule->identity = RULE_IDENTITY_ONLY;
	else if (strcmp(flag, "false") == 0)
		rule->identity = RULE_IDENTITY_NEVER;
	else
		sdb_objmap_fail(rule, ERRCODE_INVALID_PARAMETER_VALUE,
						psprintf("\"%s\" after the bar is neither \"true\" nor \"false\".",
								 flag),
						"It says whether the rule is for columns that the source numbers.");
	rule->key = sdb_objmap_fold(pnstrdup(rule->source, bar - rule->source));
}

/* varchar|20 */
static void
parse_length(ObjectRule *rule)
{
	char	   *bar = strrchr(rule->target, '|');
	char	   *end;
	long		length;

	rule->length = RULE_LENGTH_KEEP;
	if (bar == NULL)
		return;
	errno = 0;
	length = strtol(bar + 1, &end, 10);
	while (isspace((unsigned char) *end))
		end++;
	if (end == bar + 1 || *end != '\0' || errno != 0 ||
		length < RULE_LENGTH_KEEP || length > PG_INT32_MAX)
		sdb_objmap_fail(rule, ERRCODE_INVALID_PARAMETER_VALUE,
						psprintf("\"%s\" after the bar is no length.", bar + 1),
						"A length is a number from 1, 0 for none, or -1 for that of the source column.");
	rule->length = (int32) length;
	rule->target = sdb_objmap_fold(pnstrdup(rule->target, bar - rule->target));
}

/* As in SQL: folded unless in double quotes; a table's may have a schema. */
static void
parse_target_name(ObjectRule *rule, const char *target)
{
	const char *pos = target;
	bool		is_table = rule->kind == RULE_TABLE;

	rule->target = next_name(&pos);
	if (is_table)
		rule->schema = pstrdup(DEFAULT_SCHEMA);
	if (is_table && rule->target != NULL && *pos == '.')
	{
		pos++;
		rule->schema = rule->target;
		rule->target = next_name(&pos);
	}
	if (rule->target == NULL || *pos != '\0')
		sdb_objmap_fail(rule, ERRCODE_INVALID_NAME,
						psprintf("\"%s\" is not %s.", target,
								 is_table ? "a name, or a schema and a name" :
								 "a name"),
						"Put names with other characters than letters, digits and underscores in double quotes.");
	if (strlen(rule->target) >= NAMEDATALEN ||
		(is_table && strlen(rule->schema) >= NAMEDATALEN))
		sdb_objmap_fail(rule, ERRCODE_NAME_TOO_LONG,
						psprintf("A name in \"%s\" is longer than %d bytes.",
								 target, NAMEDATALEN - 1), NULL);
}

/* The identifier at *pos, which goes past it; NULL if there is none. */
static char *
next_name(const char **pos)
{
	StringInfoData buf;
	const char *p = *pos;
	const char *start;

	initStringInfo(&buf);
	while (isspace((unsigned char) *p))
		p++;
	start = p;
	if (*p == '"')
	{
		for (p++; *p != '\0' && !(p[0] == '"' && p[1] != '"'); p++)
		{
			if (p[0] == '"')
				p++;
			appendStringInfoChar(&buf, *p);
		}
		if (*p++ == '\0')
			return NULL;
	}
	else
	{
		while (isalnum((unsigned char) *p) || *p == '_' || *p == '$' ||
			   IS_HIGHBIT_SET(*p))
			p++;
		appendStringInfoString(&buf,
							   downcase_identifier(start, p - start, false,
												   false));
		if (isdigit((unsigned char) *start))
			return NULL;
	}
	while (isspace((unsigned char) *p))
		p++;
	*pos = p;
	return buf.len > 0 ? buf.data : NULL;
}

static const ObjectRule *
find(RuleKind kind, const char *source, bool identity)
{
	RuleIdentity except = identity ? RULE_IDENTITY_NEVER : RULE_IDENTITY_ONLY;
	char	   *folded = sdb_objmap_fold(source);
	const ObjectRule *result = NULL;
	ListCell   *cell;

	folded[pg_mbcliplen(folded, strlen(folded), NAMEDATALEN - 1)] = '\0';
	foreach(cell, installed)
	{
		const ObjectRule *rule = lfirst(cell);

		if (rule->kind != kind || rule->identity == except ||
			strcmp(rule->key, folded) != 0)
			continue;
		/* one for columns of its sort comes before one for all */
		if (result == NULL || rule->identity != RULE_IDENTITY_ANY)
			result = rule;
	}
	return result;
}

/* "number(10,0)" before "number(10)" before "number" */
static const ObjectRule *
find_type(const SourceColumn *column)
{
	const char *name = column->type_name;
	const ObjectRule *rule = NULL;

	if (column->length >= 0 && column->scale >= 0)
		rule = find(RULE_DATATYPE, psprintf("%s(%d,%d)", name, column->length,
											column->scale), column->identity);
	if (rule == NULL && column->length >= 0)
		rule = find(RULE_DATATYPE, psprintf("%s(%d)", name, column->length),
					column->identity);
	if (rule == NULL)
		rule = find(RULE_DATATYPE, name, column->identity);

	/* what the source numbers keeps its numbers unless the rule says so */
	if (rule != NULL && column->identity &&
		rule->identity == RULE_IDENTITY_ANY)
		return NULL;
	return rule;
}

static bool
matches(const ObjectRule *rule, const SourceTable *table)
{
	if (rule->kind == RULE_TABLE)
		return sdb_objmap_table(table) == rule;
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SourceColumn *column = &table->columns[i];

		if ((rule->kind == RULE_DATATYPE ?
			 sdb_objmap_datatype(table, column) :
			 sdb_objmap_column(rule->kind, table, column)) == rule)
			return true;
	}
	return false;
}
