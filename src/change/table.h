/*
 * table.h --- the definition of one table at the source
 *
 * A definition says what the source declared, as of one position.  It is made
 * by a source (describe, or a schema change), stored with the checkpoint, and
 * handed back to the source when a stream begins.
 */
#ifndef SDB_TABLE_H
#define SDB_TABLE_H

#include "change/value.h"
#include "lib/stringinfo.h"

/* What a column's DEFAULT is */
typedef enum DefaultKind
{
	DEFAULT_NONE,				/* none: NULL */
	DEFAULT_CONSTANT,			/* default_value holds it as text */
	DEFAULT_NOW,				/* the time of the statement */
	DEFAULT_OTHER				/* one that cannot be carried over */
} DefaultKind;

typedef struct SourceColumn
{
	char	   *name;
	char	   *type_name;		/* normalised, lower case, without length:
								 * "int unsigned", "varchar", "enum" */
	ValueKind	kind;			/* kind of its values, besides NULL,
								 * UNCHANGED and ZERODATE */
	int32		length;			/* characters, bytes, bits or precision; -1 if
								 * the type has none */
	int32		scale;			/* decimal scale or fractional seconds; -1 if
								 * none */
	bool		not_null;
	bool		identity;		/* the source numbers it */
	bool		generated;		/* computed by the source from other columns */
	bool		row_end;		/* of a versioned table: until when a row was
								 * the present one; at the end of time if it
								 * still is */
	DefaultKind default_kind;
	char	   *default_value;	/* text form; NULL unless DEFAULT_CONSTANT */
	char	   *charset;		/* source's name of it; NULL if not text */
	char	   *recommended;	/* PostgreSQL type for a type that fits no
								 * kind; NULL if none */
	int			nlabels;		/* of an enum or set */
	char	  **labels;			/* server encoding; NULL if nlabels is 0 */
	char	   *comment;		/* NULL if none */
} SourceColumn;

/* SourceIndexPart --- one column of an index */
typedef struct SourceIndexPart
{
	int			column;			/* idx0; -1 for an expression */
	int			prefix;			/* how much of the column counts; 0 for all */
	bool		descending;
} SourceIndexPart;

/* SourceIndex --- an index besides the primary key */
typedef struct SourceIndex
{
	char	   *name;			/* unique within the table */
	bool		unique;
	bool		special;		/* not a list of sorted values: full text,
								 * spatial, ... */
	int			nparts;
	SourceIndexPart *parts;
} SourceIndex;

/* What becomes of rows whose referenced row goes or changes */
typedef enum ForeignKeyAction
{
	FOREIGN_KEY_NO_ACTION,
	FOREIGN_KEY_RESTRICT,
	FOREIGN_KEY_CASCADE,
	FOREIGN_KEY_SET_NULL,
	FOREIGN_KEY_SET_DEFAULT
} ForeignKeyAction;

typedef struct SourceForeignKey
{
	char	   *name;
	int			ncolumns;
	int		   *columns;		/* idx0 */
	char	   *catalog;		/* of the referenced table */
	char	   *schema;			/* likewise; NULL where there are none */
	char	   *table;			/* likewise */
	char	  **referenced;		/* names of its columns, ncolumns of them */
	ForeignKeyAction on_delete;
	ForeignKeyAction on_update;
} SourceForeignKey;

typedef struct SourceTable
{
	char	   *catalog;		/* database at the source */
	char	   *schema;			/* NULL where databases have no schemas */
	char	   *name;
	char	   *id;				/* the parts above as one text, see
								 * sdb_table_make_id; identifies the table
								 * within a connector */
	int			ncolumns;
	SourceColumn *columns;
	int			nkeys;			/* 0 if there is no primary key */
	int		   *keys;			/* column idx0, in key order */
	char	   *comment;		/* NULL if none */
	char	   *charset;		/* of new columns that name none; NULL if not
								 * known */
	bool		versioned;		/* the source's log brings rows of its past as
								 * well, which are no part of the table */
	int			nindexes;
	SourceIndex *indexes;		/* NULL if there is none */
	int			nforeign_keys;
	SourceForeignKey *foreign_keys; /* NULL if there is none */
	int64		estimated_rows; /* -1 if unknown; orders and splits the copy,
								 * not stored */

	/* not part of the definition */
	const char *copied_at;		/* for stream_begin: the position that its copy
								 * contains, if the stream has not passed it;
								 * NULL otherwise */
	const char *described_at;	/* likewise: where the definition held; what
								 * changed it before is in it, and rows before
								 * that do not fit it are in the copy */
	void	   *source_private; /* the source's decoding plan; NULL until made */
	void	   *engine_private; /* apply's state; NULL until opened */
} SourceTable;

/*
 * sdb_table_make_id --- the parts of a name as one unambiguous text.
 *
 * Parts are joined by dots: inventory.orders.  A part that holds a dot or a
 * double quote is put in double quotes, with quotes doubled, so two different
 * tables never share an id.  schema may be NULL.
 */
extern char *sdb_table_make_id(const char *catalog, const char *schema,
							   const char *name);

/* The name in such a text, its last part; palloc'd. */
extern char *sdb_table_name_of_id(const char *id);

/* One part of such a name, in double quotes if it needs them; palloc'd. */
extern char *sdb_table_quote_part(const char *part);

/*
 * sdb_table_plain_name --- the parts joined by dots and nothing more, as table
 * lists are matched against.
 */
extern char *sdb_table_plain_name(const SourceTable *table);

/* The column of that exact name, as idx0; -1 if there is none. */
extern int	sdb_table_find_column(const SourceTable *table, const char *name);

/*
 * sdb_table_match --- for each column of after, idx0 of the column of before
 * that has its name, -1 if there is none.
 */
extern int *sdb_table_match(const SourceTable *before,
							const SourceTable *after);

/* The index of that exact name; NULL if there is none.  Likewise below. */
extern const SourceIndex *sdb_table_find_index(const SourceTable *table,
											   const char *name);
extern const SourceForeignKey *sdb_table_find_foreign_key(const SourceTable *table,
														  const char *name);

/*
 * sdb_table_equal --- do two definitions say the same?
 *
 * Compares all that is stored (not estimated_rows and the private parts).
 */
extern bool sdb_table_equal(const SourceTable *a, const SourceTable *b);

/* A deep copy of the definition, private parts NULL. */
extern SourceTable *sdb_table_copy(const SourceTable *table);

/* Appends the definition as one JSON object, the form the catalog stores. */
extern void sdb_table_to_json(StringInfo buf, const SourceTable *table);

/*
 * sdb_table_from_json --- read back what sdb_table_to_json wrote.
 *
 * errors: ERRCODE_DATA_CORRUPTED if it is another object; 22P02 if no JSON.
 */
extern SourceTable *sdb_table_from_json(const char *json);

#endif							/* SDB_TABLE_H */
