/*
 * sqlserver_types.h --- types of SQL Server columns
 */
#ifndef SDB_SQLSERVER_TYPES_H
#define SDB_SQLSERVER_TYPES_H

#include "change/source_type.h"
#include "change/table.h"

/* SqlServerType --- the base type of a column (alias types are resolved) */
typedef enum SqlServerType
{
	SQLSERVER_T_BIT,
	SQLSERVER_T_TINYINT,
	SQLSERVER_T_SMALLINT,
	SQLSERVER_T_INT,
	SQLSERVER_T_BIGINT,
	SQLSERVER_T_DECIMAL,		/* and numeric */
	SQLSERVER_T_MONEY,
	SQLSERVER_T_SMALLMONEY,
	SQLSERVER_T_REAL,
	SQLSERVER_T_FLOAT,
	SQLSERVER_T_DATE,
	SQLSERVER_T_TIME,
	SQLSERVER_T_SMALLDATETIME,
	SQLSERVER_T_DATETIME,
	SQLSERVER_T_DATETIME2,
	SQLSERVER_T_DATETIMEOFFSET,
	SQLSERVER_T_CHAR,			/* and nchar */
	SQLSERVER_T_VARCHAR,		/* and nvarchar; (max) too */
	SQLSERVER_T_TEXT,			/* and ntext: never in a change table */
	SQLSERVER_T_BINARY,
	SQLSERVER_T_VARBINARY,		/* (max) too */
	SQLSERVER_T_IMAGE,			/* never in a change table */
	SQLSERVER_T_ROWVERSION,
	SQLSERVER_T_UNIQUEIDENTIFIER,
	SQLSERVER_T_XML,
	SQLSERVER_T_JSON,			/* SQL Server 2025 */
	SQLSERVER_T_VECTOR,			/* SQL Server 2025 */
	SQLSERVER_T_VARIANT,
	SQLSERVER_T_HIERARCHYID,
	SQLSERVER_T_GEOMETRY,
	SQLSERVER_T_GEOGRAPHY
} SqlServerType;

/* The default mappings, ends with name NULL. */
extern const SourceType sdb_sqlserver_source_types[];

/* SqlServerColumnInfo --- what sys.columns says of a column */
typedef struct SqlServerColumnInfo
{
	const char *table_id;		/* for messages */
	const char *name;
	const char *type_name;		/* of the base type, "nvarchar" */
	int			max_length;		/* bytes; -1 for (max) */
	int			precision;
	int			scale;
	bool		is_nullable;
	bool		is_identity;
	bool		is_computed;
	const char *collation;		/* NULL if not text */
	const char *definition;		/* of the default, "((0))"; NULL if none */
	const char *comment;		/* NULL if none */
} SqlServerColumnInfo;

/*
 * sdb_sqlserver_types_column --- fill a column from what the server says.
 *
 * type_name is the base type's name.  For text, length is in characters, -1
 * for (max); for bytes, in bytes; for decimal, length and scale are precision
 * and scale; for temporal types scale is the number of fractional digits.
 * A computed column is `generated`, and never NOT NULL, since a change table
 * does not hold its value.
 *
 * memory: strings in CurrentMemoryContext
 * errors: 0A000 naming table, column and type
 */
extern void sdb_sqlserver_types_column(const SqlServerColumnInfo *info,
									   SourceColumn *column);

/* The type of a column made by the function above. */
extern SqlServerType sdb_sqlserver_types_of(const SourceColumn *column);

/*
 * Is the column stored apart, so that a change table has NULL where its value
 * did not change?  (max) types, xml, CLR types, text, ntext and image.
 */
extern bool sdb_sqlserver_types_is_lob(const SourceColumn *column);

/* text, ntext and image, which have NULL in a change table's before images */
extern bool sdb_sqlserver_types_is_old_lob(const SourceColumn *column);

#endif							/* SDB_SQLSERVER_TYPES_H */
