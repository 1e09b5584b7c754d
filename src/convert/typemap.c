/*
 * typemap.c --- PostgreSQL types for a source's types
 *
 * The mapping is the source's own constant array; what is decided here is
 * which entry counts and what stands in the parentheses.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/builtins.h"

#include "convert/typemap.h"
#include "guc.h"

#define MAX_CHARACTERS			10485760	/* of character(n), varchar(n) */
#define MAX_NUMERIC_PRECISION	1000

static const SourceType *find_type(const SourceType *types,
								   const char *type_name, int32 length,
								   bool identity);
static char *make_type(const SourceType *type, int32 length, int32 scale);
static char *add_modifier(const char *type, const char *modifier);

char *
sdb_typemap_column(const SourceType *types, const SourceColumn *column)
{
	const SourceType *type = find_type(types, column->type_name,
									   column->length, column->identity);

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

/* "timestamp with time zone" and "6": timestamp(6) with time zone. */
static char *
add_modifier(const char *type, const char *modifier)
{
	const char *zone = strstr(type, " with");
	int			length = zone ? (int) (zone - type) : (int) strlen(type);

	return psprintf("%.*s(%s)%s", length, type, modifier, type + length);
}
