/*
 * mysql_keys.c --- indexes and foreign keys, from statements to definitions
 *
 * InnoDB makes an index for a foreign key that has none, and forgets it when
 * another serves.  Here it stays then: two indexes of the same columns are one
 * to the engine.
 */
#include "postgres.h"

#include "guc.h"
#include "source/mysql/mysql_keys.h"

static void sort_keys(SourceTable *table);
static int	compare_indexes(const void *a, const void *b);
static int	compare_foreign_keys(const void *a, const void *b);
static void carry_indexes(const SourceTable *before, const int *origins,
						  SourceTable *after);
static void carry_foreign_keys(const SourceTable *before, const int *origins,
							   SourceTable *after);
static int	find_new(const int *origins, int ncolumns, int origin);
static void drop_keys(const MysqlStatement *statement, SourceTable *table);
static bool drop_index(SourceTable *table, const char *name);
static bool drop_foreign_key(SourceTable *table, const char *name);
static void add_column_keys(const MysqlDialect *dialect, SourceTable *table,
							const MysqlColumnDef *column);
static void add_key(SourceTable *table, const MysqlKeyDef *key);
static void add_index(SourceTable *table, const MysqlKeyDef *key,
					  const char *name);
static void add_foreign_key(SourceTable *table, const MysqlKeyDef *key);
static bool is_indexed(const SourceTable *table, const SourceForeignKey *key);
static SourceIndex *append_index(SourceTable *table);
static char *free_index_name(const SourceTable *table,
							 const MysqlKeyDef *key);
static char *free_foreign_key_name(const SourceTable *table);
static ForeignKeyAction read_action(const char *action);
static SourceIndex *find_index(const SourceTable *table, const char *name);
static int	find_column(const SourceTable *table, const char *name);

void
sdb_mysql_keys_create(const MysqlDialect *dialect,
					  const MysqlStatement *statement, SourceTable *table)
{
	ListCell   *lc;

	if (!sdb_guc_replicate_indexes)
		return;
	foreach(lc, statement->columns)
		add_column_keys(dialect, table, lfirst(lc));
	foreach(lc, statement->keys)
		add_key(table, lfirst(lc));
	sort_keys(table);
}

void
sdb_mysql_keys_alter(const MysqlDialect *dialect,
					 const MysqlStatement *statement,
					 const SourceTable *before, const int *origins,
					 SourceTable *after)
{
	ListCell   *lc;

	carry_indexes(before, origins, after);
	carry_foreign_keys(before, origins, after);
	drop_keys(statement, after);
	if (!sdb_guc_replicate_indexes)
		return;
	foreach(lc, statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->column != NULL)
			add_column_keys(dialect, after, action->column);
		if (action->kind == ALTER_ADD_KEY)
			add_key(after, action->key);
	}
	sort_keys(after);
}

/* The servers show them in an order that depends on the past. */
static void
sort_keys(SourceTable *table)
{
	qsort(table->indexes, table->nindexes, sizeof(SourceIndex),
		  compare_indexes);
	qsort(table->foreign_keys, table->nforeign_keys,
		  sizeof(SourceForeignKey), compare_foreign_keys);
}

static int
compare_indexes(const void *a, const void *b)
{
	return strcmp(((const SourceIndex *) a)->name,
				  ((const SourceIndex *) b)->name);
}

static int
compare_foreign_keys(const void *a, const void *b)
{
	return strcmp(((const SourceForeignKey *) a)->name,
				  ((const SourceForeignKey *) b)->name);
}

/* A column that goes leaves its indexes; one without columns is gone. */
static void
carry_indexes(const SourceTable *before, const int *origins,
			  SourceTable *after)
{
	after->nindexes = 0;
	after->indexes = NULL;
	for (int i = 0; i < before->nindexes; i++)
	{
		const SourceIndex *old = &before->indexes[i];
		SourceIndex *index = append_index(after);

		*index = *old;
		index->name = pstrdup(old->name);
		index->nparts = 0;
		index->parts = palloc(old->nparts * sizeof(SourceIndexPart));
		for (int j = 0; j < old->nparts; j++)
		{
			SourceIndexPart part = old->parts[j];

			if (part.column >= 0)
			{
				part.column = find_new(origins, after->ncolumns, part.column);
				if (part.column < 0)
					continue;
			}
			index->parts[index->nparts++] = part;
		}
		if (index->nparts == 0)
			after->nindexes--;
	}
}

static void
carry_foreign_keys(const SourceTable *before, const int *origins,
				   SourceTable *after)
{
	const SourceTable *copy = sdb_table_copy(before);

	after->nforeign_keys = 0;
	after->foreign_keys = copy->foreign_keys;
	for (int i = 0; i < copy->nforeign_keys; i++)
	{
		SourceForeignKey *key = &copy->foreign_keys[i];
		bool		complete = true;

		for (int j = 0; j < key->ncolumns; j++)
		{
			key->columns[j] = find_new(origins, after->ncolumns,
									   key->columns[j]);
			complete &= key->columns[j] >= 0;
		}
		if (complete)
			after->foreign_keys[after->nforeign_keys++] = *key;
	}
}

/* idx0 of the column that has that origin; -1 if there is none. */
static int
find_new(const int *origins, int ncolumns, int origin)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (origins[i] == origin)
			return i;
	}
	return -1;
}

static void
drop_keys(const MysqlStatement *statement, SourceTable *table)
{
	ListCell   *lc;

	foreach(lc, statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);
		SourceIndex *index;

		switch (action->kind)
		{
			case ALTER_DROP_KEY:
				drop_index(table, action->name);
				break;
			case ALTER_DROP_FOREIGN:
				drop_foreign_key(table, action->name);
				break;
			case ALTER_DROP_CONSTRAINT:
				if (!drop_foreign_key(table, action->name))
					drop_index(table, action->name);
				break;
			case ALTER_RENAME_KEY:
				index = find_index(table, action->name);
				if (index != NULL)
					index->name = pstrdup(action->new_name);
				break;
			default:
				break;
		}
	}
}

static bool
drop_index(SourceTable *table, const char *name)
{
	SourceIndex *index = find_index(table, name);

	if (index == NULL)
		return false;
	table->nindexes--;
	memmove(index, index + 1,
			(table->indexes + table->nindexes - index) * sizeof(SourceIndex));
	return true;
}

static bool
drop_foreign_key(SourceTable *table, const char *name)
{
	for (int i = 0; i < table->nforeign_keys; i++)
	{
		SourceForeignKey *key = &table->foreign_keys[i];

		if (pg_strcasecmp(key->name, name) != 0)
			continue;
		table->nforeign_keys--;
		memmove(key, key + 1,
				(table->nforeign_keys - i) * sizeof(SourceForeignKey));
		return true;
	}
	return false;
}

/* UNIQUE and REFERENCES of a column; MySQL takes the latter for a comment. */
static void
add_column_keys(const MysqlDialect *dialect, SourceTable *table,
				const MysqlColumnDef *column)
{
	MysqlKeyPart part = {.column = column->name};
	MysqlKeyDef key = {.kind = MYSQL_KEY_UNIQUE};

	key.parts = list_make1(&part);
	if (column->is_unique)
		add_key(table, &key);
	if (column->references != NULL && dialect->is_mariadb)
	{
		key = *column->references;
		if (key.parts == NIL)
			key.parts = list_make1(&part);
		add_key(table, &key);
	}
}

static void
add_key(SourceTable *table, const MysqlKeyDef *key)
{
	const char *name = key->name != NULL ? key->name : key->constraint;

	switch (key->kind)
	{
		case MYSQL_KEY_UNIQUE:
		case MYSQL_KEY_INDEX:
		case MYSQL_KEY_SPECIAL:
			if (name == NULL)
				name = free_index_name(table, key);
			if (find_index(table, name) == NULL)
				add_index(table, key, name);
			break;
		case MYSQL_KEY_FOREIGN:
			add_foreign_key(table, key);
			break;
		case MYSQL_KEY_PRIMARY:
		case MYSQL_KEY_CHECK:
		case MYSQL_KEY_PERIOD:
			break;
	}
}

static void
add_index(SourceTable *table, const MysqlKeyDef *key, const char *name)
{
	SourceIndex *index = append_index(table);
	ListCell   *lc;

	memset(index, 0, sizeof(SourceIndex));
	index->name = pstrdup(name);
	index->unique = key->kind == MYSQL_KEY_UNIQUE;
	index->special = key->kind == MYSQL_KEY_SPECIAL || key->without_overlaps;
	index->parts = palloc0(list_length(key->parts) * sizeof(SourceIndexPart));
	foreach(lc, key->parts)
	{
		const MysqlKeyPart *part = lfirst(lc);
		int			column = part->column != NULL ?
			find_column(table, part->column) : -1;
		SourceIndexPart *to;

		if (index->unique && column >= 0 && table->columns[column].row_end)
			continue;
		to = &index->parts[index->nparts++];
		to->column = column;
		to->prefix = part->prefix;
		to->descending = part->descending;
	}
}

static void
add_foreign_key(SourceTable *table, const MysqlKeyDef *key)
{
	int			ncolumns = list_length(key->parts);
	const char *name = key->constraint;
	SourceForeignKey *to;
	ListCell   *lc;

	if (name == NULL)
		name = free_foreign_key_name(table);
	if (sdb_table_find_foreign_key(table, name) != NULL ||
		list_length(key->referenced) != ncolumns)
		return;
	table->foreign_keys = table->foreign_keys == NULL ?
		palloc(sizeof(SourceForeignKey)) :
		repalloc(table->foreign_keys,
				 (table->nforeign_keys + 1) * sizeof(SourceForeignKey));
	to = &table->foreign_keys[table->nforeign_keys];
	memset(to, 0, sizeof(SourceForeignKey));
	to->name = pstrdup(name);
	to->catalog = pstrdup(key->references->database != NULL ?
						  key->references->database : table->catalog);
	to->table = pstrdup(key->references->table);
	to->on_delete = read_action(key->on_delete);
	to->on_update = read_action(key->on_update);
	to->columns = palloc(ncolumns * sizeof(int));
	to->referenced = palloc(ncolumns * sizeof(char *));
	foreach(lc, key->parts)
	{
		const MysqlKeyPart *part = lfirst(lc);
		int			column = part->column != NULL ?
			find_column(table, part->column) : -1;

		if (column < 0)
			return;
		to->columns[to->ncolumns] = column;
		to->referenced[to->ncolumns] = pstrdup(list_nth(key->referenced,
														to->ncolumns));
		to->ncolumns++;
	}
	table->nforeign_keys++;
	if (!is_indexed(table, to))
		add_index(table, key, key->constraint != NULL ? key->constraint :
				  key->name != NULL ? key->name :
				  free_index_name(table, key));
}

/* Does an index begin with the columns of the foreign key? */
static bool
is_indexed(const SourceTable *table, const SourceForeignKey *key)
{
	bool		indexed = key->ncolumns <= table->nkeys &&
		memcmp(key->columns, table->keys, key->ncolumns * sizeof(int)) == 0;

	for (int i = 0; i < table->nindexes && !indexed; i++)
	{
		const SourceIndex *index = &table->indexes[i];

		indexed = key->ncolumns <= index->nparts && !index->special;
		for (int j = 0; j < key->ncolumns && indexed; j++)
			indexed = index->parts[j].column == key->columns[j];
	}
	return indexed;
}

static SourceIndex *
append_index(SourceTable *table)
{
	table->indexes = table->indexes == NULL ? palloc(sizeof(SourceIndex)) :
		repalloc(table->indexes, (table->nindexes + 1) * sizeof(SourceIndex));
	return &table->indexes[table->nindexes++];
}

/* The first column's name; with _2, _3, ... if that is taken. */
static char *
free_index_name(const SourceTable *table, const MysqlKeyDef *key)
{
	const MysqlKeyPart *part = linitial(key->parts);
	char	   *base = part->column != NULL ? part->column :
		"functional_index";
	char	   *name = base;

	for (int n = 2; find_index(table, name) != NULL; n++)
		name = psprintf("%s_%d", base, n);
	return name;
}

/* table_ibfk_N, N being larger than any there is. */
static char *
free_foreign_key_name(const SourceTable *table)
{
	char	   *start = psprintf("%s_ibfk_", table->name);
	int			last = 0;

	for (int i = 0; i < table->nforeign_keys; i++)
	{
		const char *name = table->foreign_keys[i].name;

		if (pg_strncasecmp(name, start, strlen(start)) == 0)
			last = Max(last, atoi(name + strlen(start)));
	}
	return psprintf("%s%d", start, last + 1);
}

static ForeignKeyAction
read_action(const char *action)
{
	static const struct
	{
		const char *text;
		ForeignKeyAction action;
	}			actions[] = {
		{"RESTRICT", FOREIGN_KEY_RESTRICT},
		{"CASCADE", FOREIGN_KEY_CASCADE},
		{"SET NULL", FOREIGN_KEY_SET_NULL},
		{"SET DEFAULT", FOREIGN_KEY_SET_DEFAULT},
	};

	for (int i = 0; action != NULL && i < lengthof(actions); i++)
	{
		if (pg_strcasecmp(actions[i].text, action) == 0)
			return actions[i].action;
	}
	return FOREIGN_KEY_NO_ACTION;
}

/* Names of indexes and columns are compared without case. */
static SourceIndex *
find_index(const SourceTable *table, const char *name)
{
	for (int i = 0; i < table->nindexes; i++)
	{
		if (pg_strcasecmp(table->indexes[i].name, name) == 0)
			return &table->indexes[i];
	}
	return NULL;
}

static int
find_column(const SourceTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (pg_strcasecmp(table->columns[i].name, name) == 0)
			return i;
	}
	return -1;
}
