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
	SCHEMA_ALTER_TABLE,			/* before became after, perhaps under another
								 * name */
	SCHEMA_DROP_TABLE			/* before is the table that went */
} SchemaChangeKind;

typedef struct SchemaChange
{
	SchemaChangeKind kind;
	SourceTable *before;		/* NULL for SCHEMA_CREATE_TABLE */
	SourceTable *after;			/* NULL for SCHEMA_DROP_TABLE */
	int		   *origins;		/* SCHEMA_ALTER_TABLE: for each column of
								 * after, idx0 of the column of before that it
								 * was, -1 for a new one; NULL otherwise */
	bool		cuts_fractions; /* ALTER: digits of a second that a new type
								 * has not were cut off, not rounded */
	bool		incomplete;		/* CREATE, ALTER: the table has rows that the
								 * stream does not bring */
} SchemaChange;

#endif							/* SDB_SCHEMA_CHANGE_H */
