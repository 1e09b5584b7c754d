/*
 * schema_change.h --- a change of a table's definition, already parsed
 *
 * The source parses its dialect and resolves it against the definition it
 * holds; what arrives here is the same for every source.
 */
#ifndef SDB_SCHEMA_CHANGE_H
#define SDB_SCHEMA_CHANGE_H

#include "change/table.h"

typedef enum SchemaChangeKind
{
	SCHEMA_CREATE_TABLE,		/* after is the new table */
	SCHEMA_DROP_TABLE			/* before is the table that went */
} SchemaChangeKind;

typedef struct SchemaChange
{
	SchemaChangeKind kind;
	SourceTable *before;		/* NULL for SCHEMA_CREATE_TABLE */
	SourceTable *after;			/* NULL for SCHEMA_DROP_TABLE */
} SchemaChange;

#endif							/* SDB_SCHEMA_CHANGE_H */
