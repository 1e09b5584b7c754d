"""What the parser makes: the nodes of expressions, queries, statements."""

from dataclasses import dataclass, field
from typing import Any, Optional


# Types as written: name in lower case, arguments as numbers or "max".

@dataclass
class TypeName:
    parts: tuple            # ("nvarchar",) or ("dbo", "phone")
    args: tuple = ()


# Expressions

@dataclass
class Literal:
    value: Any
    kind: str               # num, money, str, nstr, bin, null


@dataclass
class Name:
    parts: tuple


@dataclass
class Variable:
    name: str               # with its @, lower case


@dataclass
class Unary:
    op: str
    operand: Any


@dataclass
class Binary:               # arithmetic and bits
    op: str
    left: Any
    right: Any


@dataclass
class Compare:
    op: str
    left: Any
    right: Any


@dataclass
class Logic:                # AND, OR
    op: str
    items: list


@dataclass
class Not:
    operand: Any


@dataclass
class IsNull:
    operand: Any


@dataclass
class In:
    operand: Any
    items: list


@dataclass
class InQuery:
    operand: Any
    query: Any


@dataclass
class Like:
    operand: Any
    pattern: Any
    escape: Any = None


@dataclass
class Exists:
    query: Any


@dataclass
class Quantified:           # x > ALL (query)
    op: str
    all: bool
    left: Any
    query: Any


@dataclass
class Case:
    operand: Any
    whens: list
    default: Any


@dataclass
class Cast:
    operand: Any
    type: TypeName
    style: Any = None
    tries: bool = False


@dataclass
class Collate:
    operand: Any
    collation: str


@dataclass
class Call:
    parts: tuple
    args: list
    distinct: bool = False
    star: bool = False
    over: Any = None


@dataclass
class Over:
    partition: list
    order: list


@dataclass
class Subquery:
    query: Any


# Queries

@dataclass
class Star:
    qualifier: tuple = ()


@dataclass
class Item:
    expr: Any
    alias: Optional[str] = None


@dataclass
class Assign:               # SELECT @x = e, UPDATE t SET c = e
    target: Any
    expr: Any
    op: str = "="


@dataclass
class Order:
    expr: Any
    descending: bool = False


@dataclass
class Select:
    items: list
    source: Any = None
    where: Any = None
    group: list = field(default_factory=list)
    having: Any = None
    distinct: bool = False
    top: Any = None
    into: Any = None


@dataclass
class SetOp:
    op: str                 # UNION, UNION ALL, EXCEPT, INTERSECT
    left: Any
    right: Any


@dataclass
class Query:
    body: Any
    ctes: list = field(default_factory=list)
    order: list = field(default_factory=list)
    offset: Any = None
    fetch: Any = None


@dataclass
class Cte:
    name: str
    columns: list
    query: Any


@dataclass
class TableRef:
    parts: tuple
    alias: Optional[str] = None
    hints: frozenset = frozenset()


@dataclass
class FunctionRef:
    parts: tuple
    args: list
    alias: Optional[str] = None
    columns: list = field(default_factory=list)


@dataclass
class Derived:
    query: Any
    alias: Optional[str] = None
    columns: list = field(default_factory=list)


@dataclass
class ValuesRef:
    rows: list
    alias: Optional[str] = None
    columns: list = field(default_factory=list)


@dataclass
class Join:
    kind: str               # INNER, LEFT, RIGHT, FULL, CROSS, APPLY,
                            # OUTER APPLY
    left: Any
    right: Any
    on: Any = None


# Statements

@dataclass
class Insert:
    table: TableRef
    columns: Any            # None = all
    source: Any             # Query, list of rows, Exec, or None = defaults
    output: list = field(default_factory=list)
    ctes: list = field(default_factory=list)


@dataclass
class Update:
    table: TableRef
    assigns: list
    source: Any = None
    where: Any = None
    top: Any = None
    output: list = field(default_factory=list)
    ctes: list = field(default_factory=list)


@dataclass
class Delete:
    table: TableRef
    source: Any = None
    where: Any = None
    top: Any = None
    output: list = field(default_factory=list)
    ctes: list = field(default_factory=list)


@dataclass
class Merge:
    table: TableRef
    source: Any
    on: Any
    whens: list
    output: list = field(default_factory=list)
    ctes: list = field(default_factory=list)


@dataclass
class MergeWhen:
    kind: str               # MATCHED, TARGET (not matched), SOURCE
    condition: Any
    action: str             # UPDATE, DELETE, INSERT
    assigns: list = field(default_factory=list)
    columns: Any = None
    values: Any = None


@dataclass
class Truncate:
    table: tuple


@dataclass
class ColumnDef:
    name: str
    type: Optional[TypeName]
    nullable: Optional[bool] = None
    identity: Optional[tuple] = None
    default: Any = None             # DefaultDef
    computed: Any = None            # an expression
    computed_text: str = ""
    persisted: bool = False
    sparse: bool = False
    rowguidcol: bool = False
    hidden: bool = False
    generated: Optional[str] = None
    column_set: bool = False
    collation: Optional[str] = None
    constraints: list = field(default_factory=list)


@dataclass
class DefaultDef:
    expr: Any
    text: str
    name: Optional[str] = None


@dataclass
class KeyDef:
    primary: bool
    columns: list               # (name, descending)
    name: Optional[str] = None
    clustered: Optional[bool] = None


@dataclass
class ForeignKeyDef:
    columns: list
    table: tuple
    references: list
    name: Optional[str] = None
    actions: dict = field(default_factory=dict)


@dataclass
class CheckDef:
    expr: Any
    text: str
    name: Optional[str] = None


@dataclass
class PeriodDef:
    columns: tuple


@dataclass
class CreateTable:
    name: tuple
    columns: list
    constraints: list


@dataclass
class CreateIndex:
    name: str
    table: tuple
    columns: list
    unique: bool = False
    clustered: bool = False
    included: list = field(default_factory=list)
    where: Any = None
    where_text: str = ""
    columnstore: bool = False


@dataclass
class CreateView:
    name: tuple
    columns: list
    query: Any
    text: str = ""


@dataclass
class AlterTable:
    name: tuple
    action: str                 # ADD, DROP, ALTER COLUMN, SWITCH, ENABLE
    columns: list = field(default_factory=list)
    constraints: list = field(default_factory=list)
    dropped: list = field(default_factory=list)     # (kind, name, if exists)
    text: str = ""


@dataclass
class Drop:
    kind: str                   # TABLE, DATABASE, SCHEMA, TYPE, INDEX, ...
    names: list
    if_exists: bool = False
    on: Any = None


@dataclass
class CreateSchema:
    name: str
    owner: Optional[str] = None


@dataclass
class CreateType:
    name: tuple
    base: TypeName
    nullable: bool = True


@dataclass
class CreateDatabase:
    name: str
    collation: Optional[str] = None


@dataclass
class AlterDatabase:
    name: Optional[str]         # None = CURRENT
    option: str
    value: Any


@dataclass
class CreatePrincipal:
    kind: str                   # LOGIN, USER, ROLE
    name: str
    password: Optional[str] = None
    login: Optional[str] = None


@dataclass
class AlterRole:
    name: str
    action: str                 # ADD MEMBER, DROP MEMBER
    member: str
    server: bool = False


@dataclass
class Permission:
    action: str                 # GRANT, DENY, REVOKE
    permissions: list
    kind: Optional[str]         # OBJECT, SCHEMA, DATABASE, None
    target: Optional[tuple]
    principals: list


@dataclass
class Exec:
    name: Any                   # parts, a variable
    args: list                  # (name or None, expression, output)
    result: Optional[str] = None


@dataclass
class ExecText:
    expr: Any


@dataclass
class Declare:
    variables: list             # (name, type or column definitions, expr)


@dataclass
class SetVariable:
    assign: Assign


@dataclass
class SetOption:
    name: str
    value: Any


@dataclass
class Use:
    name: str


@dataclass
class Begin:
    statements: list


@dataclass
class If:
    condition: Any
    then: Any
    otherwise: Any = None


@dataclass
class While:
    condition: Any
    body: Any


@dataclass
class Try:
    body: list
    handler: list


@dataclass
class Jump:
    kind: str                   # BREAK, CONTINUE, RETURN
    expr: Any = None


@dataclass
class Tran:
    action: str                 # BEGIN, COMMIT, ROLLBACK, SAVE
    name: Any = None


@dataclass
class Print:
    expr: Any


@dataclass
class RaiseError:
    args: list


@dataclass
class Throw:
    args: list


@dataclass
class WaitFor:
    kind: str
    expr: Any


@dataclass
class Nothing:
    """A statement without an effect here, such as CHECKPOINT."""
    name: str
