/*
 * mysql_parse_alter.c --- the clauses of ALTER TABLE
 */
#include "postgres.h"

#include "source/mysql/mysql_parser.h"

/* Maintenance of partitions; the rows stay. */
static const char *const partition_words[] = {
	"COALESCE", "REORGANIZE", "OPTIMIZE", "ANALYZE", "CHECK", "REBUILD",
	"REPAIR"
};

/* Clauses of two words that neither change rows nor the definition */
static const char *const idle_clauses[][2] = {
	{"ENABLE", "KEYS"},
	{"DISABLE", "KEYS"},
	{"WITH", "VALIDATION"},
	{"WITHOUT", "VALIDATION"},
	{"REMOVE", "PARTITIONING"},
	{"UPGRADE", "PARTITIONING"}
};

/* They take rows in or out without logging them. */
static const char *const row_movers[][2] = {
	{"DISCARD", "TABLESPACE"},
	{"IMPORT", "TABLESPACE"},
	{"DISCARD", "PARTITION"},
	{"IMPORT", "PARTITION"},
	{"TRUNCATE", "PARTITION"},
	{"DROP", "PARTITION"}
};

static void parse_action(MysqlParser *p, MysqlStatement *statement);
static bool parse_idle_clause(MysqlParser *p);
static bool parse_row_mover(MysqlParser *p, MysqlStatement *statement);
static void parse_add(MysqlParser *p, MysqlStatement *statement);
static void parse_add_list(MysqlParser *p, MysqlStatement *statement,
						   bool if_not_exists);
static void parse_drop(MysqlParser *p, MysqlStatement *statement);
static void parse_drop_key(MysqlParser *p, MysqlStatement *statement);
static void parse_change(MysqlParser *p, MysqlStatement *statement,
						 bool has_old_name);
static void parse_alter(MysqlParser *p, MysqlStatement *statement);
static void parse_rename(MysqlParser *p, MysqlStatement *statement);
static void parse_convert(MysqlParser *p, MysqlStatement *statement);
static void parse_order(MysqlParser *p);
static void parse_options(MysqlParser *p, MysqlStatement *statement);
static MysqlAlterAction *add_action(MysqlStatement *statement,
									MysqlAlterKind kind);

void
sdb_mysql_parse_alter_actions(MysqlParser *p, MysqlStatement *statement)
{
	while (!sdb_mysql_parser_at_end(p) && !sdb_mysql_parser_is(p, ";"))
	{
		parse_action(p, statement);
		(void) sdb_mysql_parser_accept(p, ",");
	}
}

static void
parse_action(MysqlParser *p, MysqlStatement *statement)
{
	if (parse_idle_clause(p) || parse_row_mover(p, statement))
		return;
	if (sdb_mysql_parser_accept(p, "ADD"))
		parse_add(p, statement);
	else if (sdb_mysql_parser_accept(p, "DROP"))
		parse_drop(p, statement);
	else if (sdb_mysql_parser_accept(p, "MODIFY"))
		parse_change(p, statement, false);
	else if (sdb_mysql_parser_accept(p, "CHANGE"))
		parse_change(p, statement, true);
	else if (sdb_mysql_parser_accept(p, "ALTER"))
		parse_alter(p, statement);
	else if (sdb_mysql_parser_accept(p, "RENAME"))
		parse_rename(p, statement);
	else if (sdb_mysql_parser_accept2(p, "CONVERT", "TO"))
		parse_convert(p, statement);
	else if (sdb_mysql_parser_accept2(p, "ORDER", "BY"))
		parse_order(p);
	else
		parse_options(p, statement);
}

static bool
parse_idle_clause(MysqlParser *p)
{
	if (sdb_mysql_parser_accept(p, "FORCE"))
		return true;
	if (sdb_mysql_parser_accept(p, "SECONDARY_LOAD") ||
		sdb_mysql_parser_accept(p, "SECONDARY_UNLOAD"))
	{
		if (sdb_mysql_parser_accept(p, "PARTITION"))
			sdb_mysql_parser_skip_parens(p);
		return true;
	}
	if (sdb_mysql_parser_is(p, "WAIT") || sdb_mysql_parser_is(p, "NOWAIT"))
	{
		sdb_mysql_parser_skip_wait(p);
		return true;
	}
	if (sdb_mysql_parser_accept(p, "ALGORITHM") ||
		sdb_mysql_parser_accept(p, "LOCK"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		(void) sdb_mysql_parser_word(p);
		return true;
	}
	for (int i = 0; i < lengthof(idle_clauses); i++)
	{
		if (sdb_mysql_parser_accept2(p, idle_clauses[i][0],
									 idle_clauses[i][1]))
			return true;
	}
	if (sdb_mysql_parser_is2(p, "PARTITION", "BY"))
	{
		sdb_mysql_parse_partitions(p);
		return true;
	}
	for (int i = 0; i < lengthof(partition_words); i++)
	{
		if (sdb_mysql_parser_is2(p, partition_words[i], "PARTITION"))
		{
			/* REORGANIZE PARTITION a, b INTO (...) */
			while (!sdb_mysql_parser_at_end(p))
				sdb_mysql_parser_next(p);
			return true;
		}
	}
	return false;
}

/* These stand alone, so that the rest of the statement belongs to them. */
static bool
parse_row_mover(MysqlParser *p, MysqlStatement *statement)
{
	MysqlTableName *table = NULL;
	bool		moves = false;

	for (int i = 0; i < lengthof(row_movers); i++)
		moves = moves || sdb_mysql_parser_is2(p, row_movers[i][0],
											  row_movers[i][1]);
	if (sdb_mysql_parser_accept2(p, "EXCHANGE", "PARTITION"))
	{
		(void) sdb_mysql_parser_name(p);
		sdb_mysql_parser_expect(p, "WITH");
		sdb_mysql_parser_expect(p, "TABLE");
		table = sdb_mysql_parser_table(p);
	}
	else if (sdb_mysql_parser_accept2(p, "CONVERT", "PARTITION"))
	{
		(void) sdb_mysql_parser_if_exists(p);
		(void) sdb_mysql_parser_name(p);
		sdb_mysql_parser_expect(p, "TO");
		sdb_mysql_parser_expect(p, "TABLE");
		table = sdb_mysql_parser_table(p);
	}
	else if (sdb_mysql_parser_accept2(p, "CONVERT", "TABLE"))
		table = sdb_mysql_parser_table(p);
	else if (!moves)
		return false;

	add_action(statement, ALTER_MOVE_ROWS)->table = table;
	while (!sdb_mysql_parser_at_end(p))
		sdb_mysql_parser_next(p);
	return true;
}

static void
parse_add(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action;
	bool		if_not_exists;

	if (sdb_mysql_parser_is(p, "PARTITION"))
	{
		while (!sdb_mysql_parser_at_end(p))
			sdb_mysql_parser_next(p);
		return;
	}
	if (sdb_mysql_parser_accept2(p, "SYSTEM", "VERSIONING"))
	{
		add_action(statement, ALTER_ADD_VERSIONING);
		return;
	}
	if (sdb_mysql_parse_is_key(p))
	{
		action = add_action(statement, ALTER_ADD_KEY);
		action->key = sdb_mysql_parse_key(p);
		return;
	}
	(void) sdb_mysql_parser_accept(p, "COLUMN");
	if_not_exists = sdb_mysql_parser_if_not_exists(p);
	if (sdb_mysql_parser_is(p, "("))
	{
		parse_add_list(p, statement, if_not_exists);
		return;
	}
	action = add_action(statement, ALTER_ADD_COLUMN);
	action->if_exists = if_not_exists;
	action->column = sdb_mysql_parse_column(p);
}

/* ADD (a INT, b INT, KEY (a)) */
static void
parse_add_list(MysqlParser *p, MysqlStatement *statement, bool if_not_exists)
{
	sdb_mysql_parser_expect(p, "(");
	do
	{
		MysqlAlterAction *action;

		if (sdb_mysql_parse_is_key(p))
		{
			action = add_action(statement, ALTER_ADD_KEY);
			action->key = sdb_mysql_parse_key(p);
			continue;
		}
		action = add_action(statement, ALTER_ADD_COLUMN);
		action->if_exists = if_not_exists;
		action->column = sdb_mysql_parse_column(p);
	} while (sdb_mysql_parser_accept(p, ","));
	sdb_mysql_parser_expect(p, ")");
}

static void
parse_drop(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action;

	if (sdb_mysql_parser_accept2(p, "SYSTEM", "VERSIONING"))
	{
		add_action(statement, ALTER_DROP_VERSIONING);
		return;
	}
	if (sdb_mysql_parser_is2(p, "PERIOD", "FOR") ||
		sdb_mysql_parser_is2(p, "PERIOD", "IF"))
	{
		sdb_mysql_parser_next(p);
		(void) sdb_mysql_parser_if_exists(p);
		sdb_mysql_parser_expect(p, "FOR");
		(void) sdb_mysql_parser_name(p);
		return;
	}
	if (sdb_mysql_parse_is_key(p))
	{
		parse_drop_key(p, statement);
		return;
	}
	(void) sdb_mysql_parser_accept(p, "COLUMN");
	action = add_action(statement, ALTER_DROP_COLUMN);
	action->if_exists = sdb_mysql_parser_if_exists(p);
	action->name = sdb_mysql_parser_name(p);
	if (!sdb_mysql_parser_accept(p, "RESTRICT"))
		(void) sdb_mysql_parser_accept(p, "CASCADE");
}

static void
parse_drop_key(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = add_action(statement, ALTER_DROP_KEY);

	/* MariaDB: DROP CONSTRAINT PRIMARY KEY */
	if (sdb_mysql_parser_is2(p, "CONSTRAINT", "PRIMARY"))
		sdb_mysql_parser_next(p);
	if (sdb_mysql_parser_accept2(p, "PRIMARY", "KEY"))
	{
		action->kind = ALTER_DROP_PRIMARY;
		return;
	}
	if (sdb_mysql_parser_accept2(p, "FOREIGN", "KEY"))
		action->kind = ALTER_DROP_FOREIGN;
	else if (sdb_mysql_parser_accept(p, "CONSTRAINT") ||
			 sdb_mysql_parser_accept(p, "CHECK"))
		action->kind = ALTER_DROP_CONSTRAINT;
	else if (!sdb_mysql_parser_accept(p, "INDEX"))
		sdb_mysql_parser_expect(p, "KEY");
	action->if_exists = sdb_mysql_parser_if_exists(p);
	action->name = sdb_mysql_parser_name(p);
	if (action->kind != ALTER_DROP_FOREIGN &&
		pg_strcasecmp(action->name, "PRIMARY") == 0)
		action->kind = ALTER_DROP_PRIMARY;
}

/* MODIFY [COLUMN] column, CHANGE [COLUMN] name column */
static void
parse_change(MysqlParser *p, MysqlStatement *statement, bool has_old_name)
{
	MysqlAlterAction *action = add_action(statement, ALTER_CHANGE_COLUMN);

	(void) sdb_mysql_parser_accept(p, "COLUMN");
	action->if_exists = sdb_mysql_parser_if_exists(p);
	if (has_old_name)
		action->name = sdb_mysql_parser_name(p);
	action->column = sdb_mysql_parse_column(p);
	if (!has_old_name)
		action->name = action->column->name;
}

static void
parse_alter(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action;

	/* visibility and enforcement */
	if (sdb_mysql_parser_accept(p, "INDEX") ||
		sdb_mysql_parser_accept(p, "KEY") ||
		sdb_mysql_parser_accept(p, "CHECK") ||
		sdb_mysql_parser_accept(p, "CONSTRAINT"))
	{
		(void) sdb_mysql_parser_if_exists(p);
		(void) sdb_mysql_parser_name(p);
		(void) sdb_mysql_parser_accept(p, "NOT");
		(void) sdb_mysql_parser_word(p);
		return;
	}

	(void) sdb_mysql_parser_accept(p, "COLUMN");
	action = palloc0(sizeof(MysqlAlterAction));
	action->if_exists = sdb_mysql_parser_if_exists(p);
	action->name = sdb_mysql_parser_name(p);
	if (sdb_mysql_parser_accept2(p, "SET", "DEFAULT"))
	{
		action->kind = ALTER_SET_DEFAULT;
		sdb_mysql_parse_set_default(p, &action->value);
	}
	else if (sdb_mysql_parser_accept2(p, "DROP", "DEFAULT"))
		action->kind = ALTER_DROP_DEFAULT;
	else if (sdb_mysql_parser_accept2(p, "SET", "VISIBLE") ||
			 sdb_mysql_parser_accept2(p, "SET", "INVISIBLE"))
		return;
	else
		sdb_mysql_parser_fail(p, "SET or DROP");
	statement->actions = lappend(statement->actions, action);
}

static void
parse_rename(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = add_action(statement, ALTER_RENAME_TABLE);

	if (sdb_mysql_parser_accept(p, "COLUMN"))
		action->kind = ALTER_RENAME_COLUMN;
	else if (sdb_mysql_parser_accept(p, "INDEX") ||
			 sdb_mysql_parser_accept(p, "KEY"))
		action->kind = ALTER_RENAME_KEY;
	else
	{
		if (!sdb_mysql_parser_accept(p, "TO") &&
			!sdb_mysql_parser_accept(p, "AS"))
			(void) sdb_mysql_parser_accept(p, "=");
		action->table = sdb_mysql_parser_table(p);
		return;
	}
	action->if_exists = sdb_mysql_parser_if_exists(p);
	action->name = sdb_mysql_parser_name(p);
	sdb_mysql_parser_expect(p, "TO");
	action->new_name = sdb_mysql_parser_name(p);
}

static void
parse_convert(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = add_action(statement, ALTER_CONVERT_CHARSET);

	if (!sdb_mysql_parse_charset(p, &action->options.charset))
		sdb_mysql_parser_fail(p, "CHARACTER SET");
	(void) sdb_mysql_parse_charset(p, &action->options.charset);
}

/* [[database.]table.]column, ... */
static void
parse_order(MysqlParser *p)
{
	do
	{
		do
			(void) sdb_mysql_parser_name(p);
		while (sdb_mysql_parser_accept(p, "."));
		if (!sdb_mysql_parser_accept(p, "ASC"))
			(void) sdb_mysql_parser_accept(p, "DESC");
	} while (sdb_mysql_parser_accept(p, ","));
}

/* Options follow each other without a comma. */
static void
parse_options(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = add_action(statement, ALTER_OPTIONS);

	if (!sdb_mysql_parse_option(p, &action->options))
		sdb_mysql_parser_fail(p, "a clause of ALTER TABLE");
	while (sdb_mysql_parse_option(p, &action->options))
		 /* next */ ;
}

static MysqlAlterAction *
add_action(MysqlStatement *statement, MysqlAlterKind kind)
{
	MysqlAlterAction *action = palloc0(sizeof(MysqlAlterAction));

	action->kind = kind;
	statement->actions = lappend(statement->actions, action);
	return action;
}
