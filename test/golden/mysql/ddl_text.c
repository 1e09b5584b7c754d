/*
 * ddl_text.c --- trees of statements as text
 *
 * What is not written in a statement does not appear.
 */
#include "postgres.h"

#include "ddl_text.h"

static const char *const statement_names[] = {
	[STATEMENT_OTHER] = "other",
	[STATEMENT_BEGIN] = "begin",
	[STATEMENT_COMMIT] = "commit",
	[STATEMENT_ROLLBACK] = "rollback",
	[STATEMENT_ROLLBACK_TO] = "rollback to",
	[STATEMENT_XA_START] = "xa start",
	[STATEMENT_XA_PREPARE] = "xa prepare",
	[STATEMENT_XA_COMMIT] = "xa commit",
	[STATEMENT_XA_ROLLBACK] = "xa rollback",
	[STATEMENT_DML] = "dml",
	[STATEMENT_TRUNCATE] = "truncate",
	[STATEMENT_CREATE_TABLE] = "create table",
	[STATEMENT_DROP_TABLE] = "drop table",
	[STATEMENT_RENAME_TABLE] = "rename table",
	[STATEMENT_ALTER_TABLE] = "alter table",
	[STATEMENT_CREATE_DATABASE] = "create database",
	[STATEMENT_ALTER_DATABASE] = "alter database",
	[STATEMENT_DROP_DATABASE] = "drop database"
};

static const char *const default_names[] = {
	[MYSQL_DEFAULT_NULL] = "null",
	[MYSQL_DEFAULT_TEXT] = "text",
	[MYSQL_DEFAULT_NUMBER] = "number",
	[MYSQL_DEFAULT_HEX] = "hex",
	[MYSQL_DEFAULT_BITS] = "bits",
	[MYSQL_DEFAULT_NOW] = "now",
	[MYSQL_DEFAULT_EXPRESSION] = "expression"
};

static const char *const key_names[] = {
	[MYSQL_KEY_PRIMARY] = "primary key",
	[MYSQL_KEY_UNIQUE] = "unique key",
	[MYSQL_KEY_INDEX] = "key",
	[MYSQL_KEY_SPECIAL] = "special key",
	[MYSQL_KEY_FOREIGN] = "foreign key",
	[MYSQL_KEY_CHECK] = "check",
	[MYSQL_KEY_PERIOD] = "period"
};

static const char *const action_names[] = {
	[ALTER_ADD_COLUMN] = "add column",
	[ALTER_CHANGE_COLUMN] = "change column",
	[ALTER_DROP_COLUMN] = "drop column",
	[ALTER_RENAME_COLUMN] = "rename column",
	[ALTER_SET_DEFAULT] = "set default",
	[ALTER_DROP_DEFAULT] = "drop default",
	[ALTER_ADD_KEY] = "add key",
	[ALTER_DROP_KEY] = "drop key",
	[ALTER_DROP_PRIMARY] = "drop primary key",
	[ALTER_DROP_FOREIGN] = "drop foreign key",
	[ALTER_DROP_CONSTRAINT] = "drop constraint",
	[ALTER_RENAME_KEY] = "rename key",
	[ALTER_RENAME_TABLE] = "rename table",
	[ALTER_CONVERT_CHARSET] = "convert",
	[ALTER_OPTIONS] = "options",
	[ALTER_ADD_VERSIONING] = "add system versioning",
	[ALTER_DROP_VERSIONING] = "drop system versioning",
	[ALTER_MOVE_ROWS] = "move rows"
};

static void put_tables(StringInfo buf, const List *tables);
static void put_table(StringInfo buf, const MysqlTableName *name);
static void put_action(StringInfo buf, const MysqlAlterAction *action);
static void put_column(StringInfo buf, const MysqlColumnDef *column);
static void put_key(StringInfo buf, const MysqlKeyDef *key);
static void put_key_parts(StringInfo buf, const List *parts);
static void put_references(StringInfo buf, const MysqlKeyDef *key);
static void put_options(StringInfo buf, const MysqlOptions *options);
static void put_charset(StringInfo buf, const MysqlCharset *charset);
static void put_default(StringInfo buf, const MysqlDefault *value);
static void put_text(StringInfo buf, const MysqlText *text);

void
ddl_text(StringInfo buf, const MysqlStatement *statement)
{
	ListCell   *lc;

	appendStringInfoString(buf, statement_names[statement->kind]);
	if (statement->is_temporary)
		appendStringInfoString(buf, " temporary");
	if (statement->replaces)
		appendStringInfoString(buf, " or replace");
	if (statement->if_exists)
		appendStringInfoString(buf, " if exists");
	put_tables(buf, statement->tables);
	if (statement->like != NULL)
	{
		appendStringInfoString(buf, " like");
		put_table(buf, statement->like);
	}
	if (statement->has_select)
		appendStringInfoString(buf, " select");
	put_options(buf, &statement->options);
	if (statement->xid != NULL)
		appendStringInfo(buf, " %s", statement->xid);
	appendStringInfoChar(buf, '\n');

	foreach(lc, statement->renames)
	{
		MysqlRename *rename = lfirst(lc);

		appendStringInfoChar(buf, '\t');
		put_table(buf, rename->from);
		appendStringInfoString(buf, " to");
		put_table(buf, rename->to);
		appendStringInfoChar(buf, '\n');
	}
	foreach(lc, statement->columns)
	{
		appendStringInfoString(buf, "\tcolumn");
		put_column(buf, lfirst(lc));
		appendStringInfoChar(buf, '\n');
	}
	foreach(lc, statement->keys)
	{
		appendStringInfoChar(buf, '\t');
		put_key(buf, lfirst(lc));
		appendStringInfoChar(buf, '\n');
	}
	foreach(lc, statement->actions)
		put_action(buf, lfirst(lc));
	if (statement->failure != NULL)
		appendStringInfo(buf, "\tfailure: %s\n", statement->failure);
}

static void
put_tables(StringInfo buf, const List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
		put_table(buf, lfirst(lc));
}

static void
put_table(StringInfo buf, const MysqlTableName *name)
{
	if (name->table != NULL)
		appendStringInfo(buf, " [%s].[%s]", name->database, name->table);
	else
		appendStringInfo(buf, " [%s]", name->database);
}

static void
put_action(StringInfo buf, const MysqlAlterAction *action)
{
	appendStringInfo(buf, "\t%s", action_names[action->kind]);
	if (action->if_exists)
		appendStringInfoString(buf, " if exists");
	if (action->name != NULL)
		appendStringInfo(buf, " [%s]", action->name);
	if (action->new_name != NULL)
		appendStringInfo(buf, " to [%s]", action->new_name);
	if (action->table != NULL)
		put_table(buf, action->table);
	if (action->column != NULL)
	{
		appendStringInfoString(buf, " as");
		put_column(buf, action->column);
	}
	if (action->key != NULL)
	{
		appendStringInfoChar(buf, ' ');
		put_key(buf, action->key);
	}
	put_default(buf, &action->value);
	put_options(buf, &action->options);
	appendStringInfoChar(buf, '\n');
}

static void
put_column(StringInfo buf, const MysqlColumnDef *column)
{
	ListCell   *lc;

	appendStringInfo(buf, " [%s] %s", column->name, column->type);
	if (column->nargs > 0)
		appendStringInfo(buf, "(" INT64_FORMAT, column->args[0]);
	if (column->nargs > 1)
		appendStringInfo(buf, "," INT64_FORMAT, column->args[1]);
	if (column->nargs > 0)
		appendStringInfoChar(buf, ')');
	foreach(lc, column->labels)
		put_text(buf, lfirst(lc));
	if (column->is_unsigned)
		appendStringInfoString(buf, " unsigned");
	put_charset(buf, &column->charset);
	if (column->nullness != MYSQL_NULL_ABSENT)
		appendStringInfoString(buf, column->nullness == MYSQL_NULL ? " null" :
							   " not null");
	put_default(buf, &column->value);
	if (column->on_update_now)
		appendStringInfoString(buf, " on update");
	if (column->auto_increment)
		appendStringInfoString(buf, " auto_increment");
	if (column->is_primary)
		appendStringInfoString(buf, " primary");
	if (column->is_unique)
		appendStringInfoString(buf, " unique");
	if (column->is_generated)
		appendStringInfoString(buf, " generated");
	if (column->is_json)
		appendStringInfoString(buf, " json");
	if (column->period != NULL)
		appendStringInfo(buf, " as %s", column->period);
	if (column->is_versioned)
		appendStringInfoString(buf, " system versioning");
	if (column->references != NULL && column->references->constraint != NULL)
		appendStringInfo(buf, " constraint [%s]",
						 column->references->constraint);
	if (column->references != NULL)
		put_references(buf, column->references);
	if (column->comment != NULL)
	{
		appendStringInfoString(buf, " comment");
		put_text(buf, column->comment);
	}
	if (column->place.kind == MYSQL_PLACE_FIRST)
		appendStringInfoString(buf, " first");
	if (column->place.kind == MYSQL_PLACE_AFTER)
		appendStringInfo(buf, " after [%s]", column->place.after);
}

static void
put_key(StringInfo buf, const MysqlKeyDef *key)
{
	appendStringInfoString(buf, key_names[key->kind]);
	if (key->if_not_exists)
		appendStringInfoString(buf, " if not exists");
	if (key->constraint != NULL)
		appendStringInfo(buf, " constraint [%s]", key->constraint);
	if (key->name != NULL)
		appendStringInfo(buf, " [%s]", key->name);
	put_key_parts(buf, key->parts);
	if (key->json_column != NULL)
		appendStringInfo(buf, " json [%s]", key->json_column);
	if (key->references != NULL)
		put_references(buf, key);
}

static void
put_key_parts(StringInfo buf, const List *parts)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		MysqlKeyPart *part = lfirst(lc);

		if (part->column == NULL)
			appendStringInfoString(buf, " (expression)");
		else
			appendStringInfo(buf, " %s", part->column);
		if (part->prefix > 0)
			appendStringInfo(buf, "(%d)", part->prefix);
		if (part->descending)
			appendStringInfoString(buf, " desc");
		if (part->is_period)
			appendStringInfoString(buf, " without overlaps");
	}
}

static void
put_references(StringInfo buf, const MysqlKeyDef *key)
{
	ListCell   *lc;

	appendStringInfoString(buf, " references");
	put_table(buf, key->references);
	foreach(lc, key->referenced)
		appendStringInfo(buf, " %s", (char *) lfirst(lc));
	if (key->on_delete != NULL)
		appendStringInfo(buf, " on delete %s", key->on_delete);
	if (key->on_update != NULL)
		appendStringInfo(buf, " on update %s", key->on_update);
}

static void
put_options(StringInfo buf, const MysqlOptions *options)
{
	put_charset(buf, &options->charset);
	if (options->engine != NULL)
		appendStringInfo(buf, " engine %s", options->engine);
	if (options->system_versioning)
		appendStringInfoString(buf, " system versioning");
	if (options->comment != NULL)
	{
		appendStringInfoString(buf, " comment");
		put_text(buf, options->comment);
	}
}

static void
put_charset(StringInfo buf, const MysqlCharset *charset)
{
	if (charset->charset != NULL)
		appendStringInfo(buf, " charset %s", charset->charset);
	if (charset->collation != NULL)
		appendStringInfo(buf, " collate %s", charset->collation);
	if (charset->is_binary)
		appendStringInfoString(buf, " binary");
}

static void
put_default(StringInfo buf, const MysqlDefault *value)
{
	if (value->kind == MYSQL_DEFAULT_ABSENT)
		return;
	appendStringInfo(buf, " default %s", default_names[value->kind]);
	if (value->value != NULL)
		put_text(buf, value->value);
}

/* Bytes that are no plain ASCII as \x.. */
static void
put_text(StringInfo buf, const MysqlText *text)
{
	appendStringInfoChar(buf, ' ');
	if (text->charset != NULL)
		appendStringInfo(buf, "_%s", text->charset);
	appendStringInfoChar(buf, '\'');
	for (int i = 0; i < text->len; i++)
	{
		unsigned char c = text->bytes[i];

		if (c < 0x20 || c >= 0x7f || c == '\'' || c == '\\')
			appendStringInfo(buf, "\\x%02x", c);
		else
			appendStringInfoChar(buf, c);
	}
	appendStringInfoChar(buf, '\'');
}
