"""Parses queries, data changes and control flow.  Definitions of tables and
other objects: sql_definitions.py."""

from . import sql_ast as ast
from .complain import unknown
from .sql_definitions import DefinitionParser
from .sql_lexer import syntax_error, tokenize
from .sql_parser import ASSIGNMENTS

# Words after SET that take ON or OFF, several separated by commas.
SWITCHES = frozenset("""
    ANSI_DEFAULTS ANSI_NULL_DFLT_OFF ANSI_NULL_DFLT_ON ANSI_NULLS
    ANSI_PADDING ANSI_WARNINGS ARITHABORT ARITHIGNORE CONCAT_NULL_YIELDS_NULL
    CURSOR_CLOSE_ON_COMMIT FMTONLY FORCEPLAN IMPLICIT_TRANSACTIONS NOCOUNT
    NOEXEC NUMERIC_ROUNDABORT PARSEONLY QUOTED_IDENTIFIER
    REMOTE_PROC_TRANSACTIONS XACT_ABORT NO_BROWSETABLE
""".split())
# Words that begin statements which are not simulated.
NOT_SIMULATED = frozenset("""
    BACKUP BULK CLOSE DBCC DEALLOCATE DISABLE ENABLE FETCH GOTO KILL OPEN
    READTEXT RESTORE REVERT SHUTDOWN UPDATETEXT WRITETEXT
""".split())
SETTINGS = frozenset("""
    DATEFIRST DATEFORMAT DEADLOCK_PRIORITY LANGUAGE LOCK_TIMEOUT
    QUERY_GOVERNOR_COST_LIMIT ROWCOUNT TEXTSIZE CONTEXT_INFO
""".split())
ISOLATION_LEVELS = (
    ("READ", "UNCOMMITTED"), ("READ", "COMMITTED"), ("REPEATABLE", "READ"),
    ("SNAPSHOT",), ("SERIALIZABLE",))


class StatementParser(DefinitionParser):
    """Parses a batch into statements."""

    def batch(self):
        statements = []
        while self.token.kind != "end":
            if self.take(";"):
                continue
            statements.append(self.numbered_statement(not statements))
        return statements

    def numbered_statement(self, first=False):
        line = self.token.line
        found = self.statement(first)
        found.line = line
        return found

    def statement(self, first=False):
        token = self.token
        parse = STATEMENTS.get(token.word)
        if parse is not None:
            return parse(self)
        if token.word == "(":
            return self.query()
        if token.word in NOT_SIMULATED:
            raise unknown("statement", token.word)
        if self.is_name() and (first or self.peek().word in ("", ".", "@")):
            return self.execute(implicit=True)
        raise self.error()

    def block(self, *end):
        """Statements up to the words that end a block."""
        statements = []
        while not self.take(*end):
            if self.take(";"):
                continue
            if self.token.kind == "end":
                raise self.error()
            statements.append(self.numbered_statement())
        return statements

    # control flow

    def begin(self):
        self.need("BEGIN")
        if self.take("TRY"):
            body = self.block("END", "TRY")
            self.need("BEGIN", "CATCH")
            return ast.Try(body, self.block("END", "CATCH"))
        if self.is_word("TRAN", "TRANSACTION"):
            return self.transaction("BEGIN")
        return ast.Begin(self.block("END"))

    def single(self):
        """The statement that IF or WHILE governs."""
        found = self.numbered_statement()
        return found

    def if_(self):
        self.need("IF")
        condition = self.condition()
        then = self.single()
        semicolon = self.at
        self.take(";")
        if self.take("ELSE"):
            return ast.If(condition, then, self.single())
        self.move(semicolon)
        return ast.If(condition, then)

    def while_(self):
        self.need("WHILE")
        condition = self.condition()
        return ast.While(condition, self.single())

    def jump(self):
        kind = self.advance().word
        expr = None
        if kind == "RETURN" and (self.token.kind in ("num", "var")
                                 or self.is_word("-", "(")):
            expr = self.expression()
        return ast.Jump(kind, expr)

    def print_(self):
        self.need("PRINT")
        return ast.Print(self.expression())

    def raiserror(self):
        self.need("RAISERROR")
        args = self.parenthesised_list(self.expression)
        if self.take("WITH"):
            self.comma_list(self.any_word)
        return ast.RaiseError(args)

    def throw(self):
        self.advance()
        args = []
        if self.token.kind in ("num", "var"):
            args = self.comma_list(self.expression)
        return ast.Throw(args)

    def wait_for(self):
        self.need("WAITFOR")
        kind = self.any_word().upper()
        return ast.WaitFor(kind, self.expression())

    def declare(self):
        self.need("DECLARE")
        return ast.Declare(self.comma_list(self.declared_variable))

    def declared_variable(self):
        if self.token.kind != "var":
            raise self.error()
        name = self.advance().value.lower()
        self.take("AS")
        if self.take("TABLE"):
            return name, self.table_body(), None
        type_name = self.type_name()
        return name, type_name, self.expression() if self.take("=") else None

    # transactions

    def transaction(self, action):
        self.take("TRAN") or self.take("TRANSACTION") or self.take("WORK")
        name = None
        if self.token.kind == "var":
            name = ast.Variable(self.advance().value.lower())
        elif self.is_name():
            name = self.name()
        if self.take("WITH"):
            self.skip_parentheses()
        return ast.Tran(action, name)

    def commit(self):
        return self.transaction(self.advance().word)

    # SET, USE

    def set_(self):
        self.need("SET")
        token = self.token
        if token.kind == "var":
            self.advance()
            if self.token.word not in ASSIGNMENTS:
                raise self.error()
            op = self.advance().word
            return ast.SetVariable(ast.Assign(
                ast.Variable(token.value.lower()), self.expression(), op))
        if self.take("TRANSACTION", "ISOLATION", "LEVEL"):
            for words in ISOLATION_LEVELS:
                if self.take(*words):
                    return ast.SetOption("ISOLATION", " ".join(words))
            raise self.error()
        if self.take("IDENTITY_INSERT"):
            table = self.parts()
            return ast.SetOption("IDENTITY_INSERT", (table, self.on_off()))
        if self.take("STATISTICS"):
            self.comma_list(self.any_word)
            self.on_off()
            return ast.Nothing("SET STATISTICS")
        return self.set_option()

    def set_option(self):
        names = self.comma_list(self.any_word)
        names = [name.upper() for name in names]
        for name in names:
            if name not in SWITCHES and name not in SETTINGS:
                raise syntax_error(name, self.token.line)
        if names[0] in SETTINGS:
            if self.token.kind == "id":
                return ast.SetOption(names[0], self.advance().value)
            return ast.SetOption(names[0], self.expression())
        on = self.on_off()
        return ast.SetOption(names, on)

    def on_off(self):
        if self.take("ON"):
            return True
        self.need("OFF")
        return False

    def use(self):
        self.need("USE")
        return ast.Use(self.name())

    # data changes

    def with_statement(self):
        ctes = self.with_clause()
        if self.is_word("SELECT", "("):
            found = self.query()
            found.ctes = ctes
            return found
        parse = {"INSERT": self.insert, "UPDATE": self.update,
                 "DELETE": self.delete, "MERGE": self.merge}.get(
                     self.token.word)
        if parse is None:
            raise self.error()
        found = parse()
        found.ctes = ctes
        return found

    def target(self):
        """The table of a data change."""
        if self.token.kind == "var":
            found = ast.TableRef((self.advance().value,))
        else:
            found = ast.TableRef(self.parts())
        if self.is_words("WITH", "("):
            found.hints = self.table_hints()
        return found

    def output(self):
        if not self.take("OUTPUT"):
            return []
        items = self.comma_list(self.select_item)
        if self.take("INTO"):
            raise self.error()
        return items

    def insert(self):
        self.need("INSERT")
        self.take("INTO")
        found = ast.Insert(self.target(), None, None)
        if self.is_word("(") and self.peek().word != "SELECT":
            found.columns = self.name_list()
        found.output = self.output()
        if self.take("DEFAULT", "VALUES"):
            return found
        if self.take("VALUES"):
            found.source = self.comma_list(
                lambda: self.parenthesised_list(self.value_or_default))
        elif self.is_word("EXEC", "EXECUTE"):
            found.source = self.execute()
        else:
            found.source = self.query()
        return found

    def value_or_default(self):
        if self.take("DEFAULT"):
            return None
        return self.expression()

    def update(self):
        self.need("UPDATE")
        if self.take("STATISTICS"):
            self.parts()
            return ast.Nothing("UPDATE STATISTICS")
        top = self.top()
        found = ast.Update(self.target(), [], top=top)
        self.need("SET")
        found.assigns = self.comma_list(self.assignment)
        found.output = self.output()
        if self.take("FROM"):
            found.source = self.from_clause()
        if self.take("WHERE"):
            found.where = self.condition()
        self.query_options()
        return found

    def assignment(self):
        if self.token.kind == "var":
            target = ast.Variable(self.advance().value.lower())
        else:
            target = ast.Name(self.parts())
        if self.token.word not in ASSIGNMENTS:
            raise self.error()
        op = self.advance().word
        return ast.Assign(target, self.value_or_default(), op)

    def delete(self):
        self.need("DELETE")
        top = self.top()
        self.take("FROM")
        found = ast.Delete(self.target(), top=top)
        found.output = self.output()
        if self.take("FROM"):
            found.source = self.from_clause()
        if self.take("WHERE"):
            found.where = self.condition()
        self.query_options()
        return found

    def truncate(self):
        self.need("TRUNCATE", "TABLE")
        return ast.Truncate(self.parts())

    def merge(self):
        self.need("MERGE")
        self.take("INTO")
        table = self.target()
        if not self.is_word("USING"):
            table.alias = self.alias()
        self.need("USING")
        source = self.source()
        self.need("ON")
        found = ast.Merge(table, source, self.condition(), [])
        while self.take("WHEN"):
            found.whens.append(self.merge_when())
        found.output = self.output()
        return found

    def merge_when(self):
        kind = "MATCHED"
        if self.take("NOT"):
            kind = "TARGET"
            self.need("MATCHED")
            if self.take("BY"):
                if not self.take("TARGET"):
                    self.need("SOURCE")
                    kind = "SOURCE"
        else:
            self.need("MATCHED")
        condition = self.condition() if self.take("AND") else None
        self.need("THEN")
        found = ast.MergeWhen(kind, condition, self.advance().word)
        if found.action == "UPDATE":
            self.need("SET")
            found.assigns = self.comma_list(self.assignment)
        elif found.action == "INSERT":
            if self.is_word("("):
                found.columns = self.name_list()
            self.need("VALUES")
            found.values = self.parenthesised_list(self.value_or_default)
        return found

    # procedures

    def execute(self, implicit=False):
        if not implicit:
            self.advance()
        if self.is_word("("):
            self.need("(")
            text = self.expression()
            self.need(")")
            return ast.ExecText(text)
        result = None
        if self.token.kind == "var" and self.peek().word == "=":
            result = self.advance().value.lower()
            self.need("=")
        if self.token.kind == "var":
            name = ast.Variable(self.advance().value.lower())
        else:
            name = self.parts()
        args = []
        if self.argument_follows():
            args = self.comma_list(self.argument)
        if self.take("WITH", "RECOMPILE"):
            pass
        return ast.Exec(name, args, result)

    def argument_follows(self):
        token = self.token
        return (token.kind in ("num", "money", "str", "nstr", "bin", "var")
                or self.is_word("-", "NULL", "DEFAULT")
                or (self.is_name() and token.word not in STATEMENTS
                    and token.word != "GO"))

    def argument(self):
        name = None
        if self.token.kind == "var" and self.peek().word == "=":
            name = self.advance().value.lower()
            self.need("=")
        if self.take("DEFAULT"):
            return name, None, False
        if self.is_name():
            value = ast.Literal(self.name(), "nstr")
        else:
            value = self.factor()
        output = self.take("OUTPUT") or self.take("OUT")
        return name, value, output


STATEMENTS = {
    "ALTER": StatementParser.alter,
    "BEGIN": StatementParser.begin,
    "BREAK": StatementParser.jump,
    "CHECKPOINT": StatementParser.without_effect,
    "COMMIT": StatementParser.commit,
    "CONTINUE": StatementParser.jump,
    "CREATE": StatementParser.create,
    "DECLARE": StatementParser.declare,
    "DELETE": StatementParser.delete,
    "DENY": StatementParser.permission,
    "DROP": StatementParser.drop,
    "EXEC": StatementParser.execute,
    "EXECUTE": StatementParser.execute,
    "GRANT": StatementParser.permission,
    "IF": StatementParser.if_,
    "INSERT": StatementParser.insert,
    "MERGE": StatementParser.merge,
    "PRINT": StatementParser.print_,
    "RAISERROR": StatementParser.raiserror,
    "RETURN": StatementParser.jump,
    "RECONFIGURE": StatementParser.without_effect,
    "REVOKE": StatementParser.permission,
    "ROLLBACK": StatementParser.commit,
    "SAVE": StatementParser.commit,
    "SELECT": StatementParser.query,
    "SET": StatementParser.set_,
    "THROW": StatementParser.throw,
    "TRUNCATE": StatementParser.truncate,
    "UPDATE": StatementParser.update,
    "USE": StatementParser.use,
    "WAITFOR": StatementParser.wait_for,
    "WHILE": StatementParser.while_,
    "WITH": StatementParser.with_statement,
}


def parse_batch(text, quoted_identifier=True):
    """The statements of a batch; each has its line."""
    return StatementParser(tokenize(text, quoted_identifier), text).batch()


def parse_expression(text):
    """An expression alone, such as a stored default."""
    parser = StatementParser(tokenize(text), text)
    found = parser.condition()
    if parser.token.kind != "end":
        raise parser.error()
    return found


def parse_type(text):
    parser = StatementParser(tokenize(text), text)
    return parser.type_name()
