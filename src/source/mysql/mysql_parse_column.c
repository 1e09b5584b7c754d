/*
 * mysql_parse_column.c --- definitions of columns
 *
 * Types come out under the server's own word for them: INTEGER is int,
 * CHARACTER VARYING is varchar, LONG is mediumtext.
 */
#include "postgres.h"

#include "source/mysql/mysql_parser.h"

typedef struct TypeWord
{
	const char *word;
	const char *type;			/* NULL: the word itself */
} TypeWord;

static const TypeWord type_words[] = {
	{"tinyint"}, {"int1", "tinyint"},
	{"smallint"}, {"int2", "smallint"},
	{"mediumint"}, {"int3", "mediumint"}, {"middleint", "mediumint"},
	{"int"}, {"integer", "int"}, {"int4", "int"},
	{"bigint"}, {"int8", "bigint"},
	{"float"}, {"float4", "float"},
	{"double"}, {"float8", "double"}, {"real", "double"},
	{"decimal"}, {"dec", "decimal"}, {"numeric", "decimal"},
	{"fixed", "decimal"}, {"number", "decimal"},
	{"bit"}, {"year"}, {"date"}, {"time"}, {"datetime"}, {"timestamp"},
	{"char"}, {"character", "char"}, {"nchar", "char"},
	{"varchar"}, {"varcharacter", "varchar"}, {"varchar2", "varchar"},
	{"nvarchar", "varchar"},
	{"tinytext"}, {"text"}, {"mediumtext"}, {"longtext"},
	{"clob", "longtext"},
	{"binary"}, {"varbinary"}, {"raw", "varbinary"},
	{"tinyblob"}, {"blob"}, {"mediumblob"}, {"longblob"},
	{"enum"}, {"set"}, {"json"},
	{"geometry"}, {"point"}, {"linestring"}, {"polygon"}, {"multipoint"},
	{"multilinestring"}, {"multipolygon"}, {"geometrycollection"},
	{"geomcollection", "geometrycollection"},
	{"uuid"}, {"inet4"}, {"inet6"}, {"vector"}
};

/* Words that may follow the value of DEFAULT */
static const char *const attribute_words[] = {
	"NOT", "NULL", "AUTO_INCREMENT", "UNIQUE", "PRIMARY", "KEY", "COMMENT",
	"COLLATE", "COLUMN_FORMAT", "STORAGE", "REFERENCES", "CHECK",
	"CONSTRAINT", "ON", "GENERATED", "AS", "VIRTUAL", "STORED", "PERSISTENT",
	"VISIBLE", "INVISIBLE", "FIRST", "AFTER", "SRID", "COMPRESSED", "WITH",
	"WITHOUT", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "DEFAULT",
	"REF_SYSTEM_ID"
};

static const char *const now_words[] = {
	"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"
};

static void parse_type(MysqlParser *p, MysqlColumnDef *column);
static const char *find_type(const MysqlParser *p, MysqlColumnDef *column);
static void parse_char_words(MysqlParser *p, MysqlColumnDef *column);
static void parse_long(MysqlParser *p, MysqlColumnDef *column);
static void parse_arguments(MysqlParser *p, MysqlColumnDef *column);
static void parse_labels(MysqlParser *p, MysqlColumnDef *column);
static void parse_serial(MysqlColumnDef *column);
static bool parse_type_attribute(MysqlParser *p, MysqlColumnDef *column);
static bool parse_attribute(MysqlParser *p, MysqlColumnDef *column);
static bool parse_key_attribute(MysqlParser *p, MysqlColumnDef *column);
static bool parse_storage_attribute(MysqlParser *p);
static bool at_engine_attribute(const MysqlParser *p);
static bool parse_generated(MysqlParser *p, MysqlColumnDef *column);
static bool parse_versioning(MysqlParser *p, MysqlColumnDef *column);
static bool parse_now(MysqlParser *p);
static bool parse_enclosed(MysqlParser *p, MysqlDefault *value);
static void skip_expression(MysqlParser *p, MysqlDefault *value);
static bool parse_simple_default(MysqlParser *p, MysqlDefault *value);
static bool at_default_end(const MysqlParser *p);
static MysqlText *token_text(MysqlParser *p, const char *sign);

MysqlColumnDef *
sdb_mysql_parse_column(MysqlParser *p)
{
	MysqlColumnDef *column = palloc0(sizeof(MysqlColumnDef));

	column->name = sdb_mysql_parser_name(p);
	parse_type(p, column);
	while (parse_type_attribute(p, column))
		 /* next */ ;
	while (parse_attribute(p, column))
		 /* next */ ;
	sdb_mysql_parse_place(p, &column->place);
	return column;
}

void
sdb_mysql_parse_place(MysqlParser *p, MysqlPlace *place)
{
	if (sdb_mysql_parser_accept(p, "FIRST"))
		place->kind = MYSQL_PLACE_FIRST;
	else if (sdb_mysql_parser_accept(p, "AFTER"))
	{
		place->kind = MYSQL_PLACE_AFTER;
		place->after = sdb_mysql_parser_name(p);
	}
}

static void
parse_type(MysqlParser *p, MysqlColumnDef *column)
{
	uint64		sql_mode = p->lexer.dialect->sql_mode;
	bool		is_oracle = p->lexer.dialect->is_mariadb &&
		(sql_mode & MYSQL_MODE_ORACLE);
	bool		is_bool = sdb_mysql_parser_is(p, "BOOL") ||
		sdb_mysql_parser_is(p, "BOOLEAN");
	bool		is_number = sdb_mysql_parser_is(p, "NUMBER");

	if (sdb_mysql_parser_accept(p, "SERIAL"))
	{
		parse_serial(column);
		return;
	}
	if (sdb_mysql_parser_accept(p, "LONG"))
	{
		parse_long(p, column);
		return;
	}
	if (sdb_mysql_parser_accept(p, "NATIONAL"))
		column->charset.charset = pstrdup("utf8mb3");

	column->type = is_bool ? "tinyint" : find_type(p, column);
	if (column->type == NULL)
	{
		column->type = "";
		sdb_mysql_parser_fail(p, "a type");
		return;
	}
	if (sdb_mysql_parser_is(p, "REAL") && (sql_mode & MYSQL_MODE_REAL_AS_FLOAT))
		column->type = "float";
	if (is_oracle && strcmp(column->type, "date") == 0)
		column->type = "datetime";
	if (is_oracle && strcmp(column->type, "blob") == 0)
		column->type = "longblob";
	sdb_mysql_parser_next(p);
	parse_char_words(p, column);
	if (strcmp(column->type, "double") == 0)
		(void) sdb_mysql_parser_accept(p, "PRECISION");
	if (strcmp(column->type, "enum") == 0 || strcmp(column->type, "set") == 0)
		parse_labels(p, column);
	else if (sdb_mysql_parser_is(p, "("))
		parse_arguments(p, column);
	if (is_number && column->nargs == 0)
		column->type = "double";
	column->is_json = strcmp(column->type, "json") == 0;
}

/* The type that the next word is; NULL if it is none. */
static const char *
find_type(const MysqlParser *p, MysqlColumnDef *column)
{
	if (sdb_mysql_parser_is(p, "NCHAR") || sdb_mysql_parser_is(p, "NVARCHAR"))
		column->charset.charset = pstrdup("utf8mb3");
	for (int i = 0; i < lengthof(type_words); i++)
	{
		if (sdb_mysql_parser_is(p, type_words[i].word))
			return type_words[i].type ? type_words[i].type :
				type_words[i].word;
	}
	return NULL;
}

/* CHAR VARYING, NCHAR VARCHAR */
static void
parse_char_words(MysqlParser *p, MysqlColumnDef *column)
{
	if (strcmp(column->type, "char") != 0)
		return;
	if (sdb_mysql_parser_accept(p, "VARYING") ||
		sdb_mysql_parser_accept(p, "VARCHAR") ||
		sdb_mysql_parser_accept(p, "VARCHARACTER"))
		column->type = "varchar";
}

/* LONG, LONG VARCHAR, LONG CHAR VARYING; LONG VARBINARY */
static void
parse_long(MysqlParser *p, MysqlColumnDef *column)
{
	column->type = "mediumtext";
	if (sdb_mysql_parser_accept(p, "VARBINARY"))
		column->type = "mediumblob";
	else if (sdb_mysql_parser_accept2(p, "CHAR", "VARYING") ||
			 sdb_mysql_parser_accept2(p, "CHARACTER", "VARYING"))
		return;
	else if (!sdb_mysql_parser_accept(p, "VARCHAR"))
		(void) sdb_mysql_parser_accept(p, "VARCHARACTER");
}

/* BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE */
static void
parse_serial(MysqlColumnDef *column)
{
	column->type = "bigint";
	column->is_unsigned = true;
	column->nullness = MYSQL_NOT_NULL;
	column->auto_increment = true;
	column->is_unique = true;
}

static void
parse_arguments(MysqlParser *p, MysqlColumnDef *column)
{
	sdb_mysql_parser_expect(p, "(");
	do
	{
		if (column->nargs == lengthof(column->args))
			sdb_mysql_parser_fail(p, ")");
		else
			column->args[column->nargs++] = sdb_mysql_parser_number(p);
	} while (sdb_mysql_parser_accept(p, ","));
	/* VARCHAR2(10 CHAR) */
	if (!sdb_mysql_parser_accept(p, "CHAR"))
		(void) sdb_mysql_parser_accept(p, "BYTE");
	sdb_mysql_parser_expect(p, ")");
}

static void
parse_labels(MysqlParser *p, MysqlColumnDef *column)
{
	sdb_mysql_parser_expect(p, "(");
	do
	{
		MysqlText  *label = palloc0(sizeof(MysqlText));

		if (p->lexer.kind == MYSQL_TOKEN_HEX)
		{
			char	   *digits = pnstrdup(p->lexer.token, p->lexer.len);

			label->len = strlen(digits) / 2;
			label->bytes = palloc0(label->len + 1);
			for (int i = 0; i < label->len; i++)
			{
				char		digit[3] = {digits[2 * i], digits[2 * i + 1], 0};

				unconstify(char *, label->bytes)[i] =
					(char) strtol(digit, NULL, 16);
			}
			sdb_mysql_parser_next(p);
		}
		else
			label = sdb_mysql_parser_text(p);
		column->labels = lappend(column->labels, label);
	} while (sdb_mysql_parser_accept(p, ","));
	sdb_mysql_parser_expect(p, ")");
}

static bool
parse_type_attribute(MysqlParser *p, MysqlColumnDef *column)
{
	if (sdb_mysql_parser_accept(p, "UNSIGNED") ||
		sdb_mysql_parser_accept(p, "ZEROFILL"))
		column->is_unsigned = true;
	else if (sdb_mysql_parser_accept(p, "SIGNED"))
		return true;
	else if (sdb_mysql_parser_accept(p, "BINARY"))
		column->charset.is_binary = true;
	else if (sdb_mysql_parser_accept(p, "ASCII"))
		column->charset.charset = pstrdup("latin1");
	else if (sdb_mysql_parser_accept(p, "UNICODE"))
		column->charset.charset = pstrdup("ucs2");
	else if (sdb_mysql_parser_accept(p, "BYTE"))
		column->charset.charset = pstrdup("binary");
	else if (sdb_mysql_parser_accept(p, "COMPRESSED"))
	{
		if (sdb_mysql_parser_accept(p, "="))
			(void) sdb_mysql_parser_word(p);
	}
	else if (sdb_mysql_parser_accept(p, "REF_SYSTEM_ID"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		(void) sdb_mysql_parser_number(p);
	}
	else
		return sdb_mysql_parse_charset(p, &column->charset);
	return true;
}

static bool
parse_attribute(MysqlParser *p, MysqlColumnDef *column)
{
	/* MySQL 9: NOT SECONDARY */
	if (sdb_mysql_parser_accept2(p, "NOT", "SECONDARY"))
		return true;
	if (sdb_mysql_parser_accept2(p, "NOT", "NULL"))
	{
		column->nullness = MYSQL_NOT_NULL;
		/* MariaDB, of ROW START and ROW END */
		(void) sdb_mysql_parser_accept(p, "ENABLE");
	}
	else if (sdb_mysql_parser_accept(p, "NULL"))
		column->nullness = MYSQL_NULL;
	else if (sdb_mysql_parser_accept(p, "DEFAULT"))
		sdb_mysql_parse_default(p, &column->value);
	else if (sdb_mysql_parser_accept2(p, "ON", "UPDATE"))
	{
		column->on_update_now = true;
		if (!parse_now(p))
			sdb_mysql_parser_fail(p, "NOW");
	}
	else if (sdb_mysql_parser_accept(p, "AUTO_INCREMENT"))
		column->auto_increment = true;
	else if (sdb_mysql_parser_accept2(p, "SERIAL", "DEFAULT"))
	{
		sdb_mysql_parser_expect(p, "VALUE");
		column->nullness = MYSQL_NOT_NULL;
		column->auto_increment = column->is_unique = true;
	}
	else if (sdb_mysql_parser_accept(p, "COMMENT"))
	{
		(void) sdb_mysql_parser_accept(p, "=");
		column->comment = sdb_mysql_parser_text(p);
	}
	else
		return parse_key_attribute(p, column) ||
			parse_generated(p, column) ||
			parse_versioning(p, column) ||
			parse_storage_attribute(p) ||
			parse_type_attribute(p, column);
	return true;
}

static bool
parse_key_attribute(MysqlParser *p, MysqlColumnDef *column)
{
	char	   *constraint = NULL;

	if (sdb_mysql_parser_accept(p, "CONSTRAINT"))
	{
		if (!sdb_mysql_parser_is(p, "CHECK") &&
			!sdb_mysql_parser_is(p, "REFERENCES"))
			constraint = sdb_mysql_parser_name(p);
		if (!sdb_mysql_parser_is(p, "CHECK") &&
			!sdb_mysql_parser_is(p, "REFERENCES"))
			sdb_mysql_parser_fail(p, "CHECK or REFERENCES");
	}
	if (sdb_mysql_parser_accept(p, "UNIQUE"))
	{
		column->is_unique = true;
		(void) sdb_mysql_parser_accept(p, "KEY");
	}
	else if (sdb_mysql_parser_accept(p, "PRIMARY"))
	{
		column->is_primary = true;
		sdb_mysql_parser_expect(p, "KEY");
	}
	else if (sdb_mysql_parser_accept(p, "KEY"))
		column->is_primary = true;
	else if (sdb_mysql_parser_accept(p, "CHECK"))
	{
		char	   *checked = sdb_mysql_parse_check(p);

		if (checked != NULL && pg_strcasecmp(checked, column->name) == 0 &&
			p->lexer.dialect->is_mariadb)
			column->is_json = true;
	}
	else if (sdb_mysql_parser_accept(p, "REFERENCES"))
	{
		column->references = palloc0(sizeof(MysqlKeyDef));
		column->references->kind = MYSQL_KEY_FOREIGN;
		column->references->constraint = constraint;
		sdb_mysql_parse_references(p, column->references);
	}
	else
		return false;
	return true;
}

static bool
parse_storage_attribute(MysqlParser *p)
{
	if (sdb_mysql_parser_accept(p, "VISIBLE") ||
		sdb_mysql_parser_accept(p, "INVISIBLE"))
		return true;
	if (sdb_mysql_parser_accept(p, "COLUMN_FORMAT") ||
		sdb_mysql_parser_accept(p, "STORAGE"))
	{
		(void) sdb_mysql_parser_word(p);
		return true;
	}
	if (sdb_mysql_parser_accept(p, "SRID"))
	{
		(void) sdb_mysql_parser_number(p);
		return true;
	}

	if (!at_engine_attribute(p) &&
		!sdb_mysql_parser_is(p, "ENGINE_ATTRIBUTE") &&
		!sdb_mysql_parser_is(p, "SECONDARY_ENGINE_ATTRIBUTE"))
		return false;
	sdb_mysql_parser_next(p);
	(void) sdb_mysql_parser_accept(p, "=");
	sdb_mysql_parser_next(p);
	return true;
}

/* MariaDB: what engines define, NAME = value */
static bool
at_engine_attribute(const MysqlParser *p)
{
	MysqlLexer	ahead = p->lexer;

	if (!sdb_mysql_parser_is_name(p))
		return false;
	sdb_mysql_lexer_next(&ahead);
	return sdb_mysql_lexer_is(&ahead, "=");
}

/* [GENERATED ALWAYS] AS (expression) [VIRTUAL | STORED] */
static bool
parse_generated(MysqlParser *p, MysqlColumnDef *column)
{
	bool		always = sdb_mysql_parser_accept2(p, "GENERATED", "ALWAYS");

	if (!sdb_mysql_parser_accept(p, "AS"))
	{
		if (always)
			sdb_mysql_parser_fail(p, "AS");
		return always;
	}
	if (sdb_mysql_parser_accept2(p, "ROW", "START"))
		column->period = "ROW START";
	else if (sdb_mysql_parser_accept2(p, "ROW", "END"))
		column->period = "ROW END";
	if (column->period != NULL)
		return true;
	sdb_mysql_parser_skip_parens(p);
	column->is_generated = true;
	if (!sdb_mysql_parser_accept(p, "VIRTUAL") &&
		!sdb_mysql_parser_accept(p, "STORED"))
		(void) sdb_mysql_parser_accept(p, "PERSISTENT");
	return true;
}

static bool
parse_versioning(MysqlParser *p, MysqlColumnDef *column)
{
	if (sdb_mysql_parser_accept2(p, "WITH", "SYSTEM"))
		column->is_versioned = true;
	else if (!sdb_mysql_parser_accept2(p, "WITHOUT", "SYSTEM"))
		return false;
	sdb_mysql_parser_expect(p, "VERSIONING");
	return true;
}

/* CURRENT_TIMESTAMP, NOW(6) */
static bool
parse_now(MysqlParser *p)
{
	for (int i = 0; i < lengthof(now_words); i++)
	{
		if (!sdb_mysql_parser_accept(p, now_words[i]))
			continue;
		if (sdb_mysql_parser_is(p, "("))
			sdb_mysql_parser_skip_parens(p);
		return true;
	}
	return false;
}

/* MariaDB takes a value in parentheses for that value. */
void
sdb_mysql_parse_default(MysqlParser *p, MysqlDefault *value)
{
	MysqlLexer	start = p->lexer;

	if (sdb_mysql_parser_is(p, "("))
	{
		if (p->lexer.dialect->is_mariadb && parse_enclosed(p, value))
			return;
	}
	else if (parse_simple_default(p, value) &&
			 (at_default_end(p) || at_engine_attribute(p)))
		return;
	p->lexer = start;
	skip_expression(p, value);
}

/* Here MySQL does so too, but for a sign and the time. */
void
sdb_mysql_parse_set_default(MysqlParser *p, MysqlDefault *value)
{
	MysqlLexer	start = p->lexer;

	if (!p->lexer.dialect->is_mariadb && sdb_mysql_parser_is(p, "(") &&
		!sdb_mysql_parser_is2(p, "(", "-") && parse_enclosed(p, value) &&
		value->kind != MYSQL_DEFAULT_NOW)
		return;
	p->lexer = start;
	sdb_mysql_parse_default(p, value);
}

/* (value): where it fails, the parser may be anywhere. */
static bool
parse_enclosed(MysqlParser *p, MysqlDefault *value)
{
	sdb_mysql_parser_expect(p, "(");
	return parse_simple_default(p, value) &&
		sdb_mysql_parser_accept(p, ")") &&
		(at_default_end(p) || at_engine_attribute(p));
}

/* An expression reaches up to what must be something else. */
static void
skip_expression(MysqlParser *p, MysqlDefault *value)
{
	value->kind = MYSQL_DEFAULT_EXPRESSION;
	value->value = NULL;
	do
	{
		if (sdb_mysql_parser_is(p, "("))
			sdb_mysql_parser_skip_parens(p);
		else if (sdb_mysql_parser_at_end(p))
			sdb_mysql_parser_fail(p, "a value");
		else
			sdb_mysql_parser_next(p);
	} while (!at_default_end(p));
}

static bool
parse_simple_default(MysqlParser *p, MysqlDefault *value)
{
	const char *sign = sdb_mysql_parser_accept(p, "-") ? "-" : "";
	MysqlTokenKind kind;

	(void) sdb_mysql_parser_accept(p, "+");
	kind = p->lexer.kind;
	value->value = NULL;
	if (sdb_mysql_parser_is_text(p) ||
		((sdb_mysql_parser_is(p, "DATE") || sdb_mysql_parser_is(p, "TIME") ||
		  sdb_mysql_parser_is(p, "TIMESTAMP")) &&
		 (sdb_mysql_parser_next(p), sdb_mysql_parser_is_text(p))))
	{
		value->kind = MYSQL_DEFAULT_TEXT;
		value->value = sdb_mysql_parser_text(p);
	}
	else if (kind == MYSQL_TOKEN_NUMBER || kind == MYSQL_TOKEN_HEX ||
			 kind == MYSQL_TOKEN_BITS)
	{
		value->kind = kind == MYSQL_TOKEN_NUMBER ? MYSQL_DEFAULT_NUMBER :
			kind == MYSQL_TOKEN_HEX ? MYSQL_DEFAULT_HEX : MYSQL_DEFAULT_BITS;
		value->value = token_text(p, sign);
	}
	else if (sdb_mysql_parser_is(p, "TRUE") || sdb_mysql_parser_is(p, "FALSE"))
	{
		value->kind = MYSQL_DEFAULT_NUMBER;
		value->value = palloc0(sizeof(MysqlText));
		value->value->bytes = sdb_mysql_parser_is(p, "TRUE") ? "1" : "0";
		value->value->len = 1;
		sdb_mysql_parser_next(p);
	}
	else if (sdb_mysql_parser_accept(p, "NULL"))
		value->kind = MYSQL_DEFAULT_NULL;
	else if (parse_now(p))
		value->kind = MYSQL_DEFAULT_NOW;
	else
		return false;
	return true;
}

static bool
at_default_end(const MysqlParser *p)
{
	if (sdb_mysql_parser_at_end(p) || sdb_mysql_parser_is(p, ",") ||
		sdb_mysql_parser_is(p, ")") || sdb_mysql_parser_is(p, ";"))
		return true;
	for (int i = 0; i < lengthof(attribute_words); i++)
	{
		if (sdb_mysql_parser_is(p, attribute_words[i]))
			return true;
	}
	return false;
}

/* The token as it stands. */
static MysqlText *
token_text(MysqlParser *p, const char *sign)
{
	MysqlText  *text = palloc0(sizeof(MysqlText));

	text->bytes = psprintf("%s%.*s", sign, p->lexer.len, p->lexer.token);
	text->len = strlen(text->bytes);
	sdb_mysql_parser_next(p);
	return text;
}
