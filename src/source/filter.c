/*
 * filter.c --- which tables of a source are captured
 *
 * The list is cut at its top-level commas and each entry compiled once, as an
 * advanced regular expression of PostgreSQL.  PostgreSQL 15 keeps compiled
 * expressions outside of memory contexts, so a reset callback frees them.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "regex/regex.h"
#include "utils/memutils.h"

#include "source/filter.h"
#include "util/compat.h"

/* An expression without any of these matches no dot. */
#define DOT_MATCHERS	".[\\"

struct TableFilter
{
	int			nentries;		/* 0: all tables */
	regex_t    *entries;
	char	  **texts;			/* of the entries, as written */
	const char *only;			/* the one name; NULL for a list */
	List	   *without;		/* names that do not match */
	const TableFilter *base;	/* with `without`: what matches otherwise */
	MemoryContextCallback callback;
};

static List *split_list(const char *list);
static char *full_name(const char *database, const char *schema,
					   const char *table);
static bool entry_matches(const regex_t *entry, const char *database,
						  const char *schema, const char *table);
static bool name_matches(const regex_t *entry, const char *name);
static char *trim(char *text);
static void compile(const char *entry, regex_t *result);
pg_noreturn static void fail(const char *entry, const char *reason);
static void free_entries(void *arg);

TableFilter *
sdb_filter_make(const char *list)
{
	TableFilter *filter = palloc0(sizeof(TableFilter));
	List	   *texts;
	ListCell   *lc;

	if (list == NULL || strcmp(list, "null") == 0)
		return filter;
	texts = split_list(list);
	if (texts == NIL)
		return filter;

	filter->entries = palloc0(list_length(texts) * sizeof(regex_t));
	filter->texts = palloc0(list_length(texts) * sizeof(char *));
	filter->callback.func = free_entries;
	filter->callback.arg = filter;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &filter->callback);
	foreach(lc, texts)
	{
		compile(lfirst(lc), &filter->entries[filter->nentries]);
		filter->texts[filter->nentries] = lfirst(lc);
		filter->nentries++;
	}
	return filter;
}

TableFilter *
sdb_filter_without(const TableFilter *base, List *names)
{
	TableFilter *filter = palloc0(sizeof(TableFilter));

	filter->base = base;
	filter->without = names;
	return filter;
}

TableFilter *
sdb_filter_only(const char *name)
{
	TableFilter *filter = palloc0(sizeof(TableFilter));

	filter->only = name;
	return filter;
}

bool
sdb_filter_is_all(const TableFilter *filter)
{
	return filter->nentries == 0 && filter->only == NULL &&
		filter->base == NULL;
}

bool
sdb_filter_matches(const TableFilter *filter, const char *database,
				   const char *schema, const char *table)
{
	char	   *name = full_name(database, schema, table);
	ListCell   *cell;

	if (filter->only != NULL)
		return strcmp(filter->only, name) == 0;
	foreach(cell, filter->without)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return false;
	}
	if (filter->base != NULL)
		return sdb_filter_matches(filter->base, database, schema, table);
	if (filter->nentries == 0)
		return true;

	for (int i = 0; i < filter->nentries; i++)
	{
		if (entry_matches(&filter->entries[i], database, schema, table))
			return true;
	}
	return false;
}

List *
sdb_filter_idle_entries(const TableFilter *filter, List *tables)
{
	List	   *idle = NIL;
	ListCell   *cell;

	for (int i = 0; i < filter->nentries; i++)
	{
		bool		matches = false;

		foreach(cell, tables)
		{
			const SourceTable *table = lfirst(cell);

			matches = matches ||
				entry_matches(&filter->entries[i], table->catalog,
							  table->schema, table->name);
		}
		if (!matches)
			idle = lappend(idle, filter->texts[i]);
	}
	return idle;
}

static char *
full_name(const char *database, const char *schema, const char *table)
{
	return schema != NULL ? psprintf("%s.%s.%s", database, schema, table) :
		psprintf("%s.%s", database, table);
}

/* Where databases have schemas, the database may be left out. */
static bool
entry_matches(const regex_t *entry, const char *database, const char *schema,
			  const char *table)
{
	return name_matches(entry, full_name(database, schema, table)) ||
		(schema != NULL &&
		 name_matches(entry, psprintf("%s.%s", schema, table)));
}

static bool
name_matches(const regex_t *entry, const char *name)
{
	pg_wchar   *wide = palloc((strlen(name) + 1) * sizeof(pg_wchar));
	int			len = pg_mb2wchar(name, wide);
	int			result = pg_regexec(unconstify(regex_t *, entry), wide, len, 0,
									NULL, 0, NULL, 0);

	CHECK_FOR_INTERRUPTS();
	if (result != REG_OKAY && result != REG_NOMATCH)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not match \"%s\" against the list of tables",
						name)));
	pfree(wide);
	return result == REG_OKAY;
}

/*
 * Entries between commas; a comma that is escaped or stands inside brackets
 * or braces belongs to the expression.  Empty entries are left out.
 */
static List *
split_list(const char *list)
{
	List	   *entries = NIL;
	const char *start = list;
	const char *p;
	int			depth = 0;

	for (p = list;; p += pg_mblen(p))
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '(' || *p == '[' || *p == '{')
			depth++;
		else if ((*p == ')' || *p == ']' || *p == '}') && depth > 0)
			depth--;
		else if (*p == '\0' || (*p == ',' && depth == 0))
		{
			char	   *entry = trim(pnstrdup(start, p - start));

			if (*entry != '\0')
				entries = lappend(entries, entry);
			start = p + 1;
		}
		if (*p == '\0')
			return entries;
	}
}

static char *
trim(char *text)
{
	char	   *end;

	while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
		text++;
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' ||
						  end[-1] == '\n' || end[-1] == '\r') &&
		   !(end - 1 > text && end[-2] == '\\'))
		end--;
	*end = '\0';
	return text;
}

static void
compile(const char *entry, regex_t *result)
{
	char	   *anchored = psprintf("^(?:%s)$", entry);
	pg_wchar   *wide;
	char		reason[128];
	int			len;
	int			rc;

	wide = palloc((strlen(anchored) + 1) * sizeof(pg_wchar));
	len = pg_mb2wchar(anchored, wide);
	rc = pg_regcomp(result, wide, len, REG_ADVANCED | REG_ICASE | REG_NOSUB,
					DEFAULT_COLLATION_OID);
	if (rc != REG_OKAY)
	{
		pg_regerror(rc, result, reason, sizeof(reason));
		fail(entry, reason);
	}
	if (strpbrk(entry, DOT_MATCHERS) == NULL)
	{
		pg_regfree(result);
		fail(entry, "it matches no name with a dot");
	}
	pfree(wide);
	pfree(anchored);
}

static void
fail(const char *entry, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid entry \"%s\" in the list of tables: %s",
					entry, reason),
			 errhint("Entries are regular expressions that match database.table.")));
}

/* Reset callback. */
static void
free_entries(void *arg)
{
	TableFilter *filter = arg;
	int			i;

	for (i = 0; i < filter->nentries; i++)
		pg_regfree(&filter->entries[i]);
	filter->nentries = 0;
}
