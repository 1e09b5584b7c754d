"""System procedures other than those of change data capture."""

from .model_names import parse_parts
from .model_table import Table
from .procedures import procedure, table
from .result import Info, SqlError
from .sql_security import need_login, need_principal


@procedure("sp_rename", """objname nvarchar(1035), newname sysname,
           objtype varchar(13) = NULL""")
def rename(session, database, args):
    kind = (args.objtype or "OBJECT").upper()
    RENAMES.get(kind, unknown_kind)(session, args)
    return [Info(15477, 1, 0, "Caution: Changing any part of an object name "
                 "could break scripts and stored procedures.")]


def unknown_kind(session, args):
    raise SqlError(15249, "Error: Explicit @objtype '%s' is unrecognized."
                   % args.objtype)


def ambiguous(args):
    return SqlError(15248, "Either the parameter @objname is ambiguous or the "
                    "claimed @objtype (%s) is wrong." % (args.objtype or ""),
                    class_=11)


def rename_object(session, args):
    thing = session.names.find(parse_parts(args.objname))
    if thing is None:
        raise SqlError(15225, "No item by the name of '%s' could be found in "
                       "the current database '%s', given that @itemtype was "
                       "input as '(null)'." % (args.objname,
                                               session.database), class_=11)
    if args.newname.lower() in thing.schema.objects \
            and args.newname.lower() != thing.name.lower():
        raise SqlError(15335, "Error: The new name '%s' is already in use as "
                       "a object name and would cause a duplicate that is not "
                       "permitted." % args.newname, class_=11)
    if isinstance(thing, Table):
        session.lock_table(thing, "SCH-M")
    former = thing.name
    set_name(thing, args.newname)
    session.current.undo.append(lambda: set_name(thing, former))


def set_name(thing, name):
    thing.schema.objects.pop(thing.name.lower(), None)
    thing.name = name
    thing.schema.objects[name.lower()] = thing


def rename_column(session, args):
    *parts, name = parse_parts(args.objname)
    thing = session.names.find(tuple(parts)) if parts else None
    column = thing.column(name) if isinstance(thing, Table) else None
    if column is None:
        raise ambiguous(args)
    if any(captured.source is column for instance in thing.captures
           for captured in instance.columns):
        raise SqlError(4928, "Cannot alter column '%s' because it is "
                       "'REPLICATED'." % column.name)
    session.lock_table(thing, "SCH-M")
    old = column.name
    column.name = args.newname
    session.current.undo.append(lambda: setattr(column, "name", old))


RENAMES = {"OBJECT": rename_object, "COLUMN": rename_column}


@procedure("sp_addrolemember", "rolename sysname, membername sysname")
def add_role_member(session, database, args):
    need_principal(database, args.rolename)
    need_principal(database, args.membername).roles.add(args.rolename.lower())


@procedure("sp_droprolemember", "rolename sysname, membername sysname")
def drop_role_member(session, database, args):
    need_principal(database, args.membername).roles.discard(
        args.rolename.lower())


@procedure("sp_addsrvrolemember", "loginame sysname, rolename sysname = NULL")
def add_server_role_member(session, database, args):
    need_login(session, args.loginame).roles.add(args.rolename.lower())


@procedure("sp_configure", "configname nvarchar(35) = NULL, "
           "configvalue int = NULL")
def configure(session, database, args):
    settings = session.engine.settings
    settings.setdefault("show advanced options", 0)
    if args.configname is None:
        return configured(settings, sorted(settings))
    names = [name for name in settings
             if name.lower().startswith(args.configname.lower())]
    if len(names) != 1:
        raise SqlError(15123, "The configuration option '%s' does not exist, "
                       "or it may be an advanced option." % args.configname)
    if args.configvalue is None:
        return configured(settings, names)
    settings[names[0]] = args.configvalue
    return [Info(15457, 1, 0, "Configuration option '%s' changed. Run the "
                 "RECONFIGURE statement to install." % names[0])]


def configured(settings, names):
    return table("name nvarchar(35), minimum int, maximum int, "
                 "config_value int, run_value int",
                 [(name, -1, 2147483647, settings[name], settings[name])
                  for name in names])


@procedure("sp_reset_connection")
def reset_connection(session, database, args):
    session.reset()


@procedure("sp_spaceused", "objname nvarchar(776) = NULL")
def space_used(session, database, args):
    thing = session.names.find(parse_parts(args.objname or ""))
    if not isinstance(thing, Table):
        raise SqlError(15009, "The object '%s' does not exist in database "
                       "'%s' or is invalid for this operation."
                       % (args.objname, database.name))
    return table("name nvarchar(128), rows char(20), reserved varchar(18), "
                 "data varchar(18), index_size varchar(18), "
                 "unused varchar(18)", [(
                     thing.name, str(len(thing.rows)).ljust(20), "0 KB",
                     "0 KB", "0 KB", "0 KB")])
