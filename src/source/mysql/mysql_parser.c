/*
 * mysql_parser.c --- names, texts and words, of which DDL is made
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "source/mysql/mysql_parser.h"

static bool introduces(const MysqlLexer *lexer);

void
sdb_mysql_parser_fail(MysqlParser *p, const char *expected)
{
	MysqlLexer *lexer = &p->lexer;

	if (p->failure == NULL)
	{
		if (lexer->kind == MYSQL_TOKEN_END)
			p->failure = psprintf("%s expected at the end", expected);
		else
			p->failure = psprintf("%s expected at byte %d", expected,
								  (int) (lexer->token - lexer->start));
	}
	lexer->pos = lexer->end;
	lexer->token = lexer->end;
	lexer->len = 0;
	lexer->kind = MYSQL_TOKEN_END;
}

bool
sdb_mysql_parser_at_end(const MysqlParser *p)
{
	return p->lexer.kind == MYSQL_TOKEN_END;
}

void
sdb_mysql_parser_next(MysqlParser *p)
{
	sdb_mysql_lexer_next(&p->lexer);
}

bool
sdb_mysql_parser_is(const MysqlParser *p, const char *word)
{
	return sdb_mysql_lexer_is(&p->lexer, word);
}

bool
sdb_mysql_parser_is2(const MysqlParser *p, const char *first,
					 const char *second)
{
	MysqlLexer	ahead = p->lexer;

	if (!sdb_mysql_lexer_is(&ahead, first))
		return false;
	sdb_mysql_lexer_next(&ahead);
	return sdb_mysql_lexer_is(&ahead, second);
}

bool
sdb_mysql_parser_accept(MysqlParser *p, const char *word)
{
	if (!sdb_mysql_parser_is(p, word))
		return false;
	sdb_mysql_parser_next(p);
	return true;
}

bool
sdb_mysql_parser_accept2(MysqlParser *p, const char *first,
						 const char *second)
{
	if (!sdb_mysql_parser_is2(p, first, second))
		return false;
	sdb_mysql_parser_next(p);
	sdb_mysql_parser_next(p);
	return true;
}

void
sdb_mysql_parser_expect(MysqlParser *p, const char *word)
{
	if (!sdb_mysql_parser_accept(p, word))
		sdb_mysql_parser_fail(p, word);
}

bool
sdb_mysql_parser_if_exists(MysqlParser *p)
{
	return sdb_mysql_parser_accept2(p, "IF", "EXISTS");
}

bool
sdb_mysql_parser_if_not_exists(MysqlParser *p)
{
	if (!sdb_mysql_parser_accept2(p, "IF", "NOT"))
		return false;
	sdb_mysql_parser_expect(p, "EXISTS");
	return true;
}

void
sdb_mysql_parser_skip_parens(MysqlParser *p)
{
	int			depth = 0;

	if (!sdb_mysql_parser_is(p, "("))
		sdb_mysql_parser_fail(p, "(");
	while (!sdb_mysql_parser_at_end(p))
	{
		if (sdb_mysql_parser_is(p, "("))
			depth++;
		else if (sdb_mysql_parser_is(p, ")"))
			depth--;
		sdb_mysql_parser_next(p);
		if (depth == 0)
			return;
	}
	sdb_mysql_parser_fail(p, ")");
}

bool
sdb_mysql_parser_is_name(const MysqlParser *p)
{
	return p->lexer.kind == MYSQL_TOKEN_WORD ||
		p->lexer.kind == MYSQL_TOKEN_IDENTIFIER;
}

char *
sdb_mysql_parser_name(MysqlParser *p)
{
	char	   *name;

	if (!sdb_mysql_parser_is_name(p))
	{
		sdb_mysql_parser_fail(p, "a name");
		return pstrdup("");
	}
	name = sdb_mysql_lexer_name(&p->lexer);
	sdb_mysql_parser_next(p);
	return name;
}

MysqlTableName *
sdb_mysql_parser_table(MysqlParser *p)
{
	MysqlTableName *name = palloc(sizeof(MysqlTableName));

	name->database = pstrdup(p->database);
	/* ".t" is a table of the default database as well */
	(void) sdb_mysql_parser_accept(p, ".");
	name->table = sdb_mysql_parser_name(p);
	if (sdb_mysql_parser_accept(p, "."))
	{
		name->database = name->table;
		name->table = sdb_mysql_parser_name(p);
	}
	return name;
}

/* _utf8mb4 before a string */
static bool
introduces(const MysqlLexer *lexer)
{
	MysqlLexer	ahead = *lexer;

	if (lexer->kind != MYSQL_TOKEN_WORD ||
		!(*lexer->token == '_' || sdb_mysql_lexer_is(lexer, "N")))
		return false;
	sdb_mysql_lexer_next(&ahead);
	return ahead.kind == MYSQL_TOKEN_STRING;
}

bool
sdb_mysql_parser_is_text(const MysqlParser *p)
{
	return p->lexer.kind == MYSQL_TOKEN_STRING || introduces(&p->lexer);
}

MysqlText *
sdb_mysql_parser_text(MysqlParser *p)
{
	MysqlText  *text = palloc0(sizeof(MysqlText));
	StringInfoData buf;

	initStringInfo(&buf);
	if (introduces(&p->lexer))
	{
		if (sdb_mysql_lexer_is(&p->lexer, "N"))
			text->charset = NULL;
		else
			text->charset = pnstrdup(p->lexer.token + 1, p->lexer.len - 1);
		sdb_mysql_parser_next(p);
	}
	if (p->lexer.kind != MYSQL_TOKEN_STRING)
		sdb_mysql_parser_fail(p, "a string");
	while (p->lexer.kind == MYSQL_TOKEN_STRING)
	{
		int			len;
		char	   *part = sdb_mysql_lexer_value(&p->lexer, &len);

		appendBinaryStringInfo(&buf, part, len);
		sdb_mysql_parser_next(p);
	}
	text->bytes = buf.data;
	text->len = buf.len;
	return text;
}

int64
sdb_mysql_parser_number(MysqlParser *p)
{
	char	   *digits;
	int64		result;

	if (p->lexer.kind != MYSQL_TOKEN_NUMBER)
	{
		sdb_mysql_parser_fail(p, "a number");
		return 0;
	}
	digits = pnstrdup(p->lexer.token, p->lexer.len);
	result = strtoll(digits, NULL, 10);
	sdb_mysql_parser_next(p);
	return result;
}

char *
sdb_mysql_parser_word(MysqlParser *p)
{
	int			len;
	char	   *word;

	if (!sdb_mysql_parser_is_name(p) && p->lexer.kind != MYSQL_TOKEN_STRING)
	{
		sdb_mysql_parser_fail(p, "a name");
		return pstrdup("");
	}
	word = sdb_mysql_lexer_value(&p->lexer, &len);
	for (char *c = word; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	sdb_mysql_parser_next(p);
	return word;
}

void
sdb_mysql_parser_skip_wait(MysqlParser *p)
{
	if (sdb_mysql_parser_accept(p, "WAIT"))
		(void) sdb_mysql_parser_number(p);
	else
		(void) sdb_mysql_parser_accept(p, "NOWAIT");
}

bool
sdb_mysql_parse_charset(MysqlParser *p, MysqlCharset *charset)
{
	bool		is_collation = sdb_mysql_parser_is(p, "COLLATE");
	char	   *word;

	if (!is_collation && !sdb_mysql_parser_is(p, "CHARSET") &&
		!sdb_mysql_parser_is2(p, "CHARACTER", "SET") &&
		!sdb_mysql_parser_is2(p, "CHAR", "SET"))
		return false;
	if (sdb_mysql_parser_is(p, "CHARACTER") || sdb_mysql_parser_is(p, "CHAR"))
		sdb_mysql_parser_next(p);
	sdb_mysql_parser_next(p);
	(void) sdb_mysql_parser_accept(p, "=");
	word = sdb_mysql_parser_word(p);
	if (is_collation)
		charset->collation = word;
	else
		charset->charset = word;
	return true;
}
