/*
 * mysql_ddl.c --- what a statement in the binary log does, as far as needed
 *
 * A tokenizer and just enough grammar to tell the statements that matter to a
 * stream from those that do not, and to find the names of their tables.  It
 * does not parse definitions: those are read from the source.
 *
 * Comments are skipped, except that the text of executable ones counts, since
 * the server executed it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "source/mysql/mysql_ddl.h"
#include "util/charset.h"

typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_WORD,					/* unquoted */
	TOKEN_IDENTIFIER,			/* in backticks or double quotes */
	TOKEN_STRING,				/* in single quotes */
	TOKEN_SYMBOL				/* one byte */
} TokenKind;

/* Lexer --- a position in a statement and the token there */
typedef struct Lexer
{
	const char *pos;			/* behind the token */
	const char *end;
	TokenKind	kind;
	const char *token;			/* WORD, SYMBOL: as written; others: without
								 * the quotes, but not yet unescaped */
	int			len;
	char		quote;			/* of IDENTIFIER and STRING */
} Lexer;

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

/* What ALTER TABLE does to rows without logging them. */
static const char *const row_movers[][2] = {
	{"EXCHANGE", "PARTITION"},
	{"DROP", "PARTITION"},
	{"TRUNCATE", "PARTITION"},
	{"CONVERT", "PARTITION"},
	{"CONVERT", "TABLE"},
	{"IMPORT", "TABLESPACE"},
	{"IMPORT", "PARTITION"},
	{"DISCARD", "TABLESPACE"},
	{"DISCARD", "PARTITION"},
};

static void init_lexer(Lexer *lexer, const char *sql, int len);
static void next(Lexer *lexer);
static void skip_blanks(Lexer *lexer);
static void scan_quoted(Lexer *lexer, TokenKind kind);
static bool is(const Lexer *lexer, const char *word);
static bool accept(Lexer *lexer, const char *word);
static char *text_of(const Lexer *lexer);
static bool read_name(Lexer *lexer, const char *database,
					  MysqlStatement *statement);
static void read_names(Lexer *lexer, const char *database,
					   MysqlStatement *statement);
static void parse_create(Lexer *lexer, const char *database,
						 MysqlStatement *statement);
static void parse_index(Lexer *lexer, const char *database,
						MysqlStatement *statement);
static void parse_drop(Lexer *lexer, const char *database,
					   MysqlStatement *statement);
static void parse_alter(Lexer *lexer, const char *database,
						MysqlStatement *statement);
static void parse_rename(Lexer *lexer, const char *database,
						 MysqlStatement *statement);
static void parse_delete(Lexer *lexer, const char *database,
						 MysqlStatement *statement);
static bool parse_opening(Lexer *lexer, MysqlStatement *statement);
static char *read_xid(Lexer *lexer);
static bool read_xid_part(Lexer *lexer, StringInfo buf);

void
sdb_mysql_ddl_parse(const char *sql, int len, const char *database,
					MysqlStatement *statement)
{
	Lexer		lexer;

	memset(statement, 0, sizeof(MysqlStatement));
	statement->kind = STATEMENT_OTHER;
	init_lexer(&lexer, sql, len);

	if (parse_opening(&lexer, statement))
	{
		if (statement->kind == STATEMENT_XA_COMMIT ||
			statement->kind == STATEMENT_XA_ROLLBACK)
			statement->xid = read_xid(&lexer);
	}
	else if (accept(&lexer, "ROLLBACK"))
	{
		(void) accept(&lexer, "WORK");
		statement->kind = is(&lexer, "TO") ? STATEMENT_ROLLBACK_TO :
			STATEMENT_ROLLBACK;
	}
	else if (accept(&lexer, "CREATE"))
		parse_create(&lexer, database, statement);
	else if (accept(&lexer, "DROP"))
		parse_drop(&lexer, database, statement);
	else if (accept(&lexer, "ALTER"))
		parse_alter(&lexer, database, statement);
	else if (accept(&lexer, "RENAME"))
		parse_rename(&lexer, database, statement);
	else if (accept(&lexer, "TRUNCATE"))
	{
		(void) accept(&lexer, "TABLE");
		if (read_name(&lexer, database, statement))
			statement->kind = STATEMENT_TRUNCATE;
	}
	else if (accept(&lexer, "DELETE"))
		parse_delete(&lexer, database, statement);
}

char *
sdb_mysql_ddl_xid(const char *text, int len)
{
	Lexer		lexer;

	init_lexer(&lexer, text, len);
	return read_xid(&lexer);
}

static void
init_lexer(Lexer *lexer, const char *sql, int len)
{
	lexer->pos = sql;
	lexer->end = sql + len;
	next(lexer);
}

/* Goes to the next token. */
static void
next(Lexer *lexer)
{
	skip_blanks(lexer);
	lexer->token = lexer->pos;
	if (lexer->pos == lexer->end)
	{
		lexer->kind = TOKEN_END;
		lexer->len = 0;
		return;
	}
	if (*lexer->pos == '`' || *lexer->pos == '"')
		scan_quoted(lexer, TOKEN_IDENTIFIER);
	else if (*lexer->pos == '\'')
		scan_quoted(lexer, TOKEN_STRING);
	else
	{
		while (lexer->pos < lexer->end &&
			   (isalnum((unsigned char) *lexer->pos) || *lexer->pos == '_' ||
				*lexer->pos == '$' || IS_HIGHBIT_SET(*lexer->pos)))
			lexer->pos++;
		lexer->kind = lexer->pos > lexer->token ? TOKEN_WORD : TOKEN_SYMBOL;
		if (lexer->kind == TOKEN_SYMBOL)
			lexer->pos++;
		lexer->len = lexer->pos - lexer->token;
	}
}

static void
skip_blanks(Lexer *lexer)
{
	while (lexer->pos < lexer->end)
	{
		const char *p = lexer->pos;
		Size		left = lexer->end - p;

		if (isspace((unsigned char) *p))
			lexer->pos++;
		else if (left >= 2 && p[0] == '*' && p[1] == '/')
			lexer->pos += 2;	/* the end of an executable comment */
		else if (*p == '#' ||
				 (left >= 3 && p[0] == '-' && p[1] == '-' &&
				  isspace((unsigned char) p[2])))
		{
			p = memchr(p, '\n', left);
			lexer->pos = p != NULL ? p + 1 : lexer->end;
		}
		else if (left >= 3 && p[0] == '/' && p[1] == '*' &&
				 (p[2] == '!' || (p[2] == 'M' && left >= 4 && p[3] == '!')))
		{
			/* with the version it is for */
			lexer->pos += p[2] == '!' ? 3 : 4;
			while (lexer->pos < lexer->end &&
				   isdigit((unsigned char) *lexer->pos))
				lexer->pos++;
		}
		else if (left >= 2 && p[0] == '/' && p[1] == '*')
		{
			for (p += 2; p + 1 < lexer->end && !(p[0] == '*' && p[1] == '/');)
				p++;
			lexer->pos = p + 1 < lexer->end ? p + 2 : lexer->end;
		}
		else
			return;
	}
}

/* A quote inside is doubled; in strings it may follow a backslash too. */
static void
scan_quoted(Lexer *lexer, TokenKind kind)
{
	lexer->kind = kind;
	lexer->quote = *lexer->pos;
	lexer->token = ++lexer->pos;
	while (lexer->pos < lexer->end)
	{
		if (*lexer->pos == '\\' && lexer->quote != '`' &&
			lexer->pos + 1 < lexer->end)
			lexer->pos++;
		else if (*lexer->pos == lexer->quote)
		{
			if (lexer->pos + 1 == lexer->end || lexer->pos[1] != lexer->quote)
				break;
			lexer->pos++;
		}
		lexer->pos++;
	}
	lexer->len = lexer->pos - lexer->token;
	if (lexer->pos < lexer->end)
		lexer->pos++;
}

static bool
is(const Lexer *lexer, const char *word)
{
	return (lexer->kind == TOKEN_WORD || lexer->kind == TOKEN_SYMBOL) &&
		lexer->len == strlen(word) &&
		pg_strncasecmp(lexer->token, word, lexer->len) == 0;
}

/* Is this the token?  Then go past it. */
static bool
accept(Lexer *lexer, const char *word)
{
	if (!is(lexer, word))
		return false;
	next(lexer);
	return true;
}

/* The token in the server encoding, its doubled quotes single. */
static char *
text_of(const Lexer *lexer)
{
	char	   *text = palloc(lexer->len + 1);
	int			len = 0;
	int			i;

	for (i = 0; i < lexer->len; i++)
	{
		if (lexer->kind == TOKEN_IDENTIFIER &&
			lexer->token[i] == lexer->quote && i + 1 < lexer->len)
			i++;
		text[len++] = lexer->token[i];
	}
	text[len] = '\0';
	if (!pg_verify_mbstr(PG_UTF8, text, len, true))
	{
		int			out_len;
		const char *converted;

		converted = sdb_charset_to_server(sdb_charset_find("latin1"), text,
										  len, &out_len);
		return pnstrdup(converted, out_len);
	}
	return pg_any_to_server(text, len, PG_UTF8);
}

/* Reads [database.]table and adds it; false if there is none. */
static bool
read_name(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	MysqlTableName *name;

	if (lexer->kind != TOKEN_WORD && lexer->kind != TOKEN_IDENTIFIER)
		return false;
	name = palloc(sizeof(MysqlTableName));
	name->database = pstrdup(database);
	name->table = text_of(lexer);
	next(lexer);
	if (accept(lexer, "."))
	{
		name->database = name->table;
		name->table = text_of(lexer);
		next(lexer);
	}
	statement->tables = lappend(statement->tables, name);
	return true;
}

static void
read_names(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	do
	{
		if (!read_name(lexer, database, statement))
			return;
	} while (accept(lexer, ","));
}

static void
parse_create(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	if (accept(lexer, "OR") && accept(lexer, "REPLACE"))
		statement->replaces = true;
	if (!accept(lexer, "TABLE"))
	{
		/* an index, or nothing of ours: TEMPORARY, VIEW, USER, ... */
		while (is(lexer, "UNIQUE") || is(lexer, "FULLTEXT") ||
			   is(lexer, "SPATIAL") || is(lexer, "VECTOR") ||
			   is(lexer, "ONLINE") || is(lexer, "OFFLINE"))
			next(lexer);
		parse_index(lexer, database, statement);
		return;
	}
	if (accept(lexer, "IF"))
	{
		(void) accept(lexer, "NOT");
		(void) accept(lexer, "EXISTS");
	}
	if (read_name(lexer, database, statement))
		statement->kind = STATEMENT_CREATE_TABLE;
}

/* INDEX name ... ON table: it may be the primary key. */
static void
parse_index(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	if (!accept(lexer, "INDEX"))
		return;
	while (lexer->kind != TOKEN_END && !is(lexer, "ON"))
		next(lexer);
	if (accept(lexer, "ON") && read_name(lexer, database, statement))
		statement->kind = STATEMENT_ALTER_TABLE;
}

static void
parse_drop(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	bool		is_database = is(lexer, "DATABASE") || is(lexer, "SCHEMA");

	if (!is_database && !is(lexer, "TABLE") && !is(lexer, "TABLES"))
	{
		parse_index(lexer, database, statement);
		return;
	}
	next(lexer);
	if (accept(lexer, "IF"))
		(void) accept(lexer, "EXISTS");
	read_names(lexer, database, statement);
	if (statement->tables == NIL)
		return;
	statement->kind = STATEMENT_DROP_TABLE;
	if (is_database)
	{
		MysqlTableName *name = linitial(statement->tables);

		statement->kind = STATEMENT_DROP_DATABASE;
		name->database = name->table;
		name->table = NULL;
	}
}

static void
parse_alter(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	int			depth = 0;
	Size		i;

	while (is(lexer, "ONLINE") || is(lexer, "OFFLINE") || is(lexer, "IGNORE"))
		next(lexer);
	if (!accept(lexer, "TABLE"))
		return;
	if (accept(lexer, "IF"))
		(void) accept(lexer, "EXISTS");
	if (!read_name(lexer, database, statement))
		return;
	statement->kind = STATEMENT_ALTER_TABLE;

	while (lexer->kind != TOKEN_END)
	{
		Lexer		word = *lexer;

		if (is(lexer, "("))
			depth++;
		else if (is(lexer, ")"))
			depth--;
		next(lexer);
		if (depth > 0)
			continue;
		for (i = 0; i < lengthof(row_movers); i++)
		{
			if (is(&word, row_movers[i][0]) && is(lexer, row_movers[i][1]))
				statement->kind = STATEMENT_MOVE_ROWS;
		}
		if (is(&word, "RENAME") && !is(lexer, "COLUMN") &&
			!is(lexer, "INDEX") && !is(lexer, "KEY"))
		{
			if (!accept(lexer, "TO") && !accept(lexer, "AS"))
				(void) accept(lexer, "=");
			if (read_name(lexer, database, statement))
				statement->kind = STATEMENT_MOVE_ROWS;
		}
	}
}

/* RENAME TABLE a TO b, c TO d */
static void
parse_rename(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	if (!accept(lexer, "TABLE") && !accept(lexer, "TABLES"))
		return;
	if (accept(lexer, "IF"))
		(void) accept(lexer, "EXISTS");
	do
	{
		if (!read_name(lexer, database, statement))
			return;
		/* MariaDB: WAIT n, NOWAIT */
		while (lexer->kind == TOKEN_WORD && !is(lexer, "TO"))
			next(lexer);
		if (!accept(lexer, "TO") || !read_name(lexer, database, statement))
			return;
		statement->kind = STATEMENT_MOVE_ROWS;
	} while (accept(lexer, ","));
}

/*
 * DELETE FROM table, and nothing more, is what a server logs for a table in
 * memory that it found empty after a restart.
 */
static void
parse_delete(Lexer *lexer, const char *database, MysqlStatement *statement)
{
	statement->kind = STATEMENT_DML;
	if (!accept(lexer, "FROM") || !read_name(lexer, database, statement))
		return;
	(void) accept(lexer, ";");
	if (lexer->kind == TOKEN_END)
		statement->kind = STATEMENT_TRUNCATE;
}

static bool
parse_opening(Lexer *lexer, MysqlStatement *statement)
{
	Lexer		first = *lexer;
	Size		i;

	next(lexer);
	for (i = 0; i < lengthof(openings); i++)
	{
		if (!is(&first, openings[i].first))
			continue;
		if (openings[i].second != NULL && !accept(lexer, openings[i].second))
			continue;
		statement->kind = openings[i].kind;
		return true;
	}
	*lexer = first;
	return false;
}

/* gtrid [, bqual [, format]], in any of the spellings of a string. */
static char *
read_xid(Lexer *lexer)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (!read_xid_part(lexer, &buf))
		return NULL;
	appendStringInfoChar(&buf, ',');
	if (!accept(lexer, ","))
		appendStringInfoString(&buf, "X''");
	else if (!read_xid_part(lexer, &buf))
		return NULL;
	if (accept(lexer, ",") && lexer->kind == TOKEN_WORD)
		appendStringInfo(&buf, ",%.*s", lexer->len, lexer->token);
	else
		appendStringInfoString(&buf, ",1");
	return buf.data;
}

static bool
read_xid_part(Lexer *lexer, StringInfo buf)
{
	bool		is_hex;
	int			i;

	/* 0x6162 */
	if (lexer->kind == TOKEN_WORD && lexer->len >= 2 &&
		pg_strncasecmp(lexer->token, "0x", 2) == 0)
	{
		lexer->token += 2;
		lexer->len -= 2;
		is_hex = true;
	}
	else
	{
		is_hex = accept(lexer, "X");
		if (lexer->kind != TOKEN_STRING && lexer->kind != TOKEN_IDENTIFIER)
			return false;
	}

	appendStringInfoString(buf, "X'");
	for (i = 0; i < lexer->len; i++)
	{
		if (is_hex)
			appendStringInfoChar(buf, pg_tolower((unsigned char) lexer->token[i]));
		else
		{
			if ((lexer->token[i] == '\\' ||
				 lexer->token[i] == lexer->quote) && i + 1 < lexer->len)
				i++;
			appendStringInfo(buf, "%02x", (unsigned char) lexer->token[i]);
		}
	}
	appendStringInfoChar(buf, '\'');
	next(lexer);
	return true;
}
