"""Parses CREATE, ALTER, DROP, GRANT: what defines tables and their kin."""

import re

from . import sql_ast as ast
from .complain import unknown
from .sql_parser import Parser

# options of CREATE TABLE that make another kind of table
TABLE_KINDS = re.compile("SYSTEM_VERSIONING|MEMORY_OPTIMIZED|LEDGER", re.I)
REFERENTIAL_ACTIONS = (("NO", "ACTION"), ("CASCADE",), ("SET", "NULL"),
                       ("SET", "DEFAULT"))


class DefinitionParser(Parser):

    # CREATE

    def create(self):
        self.need("CREATE")
        if self.take("TABLE"):
            name = self.parts()
            return ast.CreateTable(name, *self.table_body())
        unique = self.take("UNIQUE")
        clustered = self.clustered()
        if self.is_word("COLUMNSTORE", "INDEX"):
            return self.create_index(unique, bool(clustered))
        parse = CREATED.get(self.token.word)
        if parse is None:
            raise unknown("statement", "CREATE " + self.token.word)
        self.advance()
        return parse(self)

    def clustered(self):
        if self.take("CLUSTERED"):
            return True
        return False if self.take("NONCLUSTERED") else None

    def table_body(self):
        columns, constraints = [], []
        self.need("(")
        while True:
            self.table_element(columns, constraints)
            if not self.take(","):
                break
            if self.is_word(")"):
                break
        self.need(")")
        self.table_options()
        return columns, constraints

    def table_options(self):
        while True:
            if self.take("ON") or self.take("TEXTIMAGE_ON"):
                self.any_word()
                if self.is_word("("):
                    self.skip_parentheses()
            elif self.is_words("WITH", "("):
                self.advance()
                start = self.token.start
                self.skip_parentheses()
                text = self.text_since(start)
                if TABLE_KINDS.search(text):
                    raise unknown("option", text)
            else:
                return

    def table_element(self, columns, constraints):
        if self.is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN",
                        "CHECK"):
            constraints.append(self.table_constraint())
        elif self.is_words("PERIOD", "FOR"):
            self.need("PERIOD", "FOR")
            self.any_word()
            constraints.append(ast.PeriodDef(tuple(self.name_list())))
        elif self.is_word("INDEX"):
            self.advance()
            name = self.name()
            unique = self.take("UNIQUE")
            clustered = self.clustered()
            constraints.append(ast.CreateIndex(
                name, (), self.key_columns(), unique, bool(clustered)))
        else:
            columns.append(self.column())

    def table_constraint(self):
        name = self.name() if self.take("CONSTRAINT") else None
        if self.is_word("PRIMARY", "UNIQUE"):
            return self.key(name, None)
        if self.take("FOREIGN", "KEY"):
            return self.foreign_key(name, self.name_list())
        if self.take("CHECK"):
            return self.check(name)
        if self.take("DEFAULT"):
            found = self.default(name)
            self.need("FOR")
            return found, self.name()
        raise self.error()

    def key(self, name, column):
        primary = self.take("PRIMARY", "KEY")
        if not primary:
            self.need("UNIQUE")
        clustered = self.clustered()
        if column is None or self.is_word("("):
            columns = self.key_columns()
        else:
            columns = [(column, False)]
        self.index_options()
        return ast.KeyDef(primary, columns, name, clustered)

    def key_columns(self):
        def key_column():
            name = self.name()
            descending = self.take("DESC")
            if not descending:
                self.take("ASC")
            return name, descending
        return self.parenthesised_list(key_column)

    def index_options(self):
        if self.is_words("WITH", "("):
            self.advance()
            self.skip_parentheses()
        if self.take("ON"):
            self.any_word()

    def foreign_key(self, name, columns):
        self.need("REFERENCES")
        found = ast.ForeignKeyDef(columns, self.parts(), [], name)
        if self.is_word("("):
            found.references = self.name_list()
        while self.take("ON"):
            event = self.advance().word
            for words in REFERENTIAL_ACTIONS:
                if self.take(*words):
                    found.actions[event] = " ".join(words)
                    break
            else:
                raise self.error()
        return found

    def check(self, name):
        self.take("NOT", "FOR", "REPLICATION")
        self.need("(")
        start = self.token.start
        expr = self.condition()
        text = "(" + self.text_since(start) + ")"
        self.need(")")
        return ast.CheckDef(expr, text, name)

    def default(self, name):
        start = self.token.start
        expr = self.expression()
        return ast.DefaultDef(expr, self.text_since(start), name)

    # columns

    def column(self):
        found = ast.ColumnDef(self.name(), None)
        if self.take("AS"):
            self.computed(found)
        elif self.is_name() or self.token.kind == "id":
            if self.is_word(",", ")"):
                raise self.error()
            found.type = self.type_name()
        else:
            found.type = ast.TypeName((found.name.lower(),))   # timestamp
        while self.column_option(found):
            pass
        return found

    def computed(self, column):
        start = self.token.start
        column.computed = self.expression()
        column.computed_text = self.text_since(start)
        column.persisted = self.take("PERSISTED")

    def column_option(self, column):
        name = self.name() if self.take("CONSTRAINT") else None
        if self.is_word("PRIMARY", "UNIQUE"):
            column.constraints.append(self.key(name, column.name))
            return True
        option = COLUMN_OPTIONS.get(self.token.word)
        if option is None:
            return False
        self.advance()
        option(self, column, name)
        return True

    def not_null(self, column, _):
        if self.take("FOR", "REPLICATION"):
            return
        self.need("NULL")
        column.nullable = False

    def null_option(self, column, _):
        column.nullable = True

    def identity(self, column, _):
        column.identity = (1, 1)
        if self.is_word("("):
            seed, increment = self.parenthesised_list(self.factor)
            column.identity = (seed, increment)

    def default_option(self, column, name):
        column.default = self.default(name)
        if self.take("WITH", "VALUES"):
            column.with_values = True

    def references(self, column, name):
        self.move(self.at - 1)
        column.constraints.append(self.foreign_key(name, [column.name]))

    def foreign_option(self, column, name):
        self.need("KEY")
        column.constraints.append(self.foreign_key(name, [column.name]))

    def check_option(self, column, name):
        column.constraints.append(self.check(name))

    def collate(self, column, _):
        column.collation = self.any_word()

    def sparse(self, column, _):
        column.sparse = True

    def rowguidcol(self, column, _):
        column.rowguidcol = True

    def hidden(self, column, _):
        column.hidden = True

    def generated(self, column, _):
        self.need("ALWAYS", "AS", "ROW")
        column.generated = self.advance().word

    def column_set(self, column, _):
        self.need("FOR", "ALL_SPARSE_COLUMNS")
        column.column_set = True

    # other objects

    def create_index(self, unique, clustered):
        columnstore = self.take("COLUMNSTORE")
        self.need("INDEX")
        name = self.name()
        self.need("ON")
        table = self.parts()
        columns = self.key_columns() if self.is_word("(") else []
        found = ast.CreateIndex(name, table, columns, unique, clustered,
                                columnstore=columnstore)
        if self.take("INCLUDE"):
            found.included = self.name_list()
        if self.take("WHERE"):
            start = self.token.start
            found.where = self.condition()
            found.where_text = "(" + self.text_since(start) + ")"
        self.index_options()
        return found

    def create_schema(self):
        found = ast.CreateSchema(self.name())
        if self.take("AUTHORIZATION"):
            found.owner = self.name()
        return found

    def create_type(self):
        name = self.parts()
        self.need("FROM")
        found = ast.CreateType(name, self.type_name())
        if self.take("NOT"):
            self.need("NULL")
            found.nullable = False
        else:
            self.take("NULL")
        return found

    def create_view(self):
        name = self.parts()
        columns = self.name_list() if self.is_word("(") else []
        if self.take("WITH"):
            self.comma_list(self.any_word)
        self.need("AS")
        start = self.token.start
        query = self.query()
        return ast.CreateView(name, columns, query, self.text_since(start))

    def create_database(self):
        found = ast.CreateDatabase(self.name())
        if self.take("COLLATE"):
            found.collation = self.any_word()
        return found

    def create_login(self):
        found = ast.CreatePrincipal("LOGIN", self.name())
        self.need("WITH", "PASSWORD", "=")
        found.password = self.advance().value
        while self.take(","):
            self.any_word()
            self.need("=")
            self.advance()
        return found

    def create_user(self):
        found = ast.CreatePrincipal("USER", self.name())
        if self.take("FOR", "LOGIN") or self.take("FROM", "LOGIN"):
            found.login = self.name()
        elif not self.take("WITHOUT", "LOGIN"):
            found.login = found.name
        if self.take("WITH", "DEFAULT_SCHEMA", "="):
            self.name()
        return found

    def create_role(self):
        found = ast.CreatePrincipal("ROLE", self.name())
        if self.take("AUTHORIZATION"):
            self.name()
        return found

    # ALTER

    def alter(self):
        self.need("ALTER")
        if self.take("TABLE"):
            return self.alter_table()
        if self.take("DATABASE"):
            return self.alter_database()
        if self.take("SERVER", "ROLE"):
            return self.alter_role(True)
        if self.take("ROLE"):
            return self.alter_role(False)
        if self.take("AUTHORIZATION", "ON"):
            return self.alter_authorization()
        raise unknown("statement", "ALTER " + self.token.word)

    def alter_role(self, server):
        name = self.name()
        action = self.advance().word
        self.need("MEMBER")
        return ast.AlterRole(name, action + " MEMBER", self.name(), server)

    def alter_authorization(self):
        self.any_word()
        self.need("::")
        self.parts()
        self.need("TO")
        self.name()
        return ast.Nothing("ALTER AUTHORIZATION")

    def alter_database(self):
        name = None if self.take("CURRENT") else self.name()
        if self.take("COLLATE"):
            return ast.AlterDatabase(name, "COLLATE", self.any_word())
        self.need("SET")
        option = self.any_word().upper()
        value = None
        if self.take("=") or self.token.kind == "id":
            if not self.is_word("WITH"):
                value = self.advance().word
        if self.take("WITH"):
            self.any_word()
            if self.is_word("IMMEDIATE"):
                self.advance()
        return ast.AlterDatabase(name, option, value)

    def alter_table(self):
        start = self.tokens[self.at - 2].start
        name = self.parts()
        with_check = (self.take("WITH", "CHECK")
                      or self.take("WITH", "NOCHECK"))
        if self.take("ADD"):
            found = self.alter_add(name)
        elif with_check:
            raise self.error()
        elif self.take("ALTER", "COLUMN"):
            found = ast.AlterTable(name, "ALTER COLUMN")
            found.columns.append(self.altered_column(found))
        elif self.take("DROP"):
            found = ast.AlterTable(name, "DROP")
            found.dropped = self.alter_dropped()
        elif self.take("SWITCH"):
            found = ast.AlterTable(name, "SWITCH")
            self.need("TO")
            found.dropped.append(("TABLE", self.parts(), False))
        else:
            raise self.error()
        found.text = self.text_since(start)
        return found

    def alter_add(self, name):
        found = ast.AlterTable(name, "ADD")
        while True:
            self.table_element(found.columns, found.constraints)
            if not self.take(","):
                return found

    def altered_column(self, statement):
        if self.is_word("ADD", "DROP") or self.peek().word in ("ADD", "DROP"):
            name = self.name()
            verb = self.advance().word
            statement.action = "%s %s" % (verb, self.advance().word)
            return ast.ColumnDef(name, None)
        return self.column()

    def alter_dropped(self):
        dropped = []
        kind = "CONSTRAINT"
        while True:
            if self.take("COLUMN"):
                kind = "COLUMN"
            elif self.take("CONSTRAINT"):
                kind = "CONSTRAINT"
            if_exists = self.take("IF", "EXISTS")
            dropped.append((kind, self.name(), if_exists))
            if not self.take(","):
                return dropped

    # DROP, permissions

    def drop(self):
        self.need("DROP")
        kind = self.advance().word
        if_exists = self.take("IF", "EXISTS")
        found = ast.Drop(kind, self.comma_list(self.parts), if_exists)
        if kind == "INDEX" and self.take("ON"):
            found.on = self.parts()
        return found

    def permission(self):
        action = self.advance().word
        self.take("GRANT", "OPTION", "FOR")
        names = self.comma_list(self.permission_name)
        kind = target = None
        if self.take("ON"):
            if self.peek().word == "::":
                kind = self.any_word().upper()
                self.need("::")
            target = self.parts()
            if self.is_word("("):
                names = [(names[0], tuple(self.name_list()))]
        self.take("TO") or self.need("FROM")
        principals = self.comma_list(self.name)
        self.take("CASCADE")
        return ast.Permission(action, names, kind, target, principals)

    def permission_name(self):
        words = [self.any_word().upper()]
        while not self.is_word(",", "ON", "TO", "FROM"):
            if self.is_word("("):
                self.skip_parentheses()
            else:
                words.append(self.any_word().upper())
        return " ".join(words)

    def without_effect(self):
        """CHECKPOINT, RECONFIGURE"""
        name = self.advance().word
        if self.take("WITH"):
            self.need("OVERRIDE")
        return ast.Nothing(name)


CREATED = {
    "SCHEMA": DefinitionParser.create_schema,
    "TYPE": DefinitionParser.create_type,
    "VIEW": DefinitionParser.create_view,
    "DATABASE": DefinitionParser.create_database,
    "LOGIN": DefinitionParser.create_login,
    "USER": DefinitionParser.create_user,
    "ROLE": DefinitionParser.create_role,
}

COLUMN_OPTIONS = {
    "NOT": DefinitionParser.not_null,
    "NULL": DefinitionParser.null_option,
    "IDENTITY": DefinitionParser.identity,
    "DEFAULT": DefinitionParser.default_option,
    "REFERENCES": DefinitionParser.references,
    "FOREIGN": DefinitionParser.foreign_option,
    "CHECK": DefinitionParser.check_option,
    "COLLATE": DefinitionParser.collate,
    "SPARSE": DefinitionParser.sparse,
    "ROWGUIDCOL": DefinitionParser.rowguidcol,
    "HIDDEN": DefinitionParser.hidden,
    "GENERATED": DefinitionParser.generated,
    "COLUMN_SET": DefinitionParser.column_set,
}
