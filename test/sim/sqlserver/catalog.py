"""Catalog views: sys.*, INFORMATION_SCHEMA.*, msdb.dbo.cdc_jobs.

A view is declared with its columns, "name type, ...", and a function of
(session, database) that makes its rows.  Views of the schema cdc and those
that tell of change data capture: catalog_cdc.py.
"""

from dataclasses import dataclass
from typing import Any

from .model_database import FIXED_ROLES, View
from .model_table import Table
from .result import SqlError
from .sql_statements import parse_type
from .sql_types import FIXED_SIZES, catalog_size, make_type

# system_type_id, user_type_id
TYPE_IDS = {
    "image": 34, "text": 35, "uniqueidentifier": 36, "date": 40, "time": 41,
    "datetime2": 42, "datetimeoffset": 43, "tinyint": 48, "smallint": 52,
    "int": 56, "smalldatetime": 58, "real": 59, "money": 60, "datetime": 61,
    "float": 62, "sql_variant": 98, "ntext": 99, "bit": 104, "decimal": 106,
    "numeric": 108, "smallmoney": 122, "bigint": 127, "varbinary": 165,
    "varchar": 167, "binary": 173, "char": 175, "rowversion": 189,
    "timestamp": 189, "sysname": 256, "nvarchar": 231, "nchar": 239,
    "hierarchyid": 128, "geometry": 129, "geography": 130, "xml": 241,
}
CLR_SYSTEM_TYPE = 240
CLR = ("hierarchyid", "geometry", "geography")
COLLATED = ("char", "varchar", "nchar", "nvarchar", "text", "ntext")
SYSTEM_OBJECT = -100


@dataclass(eq=False)
class CatalogView:
    name: str
    columns: list               # (name, type)
    rows: Any
    permission: Any = None      # of the server
    kind = "V"
    object_id: int = 0

    def check(self, session, database):
        if session.access(database).user is None:
            raise SqlError(916, "The server principal \"%s\" is not able to "
                           "access the database \"%s\" under the current "
                           "security context." % (session.principal.name,
                                                  database.name), class_=14)
        if self.permission and not session.server_permission(
                self.permission):
            raise SqlError(300, "%s permission was denied on object 'server', "
                           "database 'master'." % self.permission, class_=14)


VIEWS = {}
ONLY_IN = {}                    # (schema, name) -> database


def declared(text):
    columns = []
    for part in text.replace("\n", " ").split(","):
        name, _, type_name = part.strip().partition(" ")
        node = parse_type(type_name.replace(";", ","))
        columns.append((name, make_type(node.parts[-1], node.args)))
    return columns


def view(name, columns, permission=None, database=None):
    """Registers the function below as the rows of a view."""
    def register(function):
        schema, _, base = name.lower().partition(".")
        number = SYSTEM_OBJECT - len(VIEWS)
        VIEWS[schema, base] = CatalogView(base, declared(columns), function,
                                          permission, number)
        if database is not None:
            ONLY_IN[schema, base] = database
        return function
    return register


def find(schema, name, database):
    """The view of a name in a database, or None."""
    key = schema.lower(), name.lower()
    if key not in VIEWS:
        return None
    if key in ONLY_IN and not ONLY_IN[key](database):
        return None
    return VIEWS[key]


def visible(session, database):
    """The tables and views that the user may know of."""
    access = session.access(database)
    return [thing for thing in database.objects.values()
            if access.may_see(thing)]


def visible_tables(session, database):
    return [thing for thing in visible(session, database)
            if isinstance(thing, Table)]


# ---- the server -------------------------------------------------------------

@view("sys.databases", """name sysname, database_id int, create_date datetime,
      collation_name sysname, compatibility_level tinyint, user_access tinyint,
      is_read_only bit, state tinyint, state_desc nvarchar(60),
      snapshot_isolation_state tinyint,
      snapshot_isolation_state_desc nvarchar(60),
      is_read_committed_snapshot_on bit, recovery_model tinyint,
      recovery_model_desc nvarchar(60), is_cdc_enabled bit, is_published bit,
      is_encrypted bit, source_database_id int, owner_sid varbinary(85)""")
def databases(session, _):
    return [(one.name, one.database_id, one.create_date, one.collation, 150,
             0, False, 0, "ONLINE", int(one.snapshot_isolation),
             "ON" if one.snapshot_isolation else "OFF",
             one.read_committed_snapshot, 1, "FULL", one.cdc is not None,
             False, False, None, b"\1")
            for one in session.engine.databases.values()
            if session.server_permission("VIEW ANY DATABASE")
            or session.access(one).user is not None
            or True]


@view("sys.configurations", """configuration_id int, name nvarchar(35),
      value sql_variant, minimum sql_variant, maximum sql_variant,
      value_in_use sql_variant, description nvarchar(255), is_dynamic bit,
      is_advanced bit""")
def configurations(session, database):
    from .functions_meta import variant
    numbers = {"max text repl size (B)": (1536, -1, 2147483647)}
    found = []
    for name, value in session.engine.settings.items():
        number, low, high = numbers.get(name, (1, 0, 2147483647))
        found.append((number, name, variant(value), variant(low),
                      variant(high), variant(value), name, True, False))
    return found


@view("sys.dm_exec_sessions", """session_id smallint, login_time datetime,
      host_name nvarchar(128), program_name nvarchar(128),
      login_name nvarchar(128), status nvarchar(30), database_id smallint,
      transaction_isolation_level smallint, open_transaction_count int,
      deadlock_priority int, lock_timeout int, text_size int,
      is_user_process bit, original_login_name nvarchar(128)""")
def sessions(session, database):
    levels = {"READ UNCOMMITTED": 1, "READ COMMITTED": 2,
              "REPEATABLE READ": 3, "SERIALIZABLE": 4, "SNAPSHOT": 5}
    shown = session.engine.sessions.values() \
        if session.server_permission("VIEW SERVER STATE") else [session]
    now = session.engine.now()
    return [(one.spid, now, one.login.host, one.login.app,
             one.principal.name, "running" if one is session else "sleeping",
             one.current_database.database_id, levels[one.isolation],
             one.count, one.deadlock_priority, one.lock_timeout,
             one.text_size, True, one.principal.name) for one in shown]


@view("sys.dm_exec_connections", """session_id int, most_recent_session_id int,
      connect_time datetime, net_transport nvarchar(40),
      protocol_type nvarchar(40), encrypt_option nvarchar(40),
      auth_scheme nvarchar(40), net_packet_size int,
      client_net_address varchar(48)""", "VIEW SERVER STATE")
def connections(session, database):
    now = session.engine.now()
    return [(one.spid, one.spid, now, "TCP", "TSQL",
             "TRUE" if one.login.encrypted else "FALSE", "SQL",
             one.login.packet_size, "127.0.0.1")
            for one in session.engine.sessions.values()]


@view("sys.dm_tran_locks", """resource_type nvarchar(60),
      resource_database_id int, resource_associated_entity_id bigint,
      request_mode nvarchar(60), request_type nvarchar(60),
      request_status nvarchar(60), request_session_id int""",
      "VIEW SERVER STATE")
def locks(session, _):
    return [("OBJECT", table.database.database_id, table.object_id, mode,
             "LOCK", "GRANT", transaction.session.spid)
            for database in session.engine.databases.values()
            for table in database.tables()
            for (transaction, _), mode in list(table.locks.items())]


@view("sys.server_principals", """name sysname, principal_id int,
      sid varbinary(85), type char(1), type_desc nvarchar(60),
      is_disabled bit""")
def server_principals(session, database):
    return [(login.name, number, bytes([number]), "S", "SQL_LOGIN", False)
            for number, login in enumerate(
                session.engine.logins.values(), 1)]


# ---- schemas, objects -------------------------------------------------------

@view("sys.schemas", "name sysname, schema_id int, principal_id int")
def schemas(session, database):
    return [(one.name, one.schema_id, 1)
            for one in database.schemas.values()]


OBJECT_COLUMNS = """name sysname, object_id int, principal_id int,
    schema_id int, parent_object_id int, type char(2), type_desc nvarchar(60),
    create_date datetime, modify_date datetime, is_ms_shipped bit,
    is_published bit, is_schema_published bit"""
KINDS = {"U": "USER_TABLE", "V": "VIEW", "D": "DEFAULT_CONSTRAINT",
         "C": "CHECK_CONSTRAINT", "F": "FOREIGN_KEY_CONSTRAINT",
         "PK": "PRIMARY_KEY_CONSTRAINT", "UQ": "UNIQUE_CONSTRAINT"}


def object_row(thing, parent=0):
    return (thing.name, thing.object_id, None, thing.schema.schema_id, parent,
            thing.kind, KINDS[thing.kind], thing.create_date,
            getattr(thing, "modify_date", thing.create_date), thing.shipped,
            False, False)


def constraint_row(table, one):
    return (one.name, one.object_id, None, table.schema.schema_id,
            table.object_id, one.kind, KINDS[one.kind], table.create_date,
            table.modify_date, False, False, False)


@view("sys.objects", OBJECT_COLUMNS)
def objects(session, database):
    found = [object_row(thing) for thing in visible(session, database)]
    for table in visible_tables(session, database):
        found += [constraint_row(table, one) for one in table.constraints]
    return found


@view("sys.all_objects", OBJECT_COLUMNS)
def all_objects(session, database):
    return objects(session, database)


@view("sys.tables", OBJECT_COLUMNS + """, lob_data_space_id int,
      max_column_id_used int, lock_on_bulk_load bit, is_tracked_by_cdc bit,
      is_memory_optimized bit, durability tinyint, temporal_type tinyint,
      temporal_type_desc nvarchar(60), history_table_id int, is_external bit,
      is_node bit, is_edge bit, is_filetable bit, is_replicated bit,
      text_in_row_limit int, large_value_types_out_of_row bit""")
def tables(session, database):
    return [object_row(one) + (
        0, one.max_column_id, False, bool(one.captures), False, 0,
        one.temporal_type, "NON_TEMPORAL_TABLE", None, False, False, False,
        False, bool(one.captures), 0, False)
        for one in visible_tables(session, database)]


@view("sys.views", OBJECT_COLUMNS)
def views(session, database):
    return [object_row(one) for one in visible(session, database)
            if isinstance(one, View)]


@view("sys.sql_modules", "object_id int, definition nvarchar(max)")
def modules(session, database):
    return [(one.object_id, one.text) for one in visible(session, database)
            if isinstance(one, View)]


# ---- columns and types ------------------------------------------------------

COLUMN_COLUMNS = """object_id int, name sysname, column_id int,
    system_type_id tinyint, user_type_id int, max_length smallint,
    precision tinyint, scale tinyint, collation_name sysname,
    is_nullable bit, is_ansi_padded bit, is_rowguidcol bit, is_identity bit,
    is_computed bit, is_filestream bit, is_replicated bit,
    is_non_sql_subscribed bit, is_merge_published bit, is_dts_replicated bit,
    is_xml_document bit, xml_collection_id int, default_object_id int,
    rule_object_id int, is_sparse bit, is_column_set bit,
    generated_always_type tinyint, generated_always_type_desc nvarchar(60),
    encryption_type int, is_hidden bit, is_masked bit, graph_type int"""


def system_type_id(type):
    return CLR_SYSTEM_TYPE if type.name in CLR else TYPE_IDS[type.name]


def user_type_id(column):
    if column.user_type is not None:
        return column.user_type.user_type_id
    return TYPE_IDS["sysname" if column.sysname else column.type.name]


def column_row(table, column, tracked):
    type = column.type
    size, precision, scale = catalog_size(type)
    return (table.object_id, column.name, column.column_id,
            system_type_id(type), user_type_id(column), size, precision,
            scale, type.collation or table.database.collation
            if type.name in COLLATED else None, type.nullable, True,
            column.rowguidcol, column.identity is not None,
            column.computed is not None, False, tracked, False, False, False,
            False, 0, column.default.object_id if column.default else 0, 0,
            column.sparse, column.column_set, column.generated,
            ("NOT_APPLICABLE", "AS_ROW_START", "AS_ROW_END")[
                column.generated], None, column.hidden, False, None)


@view("sys.columns", COLUMN_COLUMNS)
def columns(session, database):
    return [column_row(table, column, bool(table.captures))
            for table in visible_tables(session, database)
            for column in table.columns]


@view("sys.all_columns", COLUMN_COLUMNS)
def all_columns(session, database):
    return columns(session, database)


@view("sys.computed_columns", COLUMN_COLUMNS + """,
      definition nvarchar(max), uses_database_collation bit,
      is_persisted bit""")
def computed_columns(session, database):
    return [column_row(table, column, False)
            + (column.computed_text, True, column.persisted)
            for table in visible_tables(session, database)
            for column in table.columns if column.computed is not None]


@view("sys.identity_columns", COLUMN_COLUMNS + """, seed_value sql_variant,
      increment_value sql_variant, last_value sql_variant""")
def identity_columns(session, database):
    from .functions_meta import variant
    return [column_row(table, column, False)
            + (variant(column.identity[0]), variant(column.identity[1]),
               variant(table.identity_value))
            for table in visible_tables(session, database)
            for column in table.columns if column.identity is not None]


@view("sys.types", """name sysname, system_type_id tinyint, user_type_id int,
      schema_id int, principal_id int, max_length smallint, precision tinyint,
      scale tinyint, collation_name sysname, is_nullable bit,
      is_user_defined bit, is_assembly_type bit, default_object_id int,
      rule_object_id int, is_table_type bit""")
def types(session, database):
    found = []
    limits = {"decimal": (17, 38, 38), "numeric": (17, 38, 38),
              "time": (5, 16, 7), "datetime2": (8, 27, 7),
              "datetimeoffset": (10, 34, 7), "sysname": (256, 0, 0)}
    for name, number in TYPE_IDS.items():
        if name == "rowversion":
            continue
        system = (CLR_SYSTEM_TYPE if name in CLR else
                  TYPE_IDS["nvarchar"] if name == "sysname" else number)
        key = "rowversion" if name == "timestamp" else name
        size = limits.get(name) or FIXED_SIZES.get(key) or (8000, 0, 0)
        collation = database.collation \
            if name in COLLATED + ("sysname",) else None
        found.append((name, system, number, 4, None, *size, collation,
                      name not in ("sysname", "timestamp"), False,
                      name in CLR, 0, 0, False))
    for alias in database.types.values():
        found.append((alias.name, system_type_id(alias.type),
                      alias.user_type_id, alias.schema.schema_id, None,
                      *catalog_size(alias.type),
                      database.collation if alias.type.name in COLLATED
                      else None, alias.type.nullable, True, False, 0, 0,
                      False))
    return found


# ---- indexes, constraints ---------------------------------------------------

@view("sys.indexes", """object_id int, name sysname, index_id int,
      type tinyint, type_desc nvarchar(60), is_unique bit, data_space_id int,
      ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit,
      fill_factor tinyint, is_padded bit, is_disabled bit,
      is_hypothetical bit, has_filter bit, filter_definition nvarchar(max)""")
def indexes(session, database):
    found = []
    for table in visible_tables(session, database):
        if table.clustered is table.heap:
            found.append((table.object_id, None, 0, 0, "HEAP", False, 1,
                          False, False, False, 0, False, False, False, False,
                          None))
        for one in table.indexes:
            kind = 1 if one.clustered else 2
            if getattr(one, "columnstore", False):
                kind = 5 if one.clustered else 6
            found.append((
                table.object_id, one.name, one.index_id, kind,
                {1: "CLUSTERED", 2: "NONCLUSTERED",
                 5: "CLUSTERED COLUMNSTORE",
                 6: "NONCLUSTERED COLUMNSTORE"}[kind], one.unique, 1, False,
                one.primary, one.constraint and not one.primary, 0, False,
                False, False, one.predicate is not None,
                one.predicate_text))
    return found


@view("sys.index_columns", """object_id int, index_id int,
      index_column_id int, column_id int, key_ordinal tinyint,
      partition_ordinal tinyint, is_descending_key bit,
      is_included_column bit""")
def index_columns(session, database):
    found = []
    for table in visible_tables(session, database):
        for one in table.indexes:
            number = 0
            for number, (column, down) in enumerate(
                    zip(one.columns, one.descending), 1):
                found.append((table.object_id, one.index_id, number,
                              column.column_id, number, 0, down, False))
            for number, column in enumerate(one.included, number + 1):
                found.append((table.object_id, one.index_id, number,
                              column.column_id, 0, 0, False, True))
    return found


def constraints(session, database, *kinds):
    return [(table, one) for table in visible_tables(session, database)
            for one in table.constraints if one.kind in kinds]


@view("sys.default_constraints", OBJECT_COLUMNS + """, parent_column_id int,
      definition nvarchar(max), is_system_named bit""")
def default_constraints(session, database):
    return [constraint_row(table, one)
            + (one.columns[0].column_id, one.text, one.system_named)
            for table, one in constraints(session, database, "D")]


@view("sys.check_constraints", OBJECT_COLUMNS + """, is_disabled bit,
      parent_column_id int, definition nvarchar(max), is_system_named bit""")
def check_constraints(session, database):
    return [constraint_row(table, one)
            + (False, 0, one.text, one.system_named)
            for table, one in constraints(session, database, "C")]


@view("sys.key_constraints", OBJECT_COLUMNS + """, unique_index_id int,
      is_system_named bit, is_enforced bit""")
def key_constraints(session, database):
    return [constraint_row(table, one)
            + (one.index.index_id, one.system_named, True)
            for table, one in constraints(session, database, "PK", "UQ")]


@view("sys.foreign_keys", OBJECT_COLUMNS + """, referenced_object_id int,
      key_index_id int, is_disabled bit, delete_referential_action tinyint,
      update_referential_action tinyint""")
def foreign_keys(session, database):
    actions = {"NO ACTION": 0, "CASCADE": 1, "SET NULL": 2, "SET DEFAULT": 3}
    return [constraint_row(table, one)
            + (one.references[0].object_id, 1, False,
               actions[one.actions.get("DELETE", "NO ACTION")],
               actions[one.actions.get("UPDATE", "NO ACTION")])
            for table, one in constraints(session, database, "F")]


@view("sys.foreign_key_columns", """constraint_object_id int,
      constraint_column_id int, parent_object_id int, parent_column_id int,
      referenced_object_id int, referenced_column_id int""")
def foreign_key_columns(session, database):
    return [(one.object_id, number, table.object_id, mine.column_id,
             one.references[0].object_id, theirs.column_id)
            for table, one in constraints(session, database, "F")
            for number, (mine, theirs) in enumerate(
                zip(one.columns, one.references[1]), 1)]


# ---- sizes ------------------------------------------------------------------

@view("sys.partitions", """partition_id bigint, object_id int, index_id int,
      partition_number int, hobt_id bigint, rows bigint,
      data_compression tinyint""")
def partitions(session, database):
    return [(table.object_id * 8 + number, table.object_id, number, 1,
             table.object_id * 8 + number, len(table.rows), 0)
            for table in visible_tables(session, database)
            for number in partition_numbers(table)]


def partition_numbers(table):
    numbers = [index.index_id for index in table.indexes]
    return numbers if table.clustered is not table.heap else [0] + numbers


ROWS_A_PAGE = 100


@view("sys.dm_db_partition_stats", """partition_id bigint, object_id int,
      index_id int, partition_number int, in_row_used_page_count bigint,
      used_page_count bigint, reserved_page_count bigint, row_count bigint""")
def partition_stats(session, database):
    found = []
    for table in visible_tables(session, database):
        pages = (len(table.rows) + ROWS_A_PAGE - 1) // ROWS_A_PAGE
        for number in partition_numbers(table):
            found.append((table.object_id * 8 + number, table.object_id,
                          number, 1, pages, pages, pages, len(table.rows)))
    return found


@view("sys.allocation_units", """allocation_unit_id bigint, type tinyint,
      container_id bigint, total_pages bigint, used_pages bigint,
      data_pages bigint""")
def allocation_units(session, database):
    found = []
    for table in visible_tables(session, database):
        pages = (len(table.rows) + ROWS_A_PAGE - 1) // ROWS_A_PAGE
        for number in partition_numbers(table):
            key = table.object_id * 8 + number
            found.append((key, 1, key, pages, pages, pages))
    return found


# ---- principals -------------------------------------------------------------

@view("sys.database_principals", """name sysname, principal_id int,
      type char(1), type_desc nvarchar(60), default_schema_name sysname,
      is_fixed_role bit""")
def principals(session, database):
    return [(one.name, one.principal_id, one.kind,
             "SQL_USER" if one.kind == "S" else "DATABASE_ROLE",
             "dbo" if one.kind == "S" else None,
             one.name in FIXED_ROLES and one.name != "public")
            for one in database.principals.values()]


@view("sys.database_role_members",
      "role_principal_id int, member_principal_id int")
def role_members(session, database):
    return [(database.principals[role].principal_id, one.principal_id)
            for one in database.principals.values() for role in one.roles]


@view("sys.extended_properties", """class tinyint, class_desc nvarchar(60),
      major_id int, minor_id int, name sysname, value sql_variant""")
def extended_properties(session, database):
    return []


# ---- INFORMATION_SCHEMA -----------------------------------------------------

@view("information_schema.tables", """TABLE_CATALOG nvarchar(128),
      TABLE_SCHEMA sysname, TABLE_NAME sysname, TABLE_TYPE varchar(10)""")
def info_tables(session, database):
    return [(database.name, thing.schema.name, thing.name,
             "BASE TABLE" if isinstance(thing, Table) else "VIEW")
            for thing in visible(session, database)]


@view("information_schema.columns", """TABLE_CATALOG nvarchar(128),
      TABLE_SCHEMA sysname, TABLE_NAME sysname, COLUMN_NAME sysname,
      ORDINAL_POSITION int, COLUMN_DEFAULT nvarchar(4000),
      IS_NULLABLE varchar(3), DATA_TYPE nvarchar(128),
      CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int,
      NUMERIC_PRECISION tinyint, NUMERIC_SCALE int,
      DATETIME_PRECISION smallint, CHARACTER_SET_NAME sysname,
      COLLATION_NAME sysname""")
def info_columns(session, database):
    found = []
    for table in visible_tables(session, database):
        for number, column in enumerate(table.columns, 1):
            type = column.type
            size, precision, scale = catalog_size(type)
            length = type.length if type.length else None
            numeric = type.name in ("tinyint", "smallint", "int", "bigint",
                                    "decimal", "numeric", "money",
                                    "smallmoney", "float", "real")
            found.append((
                database.name, table.schema.name, table.name, column.name,
                number, column.default.text if column.default else None,
                "YES" if type.nullable else "NO", type_name(type), length,
                size if length else None, precision if numeric else None,
                scale if numeric else None,
                scale if type.name.startswith(("date", "time")) else None,
                None, type.collation or database.collation
                if type.name in COLLATED else None))
    return found


def type_name(type):
    return "timestamp" if type.name == "rowversion" else type.name


from . import catalog_cdc       # noqa: E402, registers its views
