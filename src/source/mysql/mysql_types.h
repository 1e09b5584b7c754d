/*
 * mysql_types.h --- types of MySQL and MariaDB columns
 */
#ifndef SDB_MYSQL_TYPES_H
#define SDB_MYSQL_TYPES_H

#include "change/source_type.h"
#include "change/table.h"

/* MysqlType --- the type of a column as declared, however it is stored */
typedef enum MysqlType
{
	MYSQL_T_TINYINT,
	MYSQL_T_SMALLINT,
	MYSQL_T_MEDIUMINT,
	MYSQL_T_INT,
	MYSQL_T_BIGINT,
	MYSQL_T_FLOAT,
	MYSQL_T_DOUBLE,
	MYSQL_T_DECIMAL,
	MYSQL_T_BIT,
	MYSQL_T_YEAR,
	MYSQL_T_DATE,
	MYSQL_T_TIME,
	MYSQL_T_DATETIME,
	MYSQL_T_TIMESTAMP,
	MYSQL_T_CHAR,
	MYSQL_T_VARCHAR,
	MYSQL_T_TEXT,				/* tinytext .. longtext */
	MYSQL_T_BINARY,
	MYSQL_T_VARBINARY,
	MYSQL_T_BLOB,				/* tinyblob .. longblob */
	MYSQL_T_ENUM,
	MYSQL_T_SET,
	MYSQL_T_JSON,				/* MySQL: binary; MariaDB: text, checked */
	MYSQL_T_GEOMETRY,			/* and its subtypes */
	MYSQL_T_UUID,				/* MariaDB */
	MYSQL_T_INET4,				/* MariaDB */
	MYSQL_T_INET6,				/* MariaDB */
	MYSQL_T_VECTOR				/* MySQL 9, MariaDB 11.7: float4 array bytes */
} MysqlType;

/* The default mappings, ends with name NULL. */
extern const SourceType sdb_mysql_source_types[];

/*
 * What information_schema.columns says of a column, in the server encoding;
 * NULL where SQL NULL
 */
typedef struct MysqlColumnInfo
{
	const char *table_id;		/* for messages */
	const char *column_name;
	const char *column_type;	/* "int(10) unsigned", "enum('a','b')" */
	const char *charset;		/* character_set_name */
	const char *is_nullable;	/* "YES" or "NO" */
	const char *column_default; /* MariaDB quotes text, MySQL does not */
	const char *extra;			/* "auto_increment", "VIRTUAL GENERATED", ... */
	const char *comment;
	const char *period;			/* "ROW START", "ROW END", see mysql_ddl.h */
	bool		is_mariadb;
	bool		is_json;		/* MariaDB: has a json_valid check */
	bool		is_exact;		/* labels are what was written, not what the
								 * server shows of them */
} MysqlColumnInfo;

/*
 * sdb_mysql_types_column --- fill a column from what the server says of it.
 *
 * type_name is normalised as information_schema has it, without length and
 * display width, with " unsigned" where it is: "int unsigned", "decimal
 * unsigned", "enum".  zerofill is dropped.  For text, length is in
 * characters; for decimal, length and scale are precision and scale; for
 * temporal types scale is the number of fractional digits.
 *
 * memory: strings in CurrentMemoryContext
 * errors: 0A000 naming table, column and type for a type or character set
 *         that cannot be converted, with what to do
 */
extern void sdb_mysql_types_column(const MysqlColumnInfo *info,
								   SourceColumn *column);

/* The MysqlType of a column made by the function above. */
extern MysqlType sdb_mysql_types_of(const SourceColumn *column);

/* Does the column's type_name end in " unsigned"? */
extern bool sdb_mysql_types_is_unsigned(const SourceColumn *column);

/* A default of FLOAT (is_single) or DOUBLE, in the one form that is kept. */
extern char *sdb_mysql_types_float_text(double number, bool is_single);

#endif							/* SDB_MYSQL_TYPES_H */
