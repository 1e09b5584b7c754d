"""The DDL statements of test/golden/mysql/ddl_*.sql, for real servers, and
the definitions that they lead to."""

import os

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "golden",
                      "mysql")

# marks in a statement
ERROR = "--!error"      # the server refuses it
PARTIAL = "--!partial"  # rows may differ here, and the table's stage says so


def statements(flavor):
    """Those that a server of the flavor runs, in order: (text, marks)."""
    found = []
    for name in ("common", flavor):
        with open(os.path.join(FOLDER, "ddl_%s.sql" % name),
                  encoding="utf-8") as text:
            for paragraph in text.read().split("\n\n"):
                lines = paragraph.strip("\n").split("\n")
                sql = "\n".join(line for line in lines
                                if not line.startswith("--"))
                if sql:
                    found.append((sql, [line for line in lines
                                        if line.startswith("--!")]))
    return found


class Session:
    """One connection to a database; its character set is the client's too."""

    def __init__(self, database, **options):
        self.connection = database.connect(**options)

    def run(self, sql):
        if sql.startswith("SET NAMES "):
            self.connection.set_charset(sql.split()[2])
            return
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def close(self):
        self.connection.close()


def differences(path, one, other):
    """Between two definitions, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = list(one) + [key for key in other if key not in one]
        # a server may not show all bytes of a constant, or its time zone
        if one.get("type") in ("timestamp", "binary", "varbinary") and (
                other.get("default") == "other" or "00" in
                other.get("default_value", "")):
            keys = [key for key in keys if not key.startswith("default")]
        # nor does a server show all digits of this one
        if one.get("type") == other.get("type") == "float" and \
                "default_value" in one and "default_value" in other:
            one = dict(one, default_value="%g" % float(one["default_value"]))
            other = dict(other,
                         default_value="%g" % float(other["default_value"]))
        return [line for key in keys for line in
                differences("%s.%s" % (path, key), one.get(key),
                            other.get(key))]
    if isinstance(one, list) and isinstance(other, list) and \
            len(one) == len(other):
        return [line for n, (a, b) in enumerate(zip(one, other))
                for line in differences("%s[%d]" % (path, n), a, b)]
    return [] if one == other else \
        ["%s: followed %s, described %s" % (path, one, other)]
