/*
 * mysql_ddl.c --- statements: which they are, and those that are short
 *
 * Only what can change a captured table, its rows or the brackets of a
 * transaction is looked into; the rest is known by its first words.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "source/mysql/mysql_parser.h"

/* Statements that are known by their first word or two. */
typedef struct Opening
{
	const char *first;
	const char *second;			/* NULL if any */
	MysqlStatementKind kind;
} Opening;

static const Opening openings[] = {
	{"BEGIN", NULL, STATEMENT_BEGIN},
	{"START", "TRANSACTION", STATEMENT_BEGIN},
	{"COMMIT", NULL, STATEMENT_COMMIT},
	{"XA", "START", STATEMENT_XA_START},
	{"XA", "BEGIN", STATEMENT_XA_START},
	{"XA", "PREPARE", STATEMENT_XA_PREPARE},
	{"XA", "COMMIT", STATEMENT_XA_COMMIT},
	{"XA", "ROLLBACK", STATEMENT_XA_ROLLBACK},
	{"INSERT", NULL, STATEMENT_DML},
	{"REPLACE", NULL, STATEMENT_DML},
	{"UPDATE", NULL, STATEMENT_DML},
	{"LOAD", NULL, STATEMENT_DML},
	{"WITH", NULL, STATEMENT_DML},
	{"IMPORT", "TABLE", STATEMENT_DML},
};

/* Words between CREATE and INDEX */
static const char *const index_words[] = {
	"ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"
};

/* First words of the options of a database */
static const char *const database_options[] = {
	"DEFAULT", "CHARACTER", "CHARSET", "CHAR", "COLLATE", "COMMENT",
	"ENCRYPTION", "READ"
};

static void parse_statement(MysqlParser *p, MysqlStatement *statement);
static bool parse_opening(MysqlParser *p, MysqlStatement *statement);
static void parse_create(MysqlParser *p, MysqlStatement *statement);
static void parse_create_index(MysqlParser *p, MysqlStatement *statement);
static void parse_database(MysqlParser *p, MysqlStatement *statement,
						   MysqlStatementKind kind);
static bool at_database_option(const MysqlParser *p);
static void parse_drop(MysqlParser *p, MysqlStatement *statement);
static void parse_drop_index(MysqlParser *p, MysqlStatement *statement);
static void parse_alter(MysqlParser *p, MysqlStatement *statement);
static bool adds_unique(const MysqlStatement *statement);
static void parse_rename(MysqlParser *p, MysqlStatement *statement);
static void parse_truncate(MysqlParser *p, MysqlStatement *statement);
static void parse_delete(MysqlParser *p, MysqlStatement *statement);
static bool is_database(const MysqlParser *p);
static void parse_tables(MysqlParser *p, MysqlStatement *statement);
static char *read_xid(MysqlParser *p);
static bool read_xid_part(MysqlParser *p, StringInfo buf);

void
sdb_mysql_ddl_parse(const MysqlDialect *dialect, const char *sql, int len,
					const char *database, MysqlStatement *statement)
{
	MysqlParser p = {.database = database};

	memset(statement, 0, sizeof(MysqlStatement));
	statement->kind = STATEMENT_OTHER;
	sdb_mysql_lexer_init(&p.lexer, dialect, sql, len);
	parse_statement(&p, statement);

	if (statement->kind >= STATEMENT_TRUNCATE)
	{
		(void) sdb_mysql_parser_accept(&p, ";");
		if (!sdb_mysql_parser_at_end(&p))
			sdb_mysql_parser_fail(&p, "the end of the statement");
		statement->failure = p.failure;
	}
}

char *
sdb_mysql_ddl_xid(const char *text, int len)
{
	static const MysqlDialect dialect = {0};
	MysqlParser p = {0};

	sdb_mysql_lexer_init(&p.lexer, &dialect, text, len);
	return read_xid(&p);
}

static void
parse_statement(MysqlParser *p, MysqlStatement *statement)
{
	if (parse_opening(p, statement))
	{
		if (statement->kind == STATEMENT_XA_COMMIT ||
			statement->kind == STATEMENT_XA_ROLLBACK)
			statement->xid = read_xid(p);
	}
	else if (sdb_mysql_parser_accept(p, "ROLLBACK"))
	{
		(void) sdb_mysql_parser_accept(p, "WORK");
		statement->kind = sdb_mysql_parser_is(p, "TO") ?
			STATEMENT_ROLLBACK_TO : STATEMENT_ROLLBACK;
	}
	else if (sdb_mysql_parser_accept(p, "CREATE"))
		parse_create(p, statement);
	else if (sdb_mysql_parser_accept(p, "DROP"))
		parse_drop(p, statement);
	else if (sdb_mysql_parser_accept(p, "ALTER"))
		parse_alter(p, statement);
	else if (sdb_mysql_parser_accept(p, "RENAME"))
		parse_rename(p, statement);
	else if (sdb_mysql_parser_accept(p, "TRUNCATE"))
		parse_truncate(p, statement);
	else if (sdb_mysql_parser_accept(p, "DELETE"))
		parse_delete(p, statement);
}

static bool
parse_opening(MysqlParser *p, MysqlStatement *statement)
{
	for (int i = 0; i < lengthof(openings); i++)
	{
		const Opening *opening = &openings[i];

		if (opening->second == NULL ?
			sdb_mysql_parser_accept(p, opening->first) :
			sdb_mysql_parser_accept2(p, opening->first, opening->second))
		{
			statement->kind = opening->kind;
			return true;
		}
	}
	return false;
}

static void
parse_create(MysqlParser *p, MysqlStatement *statement)
{
	statement->replaces = sdb_mysql_parser_accept2(p, "OR", "REPLACE");
	if (is_database(p))
		parse_database(p, statement, STATEMENT_CREATE_DATABASE);
	else if (sdb_mysql_parser_accept2(p, "TEMPORARY", "TABLE"))
		statement->is_temporary = true;
	else if (sdb_mysql_parser_accept(p, "TABLE"))
	{
		statement->kind = STATEMENT_CREATE_TABLE;
		sdb_mysql_parse_create_table(p, statement);
	}
	else
		parse_create_index(p, statement);
}

/* [UNIQUE] INDEX [IF NOT EXISTS] name ON table (parts) options */
static void
parse_create_index(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = palloc0(sizeof(MysqlAlterAction));
	MysqlKeyDef *key = palloc0(sizeof(MysqlKeyDef));
	MysqlAlterAction *drop;

	key->kind = MYSQL_KEY_INDEX;
	for (int i = 0; i < lengthof(index_words); i++)
	{
		if (!sdb_mysql_parser_is(p, index_words[i]))
			continue;
		if (sdb_mysql_parser_is(p, "UNIQUE"))
			key->kind = MYSQL_KEY_UNIQUE;
		else if (i >= 3)
			key->kind = MYSQL_KEY_SPECIAL;
		sdb_mysql_parser_next(p);
	}
	if (!sdb_mysql_parser_accept(p, "INDEX"))
		return;					/* nothing of ours: a view, a user, ... */

	statement->kind = STATEMENT_ALTER_TABLE;
	key->if_not_exists = sdb_mysql_parser_if_not_exists(p);
	key->name = sdb_mysql_parser_name(p);
	sdb_mysql_parse_key_options(p);
	sdb_mysql_parser_skip_wait(p);
	sdb_mysql_parser_expect(p, "ON");
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	sdb_mysql_parser_skip_wait(p);
	key->parts = sdb_mysql_parse_key_parts(p);
	sdb_mysql_parser_skip_wait(p);
	sdb_mysql_parse_key_options(p);

	if (statement->replaces)
	{
		drop = palloc0(sizeof(MysqlAlterAction));
		drop->kind = ALTER_DROP_KEY;
		drop->if_exists = true;
		drop->name = key->name;
		statement->actions = list_make1(drop);
	}
	action->kind = ALTER_ADD_KEY;
	action->key = key;
	statement->actions = lappend(statement->actions, action);
	sdb_mysql_parse_alter_actions(p, statement);
}

static bool
is_database(const MysqlParser *p)
{
	return sdb_mysql_parser_is(p, "DATABASE") ||
		sdb_mysql_parser_is(p, "SCHEMA");
}

/* DATABASE [IF [NOT] EXISTS] [name] options */
static void
parse_database(MysqlParser *p, MysqlStatement *statement,
			   MysqlStatementKind kind)
{
	MysqlTableName *name = palloc0(sizeof(MysqlTableName));

	sdb_mysql_parser_next(p);
	statement->kind = kind;
	statement->if_exists = sdb_mysql_parser_if_exists(p) ||
		sdb_mysql_parser_if_not_exists(p);
	name->database = pstrdup(p->database);
	statement->tables = list_make1(name);

	if (kind != STATEMENT_ALTER_DATABASE || !at_database_option(p))
		name->database = sdb_mysql_parser_name(p);
	if (sdb_mysql_parser_accept2(p, "UPGRADE", "DATA"))
	{
		sdb_mysql_parser_expect(p, "DIRECTORY");
		sdb_mysql_parser_expect(p, "NAME");
	}
	while (sdb_mysql_parse_option(p, &statement->options))
		 /* next */ ;
}

/* ALTER DATABASE may leave out the name. */
static bool
at_database_option(const MysqlParser *p)
{
	for (int i = 0; i < lengthof(database_options); i++)
	{
		if (sdb_mysql_parser_is(p, database_options[i]))
			return true;
	}
	return false;
}

static void
parse_drop(MysqlParser *p, MysqlStatement *statement)
{
	if (is_database(p))
		parse_database(p, statement, STATEMENT_DROP_DATABASE);
	else if (sdb_mysql_parser_is2(p, "TEMPORARY", "TABLE") ||
			 sdb_mysql_parser_is2(p, "TEMPORARY", "TABLES"))
		statement->is_temporary = true;
	else if (sdb_mysql_parser_accept(p, "TABLE") ||
			 sdb_mysql_parser_accept(p, "TABLES"))
	{
		statement->kind = STATEMENT_DROP_TABLE;
		statement->if_exists = sdb_mysql_parser_if_exists(p);
		parse_tables(p, statement);
		sdb_mysql_parser_skip_wait(p);
		if (!sdb_mysql_parser_accept(p, "RESTRICT"))
			(void) sdb_mysql_parser_accept(p, "CASCADE");
	}
	else
	{
		if (!sdb_mysql_parser_accept(p, "ONLINE"))
			(void) sdb_mysql_parser_accept(p, "OFFLINE");
		if (sdb_mysql_parser_accept(p, "INDEX"))
			parse_drop_index(p, statement);
	}
}

static void
parse_tables(MysqlParser *p, MysqlStatement *statement)
{
	do
		statement->tables = lappend(statement->tables,
									sdb_mysql_parser_table(p));
	while (sdb_mysql_parser_accept(p, ","));
}

/* INDEX [IF EXISTS] name ON table */
static void
parse_drop_index(MysqlParser *p, MysqlStatement *statement)
{
	MysqlAlterAction *action = palloc0(sizeof(MysqlAlterAction));

	statement->kind = STATEMENT_ALTER_TABLE;
	action->kind = ALTER_DROP_KEY;
	action->if_exists = sdb_mysql_parser_if_exists(p);
	action->name = sdb_mysql_parser_name(p);
	if (pg_strcasecmp(action->name, "PRIMARY") == 0)
		action->kind = ALTER_DROP_PRIMARY;
	sdb_mysql_parser_expect(p, "ON");
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	statement->actions = list_make1(action);
	sdb_mysql_parse_alter_actions(p, statement);
}

static void
parse_alter(MysqlParser *p, MysqlStatement *statement)
{
	bool		ignores = false;

	if (is_database(p))
	{
		parse_database(p, statement, STATEMENT_ALTER_DATABASE);
		return;
	}
	while (sdb_mysql_parser_is(p, "ONLINE") ||
		   sdb_mysql_parser_is(p, "OFFLINE") ||
		   sdb_mysql_parser_is(p, "IGNORE"))
	{
		ignores |= sdb_mysql_parser_is(p, "IGNORE");
		sdb_mysql_parser_next(p);
	}
	if (!sdb_mysql_parser_accept(p, "TABLE"))
		return;
	statement->kind = STATEMENT_ALTER_TABLE;
	statement->if_exists = sdb_mysql_parser_if_exists(p);
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	sdb_mysql_parse_alter_actions(p, statement);
	if (ignores && adds_unique(statement))
	{
		MysqlAlterAction *action = palloc0(sizeof(MysqlAlterAction));

		action->kind = ALTER_MOVE_ROWS;
		statement->actions = lappend(statement->actions, action);
	}
}

/* With IGNORE, rows that are in the way of such a key go. */
static bool
adds_unique(const MysqlStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->key != NULL && (action->key->kind == MYSQL_KEY_PRIMARY ||
									action->key->kind == MYSQL_KEY_UNIQUE))
			return true;
		if (action->column != NULL && (action->column->is_primary ||
									   action->column->is_unique))
			return true;
	}
	return false;
}

/* RENAME TABLE [IF EXISTS] a TO b, c TO d */
static void
parse_rename(MysqlParser *p, MysqlStatement *statement)
{
	if (!sdb_mysql_parser_accept(p, "TABLE") &&
		!sdb_mysql_parser_accept(p, "TABLES"))
		return;
	statement->kind = STATEMENT_RENAME_TABLE;
	statement->if_exists = sdb_mysql_parser_if_exists(p);
	do
	{
		MysqlRename *rename = palloc(sizeof(MysqlRename));

		rename->from = sdb_mysql_parser_table(p);
		sdb_mysql_parser_skip_wait(p);
		sdb_mysql_parser_expect(p, "TO");
		rename->to = sdb_mysql_parser_table(p);
		statement->renames = lappend(statement->renames, rename);
	} while (sdb_mysql_parser_accept(p, ","));
}

/* TRUNCATE [TABLE] a; MariaDB takes DROP STORAGE before or behind WAIT */
static void
parse_truncate(MysqlParser *p, MysqlStatement *statement)
{
	(void) sdb_mysql_parser_accept(p, "TABLE");
	statement->kind = STATEMENT_TRUNCATE;
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	sdb_mysql_parser_skip_wait(p);
	if (!sdb_mysql_parser_accept2(p, "DROP", "STORAGE"))
		(void) sdb_mysql_parser_accept2(p, "REUSE", "STORAGE");
	sdb_mysql_parser_skip_wait(p);
}

/*
 * DELETE FROM table, and nothing more, is what a server logs for a table in
 * memory that it found empty after a restart.
 */
static void
parse_delete(MysqlParser *p, MysqlStatement *statement)
{
	statement->kind = STATEMENT_DML;
	if (!sdb_mysql_parser_accept(p, "FROM") || !sdb_mysql_parser_is_name(p))
		return;
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	(void) sdb_mysql_parser_accept(p, ";");
	if (sdb_mysql_parser_at_end(p))
		statement->kind = STATEMENT_TRUNCATE;
}

/* gtrid [, bqual [, format]], in any of the spellings of a string. */
static char *
read_xid(MysqlParser *p)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (!read_xid_part(p, &buf))
		return NULL;
	appendStringInfoChar(&buf, ',');
	if (!sdb_mysql_parser_accept(p, ","))
		appendStringInfoString(&buf, "X''");
	else if (!read_xid_part(p, &buf))
		return NULL;
	if (sdb_mysql_parser_accept(p, ",") &&
		p->lexer.kind == MYSQL_TOKEN_NUMBER)
		appendStringInfo(&buf, ",%.*s", p->lexer.len, p->lexer.token);
	else
		appendStringInfoString(&buf, ",1");
	return buf.data;
}

static bool
read_xid_part(MysqlParser *p, StringInfo buf)
{
	const char *value = p->lexer.token;
	int			len = p->lexer.len;

	appendStringInfoString(buf, "X'");
	if (p->lexer.kind == MYSQL_TOKEN_HEX)
	{
		for (int i = 0; i < len; i++)
			appendStringInfoChar(buf, pg_ascii_tolower((unsigned char) value[i]));
	}
	else if (p->lexer.kind == MYSQL_TOKEN_STRING ||
			 p->lexer.kind == MYSQL_TOKEN_IDENTIFIER)
	{
		value = sdb_mysql_lexer_value(&p->lexer, &len);
		for (int i = 0; i < len; i++)
			appendStringInfo(buf, "%02x", (unsigned char) value[i]);
	}
	else
		return false;
	appendStringInfoChar(buf, '\'');
	sdb_mysql_parser_next(p);
	return true;
}
