/*
 * sqlserver_values.h --- from fields of a result to SourceValues
 *
 * Snapshot and stream read rows alike: a list of expressions, one for each
 * column of a table, and a plan that decodes the fields these give.
 */
#ifndef SDB_SQLSERVER_VALUES_H
#define SDB_SQLSERVER_VALUES_H

#include "change/table.h"
#include "lib/stringinfo.h"
#include "source/sqlserver/sqlserver_conn.h"

/* SqlServerPlan --- how the columns of one table are decoded */
typedef struct SqlServerPlan SqlServerPlan;

/*
 * sdb_sqlserver_values_select --- append the expression that reads a column.
 *
 * qualifier: put before the name with a dot, such as "c"; NULL for none.  The
 *            same expression does for the table and for its change tables.
 */
extern void sdb_sqlserver_values_select(StringInfo buf,
										const SourceColumn *column,
										const char *qualifier);

/* A plan for all columns, in CurrentMemoryContext; keeps the table. */
extern SqlServerPlan *sdb_sqlserver_values_plan(const SourceTable *table);

/*
 * sdb_sqlserver_values_begin --- a result was opened: which column is where.
 *
 * fields: for each column of the table its field, idx0; -1 if the result does
 *         not have it.  NULL: all columns from field 0 on, in order.
 */
extern void sdb_sqlserver_values_begin(SqlServerPlan *plan,
									   SqlServerConn *conn,
									   const int *fields);

/*
 * sdb_sqlserver_values_row --- decode the row that fetch has reached.
 *
 * out:    row[0 .. table->ncolumns-1], NULL or the column's kind; columns
 *         without a field become UNCHANGED
 * memory: valid until the next fetch and the next call; text that has to be
 *         converted lies in CurrentMemoryContext
 * errors: XX001 or 22021 naming table, column and row
 */
extern void sdb_sqlserver_values_row(SqlServerPlan *plan, SourceValue *row);

#endif							/* SDB_SQLSERVER_VALUES_H */
