"""What passes between the two halves of the server.

The wire half (server.py) logs a client in, reads its requests and writes what
comes of them.  The model half (model_engine.py) runs T-SQL.  The wire half
calls, in one thread a connection:

    Engine(data)                          data: "empty", or "demo" for the
                                          sample database testDB
    Engine.connect(login) -> Session      raises SqlError: login is refused
    Engine.control(request) -> answer     dicts; requests of the control
                                          channel that the wire does not know
    Session.execute(text, params={})      -> iterator of the items below;
                                          raises SqlError, at any item
    Session.cancel()                      from another thread: what runs ends
                                          soon, by return or by SqlError; when
                                          nothing runs, nothing happens
    Session.reset()                       sp_reset_connection
    Session.close()
    Session.database                      name of the current database, in
                                          its real case; the wire half tells
                                          the client when it changes
    Session.transaction                   0, or the number of the open
                                          transaction (told likewise)
    Session.rolled_back                   whether the last transaction that
                                          ended was rolled back
    Session.text_size                     SET TEXTSIZE: how many bytes of text,
                                          image, (max) are sent; -1: all.
                                          At first that of the login

login is a tds.Login: user, password, database, host, app, read_only, ...;
one that is trusted comes over the control channel and has no password.
params maps names ("@p1") to Parameter.

Values are: None; int; bool (bit); decimal.Decimal (decimal, numeric, money,
smallmoney); float (real, float); str (all character types and xml, possibly
with lone surrogates); bytes (binary types, image, rowversion, UDTs);
datetime.date; values.Time, DateTime, DateTimeOffset; uuid.UUID;
values.Variant (sql_variant).

A statement that gives rows yields ResultSet, then Done with their number once
the rows have been taken; one without rows yields Done alone.  Statements
without any result (SET, DECLARE) yield Done() or nothing.
"""
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .types import Type
from .values import DateTime, DateTimeOffset, Time, Variant

__all__ = ["Column", "DateTime", "DateTimeOffset", "Done", "Info", "Output",
           "Parameter", "ResultSet", "ReturnStatus", "SqlError", "Time",
           "Type", "Variant"]


@dataclass(frozen=True)
class Column:
    name: str
    type: Type


@dataclass
class ResultSet:
    columns: list[Column]
    rows: Iterable[tuple]       # may raise SqlError, and give Info


@dataclass(frozen=True)
class Done:
    """The end of a statement; rowcount None: no count (NOCOUNT, SET)."""
    rowcount: int | None = None


@dataclass(frozen=True)
class Info:
    """PRINT, warnings: class 0 to 10.  May come between or inside results."""
    number: int
    state: int
    class_: int
    message: str
    line: int = 1
    procedure: str = ""


@dataclass(frozen=True)
class ReturnStatus:
    """RETURN of a procedure."""
    value: int


@dataclass(frozen=True)
class Parameter:
    type: Type
    value: Any
    output: bool = False


@dataclass(frozen=True)
class Output:
    """The final value of an output parameter."""
    name: str
    type: Type
    value: Any


class SqlError(Exception):
    """An error message.  Those of class 20 and above end the connection.

    An iterator that raised has ended.  To go on after an error inside a batch
    (SQL Server does after most of class 16) yield the SqlError instead.
    """

    def __init__(self, number, message, class_=16, state=1, line=1,
                 procedure=""):
        super().__init__(number, message)
        self.number = number
        self.message = message
        self.class_ = class_
        self.state = state
        self.line = line
        self.procedure = procedure

    def __str__(self):
        return "Msg %d: %s" % (self.number, self.message)
