/*
 * mysql_lexer.c --- tokens of SQL as MySQL and MariaDB write it
 *
 * Works on the bytes that the client sent.  In some character sets (sjis,
 * gbk, big5, ...) the second byte of a character may look like a backslash or
 * a quote, so characters are stepped over as a whole.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "source/mysql/mysql_lexer.h"

static void skip_blanks(MysqlLexer *lexer);
static bool starts(const MysqlLexer *lexer, const char *text);
static void skip_line(MysqlLexer *lexer);
static void skip_comment(MysqlLexer *lexer);
static void enter_executable(MysqlLexer *lexer);
static void scan_quoted(MysqlLexer *lexer, MysqlTokenKind kind);
static void scan_word(MysqlLexer *lexer);
static bool all_in(const char *data, int len, const char *set);
static bool scan_number(MysqlLexer *lexer);
static bool is_word_byte(char c);
static int	char_len(const MysqlLexer *lexer, const char *pos);
static bool has_escapes(const MysqlLexer *lexer);
static const char *unescape(const MysqlLexer *lexer, const char *pos,
							StringInfo buf);

void
sdb_mysql_lexer_init(MysqlLexer *lexer, const MysqlDialect *dialect,
					 const char *sql, int len)
{
	memset(lexer, 0, sizeof(MysqlLexer));
	lexer->dialect = dialect;
	lexer->start = lexer->pos = sql;
	lexer->end = sql + len;
	sdb_mysql_lexer_next(lexer);
}

void
sdb_mysql_lexer_next(MysqlLexer *lexer)
{
	bool		ends_name = lexer->kind == MYSQL_TOKEN_WORD ||
		lexer->kind == MYSQL_TOKEN_IDENTIFIER;
	const char *end = lexer->pos;

	lexer->after_dot = lexer->kind == MYSQL_TOKEN_SYMBOL &&
		*lexer->token == '.';
	skip_blanks(lexer);
	/* "t.5" is a name, "DEFAULT .5" a number */
	ends_name = ends_name && lexer->pos == end;
	lexer->token = lexer->pos;
	lexer->len = 0;
	if (lexer->pos == lexer->end)
	{
		lexer->kind = MYSQL_TOKEN_END;
		return;
	}
	switch (*lexer->pos)
	{
		case '`':
			scan_quoted(lexer, MYSQL_TOKEN_IDENTIFIER);
			return;
		case '"':
			scan_quoted(lexer, (lexer->dialect->sql_mode &
								MYSQL_MODE_ANSI_QUOTES) ?
						MYSQL_TOKEN_IDENTIFIER : MYSQL_TOKEN_STRING);
			return;
		case '\'':
			scan_quoted(lexer, MYSQL_TOKEN_STRING);
			return;
		default:
			break;
	}
	if (!lexer->after_dot && !(ends_name && *lexer->pos == '.') &&
		scan_number(lexer))
		return;
	if (is_word_byte(*lexer->pos))
	{
		scan_word(lexer);
		return;
	}
	lexer->kind = MYSQL_TOKEN_SYMBOL;
	lexer->pos++;
	lexer->len = 1;
}

bool
sdb_mysql_lexer_is(const MysqlLexer *lexer, const char *word)
{
	return (lexer->kind == MYSQL_TOKEN_WORD ||
			lexer->kind == MYSQL_TOKEN_SYMBOL) &&
		pg_strncasecmp(lexer->token, word, lexer->len) == 0 &&
		word[lexer->len] == '\0';
}

char *
sdb_mysql_lexer_value(const MysqlLexer *lexer, int *len)
{
	StringInfoData buf;
	const char *pos = lexer->token;
	const char *end = pos + lexer->len;

	initStringInfo(&buf);
	while (pos < end)
	{
		int			n = Min(char_len(lexer, pos), end - pos);

		if (lexer->kind == MYSQL_TOKEN_STRING && *pos == '\\' &&
			has_escapes(lexer) && pos + 1 < end)
		{
			pos = unescape(lexer, pos + 1, &buf);
			continue;
		}
		/* a quote inside is doubled */
		if ((lexer->kind == MYSQL_TOKEN_STRING ||
			 lexer->kind == MYSQL_TOKEN_IDENTIFIER) && n == 1 &&
			*pos == lexer->quote)
			pos++;
		appendBinaryStringInfo(&buf, pos, Min(n, end - pos));
		pos += n;
	}
	*len = buf.len;
	return buf.data;
}

char *
sdb_mysql_lexer_name(const MysqlLexer *lexer)
{
	const Charset *charset = lexer->dialect->charset;
	int			len;
	char	   *bytes = sdb_mysql_lexer_value(lexer, &len);
	const char *text;
	bool		is_utf8;

	/* a name has no zero byte, and one that is not valid is no name of ours */
	len = strlen(bytes);
	is_utf8 = pg_encoding_verifymbstr(PG_UTF8, bytes, len) == len;
	if (charset == NULL && is_utf8)
		charset = sdb_charset_find("utf8mb4");
	else if (charset == NULL || (sdb_charset_is_utf8(charset) && !is_utf8))
		charset = sdb_charset_find("latin1");
	text = sdb_charset_to_server(charset, bytes, len, &len);
	return text == bytes ? bytes : pnstrdup(text, len);
}

static void
skip_blanks(MysqlLexer *lexer)
{
	while (lexer->pos < lexer->end)
	{
		if (isspace((unsigned char) *lexer->pos))
			lexer->pos++;
		else if (lexer->in_executable && starts(lexer, "*/"))
		{
			lexer->in_executable = false;
			lexer->pos += 2;
		}
		else if (*lexer->pos == '#')
			skip_line(lexer);
		else if (starts(lexer, "--") &&
				 (lexer->pos + 2 == lexer->end ||
				  isspace((unsigned char) lexer->pos[2]) ||
				  iscntrl((unsigned char) lexer->pos[2])))
			skip_line(lexer);
		else if (starts(lexer, "/*!") || starts(lexer, "/*M!"))
			enter_executable(lexer);
		else if (starts(lexer, "/*"))
			skip_comment(lexer);
		else
			return;
	}
}

static bool
starts(const MysqlLexer *lexer, const char *text)
{
	Size		len = strlen(text);

	return lexer->end - lexer->pos >= len &&
		memcmp(lexer->pos, text, len) == 0;
}

static void
skip_line(MysqlLexer *lexer)
{
	const char *newline = memchr(lexer->pos, '\n', lexer->end - lexer->pos);

	lexer->pos = newline != NULL ? newline + 1 : lexer->end;
}

/* Goes behind a comment; those inside it have their own end. */
static void
skip_comment(MysqlLexer *lexer)
{
	bool		nests = starts(lexer, "/*!") || starts(lexer, "/*M!");
	int			depth = 0;

	while (lexer->pos < lexer->end)
	{
		if ((depth == 0 || nests) && starts(lexer, "/*"))
		{
			depth++;
			lexer->pos += 2;
		}
		else if (starts(lexer, "*/"))
		{
			lexer->pos += 2;
			if (--depth == 0)
				return;
		}
		else
			lexer->pos++;
	}
}

/*
 * At an executable comment: goes into it if the server ran it, else behind it.
 *
 * MariaDB leaves out what is meant for MySQL from 5.7 on, whose version
 * numbers are those between.
 */
static void
enter_executable(MysqlLexer *lexer)
{
	const MysqlDialect *dialect = lexer->dialect;
	bool		for_mariadb = starts(lexer, "/*M!");
	const char *digits = lexer->pos + (for_mariadb ? 4 : 3);
	int			ndigits = 0;
	int			version = 0;
	bool		runs;

	while (ndigits < 6 && digits + ndigits < lexer->end &&
		   isdigit((unsigned char) digits[ndigits]))
		version = version * 10 + (digits[ndigits++] - '0');
	if (ndigits < 5)
		ndigits = version = 0;

	runs = version <= dialect->version;
	if (dialect->is_mariadb)
		runs = runs && (for_mariadb || version < 50700 || version > 99999);
	else
		runs = runs && !for_mariadb;
	if (!runs || lexer->in_executable)
	{
		skip_comment(lexer);
		return;
	}
	lexer->in_executable = true;
	lexer->pos = digits + ndigits;
}

static void
scan_quoted(MysqlLexer *lexer, MysqlTokenKind kind)
{
	bool		escapes = kind == MYSQL_TOKEN_STRING && has_escapes(lexer);

	lexer->kind = kind;
	lexer->quote = *lexer->pos;
	lexer->token = ++lexer->pos;
	while (lexer->pos < lexer->end)
	{
		if (escapes && *lexer->pos == '\\' && lexer->pos + 1 < lexer->end)
			lexer->pos++;
		else if (*lexer->pos == lexer->quote)
		{
			if (lexer->pos + 1 == lexer->end || lexer->pos[1] != lexer->quote)
				break;
			lexer->pos++;
		}
		lexer->pos += Min(char_len(lexer, lexer->pos),
						  lexer->end - lexer->pos);
	}
	lexer->len = lexer->pos - lexer->token;
	if (lexer->pos < lexer->end)
		lexer->pos++;
}

/* A word, or one of X'4F', 0x4F, B'101', 0b101. */
static void
scan_word(MysqlLexer *lexer)
{
	const char *token = lexer->pos;

	lexer->kind = MYSQL_TOKEN_WORD;
	while (lexer->pos < lexer->end && is_word_byte(*lexer->pos))
		lexer->pos += Min(char_len(lexer, lexer->pos),
						  lexer->end - lexer->pos);
	lexer->token = token;
	lexer->len = lexer->pos - token;
	if (lexer->after_dot)
		return;

	if (lexer->len == 1 && strchr("xXbB", *token) != NULL &&
		starts(lexer, "'"))
	{
		scan_quoted(lexer, toupper((unsigned char) *token) == 'X' ?
					MYSQL_TOKEN_HEX : MYSQL_TOKEN_BITS);
		return;
	}
	if (lexer->len > 2 && token[0] == '0' &&
		((token[1] == 'x' && all_in(token + 2, lexer->len - 2,
									"0123456789abcdefABCDEF")) ||
		 (token[1] == 'b' && all_in(token + 2, lexer->len - 2, "01"))))
	{
		lexer->kind = token[1] == 'x' ? MYSQL_TOKEN_HEX : MYSQL_TOKEN_BITS;
		lexer->token += 2;
		lexer->len -= 2;
	}
}

static bool
all_in(const char *data, int len, const char *set)
{
	for (int i = 0; i < len; i++)
	{
		if (data[i] == '\0' || strchr(set, data[i]) == NULL)
			return false;
	}
	return true;
}

/* False if what stands there is no number; digits may begin a name. */
static bool
scan_number(MysqlLexer *lexer)
{
	const char *p = lexer->pos;
	int			ndigits = 0;

	for (; p < lexer->end && isdigit((unsigned char) *p); p++)
		ndigits++;
	if (p < lexer->end && *p == '.')
	{
		for (p++; p < lexer->end && isdigit((unsigned char) *p); p++)
			ndigits++;
	}
	if (ndigits == 0)
		return false;
	if (p < lexer->end && (*p == 'e' || *p == 'E'))
	{
		const char *q = p + 1;

		if (q < lexer->end && (*q == '+' || *q == '-'))
			q++;
		if (q < lexer->end && isdigit((unsigned char) *q))
		{
			while (q < lexer->end && isdigit((unsigned char) *q))
				q++;
			p = q;
		}
	}
	if (p < lexer->end && is_word_byte(*p))
		return false;
	lexer->kind = MYSQL_TOKEN_NUMBER;
	lexer->token = lexer->pos;
	lexer->len = p - lexer->pos;
	lexer->pos = p;
	return true;
}

static bool
is_word_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' ||
		IS_HIGHBIT_SET(c);
}

static int
char_len(const MysqlLexer *lexer, const char *pos)
{
	if (!IS_HIGHBIT_SET(*pos) || lexer->dialect->charset == NULL)
		return 1;
	return sdb_charset_char_len(lexer->dialect->charset, pos,
								lexer->end - pos);
}

static bool
has_escapes(const MysqlLexer *lexer)
{
	return !(lexer->dialect->sql_mode & MYSQL_MODE_NO_BACKSLASH_ESCAPES);
}

/* What a backslash means together with the character behind it. */
static const char *
unescape(const MysqlLexer *lexer, const char *pos, StringInfo buf)
{
	static const char meanings[][2] = {
		{'0', '\0'}, {'b', '\b'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'},
		{'Z', '\032'}
	};
	int			n = Min(char_len(lexer, pos),
						lexer->token + lexer->len - pos);

	/* these two stay for LIKE */
	if (*pos == '%' || *pos == '_')
		appendStringInfoChar(buf, '\\');
	for (int i = 0; i < lengthof(meanings); i++)
	{
		if (*pos == meanings[i][0])
		{
			appendStringInfoChar(buf, meanings[i][1]);
			return pos + 1;
		}
	}
	appendBinaryStringInfo(buf, pos, n);
	return pos + n;
}
