/*
 * typemap.h --- which PostgreSQL type a source column gets
 */
#ifndef SDB_TYPEMAP_H
#define SDB_TYPEMAP_H

#include "change/source_type.h"
#include "change/table.h"
#include "convert/objmap.h"

/*
 * sdb_typemap_column --- the type as SQL text, "numeric(20)", "bigserial".
 *
 * A rule about the column or its type counts before the default.
 *
 * types: the source's default mappings
 * table: of column
 * result: valid SQL of a type name (serial pseudo-types included), made of
 *         constants of the mapping and numbers only, except where the column
 *         recommends a type
 * errors: 0A000 naming the column if its type is not known; those of a rule
 *         whose type is gone
 */
extern char *sdb_typemap_column(const SourceType *types,
								const SourceTable *table,
								const SourceColumn *column);

/* Is that what a column with a sequence is created with, and no type? */
extern bool sdb_typemap_is_serial(const char *type);

/* Errors if the target of a datatype rule is no type with that length. */
extern void sdb_typemap_check_rule(const ObjectRule *rule);

/*
 * sdb_typemap_translate --- what synchdb_translate_datatype answers; NULL if
 * the source type is unknown.  length and scale -1 if absent.
 */
extern char *sdb_typemap_translate(const SourceType *types,
								   const char *type_name,
								   int64 length, int64 scale, int64 precision);

#endif							/* SDB_TYPEMAP_H */
