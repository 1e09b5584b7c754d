"""Servers, databases and connectors for the end-to-end tests.

The environment says what to test: PG_CONFIG names the PostgreSQL that the
extension was installed into; MariaDB and MySQL are used where they are found
(see support/source.py).  scripts/test.sh sets all of it.
"""

import itertools
import tempfile

import pytest

from support.connector import Connector
from support.failpoint import Failpoint
from support.postgres import Postgres
from support.process import log_tails
from support.reader import FUNCTIONS
from support.source import FLAVORS, Database
from support.sqlserver import SqlServer, SqlServerDatabase

NUMBERS = itertools.count(1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.sections.extend(log_tails())


@pytest.fixture(scope="session")
def directory():
    """Makes short-named directories, for the sake of unix sockets."""
    made = []

    def make():
        made.append(tempfile.TemporaryDirectory(prefix="sdb",
                                                ignore_cleanup_errors=True))
        return made[-1].name
    yield make
    for one in made:
        one.cleanup()


@pytest.fixture(scope="session")
def start_postgres(directory):
    """Starts a cluster that has the extension; stopped after the session."""
    started = []

    def start(**settings):
        cluster = Postgres(directory(), **settings)
        started.append(cluster)
        cluster.start()
        cluster.query("SET client_min_messages = warning")
        cluster.query("CREATE EXTENSION synchdb CASCADE")
        return cluster
    yield start
    for cluster in started:
        cluster.stop()


@pytest.fixture(scope="session")
def pg(start_postgres):
    """PostgreSQL without shared_preload_libraries."""
    return start_postgres()


@pytest.fixture(scope="session")
def pg_preload(start_postgres):
    """PostgreSQL with the launcher."""
    return start_postgres(shared_preload_libraries="synchdb")


@pytest.fixture(scope="session")
def start_source(directory):
    """Starts a server of a flavor; stopped after the session."""
    started = []

    def start(flavor, *options):
        server = flavor(directory())
        started.append(server)
        server.start(*options)
        return server
    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session", params=FLAVORS, ids=lambda f: f.name)
def source(request, start_source):
    """One server of each flavor that there is."""
    return start_source(request.param)


@pytest.fixture
def db(source):
    """An empty database at the source."""
    database = Database(source, "db%d" % next(NUMBERS))
    database.create()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def sqlserver(start_source):
    """The SQL Server test server, empty."""
    return start_source(SqlServer)


@pytest.fixture
def mdb(sqlserver):
    """An empty database of it with change data capture and snapshots."""
    database = SqlServerDatabase(sqlserver, "Db%d" % next(NUMBERS))
    database.create("ALLOW_SNAPSHOT_ISOLATION ON")
    yield database
    database.drop()


@pytest.fixture
def connect():
    """Makes connectors, removed with their tables after the test."""
    made = []

    def make(pg, database, **arguments):
        connector = Connector(pg, database, "conn%d" % next(NUMBERS))
        made.append(connector)
        connector.add(**arguments)
        return connector
    yield make
    for connector in made:
        connector.clean()


@pytest.fixture
def connector(pg, db, connect):
    """A connector for db, to be started by the test."""
    return connect(pg, db)


@pytest.fixture
def failpoint(pg):
    """To be armed by the test; cleared after it."""
    point = Failpoint(pg)
    yield point
    point.clear()


@pytest.fixture(scope="session")
def functions(pg):
    """SQL access to the source interface, see test/fake."""
    with open(FUNCTIONS) as sql:
        pg.query(sql.read())


@pytest.fixture
def settings(pg):
    """Changes settings of pg; taken back after the test."""
    changed = []

    def change(**values):
        for name, value in values.items():
            changed.append(name.replace("__", "."))
            pg.query("ALTER SYSTEM SET %s = %%s" % changed[-1], [value])
        pg.reload()
    yield change
    for name in changed:
        pg.query("ALTER SYSTEM RESET %s" % name)
    pg.reload()
