/*
 * mysql_statement.c --- statements in the binary log
 *
 * With rows logged as rows, what is left to statements are the brackets of
 * transactions and changes of definitions.  A definition is never taken from
 * a statement: the statement says that it is time to read it at the source.
 *
 * What cannot be followed is an error that names the table and the position:
 * a captured table whose definition changed, rows that came or went without
 * being logged (renames, partitions that are exchanged), rows logged as
 * statements.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/mysql/mysql_charset.h"
#include "source/mysql/mysql_ddl.h"
#include "source/mysql/mysql_stream.h"

static void skip_statement(MysqlStream *stream, MysqlStatementKind kind);
static void set_dialect(const MysqlStream *stream, const MysqlQuery *query,
						MysqlDialect *dialect);
static void do_renames(MysqlStream *stream, const MysqlStatement *statement);
static bool moves_rows(const MysqlStatement *statement);
static void create_table(MysqlStream *stream, const char *name, bool replaces);
static void drop_table(MysqlStream *stream, const char *name);
static void drop_all_tables(MysqlStream *stream);
static void check_unchanged(MysqlStream *stream, SourceTable *table);
static void refuse_move(MysqlStream *stream, const char *name);
static void do_tables(MysqlStream *stream, const MysqlStatement *statement);
static bool touches_rows_here(MysqlStream *stream, const char *database,
							  const MysqlQuery *query);

void
sdb_mysql_statement(MysqlStream *stream, const MysqlEvent *event)
{
	const MysqlReader *reader = stream->xa ? stream->xa : stream->main;
	MysqlQuery	query;
	MysqlDialect dialect;
	MysqlStatement statement;
	char	   *database;

	sdb_mysql_event_query(&reader->format, event, &query);
	database = sdb_mysql_from_utf8(pnstrdup(query.database,
											query.database_len));
	set_dialect(stream, &query, &dialect);
	sdb_mysql_ddl_parse(&dialect, query.sql, query.sql_len, database,
						&statement);

	/* a prepared transaction holds rows between its brackets, nothing else */
	if (stream->xa != NULL)
	{
		if (statement.kind == STATEMENT_XA_PREPARE)
			sdb_mysql_xa_end(stream);
		return;
	}

	if (stream->skipped)
	{
		skip_statement(stream, statement.kind);
		return;
	}
	switch (statement.kind)
	{
		case STATEMENT_BEGIN:
			stream->group = GROUP_BODY;
			return;
		case STATEMENT_XA_START:
			stream->group = GROUP_BODY;
			stream->in_xa = true;
			return;
		case STATEMENT_COMMIT:
			sdb_mysql_stream_end_group(stream);
			return;
		case STATEMENT_ROLLBACK:
		case STATEMENT_ROLLBACK_TO:
			if (stream->begun)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot undo rows of the transaction at %s:" UINT64_FORMAT,
								stream->position.file, stream->position.pos),
						 errdetail("It was rolled back after it had changed tables of an engine without transactions."),
						 errhint("ALTER TABLE ... ENGINE = InnoDB, and take a new snapshot.")));
			if (statement.kind == STATEMENT_ROLLBACK)
				sdb_mysql_stream_end_group(stream);
			return;
		case STATEMENT_XA_COMMIT:
			sdb_mysql_xa_commit(stream, statement.xid);
			return;
		case STATEMENT_XA_ROLLBACK:
			sdb_mysql_xa_rollback(stream, statement.xid);
			return;
		case STATEMENT_DML:
			if (touches_rows_here(stream, database, &query))
				sdb_mysql_statement_refuse(stream,
										   "a statement that changes rows");
			break;
		case STATEMENT_OTHER:
		case STATEMENT_XA_PREPARE:
		case STATEMENT_CREATE_DATABASE:
		case STATEMENT_ALTER_DATABASE:
			break;
		case STATEMENT_RENAME_TABLE:
			do_renames(stream, &statement);
			break;
		default:
			do_tables(stream, &statement);
			break;
	}
	if (stream->group == GROUP_OPEN)
		sdb_mysql_stream_end_group(stream);
}

void
sdb_mysql_statement_refuse(MysqlStream *stream, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot follow %s at %s: the source logged a statement instead of rows",
					what, sdb_mysql_stream_where(stream)),
			 errhint("SET GLOBAL binlog_format = 'ROW'; reconnect the source's clients, and take a new snapshot.")));
}

/* In a transaction that is applied already: only its end matters. */
static void
skip_statement(MysqlStream *stream, MysqlStatementKind kind)
{
	switch (kind)
	{
		case STATEMENT_BEGIN:
		case STATEMENT_XA_START:
			stream->group = GROUP_BODY;
			break;
		case STATEMENT_COMMIT:
		case STATEMENT_ROLLBACK:
		case STATEMENT_XA_COMMIT:
		case STATEMENT_XA_ROLLBACK:
			sdb_mysql_stream_end_group(stream);
			break;
		default:
			if (stream->group == GROUP_OPEN)
				sdb_mysql_stream_end_group(stream);
			break;
	}
}

/* How the server read a statement. */
static void
set_dialect(const MysqlStream *stream, const MysqlQuery *query,
			MysqlDialect *dialect)
{
	const char *charset = sdb_mysql_charset_of_id(query->client_collation);

	dialect->is_mariadb = stream->source->is_mariadb;
	dialect->version = stream->source->version;
	dialect->sql_mode = query->sql_mode;
	dialect->charset = charset != NULL ? sdb_charset_find(charset) : NULL;
}

/* What a statement does to each of its tables that is captured. */
static void
do_tables(MysqlStream *stream, const MysqlStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->tables)
	{
		MysqlTableName *name = lfirst(lc);
		SourceTable *table;

		if (statement->kind == STATEMENT_DROP_DATABASE)
		{
			if (sdb_mysql_source_same_name(stream->source, name->database,
										   stream->source->database))
				drop_all_tables(stream);
			continue;
		}
		if (!sdb_mysql_source_captures(stream->source, name->database,
									   name->table))
			continue;
		table = sdb_mysql_tables_find(stream, name->table);
		switch (statement->kind)
		{
			case STATEMENT_CREATE_TABLE:
				create_table(stream, name->table, statement->replaces);
				break;
			case STATEMENT_DROP_TABLE:
				drop_table(stream, name->table);
				break;
			case STATEMENT_ALTER_TABLE:
				if (moves_rows(statement))
					refuse_move(stream, name->table);
				if (table != NULL)
					check_unchanged(stream, table);
				break;
			case STATEMENT_TRUNCATE:
				if (table != NULL)
					sdb_mysql_stream_push(stream, CHANGE_TRUNCATE, table, NULL);
				break;
			default:
				break;
		}
	}
}

static void
do_renames(MysqlStream *stream, const MysqlStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->renames)
	{
		MysqlRename *rename = lfirst(lc);

		if (sdb_mysql_source_captures(stream->source, rename->from->database,
									  rename->from->table))
			refuse_move(stream, rename->from->table);
		if (sdb_mysql_source_captures(stream->source, rename->to->database,
									  rename->to->table))
			refuse_move(stream, rename->to->table);
	}
}

static bool
moves_rows(const MysqlStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->actions)
	{
		MysqlAlterAction *action = lfirst(lc);

		if (action->kind == ALTER_MOVE_ROWS ||
			action->kind == ALTER_RENAME_TABLE)
			return true;
	}
	return false;
}

static void
create_table(MysqlStream *stream, const char *name, bool replaces)
{
	SourceTable *table = sdb_mysql_tables_find(stream, name);

	/* IF NOT EXISTS, or it was described already, at a later time */
	if (table != NULL && !replaces)
	{
		check_unchanged(stream, table);
		return;
	}
	drop_table(stream, name);
	(void) sdb_mysql_tables_create(stream, name);
}

static void
drop_table(MysqlStream *stream, const char *name)
{
	SourceTable *table = sdb_mysql_tables_find(stream, name);

	sdb_mysql_tables_forget_absent(stream, name);
	sdb_mysql_reader_forget_maps(stream->main);
	if (table != NULL)
		sdb_mysql_tables_drop(stream, table);
}

static void
drop_all_tables(MysqlStream *stream)
{
	List	   *names = NIL;
	ListCell   *lc;
	HASH_SEQ_STATUS scan;
	StreamTable *entry;

	hash_seq_init(&scan, stream->tables);
	while ((entry = hash_seq_search(&scan)) != NULL)
		names = lappend(names, entry->table->name);
	names = list_concat(names, list_copy(stream->absent));
	foreach(lc, names)
		drop_table(stream, lfirst(lc));
}

/* Is the table at the source still what it is known as? */
static void
check_unchanged(MysqlStream *stream, SourceTable *table)
{
	SourceTable *now;

	sdb_mysql_reader_forget_maps(stream->main);
	now = sdb_mysql_catalog_describe_one(stream->source, table->name);
	sdb_mysql_source_release(stream->source);
	if (now != NULL && sdb_table_equal(now, table))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot follow the change of table \"%s\" at %s",
					table->id, sdb_mysql_stream_where(stream)),
			 now == NULL ?
			 errdetail("The table was altered, and no longer exists at the source.") :
			 errdetail("The table was altered, and its definition at the source is another now."),
			 errhint("Take a new snapshot, which copies the table with its new definition.")));
}

static void
refuse_move(MysqlStream *stream, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot follow the change of table \"%s.%s\" at %s",
					stream->source->database, name,
					sdb_mysql_stream_where(stream)),
			 errdetail("A table was renamed, or rows came or went with partitions or files; the source does not log them."),
			 errhint("Take a new snapshot.")));
}

/*
 * Did the statement change rows of the captured database?  Its default
 * database, or its text, would say so.
 */
static bool
touches_rows_here(MysqlStream *stream, const char *database,
				  const MysqlQuery *query)
{
	const char *name = stream->source->database;
	int			len = (int) strlen(name);
	int			i;

	if (sdb_mysql_source_same_name(stream->source, database, name))
		return true;
	for (i = 0; i + len <= query->sql_len; i++)
	{
		if (pg_strncasecmp(query->sql + i, name, len) == 0)
			return true;
	}
	return false;
}
