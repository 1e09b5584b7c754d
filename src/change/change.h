/*
 * change.h --- one step of a source's stream
 *
 * A stream is whole transactions in commit order:
 *
 *		BEGIN (INSERT | UPDATE | DELETE | TRUNCATE | SCHEMA)* COMMIT
 *
 * Everything a Change points to is valid until the next call of the source
 * that gave it.
 */
#ifndef SDB_CHANGE_H
#define SDB_CHANGE_H

#include "change/schema_change.h"

typedef enum ChangeKind
{
	CHANGE_BEGIN,
	CHANGE_INSERT,
	CHANGE_UPDATE,
	CHANGE_DELETE,
	CHANGE_TRUNCATE,
	CHANGE_SCHEMA,
	CHANGE_COMMIT
} ChangeKind;

typedef struct Change
{
	ChangeKind	kind;
	SourceTable *table;			/* of rows and TRUNCATE; NULL otherwise */
	SourceValue *before;		/* UPDATE, DELETE: table->ncolumns values of
								 * the old row, at least what identifies it;
								 * the others UNCHANGED */
	SourceValue *after;			/* INSERT, UPDATE: the new row; UNCHANGED is
								 * "as before" (in an INSERT: the default) */
	bool		missing_ok;		/* of UPDATE: the row need not be there, since
								 * the source read it apart from the stream */
	SchemaChange *schema;		/* of SCHEMA; NULL otherwise */
	int			nbytes;			/* size on the wire, for limits by bytes */
	TimestampTz source_time;	/* when the source made it; 0 if unknown */
} Change;

/* "insert", "update", ...: for messages and logs */
extern const char *sdb_change_kind_name(ChangeKind kind);

/*
 * sdb_change_to_text --- append a change as one line of text.
 *
 * Forms, with every name and value unambiguous:
 *
 *		BEGIN
 *		INSERT inventory.orders id=1 name='O''Hara' photo=\xDEAD due=NULL
 *		UPDATE inventory.orders id=1 -> id=1 name='x' photo=UNCHANGED
 *		DELETE inventory.orders id=1
 *		TRUNCATE inventory.orders
 *		CREATE TABLE inventory.orders (id int not null, ...) / DROP TABLE ...
 *		ALTER TABLE inventory.orders (id bigint not null was id, new int, ...)
 *		COMMIT
 *
 * UNCHANGED columns of a before image are left out.  Used by tests, the error
 * table and DEBUG logs only.
 */
extern void sdb_change_to_text(StringInfo buf, const Change *change);

/* Appends one value in the form used above. */
extern void sdb_value_to_text(StringInfo buf, const SourceValue *value);

/*
 * sdb_change_pack --- append a change of a row, or a TRUNCATE, as bytes that
 * sdb_change_unpack makes the same change of, with the definition of its
 * table.
 *
 * memory: CurrentMemoryContext; what is unpacked points into buf as well
 * errors: 08P01 or XX001 if these are not such bytes
 */
extern void sdb_change_pack(StringInfo buf, const Change *change);
extern void sdb_change_unpack(StringInfo buf, Change *change);

#endif							/* SDB_CHANGE_H */
