"""Catalog views of change data capture."""

from .catalog import view
from .cdc_log import lsn_text
from .result import SqlError
from .sql_convert import converter
from .sql_types import DATETIME, DATETIME2

TO_DATETIME = converter(DATETIME2, DATETIME)
AZURE = 5


def has_cdc(database):
    return database.cdc is not None


def cdc_view(name, columns):
    """A table of the schema cdc, which has permissions of its own."""
    def register(function):
        def rows(session, database):
            allowed(session, database, name)
            return function(database)
        view("cdc." + name, columns, database=has_cdc)(rows)
        return function
    return register


def allowed(session, database, name):
    access = session.access(database)
    if access.is_owner or "db_datareader" in access.names:
        return
    if database.granted(access.names, "SELECT", [
            ("SCHEMA", "cdc"), ("DATABASE", "")]) != "GRANT":
        raise SqlError(229, "The SELECT permission was denied on the object "
                       "'%s', database '%s', schema 'cdc'."
                       % (name, database.name), class_=14, state=5)


@cdc_view("change_tables", """object_id int, version int,
          source_object_id int, capture_instance sysname,
          start_lsn binary(10), end_lsn binary(10), supports_net_changes bit,
          has_drop_pending bit, role_name sysname, index_name sysname,
          filegroup_name sysname, create_date datetime,
          partition_switch bit""")
def change_tables(database):
    return [(one.change_table.object_id, 0, one.table.object_id, one.name,
             one.start_lsn, None, one.supports_net, None, one.role,
             one.index_name, one.filegroup, TO_DATETIME(one.create_date),
             one.partition_switch) for one in database.cdc.instances]


@cdc_view("captured_columns", """object_id int, column_name sysname,
          column_id int, column_type sysname, column_ordinal int,
          is_computed bit, masking_function nvarchar(4000)""")
def captured_columns(database):
    return [(one.change_table.object_id, column.name, column.column_id,
             column.type_name, column.ordinal, column.computed, None)
            for one in database.cdc.instances for column in one.columns]


@cdc_view("index_columns", """object_id int, column_name sysname,
          index_ordinal tinyint, column_id int""")
def index_columns(database):
    return [(one.change_table.object_id, column.name, number,
             column.column_id) for one in database.cdc.instances
            for number, column in enumerate(one.index_columns, 1)]


@cdc_view("ddl_history", """source_object_id int, object_id int,
          required_column_update bit, ddl_command nvarchar(max),
          ddl_lsn binary(10), ddl_time datetime""")
def ddl_history(database):
    return [(source, number, altered, text, lsn, TO_DATETIME(when))
            for source, number, instance, altered, text, lsn, when
            in database.cdc.history if not instance.dropped]


# ---- monitoring -------------------------------------------------------------

@view("sys.dm_cdc_log_scan_sessions", """session_id int, start_time datetime,
      end_time datetime, duration int, scan_phase nvarchar(200),
      error_count int, start_lsn nvarchar(23), current_lsn nvarchar(23),
      end_lsn nvarchar(23), tran_count bigint, last_commit_lsn nvarchar(23),
      last_commit_time datetime, log_record_count bigint,
      schema_change_count bigint, command_count bigint,
      first_begin_cdc_lsn nvarchar(23), last_commit_cdc_lsn nvarchar(23),
      last_commit_cdc_time datetime, latency int, empty_scan_count int,
      failed_sessions_count int""", "VIEW SERVER STATE")
def log_scan_sessions(session, database):
    cdc = database.cdc
    if cdc is None or cdc.last_scan is None:
        return []
    when, count = cdc.last_scan
    when = TO_DATETIME(when)
    none = "00000000:00000000:0000"
    last = lsn_text(cdc.max_lsn()) if count else none
    queue = database.log.queue
    latency = 0
    if queue:
        now = database.server.now()
        latency = (now.ticks - queue[0].end_time.ticks) // 10_000_000
    return [(cdc.scans, when, when, 0, "Done", 0, none, none, last, count,
             last, when, count, 0, count, last, last, when, latency,
             0 if count else 1, 0)]


@view("sys.dm_cdc_errors", """session_id int, phase_number int,
      entry_time datetime, error_number int, error_severity int,
      error_state int, error_message nvarchar(1024),
      start_lsn nvarchar(23), begin_lsn nvarchar(23),
      sequence_value nvarchar(23)""", "VIEW SERVER STATE")
def errors(session, database):
    return list(database.cdc.errors) if database.cdc is not None else []


def has_agent(database):
    return database.server.edition != AZURE


@view("sys.dm_server_services", """servicename nvarchar(256),
      startup_type int, startup_type_desc nvarchar(256), status int,
      status_desc nvarchar(256), process_id int,
      last_startup_time datetimeoffset(7), service_account nvarchar(256)""",
      "VIEW SERVER STATE", has_agent)
def server_services(session, database):
    running = session.engine.job.running
    now = session.engine.now_offset()
    return [("SQL Server (MSSQLSERVER)", 2, "Automatic", 4, "Running", 1, now,
             "mssql"),
            ("SQL Server Agent (MSSQLSERVER)", 2, "Automatic",
             4 if running else 1, "Running" if running else "Stopped", 2, now,
             "mssql")]


def is_msdb(database):
    return database.name == "msdb"


@view("dbo.cdc_jobs", """database_id int, job_type nvarchar(20),
      job_id uniqueidentifier, maxtrans int, maxscans int, continuous bit,
      pollinginterval bigint, retention bigint, threshold bigint""",
      database=is_msdb)
def jobs(session, _):
    found = []
    for database in session.engine.databases.values():
        if database.cdc is not None:
            for kind, job in job_rows(database).items():
                found.append((database.database_id, kind, *job[1:]))
    return found


def job_rows(database):
    """job type -> (name, id, maxtrans, maxscans, continuous, polling interval,
    retention, threshold)"""
    import uuid
    cdc = database.cdc
    ids = [uuid.uuid5(uuid.NAMESPACE_DNS, kind + database.name)
           for kind in ("capture", "cleanup")]
    return {
        "capture": ("cdc.%s_capture" % database.name, ids[0], cdc.maxtrans,
                    cdc.maxscans, True, cdc.pollinginterval, 0, 0),
        "cleanup": ("cdc.%s_cleanup" % database.name, ids[1], 0, 0, False, 0,
                    cdc.retention, cdc.threshold),
    }
