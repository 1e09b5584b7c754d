"""Parses expressions and queries.  Statements: sql_statements.py."""

from . import sql_ast as ast
from .sql_lexer import syntax_error

# Words that cannot be a name without brackets; an alias ends before them.
RESERVED = frozenset("""
    ADD ALL ALTER AND AS ASC BEGIN BETWEEN BREAK BY CASE CHECK CHECKPOINT
    CLUSTERED COLLATE COLUMN COMMIT CONSTRAINT CONTINUE CONVERT CREATE CROSS
    CURRENT CURRENT_TIMESTAMP CURRENT_USER DATABASE DECLARE DEFAULT DELETE
    DENY DESC DISTINCT DROP ELSE END ESCAPE EXCEPT EXEC EXECUTE EXISTS FETCH
    FOR FOREIGN FROM FULL FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY
    IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY LEFT LIKE MERGE
    NONCLUSTERED NOT NULL NULLIF OF OFF ON OPTION OR ORDER OUTER OVER PERCENT
    PRIMARY PRINT PROCEDURE RAISERROR REFERENCES RETURN REVOKE RIGHT ROLLBACK
    SAVE SCHEMA SELECT SESSION_USER SET SOME SYSTEM_USER TABLE THEN TO TOP
    TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT UNION UNIQUE UPDATE USE
    USER VALUES VIEW WAITFOR WHEN WHERE WHILE WITH
""".split())

# Reserved words that are functions, with or without parentheses.
FUNCTION_WORDS = frozenset("""
    LEFT RIGHT NULLIF CONVERT TRY_CONVERT UPDATE
""".split())
BARE_FUNCTIONS = frozenset("""
    CURRENT_TIMESTAMP CURRENT_USER SESSION_USER SYSTEM_USER USER
""".split())

# Words that may be names, but end a table or a select list.
NOT_ALIASES = frozenset(["OUTPUT", "USING", "OFFSET", "THROW", "GO"])

COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">",
               "<=": "<=", ">=": ">=", "!<": ">=", "!>": "<="}
ADDITIVE = frozenset("+ - & | ^".split())
MULTIPLICATIVE = frozenset("* / %".split())
ASSIGNMENTS = frozenset("= += -= *= /= %= &= |= ^=".split())
JOIN_HINTS = frozenset(["LOOP", "HASH", "MERGE", "REMOTE"])
TABLE_HINTS = frozenset("""
    NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK REPEATABLEREAD
    SERIALIZABLE HOLDLOCK SNAPSHOT TABLOCK TABLOCKX ROWLOCK PAGLOCK UPDLOCK
    XLOCK READPAST NOWAIT NOEXPAND FORCESEEK FORCESCAN KEEPIDENTITY
    IGNORE_CONSTRAINTS IGNORE_TRIGGERS
""".split())


class Parser:
    """A cursor over tokens, and the grammar of expressions and queries."""

    def __init__(self, tokens, text):
        self.tokens = tokens
        self.text = text
        self.at = 0
        self.token = tokens[0]

    # tokens

    def advance(self):
        token = self.token
        self.at += 1
        self.token = self.tokens[self.at]
        return token

    def peek(self, distance=1):
        return self.tokens[min(self.at + distance, len(self.tokens) - 1)]

    def is_word(self, *words):
        return self.token.word in words

    def is_words(self, *words):
        """Whether these words follow one another here."""
        return all(self.peek(n).word == word for n, word in enumerate(words))

    def take(self, *words):
        """Consumes the words if they follow one another here."""
        if not self.is_words(*words):
            return False
        for _ in words:
            self.advance()
        return True

    def need(self, *words):
        for word in words:
            if self.token.word != word:
                raise self.error()
            self.advance()

    def error(self, token=None):
        token = token or self.token
        near = self.text[token.start:token.end] or self.text[-20:].strip()
        return syntax_error(near, token.line)

    def text_since(self, start):
        """The source text from a position up to the last token consumed."""
        return self.text[start:self.tokens[self.at - 1].end]

    # names

    def is_name(self):
        token = self.token
        return token.kind == "name" or (token.kind == "id"
                                        and token.word not in RESERVED)

    def name(self):
        if not self.is_name():
            raise self.error()
        return self.advance().value

    def name_or_string(self):
        if self.token.kind in ("str", "nstr"):
            return self.advance().value
        return self.name()

    def any_word(self):
        """A name that may be a reserved word, such as an option's."""
        if self.token.kind not in ("id", "name"):
            raise self.error()
        return self.advance().value

    def parts(self):
        """a, a.b, a.b.c, a..c: an omitted part is ''."""
        found = [self.name()]
        while self.take("."):
            if self.token.word == ".":
                found.append("")
            elif self.take("*"):
                return tuple(found) + ("*",)
            else:
                found.append(self.any_word())
        return tuple(found)

    def name_list(self):
        self.need("(")
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        self.need(")")
        return names

    def comma_list(self, parse):
        items = [parse()]
        while self.take(","):
            items.append(parse())
        return items

    def parenthesised_list(self, parse):
        self.need("(")
        items = self.comma_list(parse)
        self.need(")")
        return items

    # types

    def type_name(self):
        parts = [self.any_word()]
        while self.take("."):
            parts.append(self.any_word())
        name = parts[-1].lower()
        if name in ("double", "national", "char", "character"):
            name = self.long_type_name(name)
        parts[-1] = name
        args = []
        if self.take("("):
            while not self.take(")"):
                if self.take("MAX"):
                    args.append("max")
                elif self.token.kind == "num":
                    args.append(int(self.advance().value))
                else:
                    raise self.error()
                self.take(",")
        return ast.TypeName(tuple(part.lower() if len(parts) == 1 else part
                                  for part in parts), tuple(args))

    def long_type_name(self, name):
        """double precision, char varying, national character varying"""
        if name == "double":
            self.need("PRECISION")
            return "float"
        prefix = "n" if name == "national" else ""
        if prefix:
            self.advance()
        return prefix + ("varchar" if self.take("VARYING") else "char")

    # expressions, loosest first

    def condition(self):
        return self.logic("OR", lambda: self.logic("AND", self.negation))

    def logic(self, word, parse):
        items = [parse()]
        while self.take(word):
            items.append(parse())
        return items[0] if len(items) == 1 else ast.Logic(word, items)

    def negation(self):
        if self.take("NOT"):
            return ast.Not(self.negation())
        return self.predicate()

    def predicate(self):
        if self.is_words("EXISTS", "("):
            self.advance()
            return ast.Exists(self.bracketed_query())
        left = self.expression()
        if self.token.word in COMPARISONS:
            return self.comparison(left)
        negated = self.take("NOT")
        if self.take("LIKE"):
            found = ast.Like(left, self.expression())
            if self.take("ESCAPE"):
                found.escape = self.expression()
        elif self.take("IN"):
            found = self.membership(left)
        elif self.take("BETWEEN"):
            low = self.expression()
            self.need("AND")
            found = ast.Logic("AND", [ast.Compare(">=", left, low),
                                      ast.Compare("<=", left,
                                                  self.expression())])
        elif not negated and self.take("IS"):
            negated = self.take("NOT")
            self.need("NULL")
            found = ast.IsNull(left)
        elif negated:
            raise self.error()
        else:
            return left
        return ast.Not(found) if negated else found

    def comparison(self, left):
        op = COMPARISONS[self.advance().word]
        if self.is_word("ALL", "ANY", "SOME"):
            every = self.advance().word == "ALL"
            return ast.Quantified(op, every, left, self.bracketed_query())
        return ast.Compare(op, left, self.expression())

    def membership(self, left):
        if self.peek().word in ("SELECT", "WITH"):
            return ast.InQuery(left, self.bracketed_query())
        return ast.In(left, self.parenthesised_list(self.expression))

    def expression(self):
        left = self.term()
        while self.token.word in ADDITIVE:
            op = self.advance().word
            left = ast.Binary(op, left, self.term())
        return left

    def term(self):
        left = self.factor()
        while self.token.word in MULTIPLICATIVE:
            op = self.advance().word
            left = ast.Binary(op, left, self.factor())
        return left

    def factor(self):
        if self.is_word("-", "+", "~"):
            op = self.advance().word
            return ast.Unary(op, self.factor())
        found = self.primary()
        while True:
            if self.take("COLLATE"):
                found = ast.Collate(found, self.any_word())
            elif self.is_words("AT", "TIME", "ZONE"):
                self.need("AT", "TIME", "ZONE")
                found = ast.Call(("at_time_zone",), [found, self.factor()])
            else:
                return found

    def primary(self):
        token = self.token
        if token.kind in ("num", "money", "str", "nstr", "bin"):
            self.advance()
            return ast.Literal(token.value, token.kind)
        if token.kind == "var":
            self.advance()
            return ast.Variable(token.value.lower())
        if token.word == "(":
            return self.parenthesised()
        special = SPECIAL_FORMS.get(token.word)
        if special is not None and (token.word in ("NULL", "CASE")
                                    or self.peek().word == "("):
            self.advance()
            return special(self)
        if token.word in BARE_FUNCTIONS:
            self.advance()
            return ast.Call((token.value,), [])
        if token.word in FUNCTION_WORDS and self.peek().word == "(":
            self.advance()
            return self.call((token.value,))
        if token.word == "{":
            return self.odbc_escape()
        if self.is_name():
            return self.name_or_call()
        raise self.error()

    def parenthesised(self):
        if self.peek().word in ("SELECT", "WITH"):
            return ast.Subquery(self.bracketed_query())
        self.need("(")
        if self.is_word("("):       # may be a query in more parentheses
            start = self.at
            try:
                found = self.condition()
            except Exception:
                self.move(start)
                found = ast.Subquery(self.query())
        else:
            found = self.condition()
        self.need(")")
        return found

    def move(self, at):
        self.at = at
        self.token = self.tokens[at]

    def odbc_escape(self):
        """{fn f(x)}, {d '...'}, {ts '...'}, {t '...'}"""
        self.need("{")
        word = self.any_word().lower()
        if word == "fn":
            found = self.primary()
        else:
            types = {"d": "datetime", "ts": "datetime", "t": "datetime",
                     "guid": "uniqueidentifier"}
            found = ast.Cast(self.primary(), ast.TypeName((types[word],)))
        self.need("}")
        return found

    def name_or_call(self):
        parts = self.parts()
        if parts[-1] == "*":
            raise self.error()
        if self.take("::"):
            parts += ("::" + self.name(),)
        if self.is_word("("):
            found = self.call(parts)
            while self.is_word(".") and self.peek(2).word == "(":
                self.advance()
                found = self.method(found)
            return found
        return ast.Name(parts)

    def method(self, target):
        name = self.any_word()
        call = self.call(("." + name,))
        call.args.insert(0, target)
        return call

    def call(self, parts):
        self.need("(")
        call = ast.Call(parts, [])
        if self.take("*"):
            call.star = True
        elif not self.is_word(")"):
            call.distinct = self.take("DISTINCT")
            if not call.distinct:
                self.take("ALL")
            call.args = self.comma_list(self.condition)
        self.need(")")
        if self.is_words("WITHIN", "GROUP"):
            self.need("WITHIN", "GROUP", "(", "ORDER", "BY")
            call.over = ast.Over([], self.comma_list(self.order_item))
            self.need(")")
        if self.take("OVER"):
            call.over = self.over()
        return call

    def over(self):
        self.need("(")
        found = ast.Over([], [])
        if self.take("PARTITION", "BY"):
            found.partition = self.comma_list(self.expression)
        if self.take("ORDER", "BY"):
            found.order = self.comma_list(self.order_item)
        self.need(")")
        return found

    # forms with a syntax of their own

    def null(self):
        return ast.Literal(None, "null")

    def case(self):
        operand = None if self.is_word("WHEN") else self.expression()
        whens, default = [], None
        while self.take("WHEN"):
            test = self.condition()
            self.need("THEN")
            whens.append((test, self.expression()))
        if self.take("ELSE"):
            default = self.expression()
        self.need("END")
        return ast.Case(operand, whens, default)

    def cast(self, tries=False):
        self.need("(")
        operand = self.expression()
        self.need("AS")
        found = ast.Cast(operand, self.type_name(), None, tries)
        self.need(")")
        return found

    def try_cast(self):
        return self.cast(True)

    def convert(self, tries=False):
        self.need("(")
        type_name = self.type_name()
        self.need(",")
        operand = self.expression()
        style = self.expression() if self.take(",") else None
        self.need(")")
        return ast.Cast(operand, type_name, style, tries)

    def try_convert(self):
        return self.convert(True)

    def iif(self):
        self.need("(")
        test = self.condition()
        self.need(",")
        then = self.expression()
        self.need(",")
        otherwise = self.expression()
        self.need(")")
        return ast.Case(None, [(test, then)], otherwise)

    # queries

    def bracketed_query(self):
        self.need("(")
        found = self.query()
        self.need(")")
        return found

    def with_clause(self):
        """Common table expressions, if they are here."""
        if not self.take("WITH"):
            return []
        return self.comma_list(self.cte)

    def cte(self):
        name = self.name()
        columns = self.name_list() if self.is_word("(") else []
        self.need("AS")
        return ast.Cte(name, columns, self.bracketed_query())

    def query(self):
        ctes = self.with_clause()
        found = ast.Query(self.union(), ctes)
        if self.take("ORDER", "BY"):
            found.order = self.comma_list(self.order_item)
        if self.take("OFFSET"):
            found.offset = self.expression()
            self.take("ROWS") or self.need("ROW")
            if self.take("FETCH"):
                self.take("NEXT") or self.need("FIRST")
                found.fetch = self.expression()
                self.take("ROWS") or self.need("ROW")
                self.need("ONLY")
        self.query_options()
        return found

    def query_options(self):
        if self.take("OPTION"):
            self.skip_parentheses()

    def skip_parentheses(self):
        self.need("(")
        depth = 1
        while depth:
            word = self.advance().word
            depth += {"(": 1, ")": -1}.get(word, 0)
            if self.token.kind == "end" and depth:
                raise self.error()

    def order_item(self):
        expr = self.expression()
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        return ast.Order(expr, descending)

    def union(self):
        left = self.intersection()
        while self.is_word("UNION", "EXCEPT"):
            op = self.advance().word
            if op == "UNION" and self.take("ALL"):
                op = "UNION ALL"
            left = ast.SetOp(op, left, self.intersection())
        return left

    def intersection(self):
        left = self.query_term()
        while self.take("INTERSECT"):
            left = ast.SetOp("INTERSECT", left, self.query_term())
        return left

    def query_term(self):
        if self.take("("):
            found = self.union()
            self.need(")")
            return found
        return self.select()

    def select(self):
        self.need("SELECT")
        found = ast.Select([])
        found.distinct = self.take("DISTINCT")
        if not found.distinct:
            self.take("ALL")
        found.top = self.top()
        found.items = self.comma_list(self.select_item)
        if self.take("INTO"):
            found.into = self.parts()
        if self.take("FROM"):
            found.source = self.from_clause()
        if self.take("WHERE"):
            found.where = self.condition()
        if self.take("GROUP", "BY"):
            found.group = self.comma_list(self.expression)
        if self.take("HAVING"):
            found.having = self.condition()
        return found

    def top(self):
        if not self.take("TOP"):
            return None
        if self.take("("):
            found = self.expression()
            self.need(")")
        else:
            found = self.primary()
        if self.is_word("PERCENT"):
            raise self.error()
        return found

    def select_item(self):
        token = self.token
        if self.take("*"):
            return ast.Star()
        if token.kind == "var" and self.peek().word in ASSIGNMENTS:
            self.advance()
            op = self.advance().word
            return ast.Assign(ast.Variable(token.value.lower()),
                              self.expression(), op)
        if self.is_name() and self.peek().word == "=":
            alias = self.name()
            self.need("=")
            return ast.Item(self.expression(), alias)
        if self.is_name():
            start = self.at
            parts = self.parts()
            if parts[-1] == "*":
                return ast.Star(parts[:-1])
            self.move(start)
        return ast.Item(self.expression(), self.alias(strings=True))

    def alias(self, strings=False):
        if self.take("AS"):
            return self.name_or_string()
        if strings and self.token.kind in ("str", "nstr"):
            return self.advance().value
        if self.is_name() and self.token.word not in NOT_ALIASES:
            return self.name()
        return None

    # FROM

    def from_clause(self):
        source = self.joined_source()
        while self.take(","):
            source = ast.Join("CROSS", source, self.joined_source())
        return source

    def joined_source(self):
        left = self.source()
        while True:
            kind = self.join_kind()
            if kind is None:
                return left
            right = self.source()
            on = None
            if kind not in ("CROSS", "APPLY", "OUTER APPLY"):
                self.need("ON")
                on = self.condition()
            left = ast.Join(kind, left, right, on)

    def join_kind(self):
        if self.take("CROSS", "JOIN"):
            return "CROSS"
        if self.take("CROSS", "APPLY"):
            return "APPLY"
        if self.take("OUTER", "APPLY"):
            return "OUTER APPLY"
        if not self.is_word("JOIN", "INNER", "LEFT", "RIGHT", "FULL"):
            return None
        kind = "INNER" if self.is_word("JOIN") else self.advance().word
        if kind != "INNER":
            self.take("OUTER")
        if self.token.word in JOIN_HINTS:
            self.advance()
        self.need("JOIN")
        return kind

    def source(self):
        if self.is_word("("):
            return self.parenthesised_source()
        if self.token.kind == "var":
            found = ast.TableRef((self.advance().value,))
        else:
            parts = self.parts()
            if self.is_word("(") and not self.hints_follow():
                return self.function_source(parts)
            found = ast.TableRef(parts)
        found.alias = self.alias()
        found.hints = self.table_hints()
        if found.alias is None:
            found.alias = self.alias()
        return found

    def function_source(self, parts):
        self.need("(")
        args = []
        if not self.is_word(")"):
            args = self.comma_list(self.function_argument)
        self.need(")")
        found = ast.FunctionRef(parts, args)
        found.alias, found.columns = self.derived_alias()
        self.table_hints()
        return found

    def function_argument(self):
        if self.take("DEFAULT"):
            return ast.Literal(None, "null")
        return self.expression()

    def parenthesised_source(self):
        if self.peek().word == "VALUES":
            self.need("(")
            self.need("VALUES")
            rows = self.comma_list(
                lambda: self.parenthesised_list(self.expression))
            self.need(")")
            return ast.ValuesRef(rows, *self.derived_alias())
        if self.peek().word in ("SELECT", "WITH"):
            query = self.bracketed_query()
            return ast.Derived(query, *self.derived_alias())
        self.need("(")
        found = self.joined_source()
        self.need(")")
        return found

    def derived_alias(self):
        alias = self.alias()
        columns = (self.name_list()
                   if alias is not None and self.is_word("(") else [])
        return alias, columns

    def hints_follow(self):
        """The old form: FROM t (NOLOCK)"""
        return (self.peek().word in TABLE_HINTS
                and self.peek(2).word in (")", ","))

    def table_hints(self):
        if self.is_words("WITH", "("):
            self.advance()
        elif not (self.is_word("(") and self.hints_follow()):
            return frozenset()
        self.need("(")
        hints = set()
        while not self.take(")"):
            word = self.advance().word
            if word == "INDEX":
                if not self.take("="):
                    self.skip_parentheses()
                else:
                    self.advance()
            elif word in TABLE_HINTS:
                hints.add(word)
            else:
                raise self.error(self.tokens[self.at - 1])
            self.take(",")
        return frozenset(hints)


SPECIAL_FORMS = {
    "NULL": Parser.null,
    "CASE": Parser.case,
    "CAST": Parser.cast,
    "TRY_CAST": Parser.try_cast,
    "CONVERT": Parser.convert,
    "TRY_CONVERT": Parser.try_convert,
    "IIF": Parser.iif,
}
