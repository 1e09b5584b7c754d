/*
 * mysql_lexer.h --- tokens of SQL as MySQL and MariaDB write it
 */
#ifndef SDB_MYSQL_LEXER_H
#define SDB_MYSQL_LEXER_H

#include "util/charset.h"

/* Bits of sql_mode that change what a text, or a statement, means */
#define MYSQL_MODE_REAL_AS_FLOAT		UINT64CONST(0x1)
#define MYSQL_MODE_ANSI_QUOTES			UINT64CONST(0x4)
#define MYSQL_MODE_ORACLE				UINT64CONST(0x200)	/* MariaDB */
#define MYSQL_MODE_NO_BACKSLASH_ESCAPES	UINT64CONST(0x100000)
#define MYSQL_MODE_TRUNCATE_FRACTIONAL	UINT64CONST(0x100000000)	/* MySQL */
#define MYSQL_MODE_ROUND_FRACTIONAL		UINT64CONST(0x400000000)	/* MariaDB */

/* MysqlDialect --- how the server understood a statement */
typedef struct MysqlDialect
{
	bool		is_mariadb;
	int			version;		/* 101103 for 10.11.3 */
	uint64		sql_mode;
	const Charset *charset;		/* of the text; NULL if not known, then what
								 * is not ASCII is taken for latin1 */
} MysqlDialect;

typedef enum MysqlTokenKind
{
	MYSQL_TOKEN_END,
	MYSQL_TOKEN_WORD,			/* unquoted */
	MYSQL_TOKEN_IDENTIFIER,		/* in backticks, or double quotes with
								 * ANSI_QUOTES */
	MYSQL_TOKEN_STRING,
	MYSQL_TOKEN_NUMBER,			/* without a sign */
	MYSQL_TOKEN_HEX,			/* X'4F' or 0x4F: its digits */
	MYSQL_TOKEN_BITS,			/* B'101' or 0b101: its digits */
	MYSQL_TOKEN_SYMBOL			/* one byte */
} MysqlTokenKind;

/*
 * MysqlLexer --- a position in a statement and the token there
 *
 * Owns nothing; a copy of the struct is a place to come back to.
 */
typedef struct MysqlLexer
{
	const MysqlDialect *dialect;
	const char *start;			/* of the statement */
	const char *pos;			/* behind the token */
	const char *end;
	bool		in_executable;	/* inside a comment that the server ran */
	bool		after_dot;		/* the token is the last part of a.b */

	MysqlTokenKind kind;
	const char *token;			/* WORD, NUMBER, SYMBOL: as written; others:
								 * what is between the quotes */
	int			len;
	char		quote;			/* of IDENTIFIER and STRING */
} MysqlLexer;

/* Begins with the first token of sql[0 .. len-1], which must outlive it. */
extern void sdb_mysql_lexer_init(MysqlLexer *lexer,
								 const MysqlDialect *dialect,
								 const char *sql, int len);

/*
 * sdb_mysql_lexer_next --- go to the next token.
 *
 * Comments are skipped.  Executable ones count if the server is of a kind and
 * version that ran them.  A quote or comment without end reaches to the end of
 * the statement.
 */
extern void sdb_mysql_lexer_next(MysqlLexer *lexer);

/* Is the token that word (any case), unquoted, or that symbol? */
extern bool sdb_mysql_lexer_is(const MysqlLexer *lexer, const char *word);

/*
 * sdb_mysql_lexer_value --- the bytes that a token means, escapes resolved, in
 * the statement's character set.
 *
 * out:    palloc'd and NUL-terminated, of *len bytes
 */
extern char *sdb_mysql_lexer_value(const MysqlLexer *lexer, int *len);

/* The token as a name, in the server encoding. */
extern char *sdb_mysql_lexer_name(const MysqlLexer *lexer);

#endif							/* SDB_MYSQL_LEXER_H */
