/*
 * value.c --- names of the kinds of values
 */
#include "postgres.h"

#include "change/value.h"

static const char *const kind_names[VALUE_NKINDS] = {
	[VALUE_NULL] = "null",
	[VALUE_UNCHANGED] = "unchanged",
	[VALUE_BOOL] = "bool",
	[VALUE_INT] = "int",
	[VALUE_UINT] = "uint",
	[VALUE_FLOAT4] = "float4",
	[VALUE_FLOAT8] = "float8",
	[VALUE_DECIMAL] = "decimal",
	[VALUE_TEXT] = "text",
	[VALUE_BYTES] = "bytes",
	[VALUE_BITS] = "bits",
	[VALUE_JSON] = "json",
	[VALUE_DATE] = "date",
	[VALUE_TIME] = "time",
	[VALUE_TIMESTAMP] = "timestamp",
	[VALUE_TIMESTAMPTZ] = "timestamptz",
	[VALUE_INTERVAL] = "interval",
	[VALUE_UUID] = "uuid",
	[VALUE_INET] = "inet",
	[VALUE_GEOMETRY] = "geometry",
	[VALUE_ZERODATE] = "zerodate",
};

const char *
sdb_value_kind_name(ValueKind kind)
{
	return kind_names[kind];
}

bool
sdb_value_kind_parse(const char *name, ValueKind *kind)
{
	for (int i = 0; i < VALUE_NKINDS; i++)
	{
		if (strcmp(name, kind_names[i]) == 0)
		{
			*kind = (ValueKind) i;
			return true;
		}
	}
	return false;
}
