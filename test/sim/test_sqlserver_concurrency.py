"""Writers of the test server at once: what the change tables say makes the
table, and nothing stays locked."""
import random
import threading

from sqlserver.result import SqlError
from sqlserver_model import Sql, database, new_engine

WRITERS, ROUNDS, KEYS = 4, 60, 30
EXPECTED = {1205, 1222, 2627}


def change(chance, number):
    key = chance.randint(1, KEYS)
    return chance.choice([
        "INSERT t VALUES (%d, %d, %d)" % (key, key + 100, number),
        "UPDATE t SET v = %d WHERE id = %d" % (number, key),
        "DELETE t WHERE id = %d" % key,
        "UPDATE t SET id = id + 1 WHERE id BETWEEN %d AND %d" % (key,
                                                                 key + 3),
        "UPDATE t SET u = u + 1 WHERE id > %d" % key])


class Writer(threading.Thread):
    def __init__(self, engine, number):
        super().__init__(daemon=True)
        self.sql = Sql(engine, "d")
        self.chance = random.Random(number)
        self.unexpected = []

    def run(self):
        self.sql("SET LOCK_TIMEOUT 300")
        for number in range(ROUNDS):
            self.attempt("BEGIN TRAN" if self.chance.random() < 0.6
                         else "PRINT ''")
            for _ in range(self.chance.randint(1, 4)):
                self.attempt(change(self.chance, number))
            if self.sql.session.transaction:
                self.attempt(self.chance.choice(["COMMIT", "COMMIT",
                                                 "ROLLBACK"]))

    def attempt(self, text):
        try:
            self.sql(text)
        except SqlError as error:
            if error.number not in EXPECTED:
                self.unexpected.append(error)


def replayed(rows):
    """The table after its change rows, each of which has to fit."""
    table = {}
    for operation, *row in rows:
        if operation in (1, 3):
            assert table.pop(row[0]) == row
        else:
            assert row[0] not in table
            table[row[0]] = row
    return sorted(map(tuple, table.values()))


def test_concurrent_writers():
    db = database(new_engine(), cdc=True)
    db("CREATE TABLE t (id int NOT NULL PRIMARY KEY, u int UNIQUE, v int);"
       "EXEC sys.sp_cdc_enable_table 'dbo', 't', NULL;"
       "EXEC sim.agent @lag_ms = 3")
    writers = [Writer(db.session.engine, n) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert not writer.is_alive() and not writer.unexpected
    db("EXEC sim.capture")
    assert replayed(db(
        "SELECT [__$operation], id, u, v FROM cdc.dbo_t_CT ORDER BY"
        " [__$start_lsn], [__$command_id], [__$seqval], [__$operation]")) \
        == db("SELECT * FROM t ORDER BY id")
    table = db.session.names.table(("t",))
    assert not (table.dirty or table.ghosts or table.row_locks or table.locks)
    assert all(len(index.rids) == len(table.rows) for index in table.unique)
