"""What tests of the test server's model share: sessions without a wire."""
import threading

from sqlserver.model_engine import Engine
from sqlserver.result import Done, Info, ResultSet, SqlError
from sqlserver.tds import Login

TIMEOUT = 30


class Sql:
    """A session of an engine."""

    def __init__(self, engine, database="", user="sa", read_only=False):
        self.session = engine.connect(Login(
            user=user, trusted=True, database=database, read_only=read_only))
        self.messages = []

    def __call__(self, text, params=None):
        """The rows of the last result; errors are raised."""
        rows = None
        for item in self.session.execute(text, params):
            if isinstance(item, ResultSet):
                self.columns = item.columns
                rows = list(item.rows)
            elif isinstance(item, SqlError):
                raise item
            elif isinstance(item, Info):
                self.messages.append(item)
            elif isinstance(item, Done) and rows is None:
                self.count = item.rowcount
        return rows

    def value(self, text):
        (row,) = self("SELECT " + text)
        (value,) = row
        return value

    def type(self, text):
        self("SELECT " + text)
        return self.columns[0].type

    def error(self, text):
        """The number of the error that a text gives."""
        try:
            self(text)
        except SqlError as error:
            return error.number
        return None

    def start(self, text):
        """Runs a text in a thread; see Running."""
        return Running(self, text)


class Running:
    def __init__(self, sql, text):
        self.sql = sql
        self.rows = None
        self.error = None
        self.thread = threading.Thread(target=self.run, args=(text,),
                                       daemon=True)
        self.thread.start()

    def run(self, text):
        try:
            self.rows = self.sql(text)
        except SqlError as error:
            self.error = error

    def wait_blocked(self):
        """Until it waits for a lock."""
        locks = self.sql.session.locks
        with locks.latch:
            assert locks.latch.wait_for(
                lambda: any(one.session is self.sql.session
                            for one in locks.waiting), TIMEOUT)

    def done(self):
        """The rows, after it has ended."""
        self.thread.join(TIMEOUT)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.rows


def database(engine, name="d", cdc=False):
    """A session in a new database."""
    sql = Sql(engine)
    sql("CREATE DATABASE " + name)
    sql("USE " + name)
    if cdc:
        sql("EXEC sys.sp_cdc_enable_db")
    return sql


def new_engine():
    return Engine()
