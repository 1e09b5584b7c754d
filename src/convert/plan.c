/*
 * plan.c --- choosing and running the converters of a table
 *
 * The choice is data: the list `conversions` names a converter for every pair
 * of a value's kind and a target type that needs no text in between.  Any
 * other type takes the text form of the value through its input function,
 * provided the two have something in common (`text_categories`).
 *
 * A target of a domain type is converted as its base type and then checked
 * against the domain's constraints.
 *
 * The kind of a column is what the source declared.  A value of another kind
 * is converted all the same, by a search of the list at run time, so a union
 * is never read as what it is not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "convert/convert_internal.h"
#include "convert/plan.h"
#include "convert/transform.h"
#include "guc.h"
#include "util/error_position.h"

struct ConvertPlan
{
	int			ncolumns;		/* that have a target */
	ConvertColumn columns[FLEXIBLE_ARRAY_MEMBER];
};

/* Conversion --- a pair with a binary path */
typedef struct Conversion
{
	ValueKind	kind;
	Oid			type;
	Converter	convert;
} Conversion;

static const Conversion conversions[] = {
	{VALUE_BOOL, BOOLOID, sdb_bool_to_bool},
	{VALUE_BOOL, INT2OID, sdb_number_to_int2},
	{VALUE_BOOL, INT4OID, sdb_number_to_int4},
	{VALUE_BOOL, INT8OID, sdb_number_to_int8},
	{VALUE_BOOL, NUMERICOID, sdb_integer_to_numeric},
	{VALUE_BOOL, FLOAT4OID, sdb_integer_to_float4},
	{VALUE_BOOL, FLOAT8OID, sdb_integer_to_float8},
	{VALUE_BOOL, BITOID, sdb_integer_to_bit},

	{VALUE_INT, INT2OID, sdb_int_to_int2},
	{VALUE_INT, INT4OID, sdb_int_to_int4},
	{VALUE_INT, INT8OID, sdb_int_to_int8},
	{VALUE_INT, NUMERICOID, sdb_integer_to_numeric},
	{VALUE_INT, FLOAT4OID, sdb_integer_to_float4},
	{VALUE_INT, FLOAT8OID, sdb_integer_to_float8},
	{VALUE_INT, BOOLOID, sdb_integer_to_bool},
	{VALUE_INT, BITOID, sdb_integer_to_bit},

	{VALUE_UINT, INT2OID, sdb_number_to_int2},
	{VALUE_UINT, INT4OID, sdb_number_to_int4},
	{VALUE_UINT, INT8OID, sdb_number_to_int8},
	{VALUE_UINT, NUMERICOID, sdb_integer_to_numeric},
	{VALUE_UINT, FLOAT4OID, sdb_integer_to_float4},
	{VALUE_UINT, FLOAT8OID, sdb_integer_to_float8},
	{VALUE_UINT, BOOLOID, sdb_integer_to_bool},
	{VALUE_UINT, BITOID, sdb_integer_to_bit},

	{VALUE_FLOAT4, FLOAT4OID, sdb_float_to_float4},
	{VALUE_FLOAT4, FLOAT8OID, sdb_float_to_float8},
	{VALUE_FLOAT4, INT2OID, sdb_number_to_int2},
	{VALUE_FLOAT4, INT4OID, sdb_number_to_int4},
	{VALUE_FLOAT4, INT8OID, sdb_number_to_int8},
	{VALUE_FLOAT4, CASHOID, sdb_number_to_money},

	{VALUE_FLOAT8, FLOAT4OID, sdb_float_to_float4},
	{VALUE_FLOAT8, FLOAT8OID, sdb_float_to_float8},
	{VALUE_FLOAT8, INT2OID, sdb_number_to_int2},
	{VALUE_FLOAT8, INT4OID, sdb_number_to_int4},
	{VALUE_FLOAT8, INT8OID, sdb_number_to_int8},
	{VALUE_FLOAT8, CASHOID, sdb_number_to_money},

	{VALUE_DECIMAL, NUMERICOID, sdb_decimal_to_numeric},
	{VALUE_DECIMAL, INT2OID, sdb_number_to_int2},
	{VALUE_DECIMAL, INT4OID, sdb_number_to_int4},
	{VALUE_DECIMAL, INT8OID, sdb_number_to_int8},
	{VALUE_DECIMAL, CASHOID, sdb_number_to_money},

	{VALUE_TEXT, TEXTOID, sdb_bytes_to_varlena},
	{VALUE_TEXT, VARCHAROID, sdb_text_to_varchar},
	{VALUE_TEXT, BPCHAROID, sdb_text_to_bpchar},
	{VALUE_TEXT, BYTEAOID, sdb_bytes_to_varlena},

	{VALUE_BYTES, BYTEAOID, sdb_bytes_to_varlena},
	{VALUE_BYTES, UUIDOID, sdb_bytes_to_uuid},

	{VALUE_BITS, BITOID, sdb_bits_to_bit},
	{VALUE_BITS, VARBITOID, sdb_bits_to_varbit},
	{VALUE_BITS, BOOLOID, sdb_bits_to_bool},
	{VALUE_BITS, INT2OID, sdb_number_to_int2},
	{VALUE_BITS, INT4OID, sdb_number_to_int4},
	{VALUE_BITS, INT8OID, sdb_number_to_int8},
	{VALUE_BITS, NUMERICOID, sdb_integer_to_numeric},

	{VALUE_JSON, TEXTOID, sdb_bytes_to_varlena},
	{VALUE_JSON, VARCHAROID, sdb_text_to_varchar},
	{VALUE_JSON, BPCHAROID, sdb_text_to_bpchar},

	{VALUE_DATE, DATEOID, sdb_date_to_date},
	{VALUE_DATE, TIMESTAMPOID, sdb_date_to_timestamp},
	{VALUE_DATE, TIMESTAMPTZOID, sdb_date_to_timestamp},

	{VALUE_TIME, TIMEOID, sdb_time_to_time},
	{VALUE_TIME, INTERVALOID, sdb_time_to_interval},

	{VALUE_TIMESTAMP, TIMESTAMPOID, sdb_timestamp_to_timestamp},
	{VALUE_TIMESTAMP, TIMESTAMPTZOID, sdb_timestamp_to_timestamp},
	{VALUE_TIMESTAMP, TIMEOID, sdb_timestamp_to_time},

	{VALUE_TIMESTAMPTZ, TIMESTAMPTZOID, sdb_timestamp_to_timestamp},
	{VALUE_TIMESTAMPTZ, TIMESTAMPOID, sdb_timestamp_to_timestamp},
	{VALUE_TIMESTAMPTZ, TIMEOID, sdb_timestamp_to_time},

	{VALUE_INTERVAL, INTERVALOID, sdb_interval_to_interval},
	{VALUE_UUID, UUIDOID, sdb_bytes_to_uuid},
	{VALUE_INET, INETOID, sdb_inet_to_inet},
	{VALUE_GEOMETRY, BYTEAOID, sdb_geometry_to_bytea},
};

/*
 * The categories of types that may read the text form of a kind; NULL for all
 * of them.  json, xml, uuid, bytea and most types of extensions are 'U'.
 */
static const char *const text_categories[VALUE_NKINDS] = {
	[VALUE_BOOL] = "BNSEU",
	[VALUE_INT] = "NBVSEU",
	[VALUE_UINT] = "NBVSEU",
	[VALUE_FLOAT4] = "NBSEU",
	[VALUE_FLOAT8] = "NBSEU",
	[VALUE_DECIMAL] = "NBSEU",
	[VALUE_TEXT] = NULL,
	[VALUE_BYTES] = "SU",
	[VALUE_BITS] = "VSU",
	[VALUE_JSON] = NULL,
	[VALUE_DATE] = "DSU",
	[VALUE_TIME] = "DTSU",
	[VALUE_TIMESTAMP] = "DSU",
	[VALUE_TIMESTAMPTZ] = "DSU",
	[VALUE_INTERVAL] = "TSU",
	[VALUE_UUID] = "SU",
	[VALUE_INET] = "ISU",
	[VALUE_GEOMETRY] = "SU",
};

/*
 * The type in which a transform rule takes a value.  Numbers that the target
 * column takes are of its type, so that functions for it can be called.
 */
static const Oid transform_types[VALUE_NKINDS] = {
	[VALUE_BOOL] = BOOLOID,
	[VALUE_INT] = INT8OID,
	[VALUE_UINT] = NUMERICOID,
	[VALUE_FLOAT4] = FLOAT4OID,
	[VALUE_FLOAT8] = FLOAT8OID,
	[VALUE_DECIMAL] = NUMERICOID,
	[VALUE_TEXT] = TEXTOID,
	[VALUE_BYTES] = BYTEAOID,
	[VALUE_BITS] = VARBITOID,
	[VALUE_JSON] = TEXTOID,
	[VALUE_DATE] = DATEOID,
	[VALUE_TIME] = INTERVALOID,
	[VALUE_TIMESTAMP] = TIMESTAMPOID,
	[VALUE_TIMESTAMPTZ] = TIMESTAMPTZOID,
	[VALUE_INTERVAL] = INTERVALOID,
	[VALUE_UUID] = UUIDOID,
	[VALUE_INET] = INETOID,
	[VALUE_GEOMETRY] = BYTEAOID,
};

static void plan_column(ConvertColumn *column, const SourceTable *table,
						int idx0, TupleDesc desc, AttrNumber attnum);
static void set_target(ConvertColumn *column, const SourceTable *table,
					   Oid type, int32 typmod);
static void plan_conversion(ConvertColumn *column);
static void plan_transform(ConvertColumn *column, const ObjectRule *rule,
						   int32 typmod);
static Oid	transform_type(ValueKind kind, Oid target_type);
static bool is_postgis_geometry(Oid type);
static Converter choose_converter(ValueKind kind, const ConvertTarget *target);
static bool convert_other_kind(const ConvertColumn *column,
							   const SourceValue *value, Datum *result);
static bool run_transform(const ConvertColumn *column,
						  const SourceValue *value, Datum *result);
static bool convert_zero_date(const ConvertColumn *column,
							  const SourceValue *value, Datum *result);
static Datum convert_to_base(const ConvertColumn *column,
							 const SourceValue *value);
static Datum convert_to_domain(const ConvertColumn *column,
							   const SourceValue *value);
static void check_domain(const ConvertColumn *column, Datum value,
						 bool isnull);
pg_noreturn static void fail_no_conversion(const ConvertColumn *column,
										   ValueKind kind);

ConvertPlan *
sdb_plan_make(const SourceTable *table, TupleDesc desc,
			  const AttrNumber *attnums)
{
	ConvertPlan *plan;

	plan = palloc0(offsetof(ConvertPlan, columns) +
				   table->ncolumns * sizeof(ConvertColumn));
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (attnums[i] == InvalidAttrNumber)
			continue;
		plan_column(&plan->columns[plan->ncolumns++], table, i, desc,
					attnums[i]);
	}
	return plan;
}

void
sdb_plan_row(ConvertPlan *plan, const SourceValue *row,
			 Datum *values, bool *isnull, bool *sent)
{
	const ConvertColumn *end = plan->columns + plan->ncolumns;

	for (const ConvertColumn *column = plan->columns; column < end; column++)
	{
		const SourceValue *value = &row[column->source_idx0];
		int			target = column->target_idx0;

		sdb_error_position.column = column->name;
		if (likely(value->kind == column->kind))
		{
			values[target] = column->convert(column, value);
			isnull[target] = false;
			sent[target] = true;
		}
		else if (value->kind == VALUE_UNCHANGED)
			sent[target] = false;
		else
		{
			isnull[target] = !convert_other_kind(column, value,
												 &values[target]);
			sent[target] = true;
		}
	}
	sdb_error_position.column = NULL;
}

void
sdb_convert_fail(const ConvertColumn *column, int sqlerrcode,
				 const char *what, const char *hint)
{
	const ConvertTarget *target = column->target;
	int32		typmod = target->base != NULL ? -1 : column->typmod;

	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("%s for column \"%s\" of table \"%s\"",
					what, column->name, target->table->id),
			 errdetail("The source column has type %s, the target column has type %s.",
					   target->source->type_name,
					   format_type_with_typemod(target->type, typmod)),
			 hint ? errhint("%s", hint) : 0));
}

void
sdb_convert_out_of_range(const ConvertColumn *column)
{
	sdb_convert_fail(column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					 "value out of range",
					 "Give the target column a type that holds all values of the source column.");
}

void
sdb_convert_too_large(const ConvertColumn *column)
{
	sdb_convert_fail(column, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					 "value larger than 1 GB",
					 "PostgreSQL cannot hold it in one field: shorten it at the source, or leave the table out.");
}

static void
plan_column(ConvertColumn *column, const SourceTable *table, int idx0,
			TupleDesc desc, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
	const ObjectRule *rule = sdb_objmap_column(RULE_TRANSFORM, table,
											   &table->columns[idx0]);

	column->name = table->columns[idx0].name;
	column->kind = table->columns[idx0].kind;
	column->source_idx0 = idx0;
	column->target_idx0 = attnum - 1;
	set_target(column, table, att->atttypid, att->atttypmod);
	column->target->not_null = att->attnotnull;
	if (rule != NULL)
		plan_transform(column, rule, att->atttypmod);
	else
		plan_conversion(column);
}

static void
set_target(ConvertColumn *column, const SourceTable *table, Oid type,
		   int32 typmod)
{
	ConvertTarget *target = palloc0(sizeof(ConvertTarget));
	Oid			input;
	bool		preferred;

	column->typmod = typmod;
	column->target = target;
	target->table = table;
	target->source = &table->columns[column->source_idx0];
	target->type = type;
	target->base_type = getBaseTypeAndTypmod(type, &column->typmod);
	target->context = CurrentMemoryContext;
	get_type_category_preferred(target->base_type, &target->category,
								&preferred);
	getTypeInputInfo(target->base_type, &input, &target->ioparam);
	fmgr_info(input, &target->input);
	target->is_postgis = is_postgis_geometry(target->base_type);
	column->unit_us = sdb_temporal_unit(target->base_type, column->typmod);
}

static void
plan_conversion(ConvertColumn *column)
{
	ConvertTarget *target = column->target;

	column->convert = choose_converter(column->kind, target);
	if (column->convert == NULL)
		fail_no_conversion(column, column->kind);
	if (target->type != target->base_type)
	{
		target->base = column->convert;
		column->convert = convert_to_domain;
	}
}

/* What is converted is the value that the rule's expression takes. */
static void
plan_transform(ConvertColumn *column, const ObjectRule *rule, int32 typmod)
{
	ConvertTarget *target = column->target;
	ConvertColumn *value = palloc_object(ConvertColumn);

	*value = *column;
	set_target(value, target->table,
			   transform_type(column->kind, target->base_type), -1);
	plan_conversion(value);
	target->value = value;
	target->transform = sdb_transform_compile(rule, target->type, typmod,
											  value->target->type);
	/* its result may be NULL, so no value takes the short way */
	column->kind = VALUE_NKINDS;
}

static Oid
transform_type(ValueKind kind, Oid target_type)
{
	if (kind == VALUE_INT || kind == VALUE_UINT)
	{
		if (target_type == INT2OID || target_type == INT4OID)
			return INT4OID;
		if (target_type == INT8OID)
			return INT8OID;
	}
	return transform_types[kind];
}

/* Its schema is wherever the extension was put, so the name must do. */
static bool
is_postgis_geometry(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	result = form->typtype == TYPTYPE_BASE &&
		strcmp(NameStr(form->typname), "geometry") == 0;
	ReleaseSysCache(tuple);
	return result;
}

/* NULL if values of that kind have no business in the type. */
static Converter
choose_converter(ValueKind kind, const ConvertTarget *target)
{
	const char *categories = text_categories[kind];

	for (int i = 0; i < lengthof(conversions); i++)
	{
		if (conversions[i].kind == kind &&
			conversions[i].type == target->base_type)
			return conversions[i].convert;
	}
	if (kind == VALUE_GEOMETRY && target->is_postgis)
		return sdb_geometry_to_postgis;
	if (categories == NULL || strchr(categories, target->category) != NULL)
		return sdb_convert_by_text;
	return NULL;
}

/* A value that is not of the column's kind; false if it becomes NULL. */
static bool
convert_other_kind(const ConvertColumn *column, const SourceValue *value,
				   Datum *result)
{
	bool		not_null = true;

	*result = (Datum) 0;
	if (value->kind == VALUE_NULL)
		not_null = false;
	else if (value->kind == VALUE_ZERODATE)
		not_null = convert_zero_date(column, value, result);
	else if (column->target->transform != NULL)
		not_null = run_transform(column, value, result);
	else
		*result = convert_to_base(column, value);

	if (column->target->type != column->target->base_type)
		check_domain(column, *result, !not_null);
	return not_null;
}

/* False if the result is NULL. */
static bool
run_transform(const ConvertColumn *column, const SourceValue *value,
			  Datum *result)
{
	const ConvertColumn *input = column->target->value;
	Datum		datum = convert_to_base(input, value);
	bool		isnull;

	*result = sdb_transform_run(column->target->transform, datum,
								value->kind == VALUE_GEOMETRY ?
								&value->u.geometry : NULL, &isnull);
	return !isnull;
}

/* As synchdb.zero_date says; false if the value becomes NULL. */
static bool
convert_zero_date(const ConvertColumn *column, const SourceValue *value,
				  Datum *result)
{
	const ConvertTarget *target = column->target;

	if (target->category == TYPCATEGORY_STRING)
	{
		SourceValue text = *value;

		text.kind = VALUE_TEXT;
		*result = convert_to_base(column, &text);
		return true;
	}
	if (sdb_guc_zero_date == ZERO_DATE_NULL && !target->not_null)
		return false;
	if (sdb_guc_zero_date != ZERO_DATE_ERROR)
	{
		switch (target->base_type)
		{
			case DATEOID:
				*result = DateADTGetDatum(DATEVAL_NOBEGIN);
				return true;
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
				*result = TimestampGetDatum(DT_NOBEGIN);
				return true;
		}
	}
	sdb_convert_fail(column, ERRCODE_INVALID_DATETIME_FORMAT,
					 "date that names no day",
					 "Correct the value at the source, set synchdb.zero_date to \"null\" or \"infinity\", or make the target column nullable or text.");
}

/* By search, for a kind that the column did not declare. */
static Datum
convert_to_base(const ConvertColumn *column, const SourceValue *value)
{
	Converter	convert = choose_converter(value->kind, column->target);

	if (convert == NULL)
		fail_no_conversion(column, value->kind);
	return convert(column, value);
}

static Datum
convert_to_domain(const ConvertColumn *column, const SourceValue *value)
{
	Datum		result = column->target->base(column, value);

	check_domain(column, result, false);
	return result;
}

static void
check_domain(const ConvertColumn *column, Datum value, bool isnull)
{
	ConvertTarget *target = column->target;

	domain_check(value, isnull, target->type, &target->domain_cache,
				 target->context);
}

static void
fail_no_conversion(const ConvertColumn *column, ValueKind kind)
{
	const ConvertTarget *target = column->target;

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("cannot convert column \"%s\" of table \"%s\" to type %s",
					column->name, target->table->id,
					format_type_be(target->type)),
			 errdetail("The source column has type %s, its values are of kind \"%s\".",
					   target->source->type_name, sdb_value_kind_name(kind)),
			 errhint("Give the target column another type, or type text.")));
}
