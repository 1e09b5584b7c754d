/*
 * mysql_resolve.c --- what a statement makes of a definition
 *
 * ALTER TABLE is applied as the servers do it.  Clauses name columns as they
 * were before the statement.  First each old column is dropped, changed or
 * renamed where it stands; then come, in the order of the clauses, new columns
 * and those that move, with FIRST and AFTER looking at the names that the
 * columns have by then.  At last keys, which see the new names only.
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "source/mysql/mysql_keys.h"
#include "source/mysql/mysql_resolve.h"

/* WorkColumn --- a column of the definition being made */
typedef struct WorkColumn
{
	SourceColumn column;
	int			origin;			/* idx0 before; -1 for a new one */
	bool		redefined;		/* by the statement */
	bool		zero_default;	/* see sdb_mysql_resolve_column */
} WorkColumn;

/* Work --- a definition being made */
typedef struct Work
{
	const MysqlResolver *resolver;
	const MysqlStatement *statement;
	SourceTable *after;
	List	   *columns;		/* of WorkColumn * */
	List	   *keys;			/* of WorkColumn *: the primary key */
	char	  **reason;
} Work;

static bool add_columns(Work *work);
static bool add_keys(Work *work, List *keys);
static void set_options(Work *work, const MysqlOptions *options);
static void set_first_timestamp(Work *work);
static bool change_columns(Work *work, const SourceTable *before);
static bool change_column(Work *work, WorkColumn *column, bool *stays);
static bool place_columns(Work *work, List *old_columns);
static bool place_column(Work *work, WorkColumn *column,
						 const MysqlPlace *place);
static bool resolve_column(Work *work, const MysqlColumnDef *def,
						   WorkColumn *column);
static bool recomputes(const Work *work, const SourceTable *before);
static bool alter_keys(Work *work);
static bool has_json(const Work *work);
static void set_not_null(Work *work, const MysqlKeyDef *period);
static bool set_primary_key(Work *work, const MysqlKeyDef *key);
static bool check_names(Work *work, const SourceTable *before);
static void convert_columns(Work *work);
static void finish(Work *work, int **origins);
static WorkColumn *find_column(List *columns, const char *name);
static bool is_action_on(const MysqlAlterAction *action, const char *name);
static bool same_name(const char *a, const char *b);

SourceTable *
sdb_mysql_resolve_create(const MysqlResolver *resolver,
						 const MysqlStatement *statement,
						 const char *database, const char *name,
						 char **reason)
{
	Work		work = {resolver, statement};

	work.reason = reason;
	work.after = palloc0(sizeof(SourceTable));
	work.after->catalog = pstrdup(database);
	work.after->name = pstrdup(name);
	work.after->id = sdb_table_make_id(database, NULL, name);
	work.after->estimated_rows = -1;
	work.after->charset = unconstify(char *, resolver->database_charset);
	set_options(&work, &statement->options);
	work.after->versioned = statement->options.system_versioning;
	if (!add_columns(&work) || !add_keys(&work, statement->keys))
		return NULL;
	finish(&work, NULL);
	sdb_mysql_keys_create(resolver->dialect, statement, work.after);
	return work.after;
}

SourceTable *
sdb_mysql_resolve_like(const SourceTable *other, const char *name)
{
	SourceTable *table = sdb_table_copy(other);

	table->name = pstrdup(name);
	table->id = sdb_table_make_id(table->catalog, table->schema, name);
	table->estimated_rows = -1;
	table->nforeign_keys = 0;	/* they do not come along */
	return table;
}

bool
sdb_mysql_resolve_alter(const MysqlResolver *resolver,
						const SourceTable *before,
						const MysqlStatement *statement,
						MysqlAltered *altered, char **reason)
{
	Work		work = {resolver, statement};
	ListCell   *lc;

	work.reason = reason;
	work.after = sdb_table_copy(before);
	altered->moves_rows = false;
	foreach(lc, statement->actions)
	{
		MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_ADD_VERSIONING ||
			action->kind == ALTER_DROP_VERSIONING)
			work.after->versioned = action->kind == ALTER_ADD_VERSIONING;
		if (action->kind == ALTER_MOVE_ROWS)
			altered->moves_rows = true;
		if (action->kind == ALTER_OPTIONS ||
			action->kind == ALTER_CONVERT_CHARSET)
			set_options(&work, &action->options);
	}
	if (!check_names(&work, before) || !change_columns(&work, before) ||
		!alter_keys(&work))
		return false;
	altered->moves_rows |= recomputes(&work, before);
	convert_columns(&work);
	finish(&work, &altered->origins);
	sdb_mysql_keys_alter(resolver->dialect, statement, before,
						 altered->origins, work.after);
	altered->after = work.after;
	return true;
}

static bool
add_columns(Work *work)
{
	ListCell   *lc;

	foreach(lc, work->statement->columns)
	{
		const MysqlColumnDef *def = lfirst(lc);
		WorkColumn *column = palloc0(sizeof(WorkColumn));

		column->origin = -1;
		if (!resolve_column(work, def, column))
			return false;
		work->columns = lappend(work->columns, column);
		work->after->versioned |= def->is_versioned;
		if (def->is_primary)
			work->keys = list_make1(column);
	}
	return true;
}

static bool
add_keys(Work *work, List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		const MysqlKeyDef *key = lfirst(lc);
		WorkColumn *column;

		if (key->kind == MYSQL_KEY_PRIMARY && !set_primary_key(work, key))
			return false;
		if (key->kind == MYSQL_KEY_PERIOD)
			set_not_null(work, key);
		/* MariaDB: JSON in other words */
		if (key->json_column == NULL || !work->resolver->dialect->is_mariadb)
			continue;
		column = find_column(work->columns, key->json_column);
		if (column != NULL && column->column.kind == VALUE_TEXT &&
			strstr(column->column.type_name, "text") != NULL)
		{
			column->column.type_name = pstrdup("json");
			column->column.kind = VALUE_JSON;
		}
	}
	return true;
}

static void
set_options(Work *work, const MysqlOptions *options)
{
	SourceTable *table = work->after;
	const char *charset;

	charset = sdb_mysql_resolve_charset(work->resolver, &options->charset,
										table->charset);
	table->charset = charset != NULL ? pstrdup(charset) : NULL;
	if (options->comment != NULL)
		table->comment = options->comment->len == 0 ? NULL :
			sdb_mysql_resolve_text(work->resolver, options->comment);
}

/* The first TIMESTAMP of a table is kept up to date, if nothing is said. */
static void
set_first_timestamp(Work *work)
{
	ListCell   *lc;

	foreach(lc, work->columns)
	{
		WorkColumn *column = lfirst(lc);

		if (strcmp(column->column.type_name, "timestamp") != 0)
			continue;
		if (column->zero_default)
			column->column.default_kind = DEFAULT_NOW;
		return;
	}
}

/* Everything that is named must be there, or have IF EXISTS. */
static bool
check_names(Work *work, const SourceTable *before)
{
	ListCell   *lc;

	foreach(lc, work->statement->actions)
	{
		MysqlAlterAction *action = lfirst(lc);
		bool		found = false;

		if (action->if_exists || action->name == NULL ||
			(action->kind != ALTER_CHANGE_COLUMN &&
			 action->kind != ALTER_DROP_COLUMN &&
			 action->kind != ALTER_RENAME_COLUMN &&
			 action->kind != ALTER_SET_DEFAULT &&
			 action->kind != ALTER_DROP_DEFAULT))
			continue;
		for (int i = 0; i < before->ncolumns && !found; i++)
			found = same_name(before->columns[i].name, action->name);
		if (!found)
		{
			*work->reason = psprintf("column \"%s\" is not known",
									 action->name);
			return false;
		}
	}
	return true;
}

static bool
change_columns(Work *work, const SourceTable *before)
{
	SourceTable *copy = sdb_table_copy(before);
	List	   *old_columns = NIL;

	for (int i = 0; i < copy->ncolumns; i++)
	{
		WorkColumn *column = palloc0(sizeof(WorkColumn));

		column->column = copy->columns[i];
		column->origin = i;
		old_columns = lappend(old_columns, column);
	}
	for (int i = 0; i < before->nkeys; i++)
		work->keys = lappend(work->keys,
							 list_nth(old_columns, before->keys[i]));

	for (int i = 0; i < before->ncolumns; i++)
	{
		WorkColumn *column = list_nth(old_columns, i);
		bool		stays = true;

		if (!change_column(work, column, &stays))
			return false;
		if (stays)
			work->columns = lappend(work->columns, column);
	}
	return place_columns(work, old_columns);
}

/* Does what the statement does to an old column; stays: it is not moved. */
static bool
change_column(Work *work, WorkColumn *column, bool *stays)
{
	char	   *old_name = pstrdup(column->column.name);
	ListCell   *lc;

	foreach(lc, work->statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (!is_action_on(action, old_name))
			continue;
		switch (action->kind)
		{
			case ALTER_DROP_COLUMN:
				*stays = false;
				work->keys = list_delete_ptr(work->keys, column);
				break;
			case ALTER_CHANGE_COLUMN:
				if (!resolve_column(work, action->column, column))
					return false;
				*stays = action->column->place.kind == MYSQL_PLACE_ABSENT;
				break;
			case ALTER_RENAME_COLUMN:
				column->column.name = pstrdup(action->new_name);
				break;
			case ALTER_SET_DEFAULT:
				sdb_mysql_resolve_default(work->resolver, &action->value,
										  &column->column);
				break;
			case ALTER_DROP_DEFAULT:
				column->column.default_kind = DEFAULT_NONE;
				column->column.default_value = NULL;
				break;
			default:
				break;
		}
	}
	return true;
}

/* New columns, and those with a new place */
static bool
place_columns(Work *work, List *old_columns)
{
	ListCell   *lc;

	foreach(lc, work->statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);
		WorkColumn *column = NULL;

		if (action->kind == ALTER_ADD_COLUMN)
		{
			if (find_column(work->columns, action->column->name) != NULL)
			{
				/* IF NOT EXISTS */
				if (action->if_exists)
					continue;
				*work->reason = psprintf("column \"%s\" exists already",
										 action->column->name);
				return false;
			}
			column = palloc0(sizeof(WorkColumn));
			column->origin = -1;
			if (!resolve_column(work, action->column, column))
				return false;
		}
		else if (action->kind == ALTER_CHANGE_COLUMN)
		{
			ListCell   *old;

			if (action->column->place.kind == MYSQL_PLACE_ABSENT)
				continue;
			foreach(old, old_columns)
			{
				WorkColumn *candidate = lfirst(old);

				if (candidate->redefined &&
					same_name(candidate->column.name, action->column->name) &&
					!list_member_ptr(work->columns, candidate))
					column = candidate;
			}
		}
		if (column != NULL &&
			!place_column(work, column, &action->column->place))
			return false;
	}
	return true;
}

static bool
place_column(Work *work, WorkColumn *column, const MysqlPlace *place)
{
	ListCell   *lc;

	switch (place->kind)
	{
		case MYSQL_PLACE_ABSENT:
			work->columns = lappend(work->columns, column);
			return true;
		case MYSQL_PLACE_FIRST:
			work->columns = lcons(column, work->columns);
			return true;
		case MYSQL_PLACE_AFTER:
			foreach(lc, work->columns)
			{
				WorkColumn *other = lfirst(lc);

				if (!same_name(other->column.name, place->after))
					continue;
				work->columns = list_insert_nth(work->columns,
												foreach_current_index(lc) + 1,
												column);
				return true;
			}
			break;
	}
	*work->reason = psprintf("column \"%s\" is not known", place->after);
	return false;
}

static bool
resolve_column(Work *work, const MysqlColumnDef *def, WorkColumn *column)
{
	column->redefined = true;
	return sdb_mysql_resolve_column(work->resolver, def, work->after->id,
									work->after->charset,
									&column->column, &column->zero_default,
									work->reason);
}

/*
 * Did a generated column get other values?  Its expression, which is not
 * known, may be another one, or come to something else by a column's new type.
 */
static bool
recomputes(const Work *work, const SourceTable *before)
{
	bool		generates = false;
	bool		changes = false;
	ListCell   *lc;

	foreach(lc, work->columns)
	{
		const WorkColumn *column = lfirst(lc);
		const SourceColumn *old;

		if (column->origin < 0)
			continue;
		old = &before->columns[column->origin];
		if (!column->column.generated || !old->generated)
			changes |= column->redefined &&
				(strcmp(column->column.type_name, old->type_name) != 0 ||
				 column->column.length != old->length ||
				 column->column.scale != old->scale);
		/* a row's own times are none that other columns make */
		else if (work->after->versioned &&
				 column->column.kind == VALUE_TIMESTAMPTZ)
			continue;
		else if (column->redefined)
			return true;
		else
			generates = true;
	}
	return generates && changes;
}

static bool
alter_keys(Work *work)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, work->statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_DROP_PRIMARY)
			work->keys = NIL;
		/* was it what made a column JSON?  its own type is not known */
		if (action->kind == ALTER_DROP_CONSTRAINT &&
			work->resolver->dialect->is_mariadb && has_json(work))
		{
			*work->reason = psprintf("constraint \"%s\" may have made a column JSON",
									 action->name);
			return false;
		}
	}
	foreach(lc, work->statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->column != NULL && action->column->is_primary)
		{
			WorkColumn *column = find_column(work->columns,
											 action->column->name);

			if (column != NULL)
				work->keys = list_make1(column);
		}
		if (action->kind == ALTER_ADD_KEY &&
			!(action->key->if_not_exists && work->keys != NIL &&
			  action->key->kind == MYSQL_KEY_PRIMARY))
			keys = lappend(keys, action->key);
	}
	return add_keys(work, keys);
}

static bool
has_json(const Work *work)
{
	ListCell   *lc;

	foreach(lc, work->columns)
	{
		if (((WorkColumn *) lfirst(lc))->column.kind == VALUE_JSON)
			return true;
	}
	return false;
}

/* The columns of a period */
static void
set_not_null(Work *work, const MysqlKeyDef *period)
{
	ListCell   *lc;

	foreach(lc, period->parts)
	{
		const MysqlKeyPart *part = lfirst(lc);
		WorkColumn *column = find_column(work->columns, part->column);

		if (column != NULL)
			column->column.not_null = true;
	}
}

static bool
set_primary_key(Work *work, const MysqlKeyDef *key)
{
	ListCell   *lc;

	work->keys = NIL;
	foreach(lc, key->parts)
	{
		const MysqlKeyPart *part = lfirst(lc);
		WorkColumn *column = part->column != NULL ?
			find_column(work->columns, part->column) : NULL;

		if (part->is_period)
		{
			*work->reason = pstrdup("the primary key has a period");
			return false;
		}
		if (column == NULL)
		{
			*work->reason = pstrdup("a column of the primary key is not known");
			return false;
		}
		/* every row of the present has the same */
		if (!column->column.row_end)
			work->keys = lappend(work->keys, column);
	}
	return true;
}

/* CONVERT TO CHARACTER SET: all columns of text */
static void
convert_columns(Work *work)
{
	ListCell   *action;
	ListCell   *lc;
	bool		converts = false;

	foreach(action, work->statement->actions)
	{
		if (((MysqlAlterAction *) lfirst(action))->kind == ALTER_CONVERT_CHARSET)
			converts = true;
	}
	if (!converts || work->after->charset == NULL)
		return;
	foreach(lc, work->columns)
	{
		WorkColumn *column = lfirst(lc);

		if (column->column.charset != NULL)
			sdb_mysql_resolve_convert(&column->column, work->after->charset);
	}
}

/* From lists to arrays */
static void
finish(Work *work, int **origins)
{
	SourceTable *table = work->after;
	ListCell   *lc;

	table->ncolumns = list_length(work->columns);
	table->columns = palloc0(table->ncolumns * sizeof(SourceColumn));
	table->nkeys = list_length(work->keys);
	table->keys = table->nkeys > 0 ? palloc0(table->nkeys * sizeof(int)) : NULL;
	if (origins != NULL)
		*origins = palloc(table->ncolumns * sizeof(int));
	set_first_timestamp(work);

	foreach(lc, work->keys)
		((WorkColumn *) lfirst(lc))->column.not_null = true;
	foreach(lc, work->columns)
	{
		WorkColumn *column = lfirst(lc);
		int			idx0 = foreach_current_index(lc);
		ListCell   *key;

		table->columns[idx0] = column->column;
		if (origins != NULL)
			(*origins)[idx0] = column->origin;
		foreach(key, work->keys)
		{
			if (lfirst(key) == column)
				table->keys[foreach_current_index(key)] = idx0;
		}
	}
}

static WorkColumn *
find_column(List *columns, const char *name)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		WorkColumn *column = lfirst(lc);

		if (same_name(column->column.name, name))
			return column;
	}
	return NULL;
}

static bool
is_action_on(const MysqlAlterAction *action, const char *name)
{
	return action->name != NULL && same_name(action->name, name);
}

/* Names of columns are compared without case. */
static bool
same_name(const char *a, const char *b)
{
	return pg_strcasecmp(a, b) == 0;
}
