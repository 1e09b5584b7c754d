"""The SQL of the README and of every page of the manual works as written.

Blocks marked sql run here, in order, in a database of their page; blocks
marked mysql run at the source.  A statement followed by "-- error: words" has
to fail with these words in its message.
"""

import os
import re

import psycopg2
import pytest

from support.source import Database, statements

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PAGES = ["README.md"] + sorted(
    os.path.join("doc", name) for name in os.listdir(os.path.join(ROOT, "doc"))
    if name.endswith(".md"))

BLOCK = re.compile(r"^```(sql|mysql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATEMENT = re.compile(r"(.*?;)[ \t]*(?:-- error: ([^\n]*))?(?:\n|\Z)",
                       re.DOTALL)


def read(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as text:
        return text.read()


def examples(page):
    """(language, statement, words of the error or '') in order."""
    for language, block in BLOCK.findall(read(page)):
        for statement, error in STATEMENT.findall(block):
            yield language, statement.strip(), error.strip()


WITH_EXAMPLES = [page for page in PAGES if list(examples(page))]


@pytest.fixture
def inventory(source):
    database = Database(source, "inventory")
    database.drop()
    source.execute(statements("inventory.sql")[0])
    database.execute(*statements("inventory.sql")[2:])
    yield database
    database.drop()


@pytest.fixture
def session(pg):
    """A connection to a new database, dropped with its connectors."""
    pg.query("DROP DATABASE IF EXISTS manual")
    pg.query("CREATE DATABASE manual")
    connection = pg.connect("manual")
    yield connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT synchdb_del_conninfo(name)"
                       " FROM synchdb_conninfo")
        cursor.execute("DROP EXTENSION synchdb")
    connection.close()
    pg.query("DROP DATABASE manual")
    pg.query("DROP ROLE IF EXISTS migrator")


def run(session, statement, error):
    with session.cursor() as cursor:
        if not error:
            cursor.execute(statement)
            return
        with pytest.raises(psycopg2.Error) as raised:
            cursor.execute(statement)
        assert error in str(raised.value), statement


@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_page(page, source, inventory, session):
    with session.cursor() as cursor:
        cursor.execute("SET client_min_messages = warning")
        if "CREATE EXTENSION" not in read(page):
            cursor.execute("CREATE EXTENSION synchdb CASCADE")
    for language, statement, error in examples(page):
        if language == "mysql":
            source.execute(statement)
        else:
            run(session, statement.replace("'127.0.0.1', 3306",
                                           "'127.0.0.1', %d" % source.port),
                error)


def test_settings_page_is_complete(pg):
    pg.query("LOAD 'synchdb'")
    names = {row[0] for row in pg.query(
        "SELECT name FROM pg_settings WHERE name LIKE 'synchdb.%'")}
    page = set(re.findall(r"`(synchdb\.\w+)`", read("doc/settings.md")))
    assert page == names


def test_functions_are_in_the_manual(pg):
    """All but those of triggers, which nobody can call."""
    names = {row[0] for row in pg.query(
        "SELECT proname FROM pg_proc p JOIN pg_depend d"
        " ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
        " AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid"
        " WHERE e.extname = 'synchdb'"
        " AND p.prorettype <> 'trigger'::regtype")}
    manual = "".join(read(page) for page in PAGES)
    assert not {name for name in names if name not in manual}
