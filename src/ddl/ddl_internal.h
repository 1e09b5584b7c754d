/*
 * ddl_internal.h --- what the files of this folder share
 */
#ifndef SDB_DDL_INTERNAL_H
#define SDB_DDL_INTERNAL_H

#include "access/attnum.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "ddl/ddl.h"

/* ColumnType --- a type of PostgreSQL, resolved */
typedef struct ColumnType
{
	Oid			oid;
	int32		typmod;
	bool		serial;			/* numbered by a sequence of its own */
} ColumnType;

/*
 * statement.c: running statements
 */

/* Runs one statement as the current user. */
extern void sdb_ddl_run(const char *sql);

/* Does the statement, a SELECT, give a row? */
extern bool sdb_ddl_finds(const char *sql);

/* Runs each statement that the SELECT gives in its one column. */
extern void sdb_ddl_run_each(const char *sql);

/*
 * sdb_ddl_run_on_rows --- run a statement that changes a target which users
 * depend on or that looks at its rows.
 *
 * An error says what to do, and shows no row.
 */
extern void sdb_ddl_run_on_rows(const TargetTable *target, const char *sql);

/*
 * sdb_ddl_attempt --- run action in a subtransaction of its own.
 *
 * result: NULL if that went well, else the error, with the subtransaction
 *         rolled back: the caller throws it again unless it expects it.
 */
extern ErrorData *sdb_ddl_attempt(void (*action) (void *arg), void *arg);

/* sdb_ddl_attempt of sdb_ddl_run; takes the statement. */
extern ErrorData *sdb_ddl_attempt_sql(const char *sql);

/*
 * Is it an error about what was asked for, which would be the same next time,
 * rather than one about the moment?
 */
extern bool sdb_ddl_is_refusal(const ErrorData *error);

/* The target's name, quoted and qualified. */
extern const char *sdb_ddl_name(const TargetTable *target);

/*
 * ddl.c: targets
 */

/*
 * sdb_ddl_find --- the target's Oid and relkind; InvalidOid if there is none.
 *
 * errors: 42809 if it can hold no rows (an index may well have that name)
 */
extern Oid	sdb_ddl_find(const TargetTable *target, char *relkind);

/* Is it a table, plain or partitioned, whose definition is ours to change? */
extern bool sdb_ddl_is_table(char relkind);

/* 42703 naming the first column that an existing target lacks. */
extern void sdb_ddl_check_columns(const SourceTable *table,
								  const TargetTable *target);

/*
 * create.c
 */

/* COMMENT ON of what differs from before (NULL: of all there is). */
extern void sdb_ddl_set_comments(const SourceTable *table,
								 const TargetTable *target,
								 const SourceTable *before,
								 const int *origins);

/* Appends "PRIMARY KEY (...)". */
extern void sdb_ddl_append_key(StringInfo buf, const SourceTable *table,
							   const TargetTable *target);

/*
 * alter.c
 */

/* Alteration --- a table that is being altered */
typedef struct Alteration
{
	const SourceTable *before;
	const SourceTable *after;
	const int  *origins;		/* see SchemaChange */
	const SourceType *types;
	const TargetTable *target;	/* names after the change */
	Oid			relid;
	bool		has_rows;
	AttrNumber *attnums;		/* of before's columns; InvalidAttrNumber for
								 * those that are not here */
	bool		key_is_ours;	/* the primary key here is that of before */
	StringInfoData clauses;		/* of the ALTER TABLE that may rewrite the
								 * rows, separated by commas */
	List	   *later;			/* of char *: statements that follow it */
	bool		new_sequence;	/* one that begins before the rows' numbers */
	bool		cuts_fractions; /* see SchemaChange */
	bool		known;			/* the rows still equal the source's */
} Alteration;

/* Applies SCHEMA_ALTER_TABLE; see sdb_ddl_apply for the result. */
extern bool sdb_ddl_alter_table(const SchemaChange *change,
								const SourceType *types);

/* Adds to the clauses; for printf. */
extern void sdb_ddl_add_clause(Alteration *alteration, const char *format,...)
			pg_attribute_printf(2, 3);

/*
 * alter_column.c: clauses for one column of after, idx0
 */
extern void sdb_ddl_add_column(Alteration *alteration, int idx0);
extern void sdb_ddl_alter_column(Alteration *alteration, int idx0);

/*
 * indexes.c
 */

/* Drops those of before that after has no more, or has otherwise. */
extern void sdb_ddl_drop_indexes(const SchemaChange *change, Oid relid);

/*
 * foreign_keys.c; see ddl.h for the rest
 */

/* Likewise foreign keys. */
extern void sdb_ddl_drop_foreign_keys(const SchemaChange *change, Oid relid);

/* Drops the foreign keys of ours by which other tables reference this one. */
extern void sdb_ddl_release_references(Oid relid);

/*
 * move.c
 */

/* A name that nobody else uses, by a number; for printf */
#define PASSING_NAME "........synchdb.passing.%u........"

/*
 * sdb_ddl_move_table --- give a table that has the name `old` its new name and
 * schema; nothing if it has them already.
 */
extern void sdb_ddl_move_table(const TargetTable *old,
							   const TargetTable *target, Oid relid);

/*
 * defaults.c
 */

/*
 * sdb_ddl_default --- SQL of a column's default; NULL if it has none, or the
 * type rejects it (with a WARNING).
 */
extern char *sdb_ddl_default(const SourceTable *table, int idx0,
							 const ColumnType *type);

/*
 * sdb_ddl_zero --- SQL of what a NULL becomes in a NOT NULL column; NULL if
 * none is known for its type.
 */
extern char *sdb_ddl_zero(const SourceColumn *column, const ColumnType *type);

/* May the column hold dates that name no day, which are another value here? */
extern bool sdb_ddl_may_lose_date(const SourceColumn *column);

/*
 * sdb_ddl_fill --- SQL of the value of a new column in rows that are there.
 *
 * out:    known: false if the rows of the source have another value, which
 *         only reading them again can tell
 * result: NULL for NULL
 */
extern char *sdb_ddl_fill(const SourceTable *table, int idx0,
						  const ColumnType *type, bool *known);

/*
 * column_type.c
 */

/* The type that a source column gets. */
extern void sdb_ddl_column_type(const SourceType *types,
								const SourceTable *table,
								const SourceColumn *column, ColumnType *type);

/*
 * sdb_ddl_changes_values --- may the source have changed values of the column
 * even if its type here stays what it is?
 */
extern bool sdb_ddl_changes_values(const SourceColumn *before,
								   const SourceColumn *after);

/* TypeChange --- a column whose type changes */
typedef struct TypeChange
{
	const SourceColumn *before; /* at the source */
	const SourceColumn *after;
	const ColumnType *from;		/* here */
	const ColumnType *to;
	bool		cuts_fractions; /* see SchemaChange */
} TypeChange;

/*
 * sdb_ddl_type_using --- SQL that makes of a column's value what the source
 * made of it when the column's type changed.
 *
 * out:    doubt: a condition that is true for rows of which the source may
 *         have made something else; NULL if there are none
 * result: an expression over the quoted name; NULL if there is none
 */
extern char *sdb_ddl_type_using(const TypeChange *change, const char *name,
								char **doubt);

#endif							/* SDB_DDL_INTERNAL_H */
