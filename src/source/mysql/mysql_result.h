/*
 * mysql_result.h --- rows of a result set, as a snapshot reads them
 *
 * The session that reads has character_set_results = utf8mb4 and time_zone =
 * '+00:00'; bit, geometry and binary columns arrive as their bytes.
 */
#ifndef SDB_MYSQL_RESULT_H
#define SDB_MYSQL_RESULT_H

#include "change/table.h"

typedef struct MysqlResultPlan MysqlResultPlan;

/*
 * One decoder per column, chosen once, for rows that have all columns in the
 * table's order; in CurrentMemoryContext.
 */
extern MysqlResultPlan *sdb_mysql_result_plan(const SourceTable *table);

/*
 * sdb_mysql_result_check --- is a column sent as the plan expects?
 *
 * in:     sent: the type that the result says it has
 * errors: 40001 naming table and column, since then the table was altered
 */
extern void sdb_mysql_result_check(const MysqlResultPlan *plan, int idx0,
								   int sent, bool is_unsigned);

/*
 * sdb_mysql_result_row --- decode one row.
 *
 * in:     a packet of the protocol's binary form
 * out:    row[0 .. ncolumns-1]; bytes may point into data
 * memory: CurrentMemoryContext, to be reset by the caller per row or so
 * errors: XX001 or 22021
 */
extern void sdb_mysql_result_row(MysqlResultPlan *plan, const uint8 *data,
								 Size len, SourceValue *row);

#endif							/* SDB_MYSQL_RESULT_H */
