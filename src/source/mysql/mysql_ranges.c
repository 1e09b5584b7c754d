/*
 * mysql_ranges.c --- parts of a table, as ranges of its key
 *
 * A table is split evenly between the smallest and the largest value of the
 * first column of its key, if that is an integer.
 */
#include "postgres.h"

#include "source/mysql/mysql_internal.h"

static bool has_integer_key(const SourceTable *table);
static uint64 parse_key(const char *text, bool is_signed);
static char *print_key(uint64 key, bool is_signed);

List *
sdb_mysql_split_table(Source *base, SourceTable *table, int parts)
{
	MysqlSource *source = (MysqlSource *) base;
	MysqlConn  *conn = sdb_mysql_source_conn(source);
	KeyRange   *range = palloc0(sizeof(KeyRange));
	List	   *ranges = list_make1(range);
	const SourceColumn *key;
	char	   *name;
	char	  **row;
	bool		is_signed;
	uint64		low;
	uint64		step = 0;		/* both may wrap around: all 64 bits count */
	int			i;

	if (parts < 2 || !has_integer_key(table))
		return ranges;
	key = &table->columns[table->keys[0]];
	is_signed = key->kind == VALUE_INT;
	name = sdb_mysql_conn_identifier(key->name);
	sdb_mysql_conn_query(conn, psprintf("SELECT MIN(%s), MAX(%s) FROM %s",
										name, name, sdb_mysql_table_name(table)));
	row = sdb_mysql_conn_fetch(conn, NULL);
	if (row != NULL && row[0] != NULL && row[1] != NULL)
	{
		low = parse_key(row[0], is_signed);
		step = (parse_key(row[1], is_signed) - low) / parts;
	}
	sdb_mysql_conn_close_result(conn);

	if (step == 0)
		return ranges;
	for (i = 1; i < parts; i++)
	{
		range->upper = print_key(low + step * i, is_signed);
		range = palloc0(sizeof(KeyRange));
		range->lower = ((KeyRange *) llast(ranges))->upper;
		ranges = lappend(ranges, range);
	}
	return ranges;
}

void
sdb_mysql_range_condition(StringInfo sql, const SourceTable *table,
						  const KeyRange *range)
{
	const char *key;

	if (range->lower == NULL && range->upper == NULL)
		return;					/* the table may have no key */
	key = sdb_mysql_conn_identifier(table->columns[table->keys[0]].name);
	if (range->lower != NULL)
		appendStringInfo(sql, " WHERE %s >= %s", key, range->lower);
	if (range->upper != NULL)
		appendStringInfo(sql, " %s %s < %s",
						 range->lower != NULL ? "AND" : "WHERE", key,
						 range->upper);
}

/* Ranges are made for, and their bounds written as, plain integers only. */
static bool
has_integer_key(const SourceTable *table)
{
	ValueKind	kind;

	if (table->nkeys == 0)
		return false;
	kind = table->columns[table->keys[0]].kind;
	return (kind == VALUE_INT || kind == VALUE_UINT) &&
		sdb_mysql_types_of(&table->columns[table->keys[0]]) <= MYSQL_T_BIGINT;
}

/* A signed key keeps its bits, so that differences come out right. */
static uint64
parse_key(const char *text, bool is_signed)
{
	return is_signed ? (uint64) strtoll(text, NULL, 10) :
		strtou64(text, NULL, 10);
}

static char *
print_key(uint64 key, bool is_signed)
{
	return is_signed ? psprintf(INT64_FORMAT, (int64) key) :
		psprintf(UINT64_FORMAT, key);
}
