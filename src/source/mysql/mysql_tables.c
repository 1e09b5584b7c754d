/*
 * mysql_tables.c --- the captured tables that a stream knows
 *
 * A stream begins with stored definitions and keeps them up to date.  A
 * captured table that is not among them is described at the source when it is
 * first met, and its creation delivered.  If the source no longer has it, its
 * rows cannot be decoded: they are left out, with a warning, until the table
 * is dropped.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_stream.h"

static uint32 hash_name(const void *key, Size keysize);
static int	compare_names(const void *a, const void *b, Size keysize);
static const char *table_key(const MysqlStream *stream, const char *name);
static void add_table(MysqlStream *stream, SourceTable *table,
					  MemoryContext context);
static bool is_absent(const MysqlStream *stream, const char *name);
static void set_absent(MysqlStream *stream, const char *name);

void
sdb_mysql_tables_init(MysqlStream *stream, List *tables)
{
	HASHCTL		ctl;
	ListCell   *lc;

	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(StreamTable);
	ctl.hash = hash_name;
	ctl.match = compare_names;
	ctl.hcxt = stream->context;
	stream->tables = hash_create("MySQL tables", 64, &ctl,
								 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								 HASH_CONTEXT);
	foreach(lc, tables)
		add_table(stream, lfirst(lc), NULL);
}

SourceTable *
sdb_mysql_tables_find(MysqlStream *stream, const char *name)
{
	const char *key = table_key(stream, name);
	StreamTable *entry = hash_search(stream->tables, &key, HASH_FIND, NULL);

	return entry != NULL ? entry->table : NULL;
}

SourceTable *
sdb_mysql_tables_meet(MysqlStream *stream, const char *name)
{
	SourceTable *table = sdb_mysql_tables_find(stream, name);

	if (table != NULL || is_absent(stream, name))
		return table;
	table = sdb_mysql_tables_create(stream, name);
	if (table == NULL)
		set_absent(stream, name);
	else
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" was not copied: only its changes from %s on are here",
						table->id, sdb_mysql_stream_where(stream)),
				 errhint("Use synchdb_resync_table() to copy it.")));
	return table;
}

SourceTable *
sdb_mysql_tables_create(MysqlStream *stream, const char *name)
{
	SourceTable *found;
	SchemaChange *schema;
	MemoryContext context;
	MemoryContext old_context;

	found = sdb_mysql_catalog_describe_one(stream->source, name);
	sdb_mysql_source_release(stream->source);
	if (found == NULL)
		return NULL;

	context = AllocSetContextCreate(stream->context, "MySQL table",
									ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(context);
	found = sdb_table_copy(found);
	MemoryContextSwitchTo(stream->event_context);
	schema = palloc0(sizeof(SchemaChange));
	schema->kind = SCHEMA_CREATE_TABLE;
	schema->after = found;
	MemoryContextSwitchTo(old_context);
	add_table(stream, found, context);
	sdb_mysql_stream_push(stream, CHANGE_SCHEMA, NULL, schema);
	return found;
}

void
sdb_mysql_tables_drop(MysqlStream *stream, SourceTable *table)
{
	const char *key = table_key(stream, table->name);
	StreamTable *entry = hash_search(stream->tables, &key, HASH_FIND, NULL);
	MemoryContext context = entry->context;
	MemoryContext old_context;
	SchemaChange *schema;

	(void) hash_search(stream->tables, &key, HASH_REMOVE, NULL);
	old_context = MemoryContextSwitchTo(stream->context);
	if (context != NULL)
		stream->dropped = lappend(stream->dropped, context);
	MemoryContextSwitchTo(stream->event_context);
	schema = palloc0(sizeof(SchemaChange));
	schema->kind = SCHEMA_DROP_TABLE;
	schema->before = table;
	MemoryContextSwitchTo(old_context);
	sdb_mysql_stream_push(stream, CHANGE_SCHEMA, NULL, schema);
}

void
sdb_mysql_tables_forget_absent(MysqlStream *stream, const char *name)
{
	ListCell   *lc;

	foreach(lc, stream->absent)
	{
		if (sdb_mysql_source_same_name(stream->source, lfirst(lc), name))
			stream->absent = foreach_delete_current(stream->absent, lc);
	}
}

/* Keys of stream->tables are pointers to names. */
static uint32
hash_name(const void *key, Size keysize)
{
	const char *name = *(const char *const *) key;

	return hash_bytes((const unsigned char *) name, (int) strlen(name));
}

static int
compare_names(const void *a, const void *b, Size keysize)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* A name as the key it has in stream->tables. */
static const char *
table_key(const MysqlStream *stream, const char *name)
{
	char	   *key;
	char	   *p;

	if (!stream->source->ignores_case)
		return name;
	key = pstrdup(name);
	for (p = key; *p; p++)
		*p = pg_tolower((unsigned char) *p);
	return key;
}

static void
add_table(MysqlStream *stream, SourceTable *table, MemoryContext context)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);
	const char *key = table_key(stream, table->name);
	StreamTable *entry;

	entry = hash_search(stream->tables, &key, HASH_ENTER, NULL);
	entry->table = table;
	entry->context = context;
	MemoryContextSwitchTo(old_context);
}

static bool
is_absent(const MysqlStream *stream, const char *name)
{
	ListCell   *lc;

	foreach(lc, stream->absent)
	{
		if (sdb_mysql_source_same_name(stream->source, lfirst(lc), name))
			return true;
	}
	return false;
}

/*
 * A sequence of MariaDB looks like a table in the log; it is none of ours, and
 * nobody needs to hear about it.
 */
static void
set_absent(MysqlStream *stream, const char *name)
{
	MysqlConn  *conn = sdb_mysql_source_conn(stream->source);
	MemoryContext old_context;
	char	   *kind;

	kind = sdb_mysql_conn_scalar(conn,
								 psprintf("SELECT table_type FROM information_schema.tables"
										  " WHERE table_schema = %s AND table_name = %s",
										  sdb_mysql_conn_literal(conn,
																 stream->source->database),
										  sdb_mysql_conn_literal(conn, name)));
	sdb_mysql_source_release(stream->source);
	old_context = MemoryContextSwitchTo(stream->context);
	stream->absent = lappend(stream->absent, pstrdup(name));
	MemoryContextSwitchTo(old_context);
	if (kind == NULL)
		ereport(WARNING,
				(errmsg("leaving out rows of table \"%s.%s\", which the source no longer has",
						stream->source->database, name),
				 errdetail("They were logged at %s; without the table's definition they cannot be decoded.",
						   sdb_mysql_stream_where(stream))));
}
