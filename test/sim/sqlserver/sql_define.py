"""CREATE, ALTER and DROP of tables and their kin.  ALTER TABLE:
sql_alter.py; principals and permissions: sql_security.py."""

from dataclasses import replace

from . import sql_ast as ast
from .complain import unknown
from .model_database import AliasType, Schema, View
from .model_index import Index
from .model_table import Column, Constraint, Table
from .result import Done, SqlError
from .sql_compile import Compiler
from .sql_rows import table_scope
from .sql_scope import Scope
from .sql_security import SECURITY
from .sql_types import family, make_type


def there_is_already(name):
    return SqlError(2714, "There is already an object named '%s' in the "
                    "database." % name, state=6)


def need_owner(session, database, what):
    access = session.access(database)
    if not (access.is_owner or "db_ddladmin" in access.names):
        raise SqlError(262, "%s permission denied in database '%s'."
                       % (what, database.name), class_=14)


def new_table(session, parts):
    """Makes and registers an empty table; undone by a rollback."""
    name = parts[-1]
    if name.startswith("#"):
        table = session.names.new_temporary(name)
        if name.lower() in session.temporary:
            raise there_is_already(name)
        session.temporary[name.lower()] = table
        session.current.undo.append(
            lambda: session.temporary.pop(name.lower(), None))
        return table
    database, schema_name, name = session.names.split(parts)
    need_owner(session, database, "CREATE TABLE")
    schema = database.schema(schema_name or "dbo")
    if schema is None:
        raise SqlError(2760, "The specified schema name \"%s\" either does "
                       "not exist or you do not have permission to use it."
                       % schema_name)
    if name.lower() in schema.objects:
        raise there_is_already(name)
    table = Table(database, schema, name, database.new_object_id(),
                  session.engine.now())
    register(session, table)
    session.lock_table(table, "SCH-M")
    return table


def register(session, thing):
    thing.database.add(thing)
    session.current.undo.append(lambda: thing.database.remove(thing))


def unregister(session, thing):
    thing.database.remove(thing)
    thing.dropped = True

    def undo():
        thing.dropped = False
        thing.database.add(thing)
    session.current.undo.append(undo)


# ---- tables -----------------------------------------------------------------

def create_table(executor, node):
    session = executor.session
    with session.latch:
        table = new_table(session, node.name)
        build_table(session, table, node.columns, node.constraints)
    yield Done()


def build_table(session, table, columns, constraints):
    builder = TableBuilder(session, table)
    builder.add_columns(columns)
    for constraint in constraints:
        builder.constraint(constraint)
    for column in columns:
        for constraint in column.constraints:
            builder.constraint(constraint)


class TableBuilder:
    """Adds columns and constraints to a table."""

    def __init__(self, session, table):
        self.session = session
        self.table = table
        self.database = table.database

    # columns

    def add_columns(self, definitions):
        columns = list(self.table.columns)
        for definition in definitions:
            if any(column.name.lower() == definition.name.lower()
                   for column in columns):
                raise SqlError(2705, "Column names in each table must be "
                               "unique. Column name '%s' in table '%s' is "
                               "specified more than once." % (
                                   definition.name, self.table.name))
            columns.append(self.column(definition))
        self.table.set_columns(columns)
        for definition, column in zip(definitions,
                                      columns[len(columns)
                                              - len(definitions):]):
            if definition.computed is not None:
                self.set_computed(column)
            if definition.default is not None:
                self.default(column, definition.default)

    def column(self, definition):
        table = self.table
        table.max_column_id += 1
        column = Column(definition.name, None, table.max_column_id)
        if definition.computed is not None:
            column.computed = definition.computed
            column.computed_text = "(%s)" % definition.computed_text
            column.persisted = definition.persisted
            column.type = make_type("int")
            return column
        self.set_type(column, definition)
        if definition.identity is not None:
            self.set_identity(column, definition)
        column.sparse = definition.sparse
        column.rowguidcol = definition.rowguidcol
        column.hidden = definition.hidden
        column.column_set = definition.column_set
        column.generated = {"START": 1, "END": 2, None: 0}[
            definition.generated]
        return column

    def set_type(self, column, definition):
        alias = self.session.names.alias_type(definition.type)
        column.user_type = alias
        column.sysname = definition.type.parts[-1] == "sysname"
        type = self.session.resolve_type(definition.type)
        if family(type) == "str" and not type.collation:
            type = replace(type, collation=definition.collation
                           or self.database.collation)
        if definition.collation:
            self.session.check_collation(definition.collation)
        nullable = definition.nullable
        if nullable is None:
            nullable = alias.type.nullable if alias is not None else not (
                column.sysname or definition.identity is not None
                or type.name == "rowversion" or self.in_key(definition))
        column.type = replace(type, nullable=nullable)

    @staticmethod
    def in_key(definition):
        return any(isinstance(one, ast.KeyDef) and one.primary
                   for one in definition.constraints)

    def set_identity(self, column, definition):
        type = column.type
        if family(type) != "int" and not (
                type.name in ("decimal", "numeric") and type.scale == 0):
            raise SqlError(2749, "Identity column '%s' must be of data type "
                           "int, bigint, smallint, tinyint, or decimal or "
                           "numeric with a scale of 0, unencrypted, and "
                           "constrained to be nonnullable." % column.name)
        compiler = Compiler(self.session, Scope())
        column.identity = tuple(
            part if isinstance(part, int) else compiler.constant(part)
            for part in definition.identity)
        column.type = replace(type, nullable=False, identity=True)

    def set_computed(self, column):
        compiled = Compiler(self.session, table_scope(self.table)).compile(
            column.computed)
        column.type = replace(compiled.type, nullable=True, computed=True,
                              identity=False)

    def default(self, column, definition):
        name = definition.name or self.generated_name("DF", column.name)
        constraint = Constraint(
            name, "D", self.database.new_object_id(),
            default_text(definition.text), definition.expr, (column,),
            system_named=definition.name is None)
        column.default = constraint
        self.table.constraints.append(constraint)

    def generated_name(self, prefix, detail=""):
        number = self.database.new_object_id()
        return "%s__%s__%s%08X" % (prefix, self.table.name[:9].ljust(9, "_")
                                   if prefix != "PK" else
                                   self.table.name[:8].ljust(8, "_"),
                                   detail[:5].ljust(5, "_") + "__"
                                   if detail else "", number)

    # constraints

    def constraint(self, node):
        if isinstance(node, tuple):         # DEFAULT ... FOR column
            column = self.need_column(node[1])
            if column.default is not None:
                raise SqlError(1781, "Column already has a DEFAULT bound to "
                               "it.")
            self.default(column, node[0])
            return
        CONSTRAINTS[type(node)](self, node)

    def need_column(self, name):
        column = self.table.column(name)
        if column is None:
            raise SqlError(1911, "Column name '%s' does not exist in the "
                           "target table or view." % name)
        return column

    def key(self, node):
        table = self.table
        if node.primary and table.primary_key is not None:
            raise SqlError(1779, "Table '%s' already has a primary key "
                           "defined on it." % table.name)
        columns = [self.need_column(name) for name, _ in node.columns]
        if node.primary:
            self.require_not_null(columns)
        clustered = node.clustered
        if clustered is None:
            clustered = node.primary and table.clustered is table.heap
        name = node.name or self.generated_name("PK" if node.primary
                                                else "UQ")
        index = Index(name, columns, [down for _, down in node.columns],
                      True, node.primary, True, clustered)
        self.add_index(index)
        constraint = Constraint(name, "PK" if node.primary else "UQ",
                                self.database.new_object_id(),
                                columns=tuple(columns), index=index,
                                system_named=node.name is None)
        table.constraints.append(constraint)

    def require_not_null(self, columns):
        for column in columns:
            if not column.type.nullable:
                continue
            if self.table.rows or column.default == "explicit":
                raise SqlError(8111, "Cannot define PRIMARY KEY constraint on "
                               "nullable column in table '%s'."
                               % self.table.name)
            column.type = replace(column.type, nullable=False)

    def add_index(self, index):
        table = self.table
        if any((other.name or "").lower() == index.name.lower()
               for other in table.indexes):
            raise SqlError(1913, "The operation failed because an index or "
                           "statistics with name '%s' already exists on table "
                           "'%s'." % (index.name, table.qualified()))
        if index.clustered and table.clustered is not table.heap:
            raise SqlError(1902, "Cannot create more than one clustered index "
                           "on table '%s'. Drop the existing clustered index "
                           "'%s' before creating another." % (
                               table.qualified(), table.clustered.name))
        table.add_index(index)
        self.session.current.undo.append(lambda: table.indexes.remove(index))

    def foreign_key(self, node):
        target = self.session.names.table(node.table)
        columns = tuple(self.need_column(name) for name in node.columns)
        references = tuple(target.column(name) for name in node.references)
        if not references and target.primary_key is not None:
            references = tuple(target.primary_key.columns)
        if not references or None in references:
            raise SqlError(1770, "Foreign key '%s' references invalid column "
                           "in referenced table '%s'." % (node.name,
                                                          target.name))
        for event, action in node.actions.items():
            if action != "NO ACTION":
                raise unknown("option", "ON %s %s" % (event, action))
        self.table.constraints.append(Constraint(
            node.name or self.generated_name("FK"), "F",
            self.database.new_object_id(), columns=columns,
            references=(target, references), actions=node.actions,
            system_named=node.name is None))

    def check(self, node):
        self.table.constraints.append(Constraint(
            node.name or self.generated_name("CK"), "C",
            self.database.new_object_id(), node.text, node.expr,
            system_named=node.name is None))

    def index(self, node):
        self.add_index(make_index(self.session, self.table, node))

    def period(self, node):
        """PERIOD FOR SYSTEM_TIME: the columns are generated already."""


CONSTRAINTS = {ast.KeyDef: TableBuilder.key,
               ast.ForeignKeyDef: TableBuilder.foreign_key,
               ast.CheckDef: TableBuilder.check,
               ast.CreateIndex: TableBuilder.index,
               ast.PeriodDef: TableBuilder.period}


def default_text(text):
    """As the catalog keeps it: in parentheses, numbers in two."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") \
            and balanced(text[1:-1]):
        text = text[1:-1].strip()
    try:
        float(text)
        return "((%s))" % text
    except ValueError:
        pass
    name, _, rest = text.partition("(")
    if rest and name.replace("_", "").isalnum():
        text = name.lower() + "(" + rest
    return "(%s)" % text


def balanced(text):
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def make_index(session, table, node):
    columns = []
    for name, _ in node.columns:
        column = table.column(name)
        if column is None:
            raise SqlError(1911, "Column name '%s' does not exist in the "
                           "target table or view." % name)
        columns.append(column)
    predicate = None
    if node.where is not None:
        run = Compiler(session, table_scope(table)).compile(node.where).run

        def predicate(row):
            return bool(run(row))
    index = Index(node.name, columns, [down for _, down in node.columns],
                  node.unique, clustered=node.clustered,
                  included=[table.column(name) for name in node.included],
                  predicate=predicate, predicate_text=node.where_text or None)
    index.columnstore = node.columnstore
    return index


def create_index(executor, node):
    session = executor.session
    with session.latch:
        table = session.names.table(node.table)
        need_owner(session, table.database, "CREATE INDEX")
        session.lock_table(table, "SCH-M")
        TableBuilder(session, table).add_index(make_index(session, table,
                                                          node))
    yield Done()


def create_view(executor, node):
    session = executor.session
    with session.latch:
        database, schema_name, name = session.names.split(node.name)
        need_owner(session, database, "CREATE VIEW")
        schema = database.schema(schema_name or "dbo")
        if name.lower() in schema.objects:
            raise there_is_already(name)
        register(session, View(database, schema, name,
                               database.new_object_id(), node.columns,
                               node.query, node.text, session.engine.now()))
    yield Done()


# ---- other objects ----------------------------------------------------------

def create_schema(executor, node):
    session = executor.session
    with session.latch:
        database = session.current_database
        need_owner(session, database, "CREATE SCHEMA")
        if database.schema(node.name) is not None:
            raise there_is_already(node.name)
        schema = Schema(node.name, database.new_schema_id(),
                        node.owner or "dbo")
        database.schemas[node.name.lower()] = schema
        session.current.undo.append(
            lambda: database.schemas.pop(node.name.lower(), None))
    yield Done()


def create_type(executor, node):
    session = executor.session
    with session.latch:
        database, schema_name, name = session.names.split(node.name)
        schema = database.schema(schema_name or "dbo")
        key = schema.name.lower(), name.lower()
        if key in database.types:
            raise SqlError(219, "The type '%s' already exists, or you do not "
                           "have permission to create it." % name)
        base = replace(session.resolve_type(node.base),
                       nullable=node.nullable)
        number = max([256] + [one.user_type_id for one
                              in database.types.values()]) + 1
        database.types[key] = AliasType(name, schema, number, base)
        session.current.undo.append(lambda: database.types.pop(key, None))
    yield Done()


def create_database(executor, node):
    session = executor.session
    with session.latch:
        if not session.server_permission("CREATE ANY DATABASE"):
            raise SqlError(262, "CREATE DATABASE permission denied in "
                           "database 'master'.", class_=14)
        if session.engine.database(node.name) is not None:
            raise SqlError(1801, "Database '%s' already exists. Choose a "
                           "different database name." % node.name)
        session.engine.create_database(
            node.name, *[node.collation] if node.collation else [])
    yield Done()


DATABASE_OPTIONS = {
    "ALLOW_SNAPSHOT_ISOLATION": "snapshot_isolation",
    "READ_COMMITTED_SNAPSHOT": "read_committed_snapshot",
}
IGNORED_OPTIONS = frozenset("""
    RECOVERY SINGLE_USER MULTI_USER RESTRICTED_USER AUTO_CLOSE AUTO_SHRINK
    COMPATIBILITY_LEVEL DELAYED_DURABILITY ANSI_NULLS ANSI_PADDING
    QUOTED_IDENTIFIER READ_WRITE TRUSTWORTHY ONLINE PAGE_VERIFY CHANGE_TRACKING
""".split())


def alter_database(executor, node):
    session = executor.session
    with session.latch:
        database = session.find_database(node.name or "")
        name = DATABASE_OPTIONS.get(node.option)
        if name is not None:
            setattr(database, name, node.value == "ON")
        elif node.option == "COLLATE":
            session.check_collation(node.value)
            database.collation = node.value
        elif node.option not in IGNORED_OPTIONS:
            raise SqlError(5058, "Option '%s' cannot be set in database '%s'."
                           % (node.option, database.name))
    yield Done()


# ---- DROP -------------------------------------------------------------------

def not_found(kind, name):
    return SqlError(3701, "Cannot drop the %s '%s', because it does not exist "
                    "or you do not have permission." % (kind.lower(), name),
                    class_=11, state=5)


def drop(executor, node):
    session = executor.session
    run = DROPS.get(node.kind)
    if run is None:
        raise unknown("statement", "DROP " + node.kind)
    with session.latch:
        for parts in node.names:
            run(session, node, parts)
    yield Done()


def drop_table(session, node, parts):
    name = ".".join(parts)
    thing = session.names.find(parts)
    if not isinstance(thing, Table if node.kind == "TABLE" else View):
        if node.if_exists:
            return
        raise not_found(node.kind, name)
    if parts[-1].startswith("#"):
        del session.temporary[parts[-1].lower()]
        return
    need_owner(session, thing.database, "DROP")
    if isinstance(thing, Table):
        drop_checks(session, thing)
        session.lock_table(thing, "SCH-M")
        for instance in list(thing.captures):
            from .procedures_cdc import remove_instance
            remove_instance(session, instance)
    unregister(session, thing)


def drop_checks(session, table):
    for other in table.database.tables():
        if other is not table and any(
                constraint.kind == "F" and constraint.references[0] is table
                for constraint in other.constraints):
            raise SqlError(3726, "Could not drop object '%s' because it is "
                           "referenced by a FOREIGN KEY constraint."
                           % table.name)


def drop_database(session, node, parts):
    name = parts[-1]
    database = session.engine.database(name)
    if database is None:
        if node.if_exists:
            return
        raise not_found("database", name)
    for other in session.engine.sessions.values():
        if other.current_database is database:
            raise SqlError(3702, "Cannot drop database \"%s\" because it is "
                           "currently in use." % name)
    database.dropped = True
    del session.engine.databases[name.lower()]


def drop_schema(session, node, parts):
    database = session.current_database
    schema = database.schema(parts[-1])
    if schema is None:
        if node.if_exists:
            return
        raise SqlError(15151, "Cannot drop the schema '%s', because it does "
                       "not exist or you do not have permission." % parts[-1])
    if schema.objects:
        raise SqlError(3729, "Cannot drop schema '%s' because it is being "
                       "referenced by object '%s'." % (
                           schema.name, next(iter(schema.objects.values()))
                           .name))
    del database.schemas[schema.name.lower()]
    session.current.undo.append(
        lambda: database.schemas.__setitem__(schema.name.lower(), schema))


def drop_type(session, node, parts):
    database, schema, name = session.names.split(parts)
    found = database.types.pop(((schema or "dbo").lower(), name.lower()), None)
    if found is None and not node.if_exists:
        raise SqlError(218, "Could not find the type '%s'. Either it does not "
                       "exist or you do not have the necessary permission."
                       % name)


def drop_index(session, node, parts):
    if node.on is None:
        *table_parts, name = parts
    else:
        table_parts, name = node.on, parts[-1]
    table = session.names.table(tuple(table_parts))
    for index in table.indexes:
        if index.name.lower() == name.lower() and not index.constraint:
            break
    else:
        if node.if_exists:
            return
        raise not_found("index", "%s.%s" % (table.name, name))
    for instance in table.captures:
        if (instance.index_name or "").lower() == name.lower():
            raise SqlError(22965, "Cannot disable primary key index \"%s\" on "
                           "table \"%s\" because the table is enabled for "
                           "Change Data Capture." % (name,
                                                     table.qualified()))
    session.lock_table(table, "SCH-M")
    table.indexes.remove(index)
    session.current.undo.append(lambda: table.add_index(index))


def drop_principal(session, node, parts):
    name = parts[-1].lower()
    holder = session.engine.logins if node.kind == "LOGIN" \
        else session.current_database.principals
    if holder.pop(name, None) is None and not node.if_exists:
        raise SqlError(15151, "Cannot drop the %s '%s', because it does not "
                       "exist or you do not have permission."
                       % (node.kind.lower(), parts[-1]))


DROPS = {"TABLE": drop_table, "VIEW": drop_table, "DATABASE": drop_database,
         "SCHEMA": drop_schema, "TYPE": drop_type, "INDEX": drop_index,
         "LOGIN": drop_principal, "USER": drop_principal,
         "ROLE": drop_principal}


def alter_table(executor, node):
    from .sql_alter import alter
    session = executor.session
    with session.latch:
        table = session.names.find(node.name)
        if not isinstance(table, Table):
            raise SqlError(4902, "Cannot find the object \"%s\" because it "
                           "does not exist or you do not have permissions."
                           % ".".join(node.name))
        need_owner(session, table.database, "ALTER TABLE")
        session.lock_table(table, "SCH-M")
        alter(session, table, node)
        table.modify_date = session.engine.now()
    yield Done()


DEFINITIONS = {
    ast.CreateTable: create_table, ast.CreateIndex: create_index,
    ast.CreateView: create_view, ast.CreateSchema: create_schema,
    ast.CreateType: create_type, ast.CreateDatabase: create_database,
    ast.AlterDatabase: alter_database, ast.AlterTable: alter_table,
    ast.Drop: drop, **SECURITY,
}
