/*
 * plan.h --- from source values to Datums, decided once per table
 *
 * When a table is opened, each source column is given one converter function,
 * chosen by the kind of value the source sends and the type of the target
 * column.  Per value there is one indirect call and no lookup.
 */
#ifndef SDB_PLAN_H
#define SDB_PLAN_H

#include "access/tupdesc.h"
#include "change/table.h"

typedef struct ConvertPlan ConvertPlan;

/*
 * sdb_plan_make --- choose the converters.
 *
 * in:     attnums[0 .. table->ncolumns-1]: the target column of each source
 *         column, InvalidAttrNumber if it has none (then it is not converted)
 * memory: the plan lives in CurrentMemoryContext and keeps pointers to table
 *         and desc
 * errors: 42804 naming table and column where no conversion exists at all
 */
extern ConvertPlan *sdb_plan_make(const SourceTable *table, TupleDesc desc,
								  const AttrNumber *attnums);

/*
 * sdb_plan_row --- convert a row.
 *
 * in:     row[0 .. table->ncolumns-1]
 * out:    values, isnull and sent [attnum - 1], for each mapped column; other
 *         entries are left alone.  sent is false for VALUE_UNCHANGED, and
 *         values/isnull are then left alone.
 * memory: Datums in CurrentMemoryContext; may point into the row's bytes only
 *         where the type is passed by value
 * errors: 22P02, 22003, 22007, 22008, 22021, 54000, with table, column and
 *         remedy; sdb_error_position.column names the column
 */
extern void sdb_plan_row(ConvertPlan *plan, const SourceValue *row,
						 Datum *values, bool *isnull, bool *sent);

#endif							/* SDB_PLAN_H */
