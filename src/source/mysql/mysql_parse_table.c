/*
 * mysql_parse_table.c --- CREATE TABLE: keys, constraints, options
 */
#include "postgres.h"

#include "source/mysql/mysql_parser.h"

/* Options whose value may stand without "=" */
static const char *const option_words[] = {
	"ADAPTIVE_HASH_INDEX", "AUTOEXTEND_SIZE", "AUTO_INCREMENT",
	"AVG_ROW_LENGTH", "CHECKSUM", "COMPRESSION", "CONNECTION",
	"DELAY_KEY_WRITE", "ENCRYPTED", "ENCRYPTION", "ENCRYPTION_KEY_ID",
	"ENGINE_ATTRIBUTE", "IETF_QUOTES", "INSERT_METHOD", "KEY_BLOCK_SIZE",
	"MAX_ROWS", "MIN_ROWS", "PACK_KEYS", "PAGE_CHECKSUM", "PAGE_COMPRESSED",
	"PAGE_COMPRESSION_LEVEL", "PASSWORD", "ROW_FORMAT", "SECONDARY_ENGINE",
	"SECONDARY_ENGINE_ATTRIBUTE", "STATS_AUTO_RECALC", "STATS_PERSISTENT",
	"STATS_SAMPLE_PAGES", "STORAGE", "TABLESPACE", "TABLE_CHECKSUM",
	"TRANSACTIONAL", "TYPE", "UNION"
};

static const char *const key_options[] = {
	"USING", "TYPE", "KEY_BLOCK_SIZE", "COMMENT", "ENGINE_ATTRIBUTE",
	"SECONDARY_ENGINE_ATTRIBUTE", "ADAPTIVE_HASH_INDEX", "COMPLETE_FIELDS",
	"BYTES_FROM_INCOMPLETE_FIELD", "FOR_EQUAL_HASH_POINT_TO_LAST_RECORD"
};

static const char *const reference_actions[][2] = {
	{"RESTRICT", NULL},
	{"CASCADE", NULL},
	{"SET", "NULL"},
	{"SET", "DEFAULT"},
	{"NO", "ACTION"}
};

static const char *const reference_names[] = {
	"RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION"
};

static void parse_definitions(MysqlParser *p, MysqlStatement *statement);
static bool at_select(const MysqlParser *p);
static void skip_select(MysqlParser *p, MysqlStatement *statement);
static bool opens_select(const MysqlParser *p);
static bool opens_query(const MysqlParser *p);
static void parse_index(MysqlParser *p, MysqlKeyDef *key);
static void parse_foreign(MysqlParser *p, MysqlKeyDef *key);
static bool parse_special_option(MysqlParser *p, MysqlOptions *options);
static bool is_directory(const MysqlParser *p);
static void parse_option_value(MysqlParser *p);
static const char *parse_reference_action(MysqlParser *p);

void
sdb_mysql_parse_create_table(MysqlParser *p, MysqlStatement *statement)
{
	statement->if_exists = sdb_mysql_parser_if_not_exists(p);
	statement->tables = list_make1(sdb_mysql_parser_table(p));
	if (p->failure != NULL)
		return;

	if (sdb_mysql_parser_accept(p, "LIKE"))
	{
		statement->like = sdb_mysql_parser_table(p);
		return;
	}
	if (sdb_mysql_parser_is2(p, "(", "LIKE"))
	{
		(void) sdb_mysql_parser_accept2(p, "(", "LIKE");
		statement->like = sdb_mysql_parser_table(p);
		sdb_mysql_parser_expect(p, ")");
		return;
	}
	if (sdb_mysql_parser_is(p, "(") && !opens_select(p))
		parse_definitions(p, statement);
	while (!sdb_mysql_parser_at_end(p) && !at_select(p) &&
		   !sdb_mysql_parser_is(p, ";"))
	{
		if (sdb_mysql_parser_is2(p, "PARTITION", "BY"))
			sdb_mysql_parse_partitions(p);
		/* at the end of the log's form of CREATE TABLE ... SELECT */
		else if (!sdb_mysql_parser_accept2(p, "START", "TRANSACTION") &&
				 !sdb_mysql_parse_option(p, &statement->options))
			sdb_mysql_parser_fail(p, "a table option");
		(void) sdb_mysql_parser_accept(p, ",");
	}
	skip_select(p, statement);
	if (statement->options.is_sequence)
		statement->kind = STATEMENT_OTHER;
}

static void
parse_definitions(MysqlParser *p, MysqlStatement *statement)
{
	sdb_mysql_parser_expect(p, "(");
	do
	{
		if (sdb_mysql_parse_is_key(p))
			statement->keys = lappend(statement->keys, sdb_mysql_parse_key(p));
		else
			statement->columns = lappend(statement->columns,
										 sdb_mysql_parse_column(p));
	} while (sdb_mysql_parser_accept(p, ","));
	sdb_mysql_parser_expect(p, ")");
}

/* Does the query of CREATE TABLE ... SELECT begin here? */
static bool
at_select(const MysqlParser *p)
{
	return sdb_mysql_parser_is(p, "SELECT") ||
		sdb_mysql_parser_is(p, "AS") ||
		sdb_mysql_parser_is(p, "IGNORE") ||
		sdb_mysql_parser_is(p, "REPLACE") ||
		sdb_mysql_parser_is(p, "VALUES") ||
		sdb_mysql_parser_is(p, "TABLE") ||
		sdb_mysql_parser_is(p, "(") ||
		(sdb_mysql_parser_is(p, "WITH") &&
		 !sdb_mysql_parser_is2(p, "WITH", "SYSTEM"));
}

/* Behind "(", which may hold definitions or a query */
static bool
opens_select(const MysqlParser *p)
{
	return opens_query(p) || sdb_mysql_parser_is2(p, "(", "(");
}

/* Likewise, where "((" may be an expression */
static bool
opens_query(const MysqlParser *p)
{
	return sdb_mysql_parser_is2(p, "(", "SELECT") ||
		sdb_mysql_parser_is2(p, "(", "WITH") ||
		sdb_mysql_parser_is2(p, "(", "VALUES") ||
		sdb_mysql_parser_is2(p, "(", "TABLE");
}

static void
skip_select(MysqlParser *p, MysqlStatement *statement)
{
	if (!at_select(p))
		return;
	statement->has_select = true;
	while (!sdb_mysql_parser_at_end(p))
		sdb_mysql_parser_next(p);
}

bool
sdb_mysql_parse_is_key(const MysqlParser *p)
{
	return sdb_mysql_parser_is(p, "CONSTRAINT") ||
		sdb_mysql_parser_is(p, "PRIMARY") ||
		sdb_mysql_parser_is(p, "UNIQUE") ||
		sdb_mysql_parser_is(p, "INDEX") ||
		sdb_mysql_parser_is(p, "KEY") ||
		sdb_mysql_parser_is(p, "FULLTEXT") ||
		sdb_mysql_parser_is(p, "SPATIAL") ||
		sdb_mysql_parser_is2(p, "VECTOR", "INDEX") ||
		sdb_mysql_parser_is2(p, "VECTOR", "KEY") ||
		sdb_mysql_parser_is2(p, "VECTOR", "(") ||
		sdb_mysql_parser_is(p, "FOREIGN") ||
		sdb_mysql_parser_is(p, "CHECK") ||
		sdb_mysql_parser_is2(p, "PERIOD", "FOR") ||
		sdb_mysql_parser_is2(p, "PERIOD", "IF");
}

MysqlKeyDef *
sdb_mysql_parse_key(MysqlParser *p)
{
	MysqlKeyDef *key = palloc0(sizeof(MysqlKeyDef));

	if (sdb_mysql_parser_accept(p, "CONSTRAINT"))
	{
		key->if_not_exists = sdb_mysql_parser_if_not_exists(p);
		if (!sdb_mysql_parse_is_key(p))
			key->constraint = sdb_mysql_parser_name(p);
	}

	if (sdb_mysql_parser_accept(p, "PRIMARY"))
	{
		sdb_mysql_parser_expect(p, "KEY");
		key->kind = MYSQL_KEY_PRIMARY;
		parse_index(p, key);
	}
	else if (sdb_mysql_parser_accept(p, "FOREIGN"))
	{
		sdb_mysql_parser_expect(p, "KEY");
		key->kind = MYSQL_KEY_FOREIGN;
		parse_foreign(p, key);
	}
	else if (sdb_mysql_parser_accept(p, "CHECK"))
	{
		key->kind = MYSQL_KEY_CHECK;
		key->json_column = sdb_mysql_parse_check(p);
	}
	else if (sdb_mysql_parser_accept(p, "PERIOD"))
	{
		key->kind = MYSQL_KEY_PERIOD;
		key->if_not_exists = sdb_mysql_parser_if_not_exists(p);
		sdb_mysql_parser_expect(p, "FOR");
		key->name = sdb_mysql_parser_name(p);
		key->parts = sdb_mysql_parse_key_parts(p);
	}
	else
	{
		key->kind = MYSQL_KEY_INDEX;
		if (sdb_mysql_parser_accept(p, "UNIQUE"))
			key->kind = MYSQL_KEY_UNIQUE;
		else if (sdb_mysql_parser_accept(p, "FULLTEXT") ||
				 sdb_mysql_parser_accept(p, "SPATIAL") ||
				 sdb_mysql_parser_accept(p, "VECTOR"))
			key->kind = MYSQL_KEY_SPECIAL;
		if (!sdb_mysql_parser_accept(p, "INDEX") &&
			!sdb_mysql_parser_accept(p, "KEY") &&
			key->kind == MYSQL_KEY_INDEX)
			sdb_mysql_parser_fail(p, "a key");
		parse_index(p, key);
	}
	return key;
}

/* [IF NOT EXISTS] [name] [USING type] (parts) options */
static void
parse_index(MysqlParser *p, MysqlKeyDef *key)
{
	ListCell   *lc;

	if (sdb_mysql_parser_if_not_exists(p))
		key->if_not_exists = true;
	if (sdb_mysql_parser_is_name(p) && !sdb_mysql_parser_is(p, "USING"))
		key->name = sdb_mysql_parser_name(p);
	if (key->kind == MYSQL_KEY_PRIMARY)
		key->name = NULL;
	sdb_mysql_parse_key_options(p);
	key->parts = sdb_mysql_parse_key_parts(p);
	foreach(lc, key->parts)
		key->without_overlaps = key->without_overlaps ||
			((MysqlKeyPart *) lfirst(lc))->is_period;
	sdb_mysql_parse_key_options(p);
}

List *
sdb_mysql_parse_key_parts(MysqlParser *p)
{
	List	   *parts = NIL;

	sdb_mysql_parser_expect(p, "(");
	do
	{
		MysqlKeyPart *part = palloc0(sizeof(MysqlKeyPart));

		if (sdb_mysql_parser_is(p, "("))
			sdb_mysql_parser_skip_parens(p);
		else
		{
			part->column = sdb_mysql_parser_name(p);
			if (sdb_mysql_parser_accept(p, "("))
			{
				part->prefix = (int) sdb_mysql_parser_number(p);
				sdb_mysql_parser_expect(p, ")");
			}
		}
		if (sdb_mysql_parser_accept(p, "DESC"))
			part->descending = true;
		else
			(void) sdb_mysql_parser_accept(p, "ASC");
		part->is_period = sdb_mysql_parser_accept2(p, "WITHOUT", "OVERLAPS");
		parts = lappend(parts, part);
	} while (sdb_mysql_parser_accept(p, ","));
	sdb_mysql_parser_expect(p, ")");
	return parts;
}

void
sdb_mysql_parse_key_options(MysqlParser *p)
{
	for (;;)
	{
		MysqlLexer	ahead = p->lexer;
		bool		known = false;

		if (sdb_mysql_parser_accept(p, "VISIBLE") ||
			sdb_mysql_parser_accept(p, "INVISIBLE") ||
			sdb_mysql_parser_accept(p, "IGNORED") ||
			sdb_mysql_parser_accept2(p, "NOT", "IGNORED"))
			continue;
		if (sdb_mysql_parser_accept2(p, "WITH", "PARSER"))
		{
			(void) sdb_mysql_parser_name(p);
			continue;
		}

		if (!sdb_mysql_parser_is_name(p))
			return;
		for (int i = 0; i < lengthof(key_options); i++)
			known = known || sdb_mysql_parser_is(p, key_options[i]);
		sdb_mysql_lexer_next(&ahead);
		if (!known && !sdb_mysql_lexer_is(&ahead, "="))
			return;
		sdb_mysql_parser_next(p);
		parse_option_value(p);
	}
}

static void
parse_foreign(MysqlParser *p, MysqlKeyDef *key)
{
	if (sdb_mysql_parser_if_not_exists(p))
		key->if_not_exists = true;
	if (sdb_mysql_parser_is_name(p))
		key->name = sdb_mysql_parser_name(p);
	key->parts = sdb_mysql_parse_key_parts(p);
	sdb_mysql_parser_expect(p, "REFERENCES");
	sdb_mysql_parse_references(p, key);
}

void
sdb_mysql_parse_references(MysqlParser *p, MysqlKeyDef *key)
{
	key->references = sdb_mysql_parser_table(p);
	if (sdb_mysql_parser_accept(p, "("))
	{
		do
			key->referenced = lappend(key->referenced,
									  sdb_mysql_parser_name(p));
		while (sdb_mysql_parser_accept(p, ","));
		sdb_mysql_parser_expect(p, ")");
	}
	for (;;)
	{
		MysqlLexer	before = p->lexer;

		if (sdb_mysql_parser_accept(p, "MATCH"))
			(void) sdb_mysql_parser_word(p);
		else if (sdb_mysql_parser_accept2(p, "ON", "DELETE"))
			key->on_delete = parse_reference_action(p);
		else if (sdb_mysql_parser_accept2(p, "ON", "UPDATE"))
		{
			key->on_update = parse_reference_action(p);
			if (key->on_update == NULL)
			{
				/* ON UPDATE NOW, of the column */
				p->lexer = before;
				return;
			}
		}
		else
			return;
	}
}

static const char *
parse_reference_action(MysqlParser *p)
{
	for (int i = 0; i < lengthof(reference_actions); i++)
	{
		const char *first = reference_actions[i][0];
		const char *second = reference_actions[i][1];

		if (second == NULL ? sdb_mysql_parser_accept(p, first) :
			sdb_mysql_parser_accept2(p, first, second))
			return reference_names[i];
	}
	return NULL;
}

char *
sdb_mysql_parse_check(MysqlParser *p)
{
	MysqlParser ahead = *p;
	char	   *column = NULL;

	if (sdb_mysql_parser_accept(&ahead, "(") &&
		sdb_mysql_parser_accept2(&ahead, "JSON_VALID", "(") &&
		sdb_mysql_parser_is_name(&ahead))
	{
		column = sdb_mysql_parser_name(&ahead);
		if (!sdb_mysql_parser_accept2(&ahead, ")", ")"))
			column = NULL;
	}
	sdb_mysql_parser_skip_parens(p);
	(void) sdb_mysql_parser_accept2(p, "NOT", "ENFORCED");
	(void) sdb_mysql_parser_accept(p, "ENFORCED");
	return column;
}

bool
sdb_mysql_parse_option(MysqlParser *p, MysqlOptions *options)
{
	MysqlLexer	ahead = p->lexer;
	bool		known;

	if (parse_special_option(p, options))
		return true;
	known = is_directory(p);
	if (known)
		sdb_mysql_parser_next(p);
	for (int i = 0; i < lengthof(option_words); i++)
		known = known || sdb_mysql_parser_is(p, option_words[i]);

	if (!known)
	{
		if (!sdb_mysql_parser_is_name(p))
			return false;
		sdb_mysql_lexer_next(&ahead);
		if (!sdb_mysql_lexer_is(&ahead, "="))
			return false;
	}
	sdb_mysql_parser_next(p);
	parse_option_value(p);
	return true;
}

/* Those that are of interest, or have a form of their own. */
static bool
parse_special_option(MysqlParser *p, MysqlOptions *options)
{
	if (sdb_mysql_parser_is2(p, "DEFAULT", "CHARACTER") ||
		sdb_mysql_parser_is2(p, "DEFAULT", "CHARSET") ||
		sdb_mysql_parser_is2(p, "DEFAULT", "CHAR") ||
		sdb_mysql_parser_is2(p, "DEFAULT", "COLLATE") ||
		sdb_mysql_parser_is2(p, "DEFAULT", "ENCRYPTION"))
		sdb_mysql_parser_next(p);
	if (sdb_mysql_parse_charset(p, &options->charset))
		return true;
	if (sdb_mysql_parser_accept(p, "COMMENT"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		options->comment = sdb_mysql_parser_text(p);
		return true;
	}
	if (sdb_mysql_parser_accept2(p, "STORAGE", "ENGINE") ||
		sdb_mysql_parser_accept(p, "ENGINE"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		options->engine = sdb_mysql_parser_word(p);
		return true;
	}
	if (sdb_mysql_parser_accept2(p, "WITH", "SYSTEM"))
	{
		sdb_mysql_parser_expect(p, "VERSIONING");
		options->system_versioning = true;
		return true;
	}
	if (sdb_mysql_parser_accept(p, "SEQUENCE"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		if (p->lexer.kind == MYSQL_TOKEN_NUMBER)
			options->is_sequence = sdb_mysql_parser_number(p) != 0;
		else
			(void) sdb_mysql_parser_word(p);
		return true;
	}
	if (sdb_mysql_parser_accept2(p, "READ", "ONLY"))
	{
		parse_option_value(p);
		return true;
	}
	return false;
}

static bool
is_directory(const MysqlParser *p)
{
	return sdb_mysql_parser_is2(p, "DATA", "DIRECTORY") ||
		sdb_mysql_parser_is2(p, "INDEX", "DIRECTORY");
}

/* [=] word | number | string | (...) */
static void
parse_option_value(MysqlParser *p)
{
	(void) sdb_mysql_parser_accept(p, "=");
	if (sdb_mysql_parser_is(p, "("))
		sdb_mysql_parser_skip_parens(p);
	else if (sdb_mysql_parser_at_end(p))
		sdb_mysql_parser_fail(p, "a value");
	else if (sdb_mysql_parser_is_text(p))
		(void) sdb_mysql_parser_text(p);
	else
		sdb_mysql_parser_next(p);
}

void
sdb_mysql_parse_partitions(MysqlParser *p)
{
	while (!sdb_mysql_parser_at_end(p) && !sdb_mysql_parser_is(p, ";"))
	{
		if (sdb_mysql_parser_is(p, "(") && !opens_query(p))
			sdb_mysql_parser_skip_parens(p);
		else if (at_select(p) ||
				 sdb_mysql_parser_is2(p, "START", "TRANSACTION"))
			return;
		else
			sdb_mysql_parser_next(p);
	}
}
