/*
 * mysql_row_plan.c --- one decoder for each column of a table map
 *
 * The table map says how the log stores a column, the definition how it was
 * declared.  One table below lists which pairs belong together, the test that
 * their lengths must pass, and the decoder.  A pair that is not there, or does
 * not pass, means that the definition is not the one the rows were written
 * under, which is an error: rows are never read by guess.
 *
 * Text has its length in characters where declared and in bytes where stored.
 * What lies between is the set's longest character, which is 1 to 4 bytes.
 */
#include "postgres.h"

#include "source/mysql/mysql_row_values.h"
#include "source/mysql/mysql_rows.h"
#include "source/mysql/mysql_types.h"

#define MAX_CHAR_BYTES		4
#define MAX_DECIMAL_DIGITS	65
#define MAX_DECIMAL_SCALE	30
#define MAX_BITS			64
#define MAX_FRACTION		6
#define MAX_SET_LABELS		64
#define UUID_BYTES			16
#define JSON_CHARSET		"utf8mb4"

/* A column's type as the log stores it */
typedef struct StoredType
{
	uint8		type;			/* with ENUM and SET told from STRING */
	int			meta;			/* length in bytes, precision, fraction, ... */
	int			scale;			/* of a decimal */
} StoredType;

/* Does the stored type fit the declared one?  Completes plan if it does. */
typedef bool TypeFit(const StoredType *stored, const SourceColumn *column,
					 RowColumn *plan);

typedef struct RowType
{
	MysqlType	declared;
	uint8		stored;
	TypeFit    *fit;			/* NULL if there is nothing to compare */
	RowDecoder *decode;
	RowDecoder *decode_unsigned;	/* NULL if the same */
} RowType;

static TypeFit fit_float;
static TypeFit fit_double;
static TypeFit fit_decimal;
static TypeFit fit_bits;
static TypeFit fit_fraction;
static TypeFit fit_fraction_old;
static TypeFit fit_text;
static TypeFit fit_text_compressed;
static TypeFit fit_bytes;
static TypeFit fit_bytes_compressed;
static TypeFit fit_blob;
static TypeFit fit_long_blob;
static TypeFit fit_json_text;
static TypeFit fit_enum;
static TypeFit fit_set;
static TypeFit fit_uuid;
static TypeFit fit_inet4;
static TypeFit fit_inet6;
static TypeFit fit_vector_bytes;

static const RowType row_types[] = {
	{MYSQL_T_TINYINT, MYSQL_STORED_TINY, NULL,
	sdb_mysql_row_int8, sdb_mysql_row_uint8},
	{MYSQL_T_SMALLINT, MYSQL_STORED_SHORT, NULL,
	sdb_mysql_row_int16, sdb_mysql_row_uint16},
	{MYSQL_T_MEDIUMINT, MYSQL_STORED_INT24, NULL,
	sdb_mysql_row_int24, sdb_mysql_row_uint24},
	{MYSQL_T_INT, MYSQL_STORED_LONG, NULL,
	sdb_mysql_row_int32, sdb_mysql_row_uint32},
	{MYSQL_T_BIGINT, MYSQL_STORED_LONGLONG, NULL,
	sdb_mysql_row_int64, sdb_mysql_row_uint64},
	{MYSQL_T_FLOAT, MYSQL_STORED_FLOAT, fit_float, sdb_mysql_row_float},
	{MYSQL_T_DOUBLE, MYSQL_STORED_DOUBLE, fit_double, sdb_mysql_row_double},
	{MYSQL_T_DECIMAL, MYSQL_STORED_NEWDECIMAL, fit_decimal,
	sdb_mysql_row_decimal},
	{MYSQL_T_BIT, MYSQL_STORED_BIT, fit_bits, sdb_mysql_row_bits},

	{MYSQL_T_YEAR, MYSQL_STORED_YEAR, NULL, sdb_mysql_row_year},
	{MYSQL_T_DATE, MYSQL_STORED_DATE, NULL, sdb_mysql_row_date},
	{MYSQL_T_DATE, MYSQL_STORED_NEWDATE, NULL, sdb_mysql_row_date},
	{MYSQL_T_TIME, MYSQL_STORED_TIME2, fit_fraction, sdb_mysql_row_time},
	{MYSQL_T_TIME, MYSQL_STORED_TIME, fit_fraction_old,
	sdb_mysql_row_time_old},
	{MYSQL_T_DATETIME, MYSQL_STORED_DATETIME2, fit_fraction,
	sdb_mysql_row_datetime},
	{MYSQL_T_DATETIME, MYSQL_STORED_DATETIME, fit_fraction_old,
	sdb_mysql_row_datetime_old},
	{MYSQL_T_TIMESTAMP, MYSQL_STORED_TIMESTAMP2, fit_fraction,
	sdb_mysql_row_timestamp},
	{MYSQL_T_TIMESTAMP, MYSQL_STORED_TIMESTAMP, fit_fraction_old,
	sdb_mysql_row_timestamp_old},

	{MYSQL_T_CHAR, MYSQL_STORED_STRING, fit_text, sdb_mysql_row_text},
	{MYSQL_T_VARCHAR, MYSQL_STORED_VARCHAR, fit_text, sdb_mysql_row_text},
	{MYSQL_T_VARCHAR, MYSQL_STORED_VAR_STRING, fit_text, sdb_mysql_row_text},
	{MYSQL_T_VARCHAR, MYSQL_STORED_VARCHAR_COMPRESSED, fit_text_compressed,
	sdb_mysql_row_text_compressed},
	{MYSQL_T_TEXT, MYSQL_STORED_BLOB, fit_blob, sdb_mysql_row_text},
	{MYSQL_T_TEXT, MYSQL_STORED_BLOB_COMPRESSED, fit_blob,
	sdb_mysql_row_text_compressed},
	{MYSQL_T_ENUM, MYSQL_STORED_ENUM, fit_enum, sdb_mysql_row_enum},
	{MYSQL_T_SET, MYSQL_STORED_SET, fit_set, sdb_mysql_row_set},

	{MYSQL_T_BINARY, MYSQL_STORED_STRING, fit_bytes, sdb_mysql_row_binary},
	{MYSQL_T_VARBINARY, MYSQL_STORED_VARCHAR, fit_bytes, sdb_mysql_row_bytes},
	{MYSQL_T_VARBINARY, MYSQL_STORED_VAR_STRING, fit_bytes,
	sdb_mysql_row_bytes},
	{MYSQL_T_VARBINARY, MYSQL_STORED_VARCHAR_COMPRESSED, fit_bytes_compressed,
	sdb_mysql_row_bytes_compressed},
	{MYSQL_T_BLOB, MYSQL_STORED_BLOB, fit_blob, sdb_mysql_row_bytes},
	{MYSQL_T_BLOB, MYSQL_STORED_BLOB_COMPRESSED, fit_blob,
	sdb_mysql_row_bytes_compressed},

	{MYSQL_T_JSON, MYSQL_STORED_JSON, fit_long_blob, sdb_mysql_row_json},
	{MYSQL_T_JSON, MYSQL_STORED_BLOB, fit_json_text, sdb_mysql_row_json_text},
	{MYSQL_T_GEOMETRY, MYSQL_STORED_GEOMETRY, fit_long_blob,
	sdb_mysql_row_geometry},
	{MYSQL_T_UUID, MYSQL_STORED_STRING, fit_uuid, sdb_mysql_row_uuid},
	{MYSQL_T_INET4, MYSQL_STORED_STRING, fit_inet4, sdb_mysql_row_inet},
	{MYSQL_T_INET6, MYSQL_STORED_STRING, fit_inet6, sdb_mysql_row_inet},
	{MYSQL_T_VECTOR, MYSQL_STORED_VECTOR, fit_long_blob, sdb_mysql_row_bytes},
	{MYSQL_T_VECTOR, MYSQL_STORED_VARCHAR, fit_vector_bytes,
	sdb_mysql_row_bytes}
};

/* Words for stored types in messages; meta and scale may follow */
static const char *const stored_names[256] = {
	[MYSQL_STORED_TINY] = "tinyint",
	[MYSQL_STORED_SHORT] = "smallint",
	[MYSQL_STORED_LONG] = "int",
	[MYSQL_STORED_FLOAT] = "float",
	[MYSQL_STORED_DOUBLE] = "double",
	[MYSQL_STORED_TIMESTAMP] = "timestamp (old format)",
	[MYSQL_STORED_LONGLONG] = "bigint",
	[MYSQL_STORED_INT24] = "mediumint",
	[MYSQL_STORED_DATE] = "date",
	[MYSQL_STORED_TIME] = "time (old format)",
	[MYSQL_STORED_DATETIME] = "datetime (old format)",
	[MYSQL_STORED_YEAR] = "year",
	[MYSQL_STORED_NEWDATE] = "date",
	[MYSQL_STORED_VARCHAR] = "varchar of %d bytes",
	[MYSQL_STORED_BIT] = "bit(%d)",
	[MYSQL_STORED_TIMESTAMP2] = "timestamp(%d)",
	[MYSQL_STORED_DATETIME2] = "datetime(%d)",
	[MYSQL_STORED_TIME2] = "time(%d)",
	[MYSQL_STORED_BLOB_COMPRESSED] = "compressed blob with lengths of %d bytes",
	[MYSQL_STORED_VARCHAR_COMPRESSED] = "compressed varchar of %d bytes",
	[MYSQL_STORED_VECTOR] = "vector",
	[MYSQL_STORED_JSON] = "json",
	[MYSQL_STORED_NEWDECIMAL] = "decimal(%d,%d)",
	[MYSQL_STORED_ENUM] = "enum of %d bytes",
	[MYSQL_STORED_SET] = "set of %d bytes",
	[MYSQL_STORED_BLOB] = "blob with lengths of %d bytes",
	[MYSQL_STORED_VAR_STRING] = "varchar of %d bytes",
	[MYSQL_STORED_STRING] = "char of %d bytes",
	[MYSQL_STORED_GEOMETRY] = "geometry"
};

static MysqlRowPlan *make_plan(const MysqlTableMap *map,
							   const SourceTable *table, char **misfit);
static bool plan_hidden(const MysqlTableMap *map, MysqlRowPlan *plan,
						char **misfit);
static bool is_version(const MysqlTableMap *map, int idx0);
static bool is_hash(const MysqlTableMap *map, int idx0);
static bool plan_column(const MysqlTableMap *map, const SourceTable *table,
						int idx0, RowColumn *plan, char **misfit);
static void resolve_stored(const MysqlTableMap *map, int idx0,
						   StoredType *stored);
static const RowType *find_row_type(MysqlType declared, uint8 stored);
static bool has_name(const MysqlTableMap *map, const SourceTable *table,
					 int idx0, char **misfit);
static const Charset *find_charset(const SourceTable *table,
								   const SourceColumn *column, MysqlType type);
static SourceBytes *make_labels(const SourceColumn *column);
static char *declared_text(const SourceColumn *column);
static char *stored_text(const MysqlTableMap *map, int idx0);

MysqlRowPlan *
sdb_mysql_rows_plan(const MysqlTableMap *map, const SourceTable *table)
{
	char	   *misfit;
	MysqlRowPlan *plan = make_plan(map, table, &misfit);

	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows of table \"%s\" do not fit its definition",
						table->id),
				 errdetail("%s", misfit)));
	return plan;
}

MysqlRowPlan *
sdb_mysql_rows_try_plan(const MysqlTableMap *map, const SourceTable *table)
{
	char	   *misfit;

	return make_plan(map, table, &misfit);
}

/* NULL if it does not fit, for which misfit is the reason, a sentence. */
static MysqlRowPlan *
make_plan(const MysqlTableMap *map, const SourceTable *table, char **misfit)
{
	MysqlRowPlan *plan;

	plan = palloc0(offsetof(MysqlRowPlan, columns) +
				   map->ncolumns * sizeof(RowColumn));
	plan->table = table;
	plan->ncolumns = map->ncolumns;
	plan->row_end = -1;
	if (!plan_hidden(map, plan, misfit))
		return NULL;
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (!plan_column(map, table, i, &plan->columns[i], misfit))
			return NULL;
		if (table->columns[i].row_end)
			plan->row_end = i;
	}
	return plan;
}

int
sdb_mysql_rows_plan_columns(const MysqlRowPlan *plan)
{
	return plan->ncolumns;
}

/* Columns of the log behind those of the definition */
static bool
plan_hidden(const MysqlTableMap *map, MysqlRowPlan *plan, char **misfit)
{
	const SourceTable *table = plan->table;
	int			nversions = table->versioned ? 2 : 0;
	int			nhidden = 0;

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].row_end)
			nversions = 0;
	}
	for (int i = table->ncolumns; i < map->ncolumns; i++)
	{
		RowColumn  *column = &plan->columns[i];

		column->name = "hidden";
		if (nversions > 0 && is_version(map, i))
		{
			column->decode = sdb_mysql_row_timestamp;
			column->scale = MAX_FRACTION;
			plan->row_end = i;	/* the second one */
			nversions--;
		}
		else if (is_hash(map, i))
			column->decode = sdb_mysql_row_uint64;
		else
			break;
		nhidden++;
	}
	if (nversions == 0 && table->ncolumns + nhidden == map->ncolumns)
		return true;
	*misfit = psprintf("The log has %d columns, the definition has %d%s.",
					   map->ncolumns, table->ncolumns,
					   nversions > 0 ? " and two of system versioning" : "");
	return false;
}

/* Without columns for them, row_start and row_end are hidden. */
static bool
is_version(const MysqlTableMap *map, int idx0)
{
	return map->types[idx0] == MYSQL_STORED_TIMESTAMP2 &&
		map->meta[idx0] == MAX_FRACTION;
}

/* What MariaDB makes unique where values are too long for an index */
static bool
is_hash(const MysqlTableMap *map, int idx0)
{
	static const char prefix[] = "DB_ROW_HASH_";

	return map->types[idx0] == MYSQL_STORED_LONGLONG &&
		(map->names == NULL ||
		 strncmp(map->names[idx0], prefix, strlen(prefix)) == 0);
}

static bool
plan_column(const MysqlTableMap *map, const SourceTable *table, int idx0,
			RowColumn *plan, char **misfit)
{
	const SourceColumn *column = &table->columns[idx0];
	MysqlType	declared = sdb_mysql_types_of(column);
	bool		is_unsigned = sdb_mysql_types_is_unsigned(column);
	StoredType	stored;
	const RowType *type;

	if (!has_name(map, table, idx0, misfit))
		return false;
	resolve_stored(map, idx0, &stored);
	type = find_row_type(declared, stored.type);

	plan->name = column->name;
	plan->scale = Max(column->scale, 0);
	if (type == NULL || (type->fit && !type->fit(&stored, column, plan)) ||
		(map->is_unsigned && declared != MYSQL_T_YEAR &&
		 map->is_unsigned[idx0] != is_unsigned))
	{
		*misfit = psprintf("Column \"%s\" is defined as %s, the log has %s.",
						   column->name, declared_text(column),
						   stored_text(map, idx0));
		return false;
	}

	plan->decode = type->decode_unsigned && is_unsigned ?
		type->decode_unsigned : type->decode;
	plan->charset = find_charset(table, column, declared);
	plan->nlabels = column->nlabels;
	plan->labels = make_labels(column);
	return true;
}

/*
 * STRING stands for ENUM and SET too: the high byte of its metadata is the
 * type.  A CHAR of more than 255 bytes keeps two more bits of its length, as
 * their complement, in that byte.
 */
static void
resolve_stored(const MysqlTableMap *map, int idx0, StoredType *stored)
{
	uint16		meta = map->meta[idx0];
	uint8		high = meta >> 8;
	uint8		low = meta & 0xff;

	stored->type = map->types[idx0];
	stored->meta = meta;
	stored->scale = 0;

	switch (stored->type)
	{
		case MYSQL_STORED_STRING:
			stored->type = high | 0x30;
			stored->meta = low | (((high & 0x30) ^ 0x30) << 4);
			break;
		case MYSQL_STORED_ENUM:
		case MYSQL_STORED_SET:
			stored->meta = low;
			break;
		case MYSQL_STORED_NEWDECIMAL:
			stored->meta = high;
			stored->scale = low;
			break;
		case MYSQL_STORED_BIT:
			stored->meta = high * 8 + low;
			break;
		default:
			break;
	}
}

static const RowType *
find_row_type(MysqlType declared, uint8 stored)
{
	for (int i = 0; i < lengthof(row_types); i++)
	{
		if (row_types[i].declared == declared && row_types[i].stored == stored)
			return &row_types[i];
	}
	return NULL;
}

/* Where the log has names at all */
static bool
has_name(const MysqlTableMap *map, const SourceTable *table, int idx0,
		 char **misfit)
{
	const char *wire = map->names ? map->names[idx0] : NULL;
	const char *name;
	int			len;

	if (wire == NULL)
		return true;
	name = sdb_charset_to_server(sdb_charset_find("utf8mb4"), wire,
								 (int) strlen(wire), &len);
	if (strlen(table->columns[idx0].name) == len &&
		memcmp(table->columns[idx0].name, name, len) == 0)
		return true;
	*misfit = psprintf("Column %d is named \"%.*s\" in the log and \"%s\" in the definition.",
					   idx0 + 1, len, name, table->columns[idx0].name);
	return false;
}

static const Charset *
find_charset(const SourceTable *table, const SourceColumn *column,
			 MysqlType type)
{
	const char *name = type == MYSQL_T_JSON && column->charset == NULL ?
		JSON_CHARSET : column->charset;
	const Charset *charset = name ? sdb_charset_find(name) : NULL;

	if (name != NULL && charset == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of table \"%s\" has character set \"%s\", which cannot be converted",
						column->name, table->id, name)));
	if (charset == NULL &&
		(type == MYSQL_T_CHAR || type == MYSQL_T_VARCHAR || type == MYSQL_T_TEXT))
		elog(ERROR, "column \"%s\" of table \"%s\" has no character set",
			 column->name, table->id);
	return charset;
}

static SourceBytes *
make_labels(const SourceColumn *column)
{
	SourceBytes *labels;

	if (column->nlabels == 0)
		return NULL;
	labels = palloc(column->nlabels * sizeof(SourceBytes));
	for (int i = 0; i < column->nlabels; i++)
	{
		labels[i].data = column->labels[i];
		labels[i].len = (int) strlen(column->labels[i]);
	}
	return labels;
}

static bool
fit_float(const StoredType *stored, const SourceColumn *column,
		  RowColumn *plan)
{
	return stored->meta == sizeof(float);
}

static bool
fit_double(const StoredType *stored, const SourceColumn *column,
		   RowColumn *plan)
{
	return stored->meta == sizeof(double);
}

static bool
fit_decimal(const StoredType *stored, const SourceColumn *column,
			RowColumn *plan)
{
	if (stored->meta < 1 || stored->meta > MAX_DECIMAL_DIGITS ||
		stored->scale > MAX_DECIMAL_SCALE || stored->scale > stored->meta)
		return false;
	plan->precision = stored->meta;
	plan->scale = stored->scale;
	plan->size = sdb_mysql_decimal_size(plan->precision, plan->scale);
	return stored->meta == column->length &&
		stored->scale == Max(column->scale, 0);
}

static bool
fit_bits(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	plan->precision = stored->meta;
	plan->size = (stored->meta + 7) / 8;
	return stored->meta == column->length &&
		stored->meta >= 1 && stored->meta <= MAX_BITS;
}

static bool
fit_fraction(const StoredType *stored, const SourceColumn *column,
			 RowColumn *plan)
{
	return stored->meta == plan->scale && plan->scale <= MAX_FRACTION;
}

/* The old types do not say their fraction: the definition alone knows. */
static bool
fit_fraction_old(const StoredType *stored, const SourceColumn *column,
				 RowColumn *plan)
{
	return plan->scale <= MAX_FRACTION;
}

static bool
fit_text(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	plan->length_bytes = stored->meta > 255 ? 2 : 1;
	for (int i = 1; i <= MAX_CHAR_BYTES; i++)
	{
		if (stored->meta == column->length * i)
			return true;
	}
	return false;
}

/* The first byte, which tells the method, counts. */
static bool
fit_text_compressed(const StoredType *stored, const SourceColumn *column,
					RowColumn *plan)
{
	StoredType	plain = *stored;
	bool		fits;

	plain.meta -= 1;
	fits = fit_text(&plain, column, plan);
	plan->length_bytes = stored->meta > 255 ? 2 : 1;
	return fits;
}

static bool
fit_bytes(const StoredType *stored, const SourceColumn *column,
		  RowColumn *plan)
{
	plan->length_bytes = stored->meta > 255 ? 2 : 1;
	plan->size = stored->meta;
	return stored->meta == column->length;
}

static bool
fit_bytes_compressed(const StoredType *stored, const SourceColumn *column,
					 RowColumn *plan)
{
	plan->length_bytes = stored->meta > 255 ? 2 : 1;
	return stored->meta == column->length + 1;
}

static bool
fit_blob(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	static const char *const prefixes[] = {"tiny", "", "medium", "long"};
	const char *prefix;

	if (stored->meta < 1 || stored->meta > lengthof(prefixes))
		return false;
	plan->length_bytes = stored->meta;
	prefix = prefixes[stored->meta - 1];
	return strncmp(column->type_name, prefix, strlen(prefix)) == 0 &&
		(strcmp(column->type_name + strlen(prefix), "text") == 0 ||
		 strcmp(column->type_name + strlen(prefix), "blob") == 0);
}

static bool
fit_long_blob(const StoredType *stored, const SourceColumn *column,
			  RowColumn *plan)
{
	plan->length_bytes = 4;
	return stored->meta == 4;
}

/* MariaDB: any type of text with a check */
static bool
fit_json_text(const StoredType *stored, const SourceColumn *column,
			  RowColumn *plan)
{
	plan->length_bytes = stored->meta;
	return stored->meta >= 1 && stored->meta <= 4;
}

static bool
fit_enum(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	plan->size = stored->meta;
	return stored->meta == (column->nlabels < 256 ? 1 : 2);
}

/* A byte for each eight labels; more than four of them take eight. */
static bool
fit_set(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	int			nbytes = (column->nlabels + 7) / 8;

	plan->size = stored->meta;
	return column->nlabels <= MAX_SET_LABELS &&
		stored->meta == (nbytes > 4 ? 8 : nbytes);
}

static bool
fit_uuid(const StoredType *stored, const SourceColumn *column, RowColumn *plan)
{
	plan->length_bytes = 1;
	plan->size = UUID_BYTES;
	return stored->meta == plan->size;
}

static bool
fit_inet4(const StoredType *stored, const SourceColumn *column,
		  RowColumn *plan)
{
	plan->length_bytes = 1;
	plan->size = 4;
	return stored->meta == plan->size;
}

static bool
fit_inet6(const StoredType *stored, const SourceColumn *column,
		  RowColumn *plan)
{
	plan->length_bytes = 1;
	plan->size = 16;
	return stored->meta == plan->size;
}

/* MariaDB: a binary string of 4 bytes for each element */
static bool
fit_vector_bytes(const StoredType *stored, const SourceColumn *column,
				 RowColumn *plan)
{
	plan->length_bytes = stored->meta > 255 ? 2 : 1;
	return stored->meta == column->length * 4;
}

static char *
declared_text(const SourceColumn *column)
{
	if (column->length >= 0 && column->scale >= 0)
		return psprintf("%s(%d,%d)", column->type_name, column->length,
						column->scale);
	if (column->length >= 0 || column->scale >= 0)
		return psprintf("%s(%d)", column->type_name,
						Max(column->length, column->scale));
	if (column->nlabels > 0)
		return psprintf("%s of %d labels", column->type_name, column->nlabels);
	return pstrdup(column->type_name);
}

static char *
stored_text(const MysqlTableMap *map, int idx0)
{
	StoredType	stored;
	const char *format;
	char	   *text;

	resolve_stored(map, idx0, &stored);
	format = stored_names[stored.type];
	if (format == NULL)
		return psprintf("type %d", stored.type);

	text = psprintf(format, stored.meta, stored.scale);
	if (map->is_unsigned && map->is_unsigned[idx0])
		text = psprintf("%s unsigned", text);
	return text;
}
