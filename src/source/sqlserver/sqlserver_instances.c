/*
 * sqlserver_instances.c --- the capture instances of a database
 *
 * A capture instance records the changes of some columns of one table, from
 * an LSN on, in a change table of its own.  A table has up to two.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "source/sqlserver/sqlserver_log.h"

static void load_instances(SqlServerStream *stream);
static void load_columns(SqlServerStream *stream);
static void add_column(LogInstance *instance, char *name, int ordinal);

void
sdb_sqlserver_instances_load(SqlServerStream *stream)
{
	MemoryContext old_context;

	MemoryContextReset(stream->instance_context);
	stream->instances = NIL;
	old_context = MemoryContextSwitchTo(stream->instance_context);
	load_instances(stream);
	load_columns(stream);
	MemoryContextSwitchTo(old_context);
}

int
sdb_sqlserver_instances_find_column(const LogInstance *instance,
									const char *name)
{
	for (int i = 0; i < instance->ncolumns; i++)
		if (strcmp(instance->columns[i], name) == 0)
			return i;
	return -1;
}

char *
sdb_sqlserver_instances_change_table(const LogInstance *instance)
{
	char	   *name = psprintf("%s_CT", instance->name);

	return psprintf("cdc.%s", sdb_sqlserver_conn_identifier(name));
}

void
sdb_sqlserver_instances_load_ddl(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	char	   *since = sdb_sqlserver_lsn_literal(&stream->position);
	MemoryContext old_context;

	/* lives with the instances, which were read just before */
	old_context = MemoryContextSwitchTo(stream->instance_context);
	stream->ddl = NIL;
	sdb_sqlserver_conn_query(conn,
							 psprintf("SELECT source_object_id, ddl_lsn"
									  " FROM cdc.ddl_history WHERE ddl_lsn > %s"
									  " ORDER BY ddl_lsn", since));
	while (sdb_sqlserver_conn_fetch(conn))
	{
		LogDdl	   *ddl = palloc(sizeof(LogDdl));
		int			len;
		const uint8 *data = sdb_sqlserver_conn_field(conn, 1, &len);

		ddl->source_object_id = (int32) sdb_sqlserver_conn_int(conn, 0);
		ddl->lsn = sdb_sqlserver_lsn_read(data, len, "ddl_lsn");
		stream->ddl = lappend(stream->ddl, ddl);
	}
	MemoryContextSwitchTo(old_context);
}

/* In the order of their change tables. */
static void
load_instances(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);

	sdb_sqlserver_conn_query(conn,
							 "SELECT ct.object_id, ct.source_object_id, s.name, t.name,"
							 " ct.capture_instance, ct.start_lsn,"
							 " (SELECT COUNT(*) FROM sys.columns AS c"
							 " WHERE c.object_id = ct.object_id AND c.name = N'__$command_id'),"
							 " CONVERT(nvarchar(40), ct.create_date, 126)"
							 " FROM cdc.change_tables AS ct"
							 " LEFT JOIN sys.tables AS t ON t.object_id = ct.source_object_id"
							 " LEFT JOIN sys.schemas AS s ON s.schema_id = t.schema_id"
							 " ORDER BY ct.object_id");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		LogInstance *instance = palloc0(sizeof(LogInstance));
		const uint8 *start;
		int			len;

		instance->object_id = (int32) sdb_sqlserver_conn_int(conn, 0);
		instance->source_object_id = (int32) sdb_sqlserver_conn_int(conn, 1);
		instance->schema = sdb_sqlserver_conn_text(conn, 2);
		instance->table = sdb_sqlserver_conn_text(conn, 3);
		instance->name = sdb_sqlserver_conn_text(conn, 4);
		start = sdb_sqlserver_conn_field(conn, 5, &len);
		instance->has_start = start != NULL;
		if (instance->has_start)
			instance->start = sdb_sqlserver_lsn_read(start, len, "start_lsn");
		instance->has_command_id = sdb_sqlserver_conn_int(conn, 6) > 0;
		instance->identity = psprintf("%d %s", instance->object_id,
									  sdb_sqlserver_conn_text(conn, 7));
		stream->instances = lappend(stream->instances, instance);
	}
}

/* Both are in the order of change tables. */
static void
load_columns(SqlServerStream *stream)
{
	SqlServerConn *conn = sdb_sqlserver_source_conn(stream->source);
	ListCell   *lc = list_head(stream->instances);

	sdb_sqlserver_conn_query(conn,
							 "SELECT object_id, column_name, column_ordinal"
							 " FROM cdc.captured_columns"
							 " ORDER BY object_id, column_ordinal");
	while (sdb_sqlserver_conn_fetch(conn))
	{
		int32		object_id = (int32) sdb_sqlserver_conn_int(conn, 0);
		LogInstance *instance = NULL;

		while (lc != NULL &&
			   (instance = lfirst(lc))->object_id < object_id)
			lc = lnext(stream->instances, lc);
		if (lc == NULL)
		{
			sdb_sqlserver_conn_cancel(conn);
			break;
		}
		if (instance->object_id == object_id)
			add_column(instance, sdb_sqlserver_conn_text(conn, 1),
					   (int) sdb_sqlserver_conn_int(conn, 2));
	}
}

static void
add_column(LogInstance *instance, char *name, int ordinal)
{
	int			n = instance->ncolumns++;

	if (n == 0)
	{
		instance->columns = palloc_array(char *, 8);
		instance->ordinals = palloc_array(int, 8);
	}
	else if (n >= 8 && (n & (n - 1)) == 0)
	{
		instance->columns = repalloc(instance->columns,
									 2 * n * sizeof(char *));
		instance->ordinals = repalloc(instance->ordinals,
									  2 * n * sizeof(int));
	}
	instance->columns[n] = name;
	instance->ordinals[n] = ordinal;
}
