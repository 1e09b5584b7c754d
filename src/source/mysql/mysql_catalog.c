/*
 * mysql_catalog.c --- definitions of tables, from information_schema
 *
 * One query each for tables, columns, keys and JSON checks, whatever the
 * number of tables; the rows meet in a hash table by table name.  The server
 * compares names in its own ways, so what it returns is compared again here,
 * byte by byte.
 *
 * While MariaDB puts an altered table in the place of the old one, its lists
 * lack it; a query for that one name waits.  So a table that is known but not
 * listed, or listed without columns, is asked for by its name before it counts
 * as gone.
 *
 * Two things are read from SHOW CREATE TABLE, for the tables that need it:
 * indexes and foreign keys, where they are wanted, since information_schema
 * hides foreign keys from who may only read; and two kinds of defaults of
 * MySQL, which it shows in a time zone that it does not tell (TIMESTAMP) or
 * only up to a zero byte (binary).
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "guc.h"
#include "source/mysql/mysql_charset.h"
#include "source/mysql/mysql_internal.h"
#include "source/mysql/mysql_keys.h"
#include "source/mysql/mysql_resolve.h"

/* 64 characters, of which each has at most 4 bytes in any encoding */
#define NAME_BYTES	(64 * 4 + 1)

/* Described --- one table being put together */
typedef struct Described
{
	char		name[NAME_BYTES];	/* hash key */
	SourceTable *table;
	int			allocated;		/* length of table->columns */
	List	   *json_checks;	/* MariaDB: json_valid(`column`), ... */
} Described;

/* Catalog --- state of one describe */
typedef struct Catalog
{
	MysqlSource *source;
	MysqlConn  *conn;
	char	   *condition;		/* of the rows wanted, for WHERE */
	HTAB	   *wanted;			/* ids not yet found; NULL for all that are
								 * captured */
	HTAB	   *tables;			/* of Described */
	List	   *order;			/* of SourceTable *, as found */
	List	   *unsure;			/* names of tables to be asked for alone */
} Catalog;

static List *describe_unsure(Catalog *catalog);
static List *read_catalog(Catalog *catalog);
static HTAB *hash_by_text(const char *name, Size keysize, Size entrysize);
static void read_tables(Catalog *catalog);
static bool take_wanted(Catalog *catalog, const char *name, const char *id);
static void read_json_checks(Catalog *catalog);
static void read_columns(Catalog *catalog);
static void read_keys(Catalog *catalog);
static void read_statement(Catalog *catalog, SourceTable *table);
static bool has_unsure_default(const SourceTable *table);
static bool is_unsure_default(const SourceColumn *column);
static void resolve_unsure_defaults(const MysqlDialect *dialect,
									const MysqlStatement *statement,
									SourceTable *table);
static char *already_utc(void *arg, const char *local);
static Described *find_table(Catalog *catalog, char **row);
static void add_column(Catalog *catalog, Described *described, char **row);
static bool is_json(const Described *described, const char *column);

List *
sdb_mysql_catalog_describe(Source *base, List *ids)
{
	Catalog		catalog = {0};
	List	   *tables;
	ListCell   *lc;

	catalog.source = (MysqlSource *) base;
	catalog.conn = sdb_mysql_source_conn(catalog.source);
	catalog.condition = psprintf("table_schema = %s",
								 sdb_mysql_conn_literal(catalog.conn,
														catalog.source->database));
	if (ids != NIL)
		catalog.wanted = hash_by_text("MySQL table ids", 4 * NAME_BYTES,
									  4 * NAME_BYTES);
	foreach(lc, ids)
		(void) hash_search(catalog.wanted, lfirst(lc), HASH_ENTER, NULL);
	tables = read_catalog(&catalog);
	foreach(lc, ids)
	{
		if (hash_search(catalog.wanted, lfirst(lc), HASH_FIND, NULL) != NULL)
			catalog.unsure = lappend(catalog.unsure,
									 sdb_table_name_of_id(lfirst(lc)));
	}
	if (catalog.wanted != NULL)
		hash_destroy(catalog.wanted);
	return list_concat(tables, describe_unsure(&catalog));
}

static List *
describe_unsure(Catalog *catalog)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, catalog->unsure)
	{
		SourceTable *table = sdb_mysql_catalog_describe_one(catalog->source,
															lfirst(lc));

		if (table != NULL)
			tables = lappend(tables, table);
	}
	return tables;
}

SourceTable *
sdb_mysql_catalog_describe_one(MysqlSource *source, const char *name)
{
	Catalog		catalog = {0};
	char	   *id = sdb_table_make_id(source->database, NULL, name);
	List	   *tables;

	catalog.source = source;
	catalog.conn = sdb_mysql_source_conn(source);
	catalog.condition = psprintf("table_schema = %s AND table_name = %s",
								 sdb_mysql_conn_literal(catalog.conn,
														source->database),
								 sdb_mysql_conn_literal(catalog.conn, name));
	catalog.wanted = hash_by_text("MySQL table ids", 4 * NAME_BYTES,
								  4 * NAME_BYTES);
	(void) hash_search(catalog.wanted, id, HASH_ENTER, NULL);
	tables = read_catalog(&catalog);
	hash_destroy(catalog.wanted);
	return tables != NIL ? linitial(tables) : NULL;
}

static List *
read_catalog(Catalog *catalog)
{
	ListCell   *lc;

	catalog->tables = hash_by_text("MySQL tables", NAME_BYTES,
								   sizeof(Described));
	read_tables(catalog);
	if (catalog->order != NIL)
	{
		if (catalog->source->is_mariadb)
			read_json_checks(catalog);
		read_columns(catalog);
		read_keys(catalog);
	}

	foreach(lc, catalog->order)
	{
		SourceTable *table = lfirst(lc);

		/* it may have been dropped between two of the queries */
		if (table->ncolumns == 0)
		{
			catalog->order = foreach_delete_current(catalog->order, lc);
			catalog->unsure = lappend(catalog->unsure, table->name);
		}
		else if (sdb_guc_replicate_indexes ||
				 (!catalog->source->is_mariadb && has_unsure_default(table)))
			read_statement(catalog, table);
	}
	hash_destroy(catalog->tables);
	return catalog->order;
}

/* Entries begin with their key. */
static HTAB *
hash_by_text(const char *name, Size keysize, Size entrysize)
{
	HASHCTL		ctl;

	ctl.keysize = keysize;
	ctl.entrysize = entrysize;
	ctl.hcxt = CurrentMemoryContext;
	return hash_create(name, 64, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
read_tables(Catalog *catalog)
{
	char	  **row;

	sdb_mysql_conn_query(catalog->conn,
						 psprintf("SELECT table_name, table_rows, table_comment, table_type,"
								  " table_collation"
								  " FROM information_schema.tables WHERE %s"
								  " AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
								  catalog->condition));
	while ((row = sdb_mysql_conn_fetch(catalog->conn, NULL)) != NULL)
	{
		char	   *name = sdb_mysql_from_utf8(row[0]);
		char	   *id = sdb_table_make_id(catalog->source->database, NULL,
										   name);
		SourceTable *table;
		Described  *described;

		if (!take_wanted(catalog, name, id))
			continue;
		table = palloc0(sizeof(SourceTable));
		table->catalog = pstrdup(catalog->source->database);
		table->name = pstrdup(name);
		table->id = id;
		table->versioned = strcmp(row[3], "SYSTEM VERSIONED") == 0;
		table->estimated_rows = row[1] ? strtoll(row[1], NULL, 10) : -1;
		if (row[2] != NULL && row[2][0] != '\0')
			table->comment = pstrdup(sdb_mysql_from_utf8(row[2]));
		if (row[4] != NULL)
		{
			const char *charset = sdb_mysql_charset_of_collation(row[4]);

			table->charset = charset != NULL ? pstrdup(charset) : NULL;
		}

		described = hash_search(catalog->tables, name, HASH_ENTER, NULL);
		described->table = table;
		described->allocated = 0;
		described->json_checks = NIL;
		catalog->order = lappend(catalog->order, table);
	}
}

static bool
take_wanted(Catalog *catalog, const char *name, const char *id)
{
	bool		found;

	if (strlen(name) >= NAME_BYTES)
		return false;
	if (catalog->wanted == NULL)
		return sdb_mysql_source_captures(catalog->source,
										 catalog->source->database, name);
	(void) hash_search(catalog->wanted, id, HASH_REMOVE, &found);
	return found;
}

/*
 * MariaDB has no JSON type: it is longtext with the check json_valid(`column`).
 * The check's name is that of the column, unless the column was renamed.
 */
static void
read_json_checks(Catalog *catalog)
{
	static const char opening[] = "json_valid(";
	char	  **row;
	char	   *condition = catalog->condition + strlen("table_schema");

	sdb_mysql_conn_query(catalog->conn,
						 psprintf("SELECT table_name, check_clause"
								  " FROM information_schema.check_constraints"
								  " WHERE constraint_schema%s", condition));
	while ((row = sdb_mysql_conn_fetch(catalog->conn, NULL)) != NULL)
	{
		Described  *described = find_table(catalog, row);
		const char *clause = row[1];

		if (described != NULL &&
			strncmp(clause, opening, strlen(opening)) == 0)
			described->json_checks =
				lappend(described->json_checks,
						pstrdup(sdb_mysql_from_utf8(clause)));
	}
}

static void
read_columns(Catalog *catalog)
{
	char	  **row;

	sdb_mysql_conn_query(catalog->conn,
						 psprintf("SELECT table_name, column_name, column_type,"
								  " character_set_name, is_nullable,"
								  " column_default, extra, column_comment,"
								  " generation_expression"
								  " FROM information_schema.columns WHERE %s"
								  " ORDER BY ordinal_position",
								  catalog->condition));
	while ((row = sdb_mysql_conn_fetch(catalog->conn, NULL)) != NULL)
	{
		Described  *described = find_table(catalog, row);

		if (described != NULL)
			add_column(catalog, described, row);
	}
}

static void
add_column(Catalog *catalog, Described *described, char **row)
{
	SourceTable *table = described->table;
	MysqlColumnInfo info = {0};

	if (table->columns == NULL)
	{
		described->allocated = 16;
		table->columns = palloc0(described->allocated * sizeof(SourceColumn));
	}
	else if (table->ncolumns == described->allocated)
	{
		described->allocated *= 2;
		table->columns = repalloc(table->columns,
								  described->allocated * sizeof(SourceColumn));
	}

	info.table_id = table->id;
	info.column_name = sdb_mysql_from_utf8(row[1]);
	info.column_type = sdb_mysql_from_utf8(row[2]);
	info.charset = row[3];
	info.is_nullable = row[4];
	info.column_default = row[5] ? sdb_mysql_from_utf8(row[5]) : NULL;
	info.extra = row[6];
	info.comment = row[7] ? sdb_mysql_from_utf8(row[7]) : NULL;
	if (table->versioned && row[8] != NULL &&
		strncmp(row[8], "ROW ", strlen("ROW ")) == 0)
		info.period = row[8];
	info.is_mariadb = catalog->source->is_mariadb;
	info.is_json = is_json(described, info.column_name);
	memset(&table->columns[table->ncolumns], 0, sizeof(SourceColumn));
	sdb_mysql_types_column(&info, &table->columns[table->ncolumns]);
	table->ncolumns++;
}

static bool
is_json(const Described *described, const char *column)
{
	char	   *check = psprintf("json_valid(%s)",
								 sdb_mysql_conn_identifier(column));
	ListCell   *lc;

	foreach(lc, described->json_checks)
	{
		if (strcmp(lfirst(lc), check) == 0)
			return true;
	}
	return false;
}

static void
read_keys(Catalog *catalog)
{
	char	  **row;

	sdb_mysql_conn_query(catalog->conn,
						 psprintf("SELECT table_name, column_name"
								  " FROM information_schema.statistics WHERE %s"
								  " AND index_name = 'PRIMARY'"
								  " ORDER BY seq_in_index",
								  catalog->condition));
	while ((row = sdb_mysql_conn_fetch(catalog->conn, NULL)) != NULL)
	{
		Described  *described = find_table(catalog, row);
		SourceTable *table;
		int			column;

		if (described == NULL || row[1] == NULL)
			continue;
		table = described->table;
		column = sdb_table_find_column(table, sdb_mysql_from_utf8(row[1]));
		if (column < 0 || table->nkeys == table->ncolumns ||
			table->columns[column].row_end)
			continue;
		if (table->keys == NULL)
			table->keys = palloc(table->ncolumns * sizeof(int));
		table->keys[table->nkeys++] = column;
	}
}

/* A table that was dropped meanwhile gets none. */
static void
read_statement(Catalog *catalog, SourceTable *table)
{
	MysqlDialect dialect = {
		.is_mariadb = catalog->source->is_mariadb,
		.version = catalog->source->version,
		.charset = sdb_charset_find("utf8mb4")
	};
	MysqlStatement statement = {0};
	char	  **row;
	char	   *sql;
	int			code;

	sql = psprintf("SHOW CREATE TABLE %s.%s",
				   sdb_mysql_conn_identifier(table->catalog),
				   sdb_mysql_conn_identifier(table->name));
	if (!sdb_mysql_conn_try_query(catalog->conn, sql, &code))
		return;
	row = sdb_mysql_conn_fetch(catalog->conn, NULL);
	if (row != NULL)
	{
		sdb_mysql_ddl_parse(&dialect, row[1], strlen(row[1]), table->catalog,
							&statement);
		sdb_mysql_keys_create(&dialect, &statement, table);
		if (!catalog->source->is_mariadb)
			resolve_unsure_defaults(&dialect, &statement, table);
		sdb_mysql_conn_close_result(catalog->conn);
	}
	if (row == NULL || statement.failure != NULL)
		ereport(WARNING,
				(errmsg("indexes and some defaults of source table \"%s\" are not known",
						table->id),
				 errdetail("The definition that the server shows was not understood.")));
}

static bool
has_unsure_default(const SourceTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (is_unsure_default(&table->columns[i]))
			return true;
	}
	return false;
}

/* Is its default one that MySQL's information_schema does not show well? */
static bool
is_unsure_default(const SourceColumn *column)
{
	return column->kind == VALUE_BYTES ?
		column->default_kind == DEFAULT_CONSTANT :
		column->default_kind == DEFAULT_OTHER &&
		sdb_mysql_types_of(column) == MYSQL_T_TIMESTAMP;
}

static void
resolve_unsure_defaults(const MysqlDialect *dialect,
						const MysqlStatement *statement, SourceTable *table)
{
	MysqlResolver resolver = {.dialect = dialect, .to_utc = already_utc};
	ListCell   *lc;

	foreach(lc, statement->columns)
	{
		const MysqlColumnDef *def = lfirst(lc);
		int			column = sdb_table_find_column(table, def->name);

		if (column >= 0 && is_unsure_default(&table->columns[column]))
			sdb_mysql_resolve_default(&resolver, &def->value,
									  &table->columns[column]);
	}
}

/* The time zone of our sessions is UTC. */
static char *
already_utc(void *arg, const char *local)
{
	return pstrdup(local);
}

/* The table that a row's first field names; NULL if it is not wanted. */
static Described *
find_table(Catalog *catalog, char **row)
{
	return hash_search(catalog->tables, sdb_mysql_from_utf8(row[0]),
					   HASH_FIND, NULL);
}
