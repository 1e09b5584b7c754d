"""Databases, their schemas, types and principals; logins of the server."""

from dataclasses import dataclass, field
from typing import Any, Optional

from .collation import DEFAULT as DEFAULT_COLLATION
from .model_table import Table
from .result import SqlError
from .types import Type

FIXED_ROLES = ("public", "db_owner", "db_datareader", "db_datawriter",
               "db_ddladmin", "db_accessadmin", "db_securityadmin",
               "db_backupoperator", "db_denydatareader", "db_denydatawriter")
FIRST_OBJECT = 245575913
OBJECT_STEP = 16000057
SYSTEM_SCHEMAS = ("dbo", "guest", "INFORMATION_SCHEMA", "sys")


@dataclass(eq=False)
class Schema:
    name: str
    schema_id: int
    owner: str = "dbo"
    objects: dict = field(default_factory=dict)     # lower name -> object


@dataclass(eq=False)
class View:
    database: Any
    schema: Schema
    name: str
    object_id: int
    columns: list
    query: Any
    text: str
    create_date: Any
    kind = "V"
    shipped = False


@dataclass(eq=False)
class AliasType:
    name: str
    schema: Schema
    user_type_id: int
    type: Type


@dataclass(eq=False)
class Principal:
    name: str
    kind: str                       # S user, R role
    principal_id: int
    login: Optional[str] = None     # lower case
    roles: set = field(default_factory=set)     # lower names it belongs to


@dataclass(eq=False)
class Login:
    name: str
    password: str
    roles: set = field(default_factory=set)
    permissions: set = field(default_factory=set)


class Database:
    def __init__(self, server, name, database_id, now,
                 collation=DEFAULT_COLLATION):
        self.server = server
        self.name = name
        self.database_id = database_id
        self.create_date = now
        self.collation = collation
        self.schemas = {}
        self.objects = {}               # by id
        self.types = {}                 # (schema, name) in lower case
        self.principals = {}
        self.grants = {}                # (principal, permission, scope)
        self.snapshot_isolation = False
        self.read_committed_snapshot = False
        self.cdc = None                 # cdc.ChangeCapture once enabled
        self.log = None                 # cdc_log.Log, given by the server
        self.version_counter = 2000     # @@DBTS
        self.dropped = False
        self.last_object_id = FIRST_OBJECT
        for number, schema in enumerate(SYSTEM_SCHEMAS, 1):
            self.schemas[schema.lower()] = Schema(schema, number)
        for number, role in enumerate(FIXED_ROLES):
            self.principals[role] = Principal(
                role, "R", 16384 + number if number else 0)
        self.principals["dbo"] = Principal("dbo", "S", 1, "sa", {"db_owner"})
        self.principals["guest"] = Principal("guest", "S", 2)

    def new_object_id(self):
        self.last_object_id += OBJECT_STEP
        if self.last_object_id > 2**31 - 1:
            self.last_object_id -= 2**31 - 1
        while self.last_object_id in self.objects:
            self.last_object_id += 1
        return self.last_object_id

    def new_schema_id(self):
        return max([4] + [schema.schema_id for schema
                          in self.schemas.values()]) + 1

    def new_principal_id(self):
        return max([4] + [p.principal_id for p in self.principals.values()
                          if p.principal_id < 16000]) + 1

    def schema(self, name):
        return self.schemas.get(name.lower())

    def find(self, schema, name):
        """A table or view, or None."""
        found = self.schemas.get(schema.lower())
        return found.objects.get(name.lower()) if found else None

    def add(self, thing):
        thing.schema.objects[thing.name.lower()] = thing
        self.objects[thing.object_id] = thing

    def remove(self, thing):
        thing.schema.objects.pop(thing.name.lower(), None)
        self.objects.pop(thing.object_id, None)

    def tables(self):
        return [thing for schema in self.schemas.values()
                for thing in schema.objects.values()
                if isinstance(thing, Table)]

    def next_rowversion(self):
        self.version_counter += 1
        return self.version_counter.to_bytes(8, "big")

    # permissions

    def roles_of(self, principal):
        """The principal's name and those of all roles it belongs to."""
        found, todo = {"public"}, [principal.name.lower()]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.principals[name].roles)
        return found

    def granted(self, names, permission, scopes):
        """GRANT or DENY of a permission in one of the scopes, or None."""
        states = {self.grants.get((name, permission, scope))
                  for name in names for scope in scopes}
        return "DENY" if "DENY" in states else (
            "GRANT" if "GRANT" in states else None)


class Access:
    """What a session may do in a database."""

    ROLES = {"SELECT": "db_datareader", "INSERT": "db_datawriter",
             "UPDATE": "db_datawriter", "DELETE": "db_datawriter"}

    def __init__(self, database, login):
        self.database = database
        self.sysadmin = "sysadmin" in login.roles
        self.user = self.find_user(login)
        self.is_owner = self.sysadmin
        self.names = {"public"}
        if self.user is not None:
            self.names = database.roles_of(self.user)
            self.is_owner = self.sysadmin or "db_owner" in self.names

    def find_user(self, login):
        if self.sysadmin:
            return self.database.principals["dbo"]
        for principal in self.database.principals.values():
            if principal.login == login.name.lower():
                return principal
        if self.database.database_id <= 4:
            return self.database.principals["guest"]
        return None

    def is_member(self, role):
        return self.is_owner or role.lower() in self.names

    def may(self, permission, thing, column=None):
        """Whether a permission on a table or view is held."""
        if self.is_owner:
            return True
        scopes = [("OBJECT", thing.object_id), ("SCHEMA",
                  thing.schema.name.lower()), ("DATABASE", "")]
        state = self.database.granted(self.names, permission, scopes)
        if state is None:
            state = self.database.granted(self.names, "CONTROL", scopes)
        if state is None and self.ROLES.get(permission) in self.names:
            return "db_denydatareader" not in self.names
        return state == "GRANT"

    def may_see(self, thing):
        """Whether the catalog shows it."""
        return (self.is_owner or any(self.may(permission, thing) for permission
                in ("SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES",
                    "VIEW DEFINITION")))

    def may_in_database(self, permission):
        if self.is_owner:
            return True
        return self.database.granted(self.names, permission,
                                     [("DATABASE", "")]) == "GRANT"


def no_permission(permission, thing):
    return SqlError(229, "The %s permission was denied on the object '%s', "
                    "database '%s', schema '%s'." % (
                        permission, thing.name, thing.database.name,
                        thing.schema.name), class_=14, state=5)


def invalid_object(name):
    return SqlError(208, "Invalid object name '%s'." % name)
