/*
 * transform.h --- SQL expressions that users put between source and target
 *
 * In the text of a rule %d stands for the value, %w and %s for the well-known
 * binary (as base64) and the reference system of a geometry, %% for a percent
 * sign.  Each becomes a parameter of the expression, also within a string
 * literal, which is then a concatenation: a value is never part of the SQL.
 */
#ifndef SDB_TRANSFORM_H
#define SDB_TRANSFORM_H

#include "convert/objmap.h"

typedef struct Transform Transform;

/*
 * sdb_transform_check --- errors if the rule is not one SQL expression.
 *
 * Functions, operators and types are looked up by sdb_transform_compile only.
 */
extern void sdb_transform_check(const ObjectRule *rule);

/*
 * sdb_transform_compile --- prepare the rule's expression for a column.
 *
 * type, typmod: of the result, the target column
 * value_type:   of %d outside of string literals
 * memory: CurrentMemoryContext
 * errors: those of parsing and planning, with the rule in the context
 */
extern Transform *sdb_transform_compile(const ObjectRule *rule, Oid type,
										int32 typmod, Oid value_type);

/*
 * sdb_transform_run --- the result for one value.
 *
 * in:     datum of value_type; geometry of %w and %s, NULL if the value is none
 * memory: CurrentMemoryContext; a snapshot is active
 * errors: whatever the expression raises, with the rule in the context
 */
extern Datum sdb_transform_run(Transform *transform, Datum datum,
							   const SourceGeometry *geometry, bool *isnull);

#endif							/* SDB_TRANSFORM_H */
