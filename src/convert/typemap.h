/*
 * typemap.h --- which PostgreSQL type a source column gets
 */
#ifndef SDB_TYPEMAP_H
#define SDB_TYPEMAP_H

#include "change/source_type.h"
#include "change/table.h"

/*
 * sdb_typemap_column --- the type as SQL text, "numeric(20)", "bigserial".
 *
 * types: the source's default mappings
 * result: valid SQL of a type name (serial pseudo-types included), made of
 *         constants of the mapping and numbers only, except where the column
 *         recommends a type
 * errors: 0A000 naming the column if its type is not known
 */
extern char *sdb_typemap_column(const SourceType *types,
								const SourceColumn *column);

/*
 * sdb_typemap_translate --- what synchdb_translate_datatype answers; NULL if
 * the source type is unknown.  length and scale -1 if absent.
 */
extern char *sdb_typemap_translate(const SourceType *types,
								   const char *type_name,
								   int64 length, int64 scale, int64 precision);

#endif							/* SDB_TYPEMAP_H */
