"""The procedures sys.sp_cdc_*."""

from .cdc import ChangeCapture
from .cdc_instance import CapturedColumn, CaptureInstance
from .model_database import Principal
from .model_table import Table
from .procedures import need_database_owner, procedure, table
from .result import Info, SqlError
from .sql_convert import converter
from .sql_statements import parse_expression
from .sql_types import DATETIME, DATETIME2

TO_DATETIME = converter(DATETIME2, DATETIME)
MOST_INSTANCES = 2
NAME_LIMIT = 100


def not_enabled(database):
    return SqlError(22901, "The database '%s' is not enabled for Change Data "
                    "Capture. Ensure that the correct database context is set "
                    "and retry the operation. To report on the databases "
                    "enabled for Change Data Capture, query the "
                    "is_cdc_enabled column in the sys.databases catalog view."
                    % database.name)


def need_cdc(session, database):
    if database.cdc is None:
        raise not_enabled(database)
    return database.cdc


# ---- the database -----------------------------------------------------------

@procedure("sp_cdc_enable_db")
def enable_db(session, database, args):
    if not session.server_permission("CONTROL SERVER") and not (
            session.engine.edition == 5
            and session.access(database).is_owner):
        raise SqlError(22902, "Caller is not authorized to initiate the "
                       "requested action. Sysadmin privileges are required.")
    if database.name in ("master", "model", "msdb", "tempdb"):
        raise SqlError(22988, "This instance of SQL Server is the Developer "
                       "Edition (64-bit). Change data capture cannot be "
                       "enabled on system database '%s'." % database.name)
    if database.cdc is not None:
        raise SqlError(22906, "The database '%s' is already enabled for "
                       "Change Data Capture." % database.name)
    cdc = ChangeCapture(database, session.engine.now())
    database.cdc = cdc
    database.schemas["cdc"] = cdc.schema
    database.add(cdc.mapping)
    database.principals.setdefault("cdc", Principal(
        "cdc", "S", database.new_principal_id()))
    session.current.undo.append(lambda: forget(database, cdc))


def forget(database, cdc):
    database.cdc = None
    database.remove(cdc.mapping)
    database.schemas.pop("cdc", None)
    database.principals.pop("cdc", None)


@procedure("sp_cdc_disable_db")
def disable_db(session, database, args):
    need_database_owner(session, database)
    cdc = database.cdc
    if cdc is None:
        return
    for instance in list(cdc.instances):
        remove_instance(session, instance)
    session.lock_table(cdc.mapping, "SCH-M")
    cdc.mapping.dropped = True
    forget(database, cdc)

    def undo():
        cdc.mapping.dropped = False
        database.cdc = cdc
        database.schemas["cdc"] = cdc.schema
        database.add(cdc.mapping)
    session.current.undo.append(undo)


# ---- tables -----------------------------------------------------------------

@procedure("sp_cdc_enable_table", """source_schema sysname,
           source_name sysname, role_name sysname = NULL,
           capture_instance sysname = NULL, supports_net_changes bit = NULL,
           index_name sysname = NULL,
           captured_column_list nvarchar(4000) = NULL,
           filegroup_name sysname = NULL,
           allow_partition_switch bit = 1""")
def enable_table(session, database, args):
    need_database_owner(session, database)
    cdc = need_cdc(session, database)
    source = database.find(args.source_schema, args.source_name)
    if not isinstance(source, Table) or source.shipped:
        raise SqlError(22931, "Source table '%s.%s' does not exist in the "
                       "current database. Ensure that the correct database "
                       "context is set. Specify a valid schema and table name "
                       "for the database." % (args.source_schema,
                                              args.source_name))
    if any(getattr(index, "columnstore", False) and index.clustered
           for index in source.indexes):
        raise SqlError(35353, "Change Data Capture cannot be enabled on a "
                       "table with a clustered columnstore index. Consider "
                       "dropping clustered columnstore index '%s' on table "
                       "'%s'." % (source.clustered.name, source.name))
    name = args.capture_instance or "%s_%s" % (source.schema.name,
                                               source.name)
    check_name(cdc, source, name)
    session.lock_table(source, "SCH-M")
    instance = CaptureInstance(
        name, source, captured_columns(source, args.captured_column_list),
        session.engine.now(), args.role_name,
        filegroup=args.filegroup_name,
        partition_switch=args.allow_partition_switch is not False)
    set_index(instance, args)
    if args.role_name is not None:
        make_role(session, database, args.role_name)
    add_instance(session, cdc, instance)
    if not session.engine.job.running:
        return [Info(22866, 1, 10, "SQLServerAgent is not currently running "
                     "so it cannot be notified of this action.")]


def check_name(cdc, source, name):
    if len(name) > NAME_LIMIT:
        raise SqlError(22927, "Could not create capture instance because the "
                       "capture instance name '%s' exceeds the length limit "
                       "of 100 characters. Specify a name that satisfies the "
                       "length constraint." % name)
    if len(cdc.of_table(source)) >= MOST_INSTANCES:
        raise SqlError(22962, "Two capture instances already exist for source "
                       "table '%s.%s'. A table can have at most two capture "
                       "instances. If the current tracking options are not "
                       "appropriate, disable change tracking for the obsolete "
                       "instance by using sys.sp_cdc_disable_table and retry "
                       "the operation." % (source.schema.name, source.name))
    if cdc.instance(name) is not None:
        raise SqlError(22926, "Could not create a capture instance because "
                       "the capture instance name '%s' already exists in the "
                       "current database. Specify an explicit unique name for "
                       "the parameter @capture_instance." % name)


def captured_columns(source, names):
    """The CapturedColumns of a list of names; NULL: all columns."""
    if names is None:
        chosen = list(source.columns)
    else:
        wanted = set()
        for part in names.split(","):
            name = part.strip()
            if name.startswith(("[", '"')):
                name = parse_expression(name).parts[0]
            column = source.column(name)
            if column is None:
                raise SqlError(22933, "The captured column list contains the "
                               "column '%s', which is not a column of the "
                               "table '%s'." % (name, source.qualified()))
            wanted.add(column)
        chosen = [column for column in source.columns if column in wanted]
    return [CapturedColumn(column, column.name, column.column_id,
                           type_name(column), ordinal,
                           column.computed is not None)
            for ordinal, column in enumerate(chosen, 1)]


def type_name(column):
    if column.user_type is not None:
        return column.user_type.name
    return "timestamp" if column.type.name == "rowversion" \
        else column.type.name


def set_index(instance, args):
    """The columns that identify rows: of @index_name or the primary key."""
    source = instance.table
    index = source.primary_key
    if args.index_name is not None:
        for one in source.indexes:
            if one.name.lower() == args.index_name.lower() and one.unique:
                index = one
                break
        else:
            raise SqlError(22942, "Columns specified in the captured column "
                           "list could not be mapped to columns in source "
                           "table. The index '%s' is not a unique index of "
                           "table '%s'." % (args.index_name,
                                            source.qualified()))
    net = args.supports_net_changes
    if net and index is None:
        raise SqlError(22939, "The parameter @supports_net_changes is set to "
                       "1, but the source table does not have a primary key "
                       "defined and no alternate unique index has been "
                       "specified.")
    by_source = {column.source: column for column in instance.columns}
    if index is not None:
        if all(column in by_source for column in index.columns):
            instance.index_columns = [by_source[column]
                                      for column in index.columns]
            instance.index_name = index.name
        elif net:
            raise SqlError(22943, "The columns of the index '%s' must be in "
                           "the captured column list." % index.name)
    instance.supports_net = bool(net) if net is not None \
        else bool(instance.index_columns)


def make_role(session, database, name):
    if name.lower() not in database.principals:
        database.principals[name.lower()] = Principal(
            name, "R", database.new_principal_id() + 5)


def add_instance(session, cdc, instance):
    engine = session.engine
    database, source = cdc.database, instance.table
    change_table = instance.make_change_table(cdc.schema, engine.now(),
                                              engine.command_id)
    if change_table.name.lower() in cdc.schema.objects:
        raise SqlError(2714, "There is already an object named '%s' in the "
                       "database." % change_table.name)
    cdc.instances.append(instance)
    former = source.captures
    source.captures = former + (instance,)
    database.add(change_table)

    def undo():
        cdc.instances.remove(instance)
        source.captures = former
        database.remove(change_table)
        instance.dropped = True
    session.current.undo.append(undo)

    def begin(start_lsn, change):
        """The capture job has come to where the instance begins."""
        if not instance.dropped and instance.start_lsn is None:
            instance.start_lsn = start_lsn
        return True
    session.current.log(database).event(begin)


def remove_instance(session, instance):
    cdc, source = instance.database.cdc, instance.table
    table = instance.change_table
    session.lock_table(source, "SCH-M")
    session.lock_table(table, "SCH-M")
    former, place = source.captures, cdc.instances.index(instance)
    source.captures = tuple(one for one in former if one is not instance)
    cdc.instances.remove(instance)
    instance.database.remove(table)
    instance.dropped = table.dropped = True

    def undo():
        source.captures = former
        cdc.instances.insert(place, instance)
        instance.database.add(table)
        instance.dropped = table.dropped = False
    session.current.undo.append(undo)


@procedure("sp_cdc_disable_table", """source_schema sysname,
           source_name sysname, capture_instance sysname""")
def disable_table(session, database, args):
    need_database_owner(session, database)
    cdc = need_cdc(session, database)
    source = database.find(args.source_schema, args.source_name)
    found = cdc.of_table(source) if source is not None else []
    if args.capture_instance.lower() != "all":
        found = [one for one in found
                 if one.name.lower() == args.capture_instance.lower()]
    if not found:
        raise SqlError(22985, "Could not disable Change Data Capture for the "
                       "table. The capture instance '%s' does not exist for "
                       "the source table '%s.%s'." % (
                           args.capture_instance, args.source_schema,
                           args.source_name))
    for instance in found:
        remove_instance(session, instance)


# ---- information ------------------------------------------------------------

@procedure("sp_cdc_help_change_data_capture",
           "source_schema sysname = NULL, source_name sysname = NULL")
def help_change_data_capture(session, database, args):
    cdc = need_cdc(session, database)
    access = session.access(database)
    rows = []
    for one in cdc.instances:
        if args.source_name is not None and (
                one.table.name.lower() != args.source_name.lower()
                or one.table.schema.name.lower()
                != (args.source_schema or "dbo").lower()):
            continue
        if not one.may_read(access):
            continue
        rows.append((
            one.table.schema.name, one.table.name, one.name,
            one.change_table.object_id, one.table.object_id, one.start_lsn,
            None, one.supports_net, None, one.role, one.index_name,
            one.filegroup, TO_DATETIME(one.create_date),
            listed(one.index_columns), listed(one.columns)))
    return table("""source_schema sysname, source_table sysname,
                 capture_instance sysname, object_id int,
                 source_object_id int, start_lsn binary(10),
                 end_lsn binary(10), supports_net_changes bit,
                 has_drop_pending bit, role_name sysname, index_name sysname,
                 filegroup_name sysname, create_date datetime,
                 index_column_list nvarchar(max),
                 captured_column_list nvarchar(max)""", rows)


def listed(columns):
    return ", ".join("[%s]" % column.name.replace("]", "]]")
                     for column in columns) or None


@procedure("sp_cdc_help_jobs")
def help_jobs(session, database, args):
    from .catalog_cdc import job_rows
    if not session.access(database).is_owner:
        raise SqlError(22904, "Caller is not authorized to initiate the "
                       "requested action. DBO privileges are required.")
    need_cdc(session, database)
    return table("""job_id uniqueidentifier, job_type nvarchar(8),
                 job_name sysname, maxtrans int, maxscans int, continuous bit,
                 pollinginterval bigint, retention bigint,
                 threshold bigint""", [
        (row[1], kind, row[0], *row[2:])
        for kind, row in job_rows(database).items()])


@procedure("sp_cdc_change_job", """job_type nvarchar(20) = NULL,
           maxtrans int = NULL, maxscans int = NULL, continuous bit = NULL,
           pollinginterval bigint = NULL, retention bigint = NULL,
           threshold bigint = NULL""")
def change_job(session, database, args):
    need_database_owner(session, database)
    cdc = need_cdc(session, database)
    for name in ("maxtrans", "maxscans", "pollinginterval", "retention",
                 "threshold"):
        value = getattr(args, name)
        if value is not None:
            setattr(cdc, name, value)


@procedure("sp_cdc_get_ddl_history", "capture_instance sysname")
def get_ddl_history(session, database, args):
    cdc = need_cdc(session, database)
    found = cdc.instance(args.capture_instance)
    if found is None or not found.readable(session):
        raise SqlError(22964, "Capture instance '%s' is invalid or does not "
                       "exist in the current database."
                       % args.capture_instance)
    return table("""source_schema sysname, source_table sysname,
                 capture_instance sysname, required_column_update bit,
                 ddl_command nvarchar(max), ddl_lsn binary(10),
                 ddl_time datetime""", [
        (found.table.schema.name, found.table.name, found.name, altered,
         text, lsn, TO_DATETIME(when))
        for _, _, instance, altered, text, lsn, when in cdc.history
        if instance is found])


@procedure("sp_cdc_get_captured_columns", "capture_instance sysname")
def get_captured_columns(session, database, args):
    cdc = need_cdc(session, database)
    found = cdc.instance(args.capture_instance)
    if found is None or not found.readable(session):
        raise SqlError(22964, "Capture instance '%s' is invalid or does not "
                       "exist in the current database."
                       % args.capture_instance)
    return table("""source_schema sysname, source_table sysname,
                 capture_instance sysname, column_name sysname,
                 column_id int, column_ordinal int, data_type sysname""", [
        (found.table.schema.name, found.table.name, found.name, one.name,
         one.column_id, one.ordinal, one.type_name)
        for one in found.columns])


# ---- jobs -------------------------------------------------------------------

@procedure("sp_cdc_scan", """maxtrans int = NULL, maxscans int = NULL,
           continuous tinyint = NULL, pollinginterval bigint = NULL""")
def scan(session, database, args):
    need_database_owner(session, database)
    need_cdc(session, database).capture()


@procedure("sp_cdc_start_job", "job_type nvarchar(20) = NULL")
def start_job(session, database, args):
    need_cdc(session, database)
    if (args.job_type or "capture").lower() == "capture":
        session.engine.job.automatic = True
        session.engine.job.catch_up()


@procedure("sp_cdc_stop_job", "job_type nvarchar(20) = NULL")
def stop_job(session, database, args):
    need_cdc(session, database)
    if (args.job_type or "capture").lower() == "capture":
        session.engine.job.automatic = False


@procedure("sp_cdc_add_job", """job_type nvarchar(20),
           start_job bit = 1, maxtrans int = NULL, maxscans int = NULL,
           continuous bit = NULL, pollinginterval bigint = NULL,
           retention bigint = NULL, threshold bigint = NULL""")
def add_job(session, database, args):
    need_cdc(session, database)


@procedure("sp_cdc_cleanup_change_table", """capture_instance sysname,
           low_water_mark binary(10), threshold bigint = NULL""")
def cleanup_change_table(session, database, args):
    need_database_owner(session, database)
    cdc = need_cdc(session, database)
    found = cdc.instance(args.capture_instance)
    if found is None:
        raise SqlError(22964, "Capture instance '%s' is invalid or does not "
                       "exist in the current database."
                       % args.capture_instance)
    low = args.low_water_mark
    if low is None:
        low = cdc.low_water(0)
    if low is None or cdc.end_time(low) is None:
        raise SqlError(22965, "The specified '@low_water_mark' does not match "
                       "the start_lsn of an entry in the table "
                       "cdc.lsn_time_mapping.")
    cdc.clean(low, [found])
