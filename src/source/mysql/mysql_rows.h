/*
 * mysql_rows.h --- rows of WRITE, UPDATE and DELETE events
 */
#ifndef SDB_MYSQL_ROWS_H
#define SDB_MYSQL_ROWS_H

#include "change/change.h"
#include "source/mysql/mysql_event.h"

typedef struct MysqlRowPlan MysqlRowPlan;

/* MysqlRows --- the rows of one event, read one by one */
typedef struct MysqlRows
{
	ChangeKind	event_kind;		/* CHANGE_INSERT, _UPDATE or _DELETE */
	ChangeKind	kind;			/* of the row last decoded: another one where
								 * a row of the present becomes past */
	uint64		table_id;
	bool		is_last;		/* of the statement: table ids end here */
	int			ncolumns;
	const uint8 *before_present;	/* bitmaps of ncolumns; NULL if none */
	const uint8 *after_present;
	bool		lacks_columns;	/* left out ones may have values we miss */
	bool		empty_row;		/* one row without a column is still to come */
	ByteCursor *documents;		/* [ncolumns], of partial updates, NULL of
								 * others: where each value of the old row is;
								 * pos is NULL if it is nowhere */
	ByteCursor	rows;
} MysqlRows;

/*
 * sdb_mysql_rows_plan --- one decoder per column for a table map.
 *
 * in:     the map's stored types and the definition's declared ones
 * memory: CurrentMemoryContext; keeps pointers to table
 * errors: 55000 naming table, column, and both types, if the map does not fit
 *         the definition (column count, type, names or signedness where sent)
 *
 * MariaDB logs hidden columns behind those of the definition: the two of system
 * versioning, and hashes of unique values that are too long for an index.
 */
extern MysqlRowPlan *sdb_mysql_rows_plan(const MysqlTableMap *map,
										 const SourceTable *table);

/* Likewise; NULL if the map does not fit the definition. */
extern MysqlRowPlan *sdb_mysql_rows_try_plan(const MysqlTableMap *map,
											 const SourceTable *table);

/*
 * sdb_mysql_rows_open --- parse an event up to its rows.
 *
 * Compressed events (MariaDB) are inflated into CurrentMemoryContext.
 * errors: XX001
 */
extern void sdb_mysql_rows_open(const MysqlFormat *format,
								const MysqlEvent *event, MysqlRows *rows);

/* Columns of a row, hidden ones included: so long must its values be. */
extern int	sdb_mysql_rows_plan_columns(const MysqlRowPlan *plan);

/*
 * sdb_mysql_rows_next --- decode the next row that is no history.
 *
 * out:    rows->kind; before (UPDATE, DELETE) and after (INSERT, UPDATE), each
 *         [0 .. ncolumns-1]; columns not in the image are VALUE_UNCHANGED;
 *         bytes point into the event where they can
 * result: false at the end of the event
 * memory: CurrentMemoryContext, which the caller resets per row or event
 * errors: XX001 with table, column and offset; 22021 likewise; 0A000 if a
 *         value is needed that the event does not have
 */
extern bool sdb_mysql_rows_next(MysqlRows *rows, MysqlRowPlan *plan,
								SourceValue *before, SourceValue *after);

#endif							/* SDB_MYSQL_ROWS_H */
