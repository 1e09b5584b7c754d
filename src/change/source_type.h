/*
 * source_type.h --- default mapping of a source's types to PostgreSQL's
 *
 * Each source lists its types in one constant array of these; convert/ reads
 * it without knowing the database.
 */
#ifndef SDB_SOURCE_TYPE_H
#define SDB_SOURCE_TYPE_H

/* TypeModifier --- what follows the PostgreSQL type in parentheses */
typedef enum TypeModifier
{
	TYPMOD_NONE,				/* nothing */
	TYPMOD_LENGTH,				/* (length) */
	TYPMOD_PRECISION_SCALE,		/* (length, scale) */
	TYPMOD_SCALE				/* (scale), of temporal types */
} TypeModifier;

typedef struct SourceType
{
	const char *name;			/* SourceColumn.type_name; NULL ends the list */
	int32		length;			/* applies to columns of that length only; -1
								 * for any.  The first match counts */
	bool		identity;		/* for columns that the source numbers */
	const char *lossless;		/* PostgreSQL type by default */
	TypeModifier lossless_typmod;
	const char *synchdb;		/* under synchdb.type_mapping = 'synchdb';
								 * NULL if the same */
	TypeModifier synchdb_typmod;
} SourceType;

#endif							/* SDB_SOURCE_TYPE_H */
