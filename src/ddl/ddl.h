/*
 * ddl.h --- schema changes as PostgreSQL DDL
 *
 * Runs inside the caller's transaction.  Every identifier is quoted and every
 * value a quoted literal.
 */
#ifndef SDB_DDL_H
#define SDB_DDL_H

#include "access/attnum.h"
#include "change/schema_change.h"
#include "change/source_type.h"
#include "ddl/naming.h"

/* What sdb_ddl_create_table does about the primary key and other indexes */
typedef enum KeyTime
{
	KEY_NOW,					/* with the table */
	KEY_LATER					/* after the load */
} KeyTime;

/* CREATE SCHEMA IF NOT EXISTS, quietly. */
extern void sdb_ddl_create_schema(const char *schema);

/*
 * sdb_ddl_create_table --- create the target of a source table.
 *
 * Columns, types, NOT NULL, defaults, identity, comments; the primary key as
 * <table>_pkey.  Unsigned columns whose target type would admit negative
 * values get no constraint.
 *
 * result: the new relation's Oid; InvalidOid if a relation of that name
 *         existed (it is left as it is).
 */
extern Oid	sdb_ddl_create_table(const SourceTable *table,
								 const TargetTable *target,
								 const SourceType *types, KeyTime key_time);

/* sdb_ddl_create_key --- add the primary key that KEY_LATER has left out. */
extern void sdb_ddl_create_key(const SourceTable *table,
							   const TargetTable *target);

/*
 * With synchdb.replicate_indexes, create the indexes that are not there yet.
 *
 * Unique ones only hold while the table shows one state of the source: not
 * inside the window of its copy, where rows of several stand side by side.
 */
extern void sdb_ddl_create_plain_indexes(const SourceTable *table,
										 const TargetTable *target);
extern void sdb_ddl_create_unique_indexes(const SourceTable *table,
										  const TargetTable *target);

/* Drops those that we have made, with the foreign keys that need them. */
extern void sdb_ddl_drop_unique_indexes(const SourceTable *table,
										const TargetTable *target);

/* Is there a unique index, besides the primary key, that we have not made? */
extern bool sdb_ddl_has_own_unique(const TargetTable *target);

/*
 * sdb_ddl_create_foreign_keys --- with synchdb.replicate_indexes, add the
 * foreign keys that are not there and whose other table is, NOT VALID.
 */
extern void sdb_ddl_create_foreign_keys(const SourceTable *table);

/*
 * sdb_ddl_set_identity --- set the sequences behind identity columns past the
 * largest value present.
 */
extern void sdb_ddl_set_identity(const SourceTable *table,
								 const TargetTable *target);

/*
 * sdb_ddl_sequence --- the sequence behind a column, quoted and qualified;
 * NULL if it has none.
 */
extern char *sdb_ddl_sequence(const TargetTable *target, const char *column);

/* Empties the target, also if foreign keys reference it. */
extern void sdb_ddl_truncate(const TargetTable *target);

/* Is there a target with all names that the table's should have?  Quick. */
extern bool sdb_ddl_is_there(const SourceTable *table);

/*
 * sdb_ddl_follow --- give an existing target the names and types that the
 * rules, as they are now, say.  Types change only where a rule gives one.
 *
 * relid, attnums: the target, and which of its columns belongs to each source
 *                 column (InvalidAttrNumber: none)
 */
extern void sdb_ddl_follow(const SourceTable *table, const SourceType *types,
						   Oid relid, const AttrNumber *attnums);

/*
 * sdb_ddl_apply --- apply a schema change of the stream.
 *
 * A change that the target shows already is none: a table or column that
 * exists is taken as it is, one that is gone stays so.
 *
 * result: false if rows of the table here may now differ from the source's,
 *         because only the source knows values that the change gave them
 * errors: 42P01, 42703 if what is to be changed is not there; 42846 if no
 *         conversion keeps the values of a column; 2BP01 or 0A000 if
 *         something depends on what is to go.  All say what to do.
 */
extern bool sdb_ddl_apply(const SchemaChange *change, const SourceType *types);

#endif							/* SDB_DDL_H */
