/*
 * mysql_row_values.h --- the decoders of one column's values
 *
 * mysql_row_plan.c chooses one for each column, mysql_rows.c calls it,
 * mysql_row_values.c and mysql_row_temporal.c hold them.  mysql_result.c
 * shares those for numbers.
 */
#ifndef SDB_MYSQL_ROW_VALUES_H
#define SDB_MYSQL_ROW_VALUES_H

#include "change/table.h"
#include "source/mysql/mysql_wire.h"
#include "util/charset.h"

typedef struct RowColumn RowColumn;

/*
 * RowDecoder --- read one value that is neither NULL nor left out.
 *
 * in:     cur at the value
 * memory: CurrentMemoryContext where the event's own bytes do not do
 * errors: XX001, and 22021 for text
 */
typedef void RowDecoder(ByteCursor *cur, const RowColumn *column,
						SourceValue *value);

/* RowColumn --- what a decoder has to know */
struct RowColumn
{
	RowDecoder *decode;
	const char *name;			/* the column's, for messages */
	const Charset *charset;		/* of text; NULL otherwise */
	int			length_bytes;	/* size of the length before the value; 0 if
								 * it has none */
	int			size;			/* bytes of the value, where they are fixed */
	int			precision;		/* of a decimal; bits of a bit string */
	int			scale;			/* of a decimal; fractional digits of a time */
	int			nlabels;
	SourceBytes *labels;		/* [nlabels]; NULL if there are none */
};

struct MysqlRowPlan
{
	const SourceTable *table;
	int			ncolumns;		/* in the log: hidden ones follow the table's */
	int			row_end;		/* idx0 of the column that tells rows of the
								 * present from those of the past; -1 if the
								 * table is not versioned */
	RowColumn	columns[FLEXIBLE_ARRAY_MEMBER];
};

/* mysql_row_values.c */
extern RowDecoder sdb_mysql_row_int8;
extern RowDecoder sdb_mysql_row_int16;
extern RowDecoder sdb_mysql_row_int24;
extern RowDecoder sdb_mysql_row_int32;
extern RowDecoder sdb_mysql_row_int64;
extern RowDecoder sdb_mysql_row_uint8;
extern RowDecoder sdb_mysql_row_uint16;
extern RowDecoder sdb_mysql_row_uint24;
extern RowDecoder sdb_mysql_row_uint32;
extern RowDecoder sdb_mysql_row_uint64;
extern RowDecoder sdb_mysql_row_float;
extern RowDecoder sdb_mysql_row_double;
extern RowDecoder sdb_mysql_row_decimal;
extern RowDecoder sdb_mysql_row_bits;
extern RowDecoder sdb_mysql_row_text;
extern RowDecoder sdb_mysql_row_text_compressed;
extern RowDecoder sdb_mysql_row_bytes;
extern RowDecoder sdb_mysql_row_bytes_compressed;
extern RowDecoder sdb_mysql_row_binary;
extern RowDecoder sdb_mysql_row_enum;
extern RowDecoder sdb_mysql_row_set;
extern RowDecoder sdb_mysql_row_json;
extern RowDecoder sdb_mysql_row_json_text;
extern RowDecoder sdb_mysql_row_geometry;
extern RowDecoder sdb_mysql_row_uuid;
extern RowDecoder sdb_mysql_row_inet;

/* mysql_row_temporal.c; "old" are the types without a 2 in their name */
extern RowDecoder sdb_mysql_row_year;
extern RowDecoder sdb_mysql_row_date;
extern RowDecoder sdb_mysql_row_time;
extern RowDecoder sdb_mysql_row_time_old;
extern RowDecoder sdb_mysql_row_datetime;
extern RowDecoder sdb_mysql_row_datetime_old;
extern RowDecoder sdb_mysql_row_timestamp;
extern RowDecoder sdb_mysql_row_timestamp_old;

/* likewise, of result sets: counted parts */
extern RowDecoder sdb_mysql_row_date_parts;
extern RowDecoder sdb_mysql_row_time_parts;
extern RowDecoder sdb_mysql_row_datetime_parts;
extern RowDecoder sdb_mysql_row_timestamp_parts;

/* Bytes that a decimal takes. */
extern int	sdb_mysql_decimal_size(int precision, int scale);

#endif							/* SDB_MYSQL_ROW_VALUES_H */
