"""Functions and @@variables that tell of the server, databases, objects and
permissions."""

from .functions_common import with_session
from .result import Variant
from .sql_convert import type_of_value
from .sql_types import INT, SMALLINT, SYSNAME, TINYINT, catalog_size
from .types import Type

VERSION = "15.0.4430.1"
VERSION_TEXT = (
    "Microsoft SQL Server 2019 (RTM-CU32) - %s (X64) \n\tsynchdb test server, "
    "a simulator\n\tDeveloper Edition (64-bit) on Linux" % VERSION)
VARIANT = Type("sql_variant")


def variant(value):
    return None if value is None else Variant(type_of_value(value), value)


def parts(text):
    from .model_names import parse_parts
    return parse_parts(text)


def find_object(session, text):
    """The object of a name in a string; None if unknown or not visible."""
    from . import catalog
    found = parts(text)
    try:
        thing = session.names.find(found)
        database, schema, name = session.names.split(found)
    except Exception:
        return None
    if thing is not None:
        if name.startswith("#") or session.access(
                thing.database).may_see(thing):
            return thing
        return None
    return catalog.find(schema or "dbo", name, database)


def object_id(session, name, kind=None):
    if name is None:
        return None
    thing = find_object(session, name)
    if thing is None:
        return None
    if kind is not None and kind.strip().upper() not in (
            thing.kind, {"U": "U"}.get(thing.kind, thing.kind)):
        return None
    return thing.object_id


def object_by_id(session, number, database_id=None):
    database = session.current_database
    if database_id is not None:
        database = database_by_id(session, database_id)
    if database is None or number is None:
        return None
    return database.objects.get(number)


def database_by_id(session, number):
    for database in session.engine.databases.values():
        if database.database_id == number:
            return database
    return None


def object_name(session, number, database_id=None):
    thing = object_by_id(session, number, database_id)
    return thing.name if thing is not None else None


def object_schema_name(session, number, database_id=None):
    thing = object_by_id(session, number, database_id)
    return thing.schema.name if thing is not None else None


def db_id(session, name=""):
    if name is None:
        return None
    database = session.engine.database(name) if name \
        else session.current_database
    return database.database_id if database is not None else None


def db_name(session, number=None):
    database = session.current_database if number is None \
        else database_by_id(session, number)
    return database.name if database is not None else None


def schema_name(session, number=None):
    if number is None:
        return "dbo"
    for schema in session.current_database.schemas.values():
        if schema.schema_id == number:
            return schema.name
    return None


def schema_id(session, name=None):
    schema = session.current_database.schema(name or "dbo")
    return schema.schema_id if schema is not None else None


def column_of(session, object_number, number):
    thing = object_by_id(session, object_number)
    for column in getattr(thing, "columns", ()):
        if column.column_id == number:
            return column
    return None


def col_name(session, object_number, number):
    column = column_of(session, object_number, number)
    return column.name if column is not None else None


def col_length(session, table, name):
    thing = find_object(session, table) if table else None
    column = thing.column(name) if hasattr(thing, "column") and name else None
    return catalog_size(column.type)[0] if column is not None else None


COLUMN_PROPERTIES = {
    "allowsnull": lambda column: column.type.nullable,
    "isidentity": lambda column: column.identity is not None,
    "iscomputed": lambda column: column.computed is not None,
    "issparse": lambda column: column.sparse,
    "ishidden": lambda column: column.hidden,
    "isrowguidcol": lambda column: column.rowguidcol,
    "columnid": lambda column: column.column_id,
    "ordinal": lambda column: column.place + 1,
    "precision": lambda column: catalog_size(column.type)[1],
    "scale": lambda column: catalog_size(column.type)[2],
}


def column_property(session, number, name, what):
    thing = object_by_id(session, number)
    column = thing.column(name) if hasattr(thing, "column") and name else None
    find = COLUMN_PROPERTIES.get((what or "").lower())
    return int(find(column)) if column is not None and find else None


OBJECT_PROPERTIES = {
    "istable": lambda thing: thing.kind == "U",
    "isusertable": lambda thing: thing.kind == "U" and not thing.shipped,
    "isview": lambda thing: thing.kind == "V",
    "ismsshipped": lambda thing: thing.shipped,
    "schemaid": lambda thing: thing.schema.schema_id,
    "tablehasidentity": lambda thing: thing.identity_column is not None,
    "tablehasprimarykey": lambda thing: thing.primary_key is not None,
    "tablehasclustindex": lambda thing: thing.clustered is not thing.heap,
}


def object_property(session, number, what):
    thing = object_by_id(session, number)
    find = OBJECT_PROPERTIES.get((what or "").lower())
    return int(find(thing)) if thing is not None and find else None


SERVER_PROPERTIES = {
    "productversion": lambda engine: VERSION,
    "productlevel": lambda engine: "RTM",
    "productupdatelevel": lambda engine: "CU32",
    "productmajorversion": lambda engine: VERSION.split(".")[0],
    "productminorversion": lambda engine: VERSION.split(".")[1],
    "productbuild": lambda engine: VERSION.split(".")[2],
    "edition": lambda engine: "SQL Azure" if engine.edition == 5
    else "Developer Edition (64-bit)",
    "engineedition": lambda engine: engine.edition,
    "servername": lambda engine: "simulator",
    "machinename": lambda engine: "simulator",
    "instancename": lambda engine: None,
    "collation": lambda engine: "SQL_Latin1_General_CP1_CI_AS",
    "ishadrenabled": lambda engine: 0,
    "isclustered": lambda engine: 0,
    "isintegratedsecurityonly": lambda engine: 0,
    "processid": lambda engine: 1,
}


def server_property(session, name):
    find = SERVER_PROPERTIES.get((name or "").lower())
    return variant(find(session.engine)) if find else None


DATABASE_PROPERTIES = {
    "collation": lambda database: database.collation,
    "updateability": lambda database: "READ_WRITE",
    "status": lambda database: "ONLINE",
    "recovery": lambda database: "FULL",
    "useraccess": lambda database: "MULTI_USER",
}


def database_property(session, name, what):
    database = session.engine.database(name or "")
    find = DATABASE_PROPERTIES.get((what or "").lower())
    if session.secondary and (what or "").lower() == "updateability":
        return variant("READ_ONLY")
    return variant(find(database)) if database is not None and find else None


# permissions

def is_member(session, role):
    access = session.access()
    if role is None or role.lower() not in access.database.principals:
        return None
    return int(access.is_member(role))


def is_role_member(session, role, user=None):
    database = session.current_database
    if user is None:
        return is_member(session, role)
    principal = database.principals.get(user.lower())
    if principal is None or (role or "").lower() not in database.principals:
        return None
    return int(role.lower() in database.roles_of(principal))


def is_server_role_member(session, role, login=None):
    known = session.principal if login is None \
        else session.engine.logins.get(login.lower())
    return None if known is None else int((role or "").lower() in known.roles)


def has_perms(session, name, kind, permission, *rest):
    if permission is None:
        return None
    permission = permission.upper()
    if kind is None or kind.upper() == "SERVER":
        return int(session.server_permission(permission))
    kind = kind.upper()
    if kind == "DATABASE":
        database = session.engine.database(parts(name)[-1]) if name \
            else session.current_database
        if database is None:
            return None
        access = session.access(database)
        if access.user is None:
            return 0
        return int(access.may_in_database(permission)
                   or permission in ("CONNECT", "ANY"))
    return has_object_perms(session, name, kind, permission)


def has_object_perms(session, name, kind, permission):
    access = session.access()
    if kind == "SCHEMA":
        schema = access.database.schema(parts(name)[-1])
        if schema is None:
            return None
        return int(access.is_owner or access.database.granted(
            access.names, permission, [
                ("SCHEMA", schema.name.lower()), ("DATABASE", "")])
            == "GRANT" or access.ROLES.get(permission) in access.names)
    thing = find_object(session, name)
    if thing is None or not hasattr(thing, "database"):
        return None
    return int(session.access(thing.database).may(permission, thing))


def user_name(session, number=None):
    access = session.access()
    if number is None:
        return access.user.name if access.user is not None else "guest"
    for principal in access.database.principals.values():
        if principal.principal_id == number:
            return principal.name
    return None


def error_part(find):
    def get(session):
        return find(session.caught) if session.caught is not None else None
    return get


def ident_current(session, name):
    thing = find_object(session, name) if name else None
    value = getattr(thing, "identity_value", None)
    if value is None and getattr(thing, "identity_column", None):
        value = thing.identity_column.identity[0]
    return value


def type_id(session, name):
    from .catalog import TYPE_IDS
    return TYPE_IDS.get((name or "").lower())


def type_name(session, number):
    from .catalog import TYPE_IDS
    for name, known in TYPE_IDS.items():
        if known == number:
            return name
    for alias in session.current_database.types.values():
        if alias.user_type_id == number:
            return alias.name
    return None


def xact_state(session):
    return 1 if session.open is not None else 0


def connection_property(session, name):
    found = {"net_transport": "TCP", "protocol_type": "TSQL",
             "auth_scheme": "SQL", "client_net_address": "127.0.0.1",
             "local_net_address": "127.0.0.1",
             "encrypt_option": "TRUE" if session.login.encrypted
             else "FALSE"}.get((name or "").lower())
    return variant(found)


DECIMAL38 = Type("numeric", precision=38)
TEXT = Type("nvarchar", 4000)

META_FUNCTIONS = {name: with_session(returns, function, *types, least=least)
                  for name, returns, function, types, least in (
    ("OBJECT_ID", INT, object_id, (TEXT, TEXT), 1),
    ("OBJECT_NAME", SYSNAME, object_name, (INT, INT), 1),
    ("OBJECT_SCHEMA_NAME", SYSNAME, object_schema_name, (INT, INT), 1),
    ("DB_ID", SMALLINT, db_id, (TEXT,), 0),
    ("DB_NAME", SYSNAME, db_name, (INT,), 0),
    ("SCHEMA_NAME", SYSNAME, schema_name, (INT,), 0),
    ("SCHEMA_ID", INT, schema_id, (TEXT,), 0),
    ("COL_NAME", SYSNAME, col_name, (INT, INT), 2),
    ("COL_LENGTH", SMALLINT, col_length, (TEXT, TEXT), 2),
    ("COLUMNPROPERTY", INT, column_property, (INT, TEXT, TEXT), 3),
    ("OBJECTPROPERTY", INT, object_property, (INT, TEXT), 2),
    ("SERVERPROPERTY", VARIANT, server_property, (TEXT,), 1),
    ("DATABASEPROPERTYEX", VARIANT, database_property, (TEXT, TEXT), 2),
    ("CONNECTIONPROPERTY", VARIANT, connection_property, (TEXT,), 1),
    ("IS_MEMBER", INT, is_member, (TEXT,), 1),
    ("IS_ROLEMEMBER", INT, is_role_member, (TEXT, TEXT), 1),
    ("IS_SRVROLEMEMBER", INT, is_server_role_member, (TEXT, TEXT), 1),
    ("HAS_PERMS_BY_NAME", INT, has_perms, (TEXT,) * 5, 3),
    ("USER_NAME", SYSNAME, user_name, (INT,), 0),
    ("CURRENT_USER", SYSNAME, user_name, (), 0),
    ("SESSION_USER", SYSNAME, user_name, (), 0),
    ("USER", SYSNAME, user_name, (), 0),
    ("SUSER_SNAME", SYSNAME, lambda session, sid=None:
     session.principal.name, (None,), 0),
    ("SUSER_NAME", SYSNAME, lambda session, sid=None:
     session.principal.name, (None,), 0),
    ("SYSTEM_USER", SYSNAME, lambda session: session.principal.name, (), 0),
    ("ORIGINAL_LOGIN", SYSNAME, lambda session: session.principal.name, (),
     0),
    ("HOST_NAME", SYSNAME, lambda session: session.login.host, (), 0),
    ("APP_NAME", SYSNAME, lambda session: session.login.app, (), 0),
    ("SCOPE_IDENTITY", DECIMAL38, lambda session: session.identity, (), 0),
    ("IDENT_CURRENT", DECIMAL38, ident_current, (TEXT,), 1),
    ("TYPE_ID", INT, type_id, (TEXT,), 1),
    ("TYPE_NAME", SYSNAME, type_name, (INT,), 1),
    ("XACT_STATE", SMALLINT, xact_state, (), 0),
    ("ERROR_NUMBER", INT, error_part(lambda e: e.number), (), 0),
    ("ERROR_MESSAGE", TEXT, error_part(lambda e: e.message), (), 0),
    ("ERROR_SEVERITY", INT, error_part(lambda e: e.class_), (), 0),
    ("ERROR_STATE", INT, error_part(lambda e: e.state), (), 0),
    ("ERROR_LINE", INT, error_part(lambda e: e.line), (), 0),
    ("ERROR_PROCEDURE", SYSNAME, error_part(lambda e: e.procedure or None),
     (), 0),
)}

GLOBALS = {
    "@@version": (Type("nvarchar", 300), lambda session: VERSION_TEXT),
    "@@spid": (SMALLINT, lambda session: session.spid),
    "@@trancount": (INT, lambda session: session.count),
    "@@rowcount": (INT, lambda session: session.rowcount),
    "@@error": (INT, lambda session: session.error),
    "@@identity": (DECIMAL38, lambda session: session.identity),
    "@@servername": (SYSNAME, lambda session: "simulator"),
    "@@lock_timeout": (INT, lambda session: session.lock_timeout),
    "@@textsize": (INT, lambda session: session.text_size),
    "@@datefirst": (TINYINT, lambda session: 7),
    "@@language": (SYSNAME, lambda session: "us_english"),
    "@@max_precision": (TINYINT, lambda session: 38),
    "@@dbts": (Type("varbinary", 8), lambda session:
               session.current_database.version_counter.to_bytes(8, "big")),
    "@@options": (INT, lambda session: 5432),
    "@@nestlevel": (INT, lambda session: 0),
    "@@fetch_status": (INT, lambda session: -1),
    "@@microsoftversion": (INT, lambda session: 15 << 24 | 4430),
}
