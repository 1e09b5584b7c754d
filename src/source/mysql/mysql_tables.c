/*
 * mysql_tables.c --- the captured tables that a stream knows
 *
 * A stream begins with stored definitions and keeps them up to date.  A
 * captured table that is not among them is described at the source when it is
 * first met, and its creation delivered.  If the source no longer has it, its
 * rows cannot be decoded: they are left out, with a warning, until the table
 * is dropped.
 *
 * A definition that was read from the source holds as of the end of the log at
 * that moment, which may lie ahead of the stream.  Up to there, statements do
 * not change it.  Rows up to there that do not fit are left out if the table was
 * copied, since the copy has them, or is incomplete anyway; else they are
 * refused.  Rows that are in the copy for sure are left out unread.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_stream.h"

static uint32 hash_name(const void *key, Size keysize);
static int	compare_names(const void *a, const void *b, Size keysize);
static const char *table_key(const MysqlStream *stream, const char *name);
static StreamTable *find_entry(const MysqlStream *stream, const char *name);
static StreamTable *add_table(MysqlStream *stream, SourceTable *table,
							  MemoryContext context);
static StreamTable *keep_table(MysqlStream *stream,
							   const StreamDefinition *definition);
static void set_points(MysqlStream *stream, StreamTable *entry);
static bool read_point(MysqlStream *stream, const char *text,
					   MysqlPosition *point);
static void remove_table(MysqlStream *stream, SourceTable *table);
static void deliver(MysqlStream *stream, const SchemaChange *change);
static bool is_absent(const MysqlStream *stream, const char *name);

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
		set_points(stream, add_table(stream, lfirst(lc), NULL));
}

SourceTable *
sdb_mysql_tables_find(MysqlStream *stream, const char *name)
{
	StreamTable *entry = find_entry(stream, name);

	return entry != NULL ? entry->table : NULL;
}

bool
sdb_mysql_tables_is_ahead(const MysqlStream *stream, const SourceTable *table)
{
	StreamTable *entry = find_entry(stream, table->name);
	MysqlPosition here = {stream->main->file, stream->main->end};

	return entry != NULL && entry->known_from.file != NULL &&
		!sdb_mysql_position_before(&entry->known_from, &here);
}

bool
sdb_mysql_tables_skips_rows(const MysqlStream *stream,
							const SourceTable *table)
{
	StreamTable *entry = find_entry(stream, table->name);
	MysqlPosition here = {stream->main->file, stream->main->end};

	return entry->copied.file != NULL &&
		!sdb_mysql_position_before(&entry->copied, &here);
}

bool
sdb_mysql_tables_may_misfit(const MysqlStream *stream,
							const SourceTable *table)
{
	return find_entry(stream, table->name)->not_seen &&
		sdb_mysql_tables_is_ahead(stream, table);
}

List *
sdb_mysql_tables_names(const MysqlStream *stream)
{
	List	   *names = NIL;
	HASH_SEQ_STATUS scan;
	StreamTable *entry;

	hash_seq_init(&scan, stream->tables);
	while ((entry = hash_seq_search(&scan)) != NULL)
		names = lappend(names, entry->table->name);
	return list_concat(names, list_copy(stream->absent));
}

SourceTable *
sdb_mysql_tables_meet(MysqlStream *stream, const char *name)
{
	StreamDefinition definition;
	SourceTable *table = sdb_mysql_tables_find(stream, name);

	if (table != NULL || is_absent(stream, name))
		return table;
	if (!sdb_mysql_tables_describe(stream, name, &definition))
	{
		sdb_mysql_tables_set_absent(stream, name);
		return NULL;
	}
	definition.incomplete = true;
	return sdb_mysql_tables_create(stream, &definition);
}

bool
sdb_mysql_tables_describe(MysqlStream *stream, const char *name,
						  StreamDefinition *definition)
{
	MysqlPosition here = {stream->main->file, stream->main->end};
	MysqlSource *source = stream->source;
	SourceTable *table = sdb_mysql_catalog_describe_one(source, name);
	SourceTable *before;

	memset(definition, 0, sizeof(StreamDefinition));
	/* the table may be altered just before the position is read */
	do
	{
		before = table;
		if (before == NULL)
			break;
		definition->known_from =
			sdb_mysql_log_position(source, sdb_mysql_source_conn(source));
		table = sdb_mysql_catalog_describe_one(source, name);
	} while (table == NULL || !sdb_table_equal(before, table));
	definition->table = table;
	if (table != NULL &&
		!sdb_mysql_position_before(&here, definition->known_from))
		definition->known_from = NULL;
	sdb_mysql_source_release(source);
	return table != NULL;
}

SourceTable *
sdb_mysql_tables_create(MysqlStream *stream,
						const StreamDefinition *definition)
{
	SchemaChange change = {.kind = SCHEMA_CREATE_TABLE};

	change.after = keep_table(stream, definition)->table;
	change.incomplete = definition->incomplete;
	deliver(stream, &change);
	return change.after;
}

SourceTable *
sdb_mysql_tables_alter(MysqlStream *stream, SourceTable *before,
					   const StreamDefinition *definition,
					   const int *origins)
{
	SchemaChange change = {.kind = SCHEMA_ALTER_TABLE, .before = before};
	int			ncolumns = definition->table->ncolumns;

	remove_table(stream, before);
	change.after = keep_table(stream, definition)->table;
	change.origins = MemoryContextAlloc(stream->event_context,
										ncolumns * sizeof(int));
	memcpy(change.origins, origins, ncolumns * sizeof(int));
	change.cuts_fractions = definition->cuts_fractions;
	change.incomplete = definition->incomplete;
	deliver(stream, &change);
	return change.after;
}

void
sdb_mysql_tables_drop(MysqlStream *stream, SourceTable *table)
{
	SchemaChange change = {.kind = SCHEMA_DROP_TABLE, .before = table};

	remove_table(stream, table);
	deliver(stream, &change);
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

/*
 * A sequence of MariaDB looks like a table in the log; it is none of ours, and
 * nobody needs to hear about it.
 */
void
sdb_mysql_tables_set_absent(MysqlStream *stream, const char *name)
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

static StreamTable *
find_entry(const MysqlStream *stream, const char *name)
{
	const char *key = table_key(stream, name);

	return hash_search(stream->tables, &key, HASH_FIND, NULL);
}

static StreamTable *
add_table(MysqlStream *stream, SourceTable *table, MemoryContext context)
{
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);
	const char *key = table_key(stream, table->name);
	StreamTable *entry;

	entry = hash_search(stream->tables, &key, HASH_ENTER, NULL);
	entry->table = table;
	entry->context = context;
	entry->known_from.file = NULL;
	entry->copied.file = NULL;
	entry->not_seen = false;
	MemoryContextSwitchTo(old_context);
	return entry;
}

/* A table of its own context, with what is known about the definition. */
static StreamTable *
keep_table(MysqlStream *stream, const StreamDefinition *definition)
{
	MemoryContext context = AllocSetContextCreate(stream->context,
												  "MySQL table",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	StreamTable *entry;

	entry = add_table(stream, sdb_table_copy(definition->table), context);
	entry->not_seen = definition->incomplete;
	if (definition->known_from != NULL)
	{
		entry->known_from.file = pstrdup(definition->known_from->file);
		entry->known_from.pos = definition->known_from->pos;
	}
	MemoryContextSwitchTo(old_context);
	return entry;
}

static void
set_points(MysqlStream *stream, StreamTable *entry)
{
	entry->not_seen = read_point(stream, entry->table->described_at,
								 &entry->known_from);
	(void) read_point(stream, entry->table->copied_at, &entry->copied);
}

/* False if there is none; places of another server cannot be compared. */
static bool
read_point(MysqlStream *stream, const char *text, MysqlPosition *point)
{
	const char *server = stream->source->server;
	MysqlPosition *position;
	char	   *reason;

	if (text == NULL)
		return false;
	position = sdb_mysql_position_parse(text, &reason);
	if (position == NULL || (server != NULL && position->server != NULL &&
							 strcmp(server, position->server) != 0))
		return false;
	*point = *position;
	return true;
}

/* It stays in memory until the transaction is over. */
static void
remove_table(MysqlStream *stream, SourceTable *table)
{
	StreamTable *entry = find_entry(stream, table->name);
	const char *key = entry->name;
	MemoryContext old_context = MemoryContextSwitchTo(stream->context);

	sdb_mysql_reader_forget_maps(stream->main);
	if (entry->context != NULL)
		stream->dropped = lappend(stream->dropped, entry->context);
	(void) hash_search(stream->tables, &key, HASH_REMOVE, NULL);
	MemoryContextSwitchTo(old_context);
}

static void
deliver(MysqlStream *stream, const SchemaChange *change)
{
	SchemaChange *copy = MemoryContextAlloc(stream->event_context,
											sizeof(SchemaChange));

	*copy = *change;
	sdb_mysql_stream_push(stream, CHANGE_SCHEMA, NULL, copy);
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
