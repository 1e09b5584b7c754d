/*
 * mysql_schema.c --- statements that change tables, followed in the stream
 *
 * A statement is resolved against the definition that the table has at its
 * place in the log, so what comes out does not depend on when the stream gets
 * there.  Tables that are not captured do not matter, except where a statement
 * makes a captured one of them: a rename into the captured tables, or CREATE
 * TABLE LIKE.
 *
 * Where a statement cannot be resolved, the definition is read from the source.
 * It may be newer than the statement; therefore the table is delivered as
 * incomplete, to be copied again, unless the statement is the last of the log.
 * The statement is logged as a warning.  If the source has no such table any
 * more, or if it is not even clear which tables a statement changes, the stream
 * ends with an error.
 *
 * The same goes for rows that come or go without being logged: partitions that
 * are dropped or exchanged, tables that are renamed into the captured ones.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "source/mysql/mysql_charset.h"
#include "source/mysql/mysql_resolve.h"
#include "source/mysql/mysql_stream.h"

/* So much of a statement is shown in messages. */
#define MAX_STATEMENT_BYTES	1000

/* Follow --- one statement at work */
typedef struct Follow
{
	MysqlStream *stream;
	const MysqlStatement *statement;
	const MysqlQuery *query;
	MysqlResolver resolver;
} Follow;

static void follow_create(Follow *follow, const MysqlTableName *name);
static bool resolve_create(Follow *follow, const char *name,
						   StreamDefinition *definition, char **reason);
static void create_described(Follow *follow, const char *name,
							 const char *reason);
static void follow_drop(Follow *follow, const MysqlTableName *name);
static void drop_database(Follow *follow);
static void follow_alter(Follow *follow, const MysqlTableName *name);
static const MysqlTableName *new_name(const MysqlStatement *statement);
static void alter(Follow *follow, SourceTable *before,
				  const MysqlTableName *name);
static bool touches_definition(const MysqlStatement *statement);
static void exchange_rows(Follow *follow);
static void follow_rename(Follow *follow);
static void rename_table(Follow *follow, const MysqlTableName *from,
						 const MysqlTableName *to);
static void move_table(Follow *follow, SourceTable *before,
					   const MysqlTableName *to);
static void rename_in(Follow *follow, const char *name);
static bool comes_back(const Follow *follow, const MysqlTableName *name);
static void reread(Follow *follow, SourceTable *before, const char *reason);
static void follow_truncate(Follow *follow, const MysqlTableName *name);
static void set_database_charset(Follow *follow);
static const char *database_charset(MysqlStream *stream);
static char *to_utc(void *arg, const char *local);
static bool is_database(const Follow *follow, const MysqlTableName *name);
static bool is_captured(const Follow *follow, const MysqlTableName *name);
static bool is_known_ahead(const Follow *follow, const MysqlTableName *name);
static char *statement_text(const MysqlQuery *query);
pg_noreturn static void refuse(Follow *follow, const char *reason);

void
sdb_mysql_schema_follow(MysqlStream *stream, const MysqlStatement *statement,
						const MysqlDialect *dialect, const MysqlQuery *query)
{
	Follow		follow = {stream, statement, query};
	ListCell   *lc;

	follow.resolver.dialect = dialect;
	follow.resolver.explicit_timestamps = query->explicit_timestamps;
	follow.resolver.to_utc = to_utc;
	follow.resolver.arg = &follow;
	/* which tables, then? */
	if (statement->failure != NULL &&
		(statement->kind == STATEMENT_DROP_TABLE ||
		 statement->kind == STATEMENT_RENAME_TABLE ||
		 statement->kind == STATEMENT_DROP_DATABASE))
		refuse(&follow, statement->failure);

	foreach(lc, statement->tables)
	{
		const MysqlTableName *name = lfirst(lc);

		switch (statement->kind)
		{
			case STATEMENT_CREATE_TABLE:
				/* MariaDB: CREATE OR REPLACE has dropped the old one then */
				if (query->failed)
					follow_drop(&follow, name);
				else
					follow_create(&follow, name);
				break;
			case STATEMENT_DROP_TABLE:
				follow_drop(&follow, name);
				break;
			case STATEMENT_ALTER_TABLE:
				follow_alter(&follow, name);
				break;
			case STATEMENT_TRUNCATE:
				follow_truncate(&follow, name);
				break;
			case STATEMENT_CREATE_DATABASE:
			case STATEMENT_ALTER_DATABASE:
				if (is_database(&follow, name))
					set_database_charset(&follow);
				break;
			case STATEMENT_DROP_DATABASE:
				if (is_database(&follow, name))
					drop_database(&follow);
				break;
			default:
				break;
		}
	}
	if (statement->kind == STATEMENT_RENAME_TABLE)
		follow_rename(&follow);
}

static void
follow_create(Follow *follow, const MysqlTableName *name)
{
	MysqlStream *stream = follow->stream;
	const MysqlStatement *statement = follow->statement;
	SourceTable *known;
	StreamDefinition definition = {0};
	char	   *reason = statement->failure;

	if (name->table[0] == '\0')
		refuse(follow, statement->failure);
	if (!is_captured(follow, name))
		return;
	known = sdb_mysql_tables_find(stream, name->table);
	if (known != NULL && (sdb_mysql_tables_is_ahead(stream, known) ||
						  (statement->if_exists && !statement->replaces)))
		return;
	sdb_mysql_tables_forget_absent(stream, name->table);
	if (reason != NULL ||
		!resolve_create(follow, name->table, &definition, &reason))
	{
		if (known != NULL)
			sdb_mysql_tables_drop(stream, known);
		create_described(follow, name->table, reason);
		return;
	}
	/* described before it was made, when the connector began */
	if (known != NULL && !statement->replaces &&
		sdb_table_equal(known, definition.table))
		return;
	if (known != NULL)
		sdb_mysql_tables_drop(stream, known);
	(void) sdb_mysql_tables_create(stream, &definition);
}

/* False if the statement does not tell; then *reason is NULL if that is usual. */
static bool
resolve_create(Follow *follow, const char *name, StreamDefinition *definition,
			   char **reason)
{
	MysqlStream *stream = follow->stream;
	const MysqlStatement *statement = follow->statement;

	*reason = NULL;
	if (statement->has_select)
	{
		*reason = pstrdup("the rows of its query are not logged");
		return false;
	}
	if (statement->like != NULL)
	{
		SourceTable *like = NULL;

		if (is_captured(follow, statement->like))
			like = sdb_mysql_tables_find(stream, statement->like->table);
		if (like == NULL || sdb_mysql_tables_is_ahead(stream, like))
			return false;
		definition->table = sdb_mysql_resolve_like(like, name);
		return true;
	}
	follow->resolver.database_charset = database_charset(stream);
	definition->table = sdb_mysql_resolve_create(&follow->resolver, statement,
												 stream->source->database,
												 name, reason);
	return definition->table != NULL;
}

/*
 * A new table as the source has it now.  If it may be newer than here, or has
 * rows that were not logged, it is to be copied.
 */
static void
create_described(Follow *follow, const char *name, const char *reason)
{
	MysqlStream *stream = follow->stream;
	StreamDefinition definition;

	if (!sdb_mysql_tables_describe(stream, name, &definition))
	{
		sdb_mysql_tables_set_absent(stream, name);
		return;
	}
	definition.incomplete = definition.known_from != NULL ||
		follow->statement->has_select;
	if (reason != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the definition of new table \"%s\" was read from the source, since the statement at %s is not understood: %s",
						definition.table->id, sdb_mysql_stream_where(stream),
						reason),
				 errdetail("The statement is: %s",
						   statement_text(follow->query))));
	(void) sdb_mysql_tables_create(stream, &definition);
}

static void
follow_drop(Follow *follow, const MysqlTableName *name)
{
	MysqlStream *stream = follow->stream;
	SourceTable *table;

	if (!is_captured(follow, name))
		return;
	sdb_mysql_tables_forget_absent(stream, name->table);
	table = sdb_mysql_tables_find(stream, name->table);
	if (table == NULL)
		return;
	/* there is another one of that name by now, which we know already */
	if (sdb_mysql_tables_is_ahead(stream, table))
		sdb_mysql_stream_push(stream, CHANGE_TRUNCATE, table, NULL);
	else
		sdb_mysql_tables_drop(stream, table);
}

static void
drop_database(Follow *follow)
{
	ListCell   *lc;

	foreach(lc, sdb_mysql_tables_names(follow->stream))
	{
		MysqlTableName name = {follow->stream->source->database, lfirst(lc)};

		follow_drop(follow, &name);
	}
}

static void
follow_alter(Follow *follow, const MysqlTableName *name)
{
	MysqlStream *stream = follow->stream;
	const MysqlStatement *statement = follow->statement;
	const MysqlTableName *to = new_name(statement);
	SourceTable *table = NULL;

	if (name->table[0] == '\0')
		refuse(follow, statement->failure);
	if (is_captured(follow, name))
		table = sdb_mysql_tables_find(stream, name->table);
	exchange_rows(follow);
	if (table == NULL)
	{
		/* of a table that is not captured one that is */
		if (to != NULL && is_captured(follow, to))
			rename_in(follow, to->table);
		return;
	}
	if (sdb_mysql_tables_is_ahead(stream, table))
	{
		if (to != NULL && is_captured(follow, to))
			rename_in(follow, to->table);
		return;
	}
	if (statement->failure != NULL)
		reread(follow, table, statement->failure);
	else
		alter(follow, table, to != NULL ? to : name);
}

/* What the table is called after ALTER TABLE; NULL if it keeps its name. */
static const MysqlTableName *
new_name(const MysqlStatement *statement)
{
	const MysqlTableName *name = NULL;
	ListCell   *lc;

	foreach(lc, statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_RENAME_TABLE)
			name = action->table;
	}
	return name;
}

static void
alter(Follow *follow, SourceTable *before, const MysqlTableName *name)
{
	MysqlStream *stream = follow->stream;
	StreamDefinition definition = {0};
	MysqlAltered altered;
	char	   *reason;

	if (!is_captured(follow, name) || is_known_ahead(follow, name))
	{
		sdb_mysql_tables_drop(stream, before);
		return;
	}
	if (touches_definition(follow->statement))
		follow->resolver.database_charset = database_charset(stream);
	if (!sdb_mysql_resolve_alter(&follow->resolver, before, follow->statement,
								 &altered, &reason))
	{
		reread(follow, before, reason);
		return;
	}
	if (!sdb_mysql_source_same_name(stream->source, before->name, name->table))
		altered.after = sdb_mysql_resolve_like(altered.after, name->table);
	if (sdb_table_equal(altered.after, before) && !altered.moves_rows)
	{
		sdb_mysql_reader_forget_maps(stream->main);
		return;
	}
	definition.table = altered.after;
	definition.cuts_fractions =
		sdb_mysql_resolve_cuts_fractions(follow->resolver.dialect);
	definition.incomplete = altered.moves_rows;
	(void) sdb_mysql_tables_alter(stream, before, &definition,
								  altered.origins);
}

/* Might the character set of the database matter to it? */
static bool
touches_definition(const MysqlStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_CONVERT_CHARSET ||
			(action->column != NULL &&
			 action->column->charset.charset != NULL))
			return true;
	}
	return false;
}

/* EXCHANGE PARTITION, CONVERT PARTITION and TABLE: the other table */
static void
exchange_rows(Follow *follow)
{
	ListCell   *lc;

	foreach(lc, follow->statement->actions)
	{
		const MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_MOVE_ROWS && action->table != NULL &&
			is_captured(follow, action->table))
			rename_in(follow, action->table->table);
	}
}

static void
follow_rename(Follow *follow)
{
	ListCell   *lc;

	foreach(lc, follow->statement->renames)
	{
		const MysqlRename *rename = lfirst(lc);

		rename_table(follow, rename->from, rename->to);
	}
}

static void
rename_table(Follow *follow, const MysqlTableName *from,
			 const MysqlTableName *to)
{
	MysqlStream *stream = follow->stream;
	SourceTable *before = NULL;

	if (is_captured(follow, from))
	{
		before = sdb_mysql_tables_find(stream, from->table);
		sdb_mysql_tables_forget_absent(stream, from->table);
	}
	if (before != NULL && !sdb_mysql_tables_is_ahead(stream, before))
		move_table(follow, before, to);
	else if (is_captured(follow, to))
		rename_in(follow, to->table);
}

/*
 * A known table gets another name.  If it leaves the captured ones, but
 * another table takes its place in the same statement, as when a tool has
 * rebuilt it, then that is a change of the table and not its end.
 */
static void
move_table(Follow *follow, SourceTable *before, const MysqlTableName *to)
{
	MysqlStream *stream = follow->stream;
	StreamDefinition definition = {0};
	SourceTable *other;
	int		   *origins;

	if (!is_captured(follow, to))
	{
		MysqlTableName name = {stream->source->database, before->name};

		if (!comes_back(follow, &name))
			sdb_mysql_tables_drop(stream, before);
		return;
	}
	if (is_known_ahead(follow, to))
	{
		sdb_mysql_tables_drop(stream, before);
		return;
	}
	other = sdb_mysql_tables_find(stream, to->table);
	/* IF EXISTS may have left something behind that we believe to be there */
	if (other != NULL && other != before)
		sdb_mysql_tables_drop(stream, other);
	sdb_mysql_tables_forget_absent(stream, to->table);
	definition.table = sdb_mysql_resolve_like(before, to->table);
	origins = palloc(before->ncolumns * sizeof(int));
	for (int i = 0; i < before->ncolumns; i++)
		origins[i] = i;
	(void) sdb_mysql_tables_alter(stream, before, &definition, origins);
}

/*
 * A table has come under a captured name, with a definition and rows that the
 * stream does not know: as a new one, or in place of one that left.
 */
static void
rename_in(Follow *follow, const char *name)
{
	MysqlStream *stream = follow->stream;
	SourceTable *before = sdb_mysql_tables_find(stream, name);
	StreamDefinition definition;

	if (before != NULL && sdb_mysql_tables_is_ahead(stream, before))
		return;
	sdb_mysql_tables_forget_absent(stream, name);
	if (!sdb_mysql_tables_describe(stream, name, &definition))
	{
		if (before != NULL)
			sdb_mysql_tables_drop(stream, before);
		/* with IF EXISTS, there may have been nothing to rename */
		if (!follow->statement->if_exists)
			sdb_mysql_tables_set_absent(stream, name);
		return;
	}
	definition.incomplete = true;
	if (before == NULL)
		(void) sdb_mysql_tables_create(stream, &definition);
	else
		(void) sdb_mysql_tables_alter(stream, before, &definition,
									  sdb_table_match(before, definition.table));
}

/* Does a later part of RENAME TABLE put a table there that is not known? */
static bool
comes_back(const Follow *follow, const MysqlTableName *name)
{
	MysqlStream *stream = follow->stream;
	ListCell   *lc;

	foreach(lc, follow->statement->renames)
	{
		const MysqlRename *rename = lfirst(lc);

		if (is_database(follow, rename->to) &&
			sdb_mysql_source_same_name(stream->source, rename->to->table,
									   name->table))
			return !is_captured(follow, rename->from) ||
				sdb_mysql_tables_find(stream, rename->from->table) == NULL;
	}
	return false;
}

/* The statement does not say what became of a known table: ask the source. */
static void
reread(Follow *follow, SourceTable *before, const char *reason)
{
	MysqlStream *stream = follow->stream;
	StreamDefinition definition;

	if (!sdb_mysql_tables_describe(stream, before->name, &definition))
		refuse(follow, reason);
	/* the statement was a part of what we began with */
	if (follow->statement->failure == NULL &&
		sdb_table_equal(before, definition.table))
		return;
	definition.incomplete = true;
	ereport(WARNING,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the definition of table \"%s\" was read from the source, since the statement at %s is not understood: %s",
					before->id, sdb_mysql_stream_where(stream), reason),
			 errdetail("The statement is: %s",
					   statement_text(follow->query))));
	(void) sdb_mysql_tables_alter(stream, before, &definition,
								  sdb_table_match(before, definition.table));
}

static void
follow_truncate(Follow *follow, const MysqlTableName *name)
{
	SourceTable *table = NULL;

	if (is_captured(follow, name))
		table = sdb_mysql_tables_find(follow->stream, name->table);
	if (table != NULL)
		sdb_mysql_stream_push(follow->stream, CHANGE_TRUNCATE, table, NULL);
}

static void
set_database_charset(Follow *follow)
{
	MysqlStream *stream = follow->stream;
	const char *charset;
	const char *inherited = NULL;

	if (follow->statement->kind == STATEMENT_CREATE_DATABASE)
	{
		if (follow->statement->if_exists)
			return;
		inherited = sdb_mysql_charset_of_id(follow->query->server_collation);
	}
	follow->resolver.database_charset = inherited;
	charset = sdb_mysql_resolve_charset(&follow->resolver,
										&follow->statement->options.charset,
										inherited);
	if (charset != NULL)
		stream->database_charset = MemoryContextStrdup(stream->context,
													   charset);
}

/*
 * The character set of tables that name none.  Read from the source when it is
 * first needed; from then on statements keep it up to date.
 */
static const char *
database_charset(MysqlStream *stream)
{
	MysqlConn  *conn;
	char	   *charset;

	if (stream->database_charset != NULL)
		return stream->database_charset;
	conn = sdb_mysql_source_conn(stream->source);
	charset = sdb_mysql_conn_scalar(conn,
									psprintf("SELECT default_character_set_name"
											 " FROM information_schema.schemata"
											 " WHERE schema_name = %s",
											 sdb_mysql_conn_literal(conn,
																	stream->source->database)));
	sdb_mysql_source_release(stream->source);
	if (charset != NULL && sdb_mysql_charset_name(charset) != NULL)
		stream->database_charset =
			MemoryContextStrdup(stream->context,
								sdb_mysql_charset_name(charset));
	return stream->database_charset;
}

/* The source knows all time zones that its sessions can have. */
static char *
to_utc(void *arg, const char *local)
{
	const Follow *follow = arg;
	const MysqlQuery *query = follow->query;
	MysqlSource *source = follow->stream->source;
	MysqlConn  *conn;
	char	   *result;

	if (query->time_zone == NULL)
		return NULL;
	conn = sdb_mysql_source_conn(source);
	result = sdb_mysql_conn_scalar(conn,
								   psprintf("SELECT CONVERT_TZ(%s, %s, '+00:00')",
											sdb_mysql_conn_literal(conn, local),
											sdb_mysql_conn_literal(conn,
																   pnstrdup(query->time_zone,
																			query->time_zone_len))));
	sdb_mysql_source_release(source);
	return result;
}

static bool
is_database(const Follow *follow, const MysqlTableName *name)
{
	const MysqlSource *source = follow->stream->source;

	return sdb_mysql_source_same_name(source, name->database,
									  source->database);
}

static bool
is_captured(const Follow *follow, const MysqlTableName *name)
{
	return sdb_mysql_source_captures(follow->stream->source, name->database,
									 name->table);
}

/* Is what the statement gives that name known already as what it becomes? */
static bool
is_known_ahead(const Follow *follow, const MysqlTableName *name)
{
	SourceTable *table = sdb_mysql_tables_find(follow->stream, name->table);

	return table != NULL && sdb_mysql_tables_is_ahead(follow->stream, table);
}

/* The statement, made valid and cut for a message */
static char *
statement_text(const MysqlQuery *query)
{
	int			len = Min(query->sql_len, MAX_STATEMENT_BYTES);
	char	   *text = pnstrdup(query->sql, len);

	for (char *c = text; *c; c++)
	{
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return query->sql_len > len ? psprintf("%s ...", text) : text;
}

static void
refuse(Follow *follow, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot follow the statement at %s: %s",
					sdb_mysql_stream_where(follow->stream), reason),
			 errdetail("The statement is: %s",
					   statement_text(follow->query)),
			 errhint("Set the connector's position behind it if it does not matter here; else take a new snapshot.")));
}
