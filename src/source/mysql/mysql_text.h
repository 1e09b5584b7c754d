/*
 * mysql_text.h --- values of the text protocol, as a snapshot reads them
 *
 * The session that reads has character_set_results = utf8mb4 and time_zone =
 * '+00:00'; bit, geometry and binary columns arrive as their bytes.
 */
#ifndef SDB_MYSQL_TEXT_H
#define SDB_MYSQL_TEXT_H

#include "change/table.h"

typedef struct MysqlTextPlan MysqlTextPlan;

/* One decoder per column, chosen once; in CurrentMemoryContext. */
extern MysqlTextPlan *sdb_mysql_text_plan(const SourceTable *table);

/*
 * sdb_mysql_text_select --- append the select list for a snapshot.
 *
 * Quoted column names, in the table's order; generated columns included.
 */
extern void sdb_mysql_text_select(StringInfo buf, const SourceTable *table);

/*
 * sdb_mysql_text_row --- decode one row.
 *
 * in:     fields[i] NULL for SQL NULL, else lengths[i] bytes
 * out:    row[0 .. ncolumns-1]; bytes may point into fields
 * memory: CurrentMemoryContext, to be reset by the caller per row or so
 * errors: XX001 or 22021 naming table and column
 */
extern void sdb_mysql_text_row(MysqlTextPlan *plan, char **fields,
							   const unsigned long *lengths, SourceValue *row);

#endif							/* SDB_MYSQL_TEXT_H */
