/*
 * mysql_parser.h --- what the files of the parser share
 *
 * mysql_ddl.c knows statements, mysql_parse_table.c what stands in CREATE
 * TABLE, mysql_parse_column.c columns, mysql_parse_alter.c the clauses of
 * ALTER TABLE; mysql_parser.c has the words that all of them are made of.
 *
 * A parser that meets what it does not know notes it and moves to the end of
 * the statement, so every loop ends and nobody but the caller looks.
 */
#ifndef SDB_MYSQL_PARSER_H
#define SDB_MYSQL_PARSER_H

#include "source/mysql/mysql_ddl.h"

typedef struct MysqlParser
{
	MysqlLexer	lexer;			/* at the token to be read next */
	const char *database;		/* default database */
	char	   *failure;		/* NULL if all is well */
} MysqlParser;

/* Give up: `expected` is what should stand here. */
extern void sdb_mysql_parser_fail(MysqlParser *p, const char *expected);

extern bool sdb_mysql_parser_at_end(const MysqlParser *p);
extern void sdb_mysql_parser_next(MysqlParser *p);

/* Is the next token, or are the next two, these words or symbols? */
extern bool sdb_mysql_parser_is(const MysqlParser *p, const char *word);
extern bool sdb_mysql_parser_is2(const MysqlParser *p, const char *first,
								 const char *second);

/* The same, and go past them if so. */
extern bool sdb_mysql_parser_accept(MysqlParser *p, const char *word);
extern bool sdb_mysql_parser_accept2(MysqlParser *p, const char *first,
									 const char *second);

/* Go past a word that must be there. */
extern void sdb_mysql_parser_expect(MysqlParser *p, const char *word);

/* IF EXISTS, IF NOT EXISTS: was it there? */
extern bool sdb_mysql_parser_if_exists(MysqlParser *p);
extern bool sdb_mysql_parser_if_not_exists(MysqlParser *p);

/* Go past a parenthesis and all in it. */
extern void sdb_mysql_parser_skip_parens(MysqlParser *p);

/* A name, quoted or not; "" after a failure. */
extern char *sdb_mysql_parser_name(MysqlParser *p);
extern bool sdb_mysql_parser_is_name(const MysqlParser *p);

/* [database.]table */
extern MysqlTableName *sdb_mysql_parser_table(MysqlParser *p);

/* A string, with its introducer and its continuations. */
extern bool sdb_mysql_parser_is_text(const MysqlParser *p);
extern MysqlText *sdb_mysql_parser_text(MysqlParser *p);

/* A whole number without sign. */
extern int64 sdb_mysql_parser_number(MysqlParser *p);

/* A word, name or string in lower case: of a character set, an engine. */
extern char *sdb_mysql_parser_word(MysqlParser *p);

/* WAIT n, NOWAIT of MariaDB, if there */
extern void sdb_mysql_parser_skip_wait(MysqlParser *p);

/* CHARACTER SET x, CHARSET x, COLLATE x, with "=" or without: was one there? */
extern bool sdb_mysql_parse_charset(MysqlParser *p, MysqlCharset *charset);

/* name type attributes [FIRST | AFTER name] */
extern MysqlColumnDef *sdb_mysql_parse_column(MysqlParser *p);
extern void sdb_mysql_parse_place(MysqlParser *p, MysqlPlace *place);

/* What follows DEFAULT; what follows ALTER column SET DEFAULT */
extern void sdb_mysql_parse_default(MysqlParser *p, MysqlDefault *value);
extern void sdb_mysql_parse_set_default(MysqlParser *p, MysqlDefault *value);

/* After CREATE ... TABLE */
extern void sdb_mysql_parse_create_table(MysqlParser *p,
										 MysqlStatement *statement);

/* Does a key or constraint begin here, rather than a column? */
extern bool sdb_mysql_parse_is_key(const MysqlParser *p);
extern MysqlKeyDef *sdb_mysql_parse_key(MysqlParser *p);

/* CHECK has been read: the column if it is json_valid(column), else NULL. */
extern char *sdb_mysql_parse_check(MysqlParser *p);

/* REFERENCES has been read. */
extern void sdb_mysql_parse_references(MysqlParser *p, MysqlKeyDef *key);

/* (part, ...) */
extern List *sdb_mysql_parse_key_parts(MysqlParser *p);

/* Behind the parts of an index: USING, COMMENT, KEY_BLOCK_SIZE, ... */
extern void sdb_mysql_parse_key_options(MysqlParser *p);

/* One option of a table: was one there? */
extern bool sdb_mysql_parse_option(MysqlParser *p, MysqlOptions *options);

/* PARTITION BY ... to the end of the statement, or to SELECT */
extern void sdb_mysql_parse_partitions(MysqlParser *p);

/* The clauses of ALTER TABLE, to the end */
extern void sdb_mysql_parse_alter_actions(MysqlParser *p,
										  MysqlStatement *statement);

#endif							/* SDB_MYSQL_PARSER_H */
