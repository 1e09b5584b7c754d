/*
 * sqlserver_catalog.c --- definitions of tables, from sys and cdc
 *
 * A table is captured through capture instances, at most two at a time, whose
 * columns are fixed when they are made.  A definition holds the columns of the
 * newest instance, which are those whose changes will arrive.  A table without
 * an instance has no definition.
 *
 * One query each for instances, columns and keys, whatever the number of
 * tables; the rows meet in a hash table by name of the instance.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_internal.h"

/* 100 characters, of which each has at most 4 bytes in any encoding */
#define INSTANCE_BYTES	(100 * 4 + 1)

/* Described --- one capture instance whose table is being put together */
typedef struct Described
{
	char		instance[INSTANCE_BYTES];	/* hash key */
	SourceTable *table;
	int			allocated;		/* length of table->columns */
	int		   *column_ids;		/* at the source, by column */
	bool		has_other_keys; /* a key column is not captured */
} Described;

/* Catalog --- state of one describe */
typedef struct Catalog
{
	SqlServerSource *source;
	SqlServerConn *conn;
	List	   *ids;			/* of the tables wanted; NIL: all captured */
	const char *instance;		/* the only one wanted; NULL for the newest of
								 * each table */
	HTAB	   *instances;		/* of Described */
	List	   *order;			/* of Described *, as found */
} Catalog;

static List *read_catalog(Catalog *catalog);
static void read_instances(Catalog *catalog);
static void add_instance(Catalog *catalog, char *instance, char *schema,
						 char *name);
static bool is_wanted(const Catalog *catalog, const char *schema,
					  const char *name, const char *id);
static void read_sizes(Catalog *catalog);
static void read_columns(Catalog *catalog);
static void add_column(Catalog *catalog, Described *described);
static void read_keys(Catalog *catalog);
static Described *find_described(Catalog *catalog);
static void query(Catalog *catalog, const char *sql);

List *
sdb_sqlserver_catalog_describe(Source *base, List *ids)
{
	Catalog		catalog = {0};

	catalog.source = (SqlServerSource *) base;
	catalog.ids = ids;
	return read_catalog(&catalog);
}

SourceTable *
sdb_sqlserver_catalog_describe_instance(SqlServerSource *source,
										const char *capture_instance)
{
	Catalog		catalog = {0};
	List	   *tables;

	catalog.source = source;
	catalog.instance = capture_instance;
	tables = read_catalog(&catalog);
	return tables != NIL ? linitial(tables) : NULL;
}

static List *
read_catalog(Catalog *catalog)
{
	HASHCTL		ctl;
	List	   *tables = NIL;
	ListCell   *cell;

	catalog->conn = sdb_sqlserver_source_conn(catalog->source);
	ctl.keysize = INSTANCE_BYTES;
	ctl.entrysize = sizeof(Described);
	ctl.hcxt = CurrentMemoryContext;
	catalog->instances = hash_create("SQL Server capture instances", 64, &ctl,
									 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	read_instances(catalog);
	if (catalog->order != NIL)
	{
		read_sizes(catalog);
		read_columns(catalog);
		read_keys(catalog);
	}

	foreach(cell, catalog->order)
	{
		Described  *described = lfirst(cell);

		if (described->has_other_keys)
			described->table->nkeys = 0;
		/* a table may have been dropped between two of the queries */
		if (described->table->ncolumns > 0)
			tables = lappend(tables, described->table);
	}
	hash_destroy(catalog->instances);
	return tables;
}

static void
read_instances(Catalog *catalog)
{
	SqlServerConn *conn = catalog->conn;
	char	   *last_id = NULL;

	query(catalog,
		  "SELECT ct.capture_instance, s.name, t.name"
		  " FROM cdc.change_tables ct"
		  " JOIN sys.tables t ON t.object_id = ct.source_object_id"
		  " JOIN sys.schemas s ON s.schema_id = t.schema_id"
		  " ORDER BY s.name, t.name, ct.create_date DESC, ct.object_id DESC");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		char	   *instance = sdb_sqlserver_conn_text(conn, 0);
		char	   *schema = sdb_sqlserver_conn_text(conn, 1);
		char	   *name = sdb_sqlserver_conn_text(conn, 2);
		char	   *id;

		if (catalog->instance != NULL)
		{
			if (strcmp(instance, catalog->instance) == 0)
				add_instance(catalog, instance, schema, name);
			continue;
		}
		id = sdb_table_make_id(catalog->source->database, schema, name);
		/* the newest comes first */
		if ((last_id == NULL || strcmp(last_id, id) != 0) &&
			is_wanted(catalog, schema, name, id))
			add_instance(catalog, instance, schema, name);
		last_id = id;
	}
}

static void
add_instance(Catalog *catalog, char *instance, char *schema, char *name)
{
	SourceTable *table = palloc0(sizeof(SourceTable));
	Described  *described;

	if (strlen(instance) >= INSTANCE_BYTES)
		return;
	table->catalog = pstrdup(catalog->source->database);
	table->schema = schema;
	table->name = name;
	table->id = sdb_table_make_id(table->catalog, schema, name);

	described = hash_search(catalog->instances, instance, HASH_ENTER, NULL);
	described->table = table;
	described->allocated = 0;
	described->column_ids = NULL;
	described->has_other_keys = false;
	catalog->order = lappend(catalog->order, described);
}

static bool
is_wanted(const Catalog *catalog, const char *schema, const char *name,
		  const char *id)
{
	ListCell   *cell;

	if (catalog->ids == NIL)
		return sdb_sqlserver_source_captures(catalog->source, schema, name);
	foreach(cell, catalog->ids)
	{
		if (strcmp(lfirst(cell), id) == 0)
			return true;
	}
	return false;
}

/* One row for each partition of the heap or the clustered index. */
static void
read_sizes(Catalog *catalog)
{
	query(catalog,
		  "SELECT ct.capture_instance, p.rows"
		  " FROM cdc.change_tables ct"
		  " JOIN sys.partitions p ON p.object_id = ct.source_object_id"
		  " WHERE p.index_id IN (0, 1)");
	while (sdb_sqlserver_conn_fetch(catalog->conn))
	{
		Described  *described = find_described(catalog);

		if (described != NULL)
			described->table->estimated_rows +=
				sdb_sqlserver_conn_int(catalog->conn, 1);
	}
}

static void
read_columns(Catalog *catalog)
{
	/* an alias type has the system type it stands for; a CLR type has none */
	query(catalog,
		  "SELECT ct.capture_instance, c.column_id, c.name, ty.name, bt.name,"
		  " CONVERT(int, c.max_length), CONVERT(int, c.precision),"
		  " CONVERT(int, c.scale), c.is_nullable, c.is_identity,"
		  " c.is_computed, c.collation_name, dc.definition"
		  " FROM cdc.change_tables ct"
		  " JOIN cdc.captured_columns cc ON cc.object_id = ct.object_id"
		  " JOIN sys.columns c ON c.object_id = ct.source_object_id"
		  " AND c.column_id = cc.column_id"
		  " JOIN sys.types ty ON ty.user_type_id = c.user_type_id"
		  " LEFT JOIN sys.types bt ON bt.user_type_id = c.system_type_id"
		  " LEFT JOIN sys.default_constraints dc"
		  " ON dc.object_id = c.default_object_id"
		  " ORDER BY ct.object_id, c.column_id");
	while (sdb_sqlserver_conn_fetch(catalog->conn))
	{
		Described  *described = find_described(catalog);

		if (described != NULL)
			add_column(catalog, described);
	}
}

static void
add_column(Catalog *catalog, Described *described)
{
	SqlServerConn *conn = catalog->conn;
	SourceTable *table = described->table;
	SqlServerColumnInfo info = {0};
	char	   *base_type = sdb_sqlserver_conn_text(conn, 4);

	if (table->ncolumns == described->allocated)
	{
		described->allocated = Max(16, 2 * described->allocated);
		if (table->columns == NULL)
		{
			table->columns = palloc_array(SourceColumn, described->allocated);
			described->column_ids = palloc_array(int, described->allocated);
		}
		else
		{
			table->columns = repalloc(table->columns,
									  described->allocated *
									  sizeof(SourceColumn));
			described->column_ids = repalloc(described->column_ids,
											 described->allocated *
											 sizeof(int));
		}
	}

	info.table_id = table->id;
	info.name = sdb_sqlserver_conn_text(conn, 2);
	info.type_name = base_type ? base_type : sdb_sqlserver_conn_text(conn, 3);
	info.max_length = (int) sdb_sqlserver_conn_int(conn, 5);
	info.precision = (int) sdb_sqlserver_conn_int(conn, 6);
	info.scale = (int) sdb_sqlserver_conn_int(conn, 7);
	info.is_nullable = sdb_sqlserver_conn_int(conn, 8) != 0;
	info.is_identity = sdb_sqlserver_conn_int(conn, 9) != 0;
	info.is_computed = sdb_sqlserver_conn_int(conn, 10) != 0;
	info.collation = sdb_sqlserver_conn_text(conn, 11);
	info.definition = sdb_sqlserver_conn_text(conn, 12);
	sdb_sqlserver_types_column(&info, &table->columns[table->ncolumns]);
	described->column_ids[table->ncolumns] =
		(int) sdb_sqlserver_conn_int(conn, 1);
	table->ncolumns++;
}

static void
read_keys(Catalog *catalog)
{
	query(catalog,
		  "SELECT ct.capture_instance, ic.column_id"
		  " FROM cdc.change_tables ct"
		  " JOIN sys.indexes i ON i.object_id = ct.source_object_id"
		  " JOIN sys.index_columns ic ON ic.object_id = i.object_id"
		  " AND ic.index_id = i.index_id"
		  " WHERE i.is_primary_key = 1 AND ic.key_ordinal > 0"
		  " ORDER BY ct.object_id, ic.key_ordinal");
	while (sdb_sqlserver_conn_fetch(catalog->conn))
	{
		Described  *described = find_described(catalog);
		int			column_id = (int) sdb_sqlserver_conn_int(catalog->conn, 1);
		SourceTable *table;
		int			i;

		if (described == NULL)
			continue;
		table = described->table;
		for (i = 0; i < table->ncolumns; i++)
		{
			if (described->column_ids[i] == column_id)
				break;
		}
		/* a computed column is not in a change table, so it identifies none */
		if (i == table->ncolumns || table->nkeys == table->ncolumns ||
			table->columns[i].generated)
		{
			described->has_other_keys = true;
			continue;
		}
		if (table->keys == NULL)
			table->keys = palloc_array(int, table->ncolumns);
		table->keys[table->nkeys++] = i;
	}
}

/* The instance that the row's first field names; NULL if it is not wanted. */
static Described *
find_described(Catalog *catalog)
{
	char	   *instance = sdb_sqlserver_conn_text(catalog->conn, 0);

	if (instance == NULL || strlen(instance) >= INSTANCE_BYTES)
		return NULL;
	return hash_search(catalog->instances, instance, HASH_FIND, NULL);
}

static void
query(Catalog *catalog, const char *sql)
{
	SqlServerSource *source = catalog->source;
	const char *user = source->options.user;
	int			number;

	if (sdb_sqlserver_conn_try_query(catalog->conn, sql, &number))
		return;
	if (number == SQLSERVER_INVALID_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("change data capture is not enabled on database \"%s\" at \"%s\"",
						source->database, source->base.address),
				 errhint("USE %s; EXEC sys.sp_cdc_enable_db;",
						 sdb_sqlserver_conn_identifier(source->database))));
	if (number == SQLSERVER_NO_PERMISSION)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("user \"%s\" may not read the change tables of database \"%s\" at \"%s\"",
						user, source->database,
						source->base.address),
				 errhint("USE %s; GRANT SELECT ON SCHEMA::cdc TO %s;",
						 sdb_sqlserver_conn_identifier(source->database),
						 sdb_sqlserver_conn_identifier(user))));
	sdb_sqlserver_conn_report(catalog->conn);
}
