/*
 * typemap.c --- PostgreSQL types for a source's types
 *
 * The mapping is the source's own constant array, and the user's rules before
 * it; what is decided here is which entry counts and what stands in the
 * parentheses.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"

#include "convert/typemap.h"
#include "guc.h"
#include "util/compat.h"
#include "util/user_path.h"

#define MAX_CHARACTERS			10485760	/* of character(n), varchar(n) */
#define MAX_NUMERIC_PRECISION	1000

/*
 * What a rule's type keeps of the source column's length and scale; other
 * types keep nothing.
 */
static const struct
{
	Oid			type;
	TypeModifier modifier;
}			kept_modifiers[] =
{
	{VARCHAROID, TYPMOD_LENGTH},
	{BPCHAROID, TYPMOD_LENGTH},
	{BITOID, TYPMOD_LENGTH},
	{VARBITOID, TYPMOD_LENGTH},
	{NUMERICOID, TYPMOD_PRECISION_SCALE},
	{TIMEOID, TYPMOD_SCALE},
	{TIMETZOID, TYPMOD_SCALE},
	{TIMESTAMPOID, TYPMOD_SCALE},
	{TIMESTAMPTZOID, TYPMOD_SCALE},
	{INTERVALOID, TYPMOD_SCALE},
};

/* Not types, but what CREATE TABLE takes for one */
static const char *const serials[] = {
	"smallserial", "serial", "bigserial", "serial2", "serial4", "serial8"
};

static const SourceType *find_type(const SourceType *types,
								   const char *type_name, int32 length,
								   bool identity);
static char *make_type(const SourceType *type, int32 length, int32 scale);
static char *with_modifier(const char *name, TypeModifier modifier,
						   int32 length, int32 scale);
static char *rule_type(const ObjectRule *rule, int32 length, int32 scale);
static char *kept_type(Oid type, const char *name, int32 length, int32 scale);
static char *add_modifier(const char *type, const char *modifier);

char *
sdb_typemap_column(const SourceType *types, const SourceTable *table,
				   const SourceColumn *column)
{
	const ObjectRule *rule = sdb_objmap_datatype(table, column);
	const SourceType *type = find_type(types, column->type_name,
									   column->length, column->identity);

	if (rule != NULL)
		return rule_type(rule, column->length, column->scale);
	if (type != NULL)
		return make_type(type, column->length, column->scale);
	if (column->recommended != NULL)
		return pstrdup(column->recommended);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot map column \"%s\": type \"%s\" is not known",
					column->name, column->type_name),
			 errhint("Leave the table out, or change the type of the column at the source.")));
}

void
sdb_typemap_check_rule(const ObjectRule *rule)
{
	Oid			type;
	int32		typmod;
	char	   *text = rule_type(rule, -1, -1);

	if (!sdb_typemap_is_serial(text))
		sdb_parse_type_string(text, &type, &typmod);
}

bool
sdb_typemap_is_serial(const char *type)
{
	for (int i = 0; i < lengthof(serials); i++)
	{
		if (strcmp(type, serials[i]) == 0)
			return true;
	}
	return false;
}

char *
sdb_typemap_translate(const SourceType *types, const char *type_name,
					  int64 length, int64 scale, int64 precision)
{
	const SourceType *type;
	int32		length32;
	int32		scale32;

	/* numbers have a precision where others have a length */
	if (precision > 0 && length <= 0)
		length = precision;
	length32 = (int32) Max(-1, Min(length, PG_INT32_MAX));
	scale32 = (int32) Max(-1, Min(scale, PG_INT32_MAX));

	type = find_type(types, type_name, length32, false);
	return type ? make_type(type, length32, scale32) : NULL;
}

/*
 * The first entry that fits; entries for identity columns before the others.
 * NULL if there is none.
 */
static const SourceType *
find_type(const SourceType *types, const char *type_name, int32 length,
		  bool identity)
{
	for (const SourceType *type = types; type->name != NULL; type++)
	{
		if (type->identity == identity &&
			(type->length == -1 || type->length == length) &&
			strcmp(type->name, type_name) == 0)
			return type;
	}
	return identity ? find_type(types, type_name, length, false) : NULL;
}

static char *
make_type(const SourceType *type, int32 length, int32 scale)
{
	const char *name = type->lossless;
	TypeModifier modifier = type->lossless_typmod;

	if (sdb_guc_type_mapping == TYPE_MAPPING_SYNCHDB && type->synchdb != NULL)
	{
		name = type->synchdb;
		modifier = type->synchdb_typmod;
	}

	return with_modifier(name, modifier, length, scale);
}

static char *
with_modifier(const char *name, TypeModifier modifier, int32 length,
			  int32 scale)
{
	switch (modifier)
	{
		case TYPMOD_NONE:
			break;
		case TYPMOD_LENGTH:
			if (length > MAX_CHARACTERS)
				return pstrdup("text");
			if (length > 0)
				return add_modifier(name, psprintf("%d", length));
			break;
		case TYPMOD_PRECISION_SCALE:
			if (length <= 0 || length > MAX_NUMERIC_PRECISION)
				break;
			if (scale >= 0 && scale <= MAX_NUMERIC_PRECISION)
				return add_modifier(name, psprintf("%d,%d", length, scale));
			return add_modifier(name, psprintf("%d", length));
		case TYPMOD_SCALE:
			scale = Min(scale, MAX_TIMESTAMP_PRECISION);
			if (scale >= 0)
				return add_modifier(name, psprintf("%d", scale));
			break;
	}
	return pstrdup(name);
}

/*
 * SQL of the type that a rule gives to a column of that length and scale.  It
 * is put together from what the catalogs know, not from the rule's text.
 */
static char *
rule_type(const ObjectRule *rule, int32 length, int32 scale)
{
	Oid			type;
	int32		typmod;
	int			nestlevel;
	char	   *name;

	if (sdb_typemap_is_serial(rule->target))
		return pstrdup(rule->target);

	nestlevel = sdb_user_path_enter();
	sdb_parse_type_string(rule->target, &type, &typmod);
	sdb_user_path_leave(nestlevel);
	if (strchr(rule->target, '(') != NULL && rule->length == RULE_LENGTH_KEEP)
		return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN |
									FORMAT_TYPE_FORCE_QUALIFY);
	/* "character" alone would be character(1) */
	name = type == BPCHAROID ? pstrdup("bpchar") : format_type_be_qualified(type);
	if (rule->length == RULE_LENGTH_KEEP)
		return kept_type(type, name, length, scale);
	if (rule->length == RULE_LENGTH_NONE)
		return name;
	return add_modifier(name, psprintf("%d", rule->length));
}

static char *
kept_type(Oid type, const char *name, int32 length, int32 scale)
{
	for (int i = 0; i < lengthof(kept_modifiers); i++)
	{
		if (kept_modifiers[i].type == type)
			return with_modifier(name, kept_modifiers[i].modifier, length,
								 scale);
	}
	return pstrdup(name);
}

/* "timestamp with time zone" and "6": timestamp(6) with time zone. */
static char *
add_modifier(const char *type, const char *modifier)
{
	const char *zone = strstr(type, " with");
	int			length = zone ? (int) (zone - type) : (int) strlen(type);

	return psprintf("%.*s(%s)%s", length, type, modifier, type + length);
}
