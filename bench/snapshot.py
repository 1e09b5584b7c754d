"""Copying tables that are already there.

Ours: from the call of synchdb_start_engine_bgw until all tables are copied and
committed.  Rivals, each into a database of its own in the same cluster:

pgloader   all its defaults, but where there are blobs of 10 kB, which would
           exhaust its heap; it creates the tables and its keys
mysql_fdw  INSERT ... SELECT into a table without key, then the key; not where
           there are blobs of 10 kB, of which it delivers no row, nor an error
pipe       mariadb --quick | psql COPY, into a table with its key
floor      COPY FREEZE of the same rows from a server's file, then the key;
           it does not read the source at all
"""

import os
import subprocess

import data
from report import figure
from servers import seconds, until
from support.connector import Connector
from support.source import Database

FETCH_SIZE = 10000
MUST = {"pgloader": ("<=", 0.2), "pipe": ("<=", 0.45), "floor": ("<=", 1.0)}


class RivalFailed(Exception):
    """A rival that cannot do it, which is a result as well."""


class Snapshot:
    """One data set, and everybody who copies it."""

    def __init__(self, rig, directory, dataset, scale):
        self.source = rig.source
        self.target = rig.target
        self.directory = directory
        self.tables = data.SNAPSHOTS[dataset]
        self.name = "snapshot_" + dataset
        data.fill_source(self.source, self.name, self.tables, scale)
        self.connector = Connector(self.target,
                                   Database(self.source, self.name),
                                   self.name)
        self.connector.add()
        self.databases = {}
        self.has_blobs = any(kind == "blob" for table in self.tables
                             for _, kind in table.columns)
        self.rivals = {"ours": self.ours, "pgloader": self.pgloader,
                       "mysql_fdw": self.mysql_fdw, "pipe": self.pipe,
                       "floor": self.floor, "reading": self.reading}
        if self.has_blobs:
            del self.rivals["mysql_fdw"]
        self.exported = False

    def prepare(self, rival):
        """An empty database for a rival; gives a connection's cursor."""
        if rival in self.databases:
            self.databases[rival].close()
        name = "%s_%s" % (rival, self.name)
        self.databases[rival] = self.target.create_database(name)
        cursor = self.databases[rival].cursor()
        cursor.execute("CREATE SCHEMA %s" % self.name)
        cursor.execute("CHECKPOINT")
        return cursor

    def ours(self):
        name = self.name
        self.connector.clean()
        self.connector.add()
        self.target.query("CHECKPOINT")

        def copied():
            row = self.target.dictionary(
                "SELECT * FROM synchdb_snapstats WHERE name = %s", [name])
            if row and row["snapshot_end_ts"] > 0 and \
                    row["tables"] == len(self.tables):
                return True
            state = self.connector.state()
            if state["err"] != "no error":
                raise RuntimeError(state["err"])
            return False

        def copy():
            self.connector.start()
            until(copied, "the snapshot", interval=0.01)
        taken = seconds(copy)
        self.connector.stop()
        return taken

    def pgloader(self):
        self.prepare("pgloader").execute("DROP SCHEMA %s" % self.name)
        script = os.path.join(self.directory, self.name + ".load")
        with open(script, "w") as file:
            file.write(
                "LOAD DATABASE FROM mysql://%s:%s@127.0.0.1:%d/%s INTO"
                " postgresql://postgres@127.0.0.1:%d/pgloader_%s%s;\n"
                % (self.source.user, self.source.password, self.source.port,
                   self.name, self.target.port, self.name,
                   " WITH prefetch rows = 1000" if self.has_blobs else ""))
        try:
            return seconds(lambda: shell("pgloader --root-dir %s %s" % (
                os.path.join(self.directory, "pgloader"), script)))
        except RuntimeError as error:
            reasons = [line for line in str(error).splitlines()
                       if "eap exhausted" in line]
            raise RivalFailed("pgloader: does not copy these tables: %s"
                              % (reasons or str(error).splitlines())[-1]) \
                from error

    def mysql_fdw(self):
        cursor = self.prepare("mysql_fdw")
        schema = self.name + "."
        for statement in (
                "CREATE EXTENSION mysql_fdw",
                "CREATE SERVER source FOREIGN DATA WRAPPER mysql_fdw OPTIONS"
                " (host '127.0.0.1', port '%d', fetch_size '%d')"
                % (self.source.port, FETCH_SIZE),
                "CREATE USER MAPPING FOR postgres SERVER source OPTIONS"
                " (username '%s', password '%s')"
                % (self.source.user, self.source.password),
                "CREATE SCHEMA remote"):
            cursor.execute(statement)
        for table in self.tables:
            cursor.execute(
                "%s SERVER source OPTIONS (dbname '%s', table_name '%s')" % (
                    table.create(1, "remote.", key=False).replace(
                        "CREATE TABLE", "CREATE FOREIGN TABLE").replace(
                        "jsonb", "text"),
                    self.name, table.name))

        def copy():
            cursor.execute("BEGIN")
            for table in self.tables:
                cursor.execute(table.create(1, schema, key=False))
                cursor.execute("INSERT INTO %s%s SELECT %s FROM remote.%s" % (
                    schema, table.name, ", ".join(
                        name + ("::jsonb" if kind == "json" else "")
                        for name, kind in table.columns), table.name))
                cursor.execute("ALTER TABLE %s%s ADD PRIMARY KEY (%s)"
                               % (schema, table.name, table.key))
            cursor.execute("COMMIT")
        return seconds(copy)

    def client(self, table):
        """The client's output is what COPY takes, but for NULL and bytes."""
        columns = ", ".join(
            "CONCAT('\\\\\\\\x', HEX(%s))" % name if kind == "blob" else name
            for name, kind in table.columns)
        return ("mariadb --no-defaults -h 127.0.0.1 -P %d -u %s -p%s --quick"
                " --batch --skip-column-names"
                " --default-character-set=utf8mb4 %s -e \"SELECT %s FROM %s\""
                % (self.source.port, self.source.user, self.source.password,
                   self.name, columns, table.name))

    def pipe(self):
        cursor = self.prepare("pipe")

        def copy():
            for table in self.tables:
                cursor.execute(table.create(1, self.name + "."))
                shell("%s | psql -X -q -v ON_ERROR_STOP=1 '%s' -c \"COPY"
                      " %s.%s FROM STDIN WITH (NULL 'NULL')\""
                      % (self.client(table),
                         self.target.dsn("pipe_" + self.name), self.name,
                         table.name))
        return seconds(copy)

    def floor(self):
        files = {table.name: os.path.join(self.directory, "%s.%s.copy"
                                          % (self.name, table.name))
                 for table in self.tables}
        if not self.exported:
            for table in self.tables:
                self.target.query("COPY %s.%s TO '%s'" % (
                    self.name, table.name, files[table.name]))
            self.exported = True
        cursor = self.prepare("floor")

        def copy():
            cursor.execute("BEGIN")
            for table in self.tables:
                name = "%s.%s" % (self.name, table.name)
                cursor.execute(table.create(1, self.name + ".", key=False))
                cursor.execute("COPY %s FROM '%s' WITH (FREEZE)"
                               % (name, files[table.name]))
                cursor.execute("ALTER TABLE %s ADD PRIMARY KEY (%s)"
                               % (name, table.key))
            cursor.execute("COMMIT")
        return seconds(copy)

    def reading(self):
        return seconds(lambda: [shell(self.client(table) + " >/dev/null")
                                for table in self.tables])

    def give_up(self, rival):
        self.databases.pop(rival).close()
        self.target.query("DROP DATABASE %s_%s WITH (FORCE)"
                          % (rival, self.name))

    def check(self):
        """That all hold the source's rows, and ours the types and keys."""
        expected = data.read_fingerprints(
            lambda sql: self.source.execute(sql, database=self.name),
            self.tables, 0)
        lines = [data.compare("ours", expected, data.read_fingerprints(
            self.target.query, self.tables, 1, self.name + "."))]
        for rival, connection in self.databases.items():
            cursor = connection.cursor()
            cursor.execute("SET timezone = 'UTC'")

            def query(sql):
                cursor.execute(sql)
                return cursor.fetchall()
            lines.append(data.compare(rival, expected, data.read_fingerprints(
                query, self.tables, 1, self.name + ".")))
        for table in self.tables:
            self.check_definition(table)
        return ["%s: %s" % (self.name, line) for line in lines]

    def check_definition(self, table):
        """Ours has the columns and the key that the rivals were given."""
        found = self.target.query(
            "SELECT attname, format_type(atttypid, atttypmod)"
            " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " ORDER BY attnum", ["%s.%s" % (self.name, table.name)])
        expected = [(name, data.TYPES[kind][1])
                    for name, kind in table.columns]
        has_key = self.target.value(
            "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND"
            " indisprimary AND indisvalid",
            ["%s.%s" % (self.name, table.name)])
        if found != expected or has_key != 1:
            raise RuntimeError("%s: columns %s and %d key"
                               % (table.name, found, has_key))

    def drop(self):
        self.connector.clean()
        for rival, connection in self.databases.items():
            connection.close()
            self.target.query("DROP DATABASE %s_%s" % (rival, self.name))
        self.source.execute("DROP DATABASE %s" % self.name)
        for name in os.listdir(self.directory):
            if name.endswith(".copy"):
                os.unlink(os.path.join(self.directory, name))


def shell(command):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode != 0 or " ERROR " in done.stdout:
        raise RuntimeError("%s\n%s" % (command, done.stdout))


def measure(rig, options):
    rows, checks = [], []
    for dataset in options.datasets:
        scale = options.scale
        if options.quick and dataset == "mixed":
            scale /= 4
        snapshot = Snapshot(rig, options.directory, dataset, scale)
        times = {rival: [] for rival in snapshot.rivals}
        for number in range(options.rounds):
            for rival in list(times):
                try:
                    times[rival].append(snapshot.rivals[rival]())
                except RivalFailed as error:
                    checks.append("%s: %s" % (snapshot.name, error))
                    options.say(checks[-1])
                    del times[rival]
                    snapshot.give_up(rival)
                    continue
                options.say("snapshot %s, run %d, %s: %.2f s" % (
                    dataset, number + 1, rival, times[rival][-1]))
        checks += snapshot.check()
        snapshot.drop()
        for rival in list(times)[1:]:
            rows.append(figure(
                "`%s`" % dataset, "s", times["ours"], rival, times[rival],
                ratio=MUST.get(rival) if dataset != "mixed" else None))
    return rows, checks
