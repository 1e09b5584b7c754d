/*
 * fake_script.h --- the text file that a scripted source plays
 *
 * One statement a line, fields separated by tabs, complete once its newline is
 * there: whoever runs a test appends to the file while it is being played.
 * The position of a statement is its offset in the file.
 *
 *		TABLE json				a table that is there from the start
 *		SNAPSHOT id from [until]	what copies of a table contain, see below
 *		BEGIN
 *		INSERT id value...		one value a column
 *		UPDATE id old... new...
 *		DELETE id old...
 *		TRUNCATE id
 *		CREATE json [incomplete]
 *		ALTER id json origins [incomplete]
 *		DROP id
 *		COMMIT
 *		WAIT					nothing is ready, once
 *		ERROR link|data			an error, as long as this is the last line
 *
 * origins are those of a SchemaChange, separated by commas; new columns of
 * rows that are there hold their default.  incomplete is that of SchemaChange.
 * id is SourceTable.id, json what sdb_table_to_json writes.  \N is NULL and
 * \U is UNCHANGED.  Empty lines and those that start with # say nothing.
 *
 * A copy contains what was committed when it began.  SNAPSHOT makes it contain
 * what was committed before `from`; with `until` it looks like that of a
 * source that cannot stop its writers: rows whose first key column is odd are
 * as of `until`, the others as of `from`.
 */
#ifndef SDB_FAKE_SCRIPT_H
#define SDB_FAKE_SCRIPT_H

#include "change/change.h"
#include "util/compat.h"

typedef enum Verb
{
	VERB_NOTHING,
	VERB_TABLE,
	VERB_SNAPSHOT,
	VERB_BEGIN,
	VERB_INSERT,
	VERB_UPDATE,
	VERB_DELETE,
	VERB_TRUNCATE,
	VERB_CREATE,
	VERB_ALTER,
	VERB_DROP,
	VERB_COMMIT,
	VERB_WAIT,
	VERB_ERROR
} Verb;

typedef struct Statement
{
	Verb		verb;
	uint64		pos;			/* offset of its line */
	int			nbytes;			/* of its line */
	int			nfields;		/* without the verb */
	char	  **fields;
} Statement;

typedef struct Script
{
	const char *path;
	FILE	   *file;
	uint64		pos;			/* of the next line */
} Script;

/*
 * sdb_script_open --- open a script, closed with CurrentMemoryContext.
 *
 * errors: 08001 if the file cannot be opened
 */
extern Script *sdb_script_open(const char *path);

/* The statement at pos is the next one; 55000 if none begins there. */
extern void sdb_script_seek(Script *script, uint64 pos);

/*
 * sdb_script_next --- read a statement, in CurrentMemoryContext; false if no
 * complete line is left.
 *
 * errors: XX001 with the offset
 */
extern bool sdb_script_next(Script *script, Statement *statement);

/* The row that stands after the first `skip` fields. */
extern SourceValue *sdb_script_row(const SourceTable *table,
								   const Statement *statement, int skip);

/* The value that a field means in that column. */
extern void sdb_script_value(const SourceColumn *column, char *field,
							 SourceValue *value);

/*
 * The origins of an ALTER, for the columns of after; before must have those
 * that they name.
 */
extern int *sdb_script_origins(const SourceTable *before,
							   const SourceTable *after,
							   const Statement *statement);

/* Is field number n there, and "incomplete"? */
extern bool sdb_script_incomplete(const Statement *statement, int n);

/* XX001 about a statement. */
pg_noreturn extern void sdb_script_malformed(const Statement *statement,
											 const char *reason);

#define FIELD_IS_NULL(field) (strcmp(field, "\\N") == 0)
#define FIELD_IS_UNCHANGED(field) (strcmp(field, "\\U") == 0)

#endif							/* SDB_FAKE_SCRIPT_H */
