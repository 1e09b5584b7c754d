/*
 * table.c --- definitions of tables: names, comparison, copies
 *
 * Their form in the catalog is in table_json.c.
 */
#include "postgres.h"

#include "change/table.h"

static void append_part(StringInfo buf, const char *part);
static bool equal_text(const char *a, const char *b);
static bool equal_column(const SourceColumn *a, const SourceColumn *b);
static bool equal_index(const SourceIndex *a, const SourceIndex *b);
static bool equal_foreign_key(const SourceForeignKey *a,
							  const SourceForeignKey *b);
static void copy_index(SourceIndex *to, const SourceIndex *from);
static void copy_foreign_key(SourceForeignKey *to,
							 const SourceForeignKey *from);
static void copy_column(SourceColumn *to, const SourceColumn *from);
static char *copy_text(const char *text);

char *
sdb_table_make_id(const char *catalog, const char *schema, const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_part(&buf, catalog);
	appendStringInfoChar(&buf, '.');
	if (schema)
	{
		append_part(&buf, schema);
		appendStringInfoChar(&buf, '.');
	}
	append_part(&buf, name);
	return buf.data;
}

char *
sdb_table_name_of_id(const char *id)
{
	StringInfoData name;
	bool		quoted = false;

	initStringInfo(&name);
	for (; *id; id++)
	{
		if (*id == '.' && !quoted)
			resetStringInfo(&name);
		else if (*id != '"')
			appendStringInfoChar(&name, *id);
		else if (quoted && id[1] == '"')
			appendStringInfoChar(&name, *id++);
		else
			quoted = !quoted;
	}
	return name.data;
}

char *
sdb_table_quote_part(const char *part)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_part(&buf, part);
	return buf.data;
}

char *
sdb_table_plain_name(const SourceTable *table)
{
	return table->schema == NULL ?
		psprintf("%s.%s", table->catalog, table->name) :
		psprintf("%s.%s.%s", table->catalog, table->schema, table->name);
}

int
sdb_table_find_column(const SourceTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (strcmp(table->columns[i].name, name) == 0)
			return i;
	}
	return -1;
}

int *
sdb_table_match(const SourceTable *before, const SourceTable *after)
{
	int		   *origins = palloc(after->ncolumns * sizeof(int));

	for (int i = 0; i < after->ncolumns; i++)
		origins[i] = sdb_table_find_column(before, after->columns[i].name);
	return origins;
}

const SourceIndex *
sdb_table_find_index(const SourceTable *table, const char *name)
{
	for (int i = 0; i < table->nindexes; i++)
	{
		if (strcmp(table->indexes[i].name, name) == 0)
			return &table->indexes[i];
	}
	return NULL;
}

const SourceForeignKey *
sdb_table_find_foreign_key(const SourceTable *table, const char *name)
{
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		if (strcmp(table->foreign_keys[i].name, name) == 0)
			return &table->foreign_keys[i];
	}
	return NULL;
}

bool
sdb_table_equal(const SourceTable *a, const SourceTable *b)
{
	if (!equal_text(a->catalog, b->catalog) ||
		!equal_text(a->schema, b->schema) ||
		!equal_text(a->name, b->name) ||
		!equal_text(a->comment, b->comment) ||
		!equal_text(a->charset, b->charset) ||
		a->versioned != b->versioned ||
		a->ncolumns != b->ncolumns ||
		a->nkeys != b->nkeys ||
		a->nindexes != b->nindexes ||
		a->nforeign_keys != b->nforeign_keys)
		return false;
	for (int i = 0; i < a->nkeys; i++)
	{
		if (a->keys[i] != b->keys[i])
			return false;
	}
	for (int i = 0; i < a->ncolumns; i++)
	{
		if (!equal_column(&a->columns[i], &b->columns[i]))
			return false;
	}
	for (int i = 0; i < a->nindexes; i++)
	{
		if (!equal_index(&a->indexes[i], &b->indexes[i]))
			return false;
	}
	for (int i = 0; i < a->nforeign_keys; i++)
	{
		if (!equal_foreign_key(&a->foreign_keys[i], &b->foreign_keys[i]))
			return false;
	}
	return true;
}

SourceTable *
sdb_table_copy(const SourceTable *table)
{
	SourceTable *copy = palloc0(sizeof(SourceTable));

	copy->catalog = copy_text(table->catalog);
	copy->schema = copy_text(table->schema);
	copy->name = copy_text(table->name);
	copy->id = copy_text(table->id);
	copy->ncolumns = table->ncolumns;
	copy->columns = palloc0(table->ncolumns * sizeof(SourceColumn));
	for (int i = 0; i < table->ncolumns; i++)
		copy_column(&copy->columns[i], &table->columns[i]);
	copy->nkeys = table->nkeys;
	if (table->nkeys > 0)
	{
		copy->keys = palloc(table->nkeys * sizeof(int));
		memcpy(copy->keys, table->keys, table->nkeys * sizeof(int));
	}
	copy->comment = copy_text(table->comment);
	copy->charset = copy_text(table->charset);
	copy->versioned = table->versioned;
	copy->nindexes = table->nindexes;
	if (table->nindexes > 0)
		copy->indexes = palloc(table->nindexes * sizeof(SourceIndex));
	for (int i = 0; i < table->nindexes; i++)
		copy_index(&copy->indexes[i], &table->indexes[i]);
	copy->nforeign_keys = table->nforeign_keys;
	if (table->nforeign_keys > 0)
		copy->foreign_keys = palloc(table->nforeign_keys *
									sizeof(SourceForeignKey));
	for (int i = 0; i < table->nforeign_keys; i++)
		copy_foreign_key(&copy->foreign_keys[i], &table->foreign_keys[i]);
	copy->estimated_rows = table->estimated_rows;
	return copy;
}

static void
append_part(StringInfo buf, const char *part)
{
	if (!strpbrk(part, ".\""))
	{
		appendStringInfoString(buf, part);
		return;
	}
	appendStringInfoChar(buf, '"');
	for (; *part; part++)
	{
		if (*part == '"')
			appendStringInfoChar(buf, '"');
		appendStringInfoChar(buf, *part);
	}
	appendStringInfoChar(buf, '"');
}

static bool
equal_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool
equal_column(const SourceColumn *a, const SourceColumn *b)
{
	if (!equal_text(a->name, b->name) ||
		!equal_text(a->type_name, b->type_name) ||
		a->kind != b->kind ||
		a->length != b->length ||
		a->scale != b->scale ||
		a->not_null != b->not_null ||
		a->identity != b->identity ||
		a->generated != b->generated ||
		a->row_end != b->row_end ||
		a->default_kind != b->default_kind ||
		!equal_text(a->default_value, b->default_value) ||
		!equal_text(a->charset, b->charset) ||
		!equal_text(a->recommended, b->recommended) ||
		!equal_text(a->comment, b->comment) ||
		a->nlabels != b->nlabels)
		return false;
	for (int i = 0; i < a->nlabels; i++)
	{
		if (strcmp(a->labels[i], b->labels[i]) != 0)
			return false;
	}
	return true;
}

static bool
equal_index(const SourceIndex *a, const SourceIndex *b)
{
	if (!equal_text(a->name, b->name) ||
		a->unique != b->unique ||
		a->special != b->special ||
		a->nparts != b->nparts)
		return false;
	for (int i = 0; i < a->nparts; i++)
	{
		if (a->parts[i].column != b->parts[i].column ||
			a->parts[i].prefix != b->parts[i].prefix ||
			a->parts[i].descending != b->parts[i].descending)
			return false;
	}
	return true;
}

static bool
equal_foreign_key(const SourceForeignKey *a, const SourceForeignKey *b)
{
	if (!equal_text(a->name, b->name) ||
		!equal_text(a->catalog, b->catalog) ||
		!equal_text(a->schema, b->schema) ||
		!equal_text(a->table, b->table) ||
		a->on_delete != b->on_delete ||
		a->on_update != b->on_update ||
		a->ncolumns != b->ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		if (a->columns[i] != b->columns[i] ||
			strcmp(a->referenced[i], b->referenced[i]) != 0)
			return false;
	}
	return true;
}

static void
copy_index(SourceIndex *to, const SourceIndex *from)
{
	*to = *from;
	to->name = pstrdup(from->name);
	to->parts = palloc(from->nparts * sizeof(SourceIndexPart));
	memcpy(to->parts, from->parts, from->nparts * sizeof(SourceIndexPart));
}

static void
copy_foreign_key(SourceForeignKey *to, const SourceForeignKey *from)
{
	*to = *from;
	to->name = pstrdup(from->name);
	to->catalog = pstrdup(from->catalog);
	to->schema = copy_text(from->schema);
	to->table = pstrdup(from->table);
	to->columns = palloc(from->ncolumns * sizeof(int));
	memcpy(to->columns, from->columns, from->ncolumns * sizeof(int));
	to->referenced = palloc(from->ncolumns * sizeof(char *));
	for (int i = 0; i < from->ncolumns; i++)
		to->referenced[i] = pstrdup(from->referenced[i]);
}

static void
copy_column(SourceColumn *to, const SourceColumn *from)
{
	*to = *from;
	to->name = copy_text(from->name);
	to->type_name = copy_text(from->type_name);
	to->default_value = copy_text(from->default_value);
	to->charset = copy_text(from->charset);
	to->recommended = copy_text(from->recommended);
	to->comment = copy_text(from->comment);
	to->labels = NULL;
	if (from->nlabels > 0)
		to->labels = palloc(from->nlabels * sizeof(char *));
	for (int i = 0; i < from->nlabels; i++)
		to->labels[i] = pstrdup(from->labels[i]);
}

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}
