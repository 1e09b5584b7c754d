"""CREATE LOGIN, USER, ROLE; ALTER ROLE; GRANT, DENY, REVOKE."""

from . import sql_ast as ast
from .model_database import Login, Principal
from .result import Done, SqlError


def exists_already(kind, name):
    return SqlError(15023 if kind != "LOGIN" else 15025,
                    "User, group, or role '%s' already exists in the current "
                    "database." % name if kind != "LOGIN" else
                    "The server principal '%s' already exists." % name)


def create_principal(executor, node):
    session = executor.session
    with session.latch:
        if node.kind == "LOGIN":
            create_login(session, node)
        else:
            create_in_database(session, node)
    yield Done()


def create_login(session, node):
    logins = session.engine.logins
    if node.name.lower() in logins:
        raise exists_already("LOGIN", node.name)
    logins[node.name.lower()] = Login(node.name, node.password)


def create_in_database(session, node):
    database = session.current_database
    if node.name.lower() in database.principals:
        raise exists_already(node.kind, node.name)
    if node.login and node.login.lower() not in session.engine.logins:
        raise SqlError(15007, "'%s' is not a valid login or you do not have "
                       "permission." % node.login)
    database.principals[node.name.lower()] = Principal(
        node.name, "S" if node.kind == "USER" else "R",
        database.new_principal_id(), node.login and node.login.lower())


def need_principal(database, name):
    found = database.principals.get(name.lower())
    if found is None:
        raise SqlError(15151, "Cannot find the user '%s', because it does not "
                       "exist or you do not have permission." % name)
    return found


def alter_role(executor, node):
    session = executor.session
    with session.latch:
        if node.server:
            member = need_login(session, node.member)
        else:
            member = need_principal(session.current_database, node.member)
            need_principal(session.current_database, node.name)
        if node.action.startswith("ADD"):
            member.roles.add(node.name.lower())
        else:
            member.roles.discard(node.name.lower())
    yield Done()


def need_login(session, name):
    login = session.engine.logins.get(name.lower())
    if login is None:
        raise SqlError(15151, "Cannot find the login '%s', because it does "
                       "not exist or you do not have permission." % name)
    return login


SERVER_PERMISSIONS = frozenset("""VIEW SERVER STATE;VIEW ANY DATABASE;
VIEW ANY DEFINITION;CONTROL SERVER;CREATE ANY DATABASE;
CONNECT SQL;ALTER ANY LOGIN;VIEW SERVER PERFORMANCE STATE""".replace(
    "\n", "").split(";"))


def permission(executor, node):
    session = executor.session
    with session.latch:
        for name in node.permissions:
            name = name if isinstance(name, str) else name[0]
            for principal in node.principals:
                if name in SERVER_PERMISSIONS and node.target is None:
                    server_permission(session, node, name, principal)
                else:
                    database_permission(session, node, name, principal)
    yield Done()


def server_permission(session, node, name, principal):
    permissions = need_login(session, principal).permissions
    if node.action == "GRANT":
        permissions.add(name)
    else:
        permissions.discard(name)


def database_permission(session, node, name, principal):
    database = session.current_database
    need_principal(database, principal)
    key = principal.lower(), name, scope_of(session, node)
    if node.action == "REVOKE":
        database.grants.pop(key, None)
    else:
        database.grants[key] = node.action


def scope_of(session, node):
    if node.target is None or node.kind == "DATABASE":
        return "DATABASE", ""
    if node.kind == "SCHEMA":
        schema = session.current_database.schema(node.target[-1])
        if schema is None:
            raise SqlError(15151, "Cannot find the schema '%s', because it "
                           "does not exist or you do not have permission."
                           % node.target[-1])
        return "SCHEMA", schema.name.lower()
    thing = session.names.find(node.target)
    if thing is None:
        raise SqlError(15151, "Cannot find the object '%s', because it does "
                       "not exist or you do not have permission."
                       % node.target[-1])
    return "OBJECT", thing.object_id


SECURITY = {ast.CreatePrincipal: create_principal, ast.AlterRole: alter_role,
            ast.Permission: permission}
