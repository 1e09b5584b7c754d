"""What comes along with a table of a real server: indexes, foreign keys,
comments, defaults, numbers."""


def definitions(connector):
    """Indexes and foreign keys, with their comments."""
    return connector.pg.query(
        "SELECT obj_description(indexrelid, 'pg_class'),"
        " regexp_replace(pg_get_indexdef(indexrelid), ' INDEX .* btree', '')"
        " FROM pg_index JOIN pg_class c ON c.oid = indrelid"
        " WHERE relnamespace = %s::regnamespace AND NOT indisprimary"
        " UNION ALL SELECT obj_description(oid, 'pg_constraint'),"
        " pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = %s::regnamespace",
        [connector.schema, connector.schema])


def test_what_comes_along(db, connector, settings):
    settings(synchdb__replicate_indexes="on")
    db.execute(
        "CREATE TABLE parent (a INT, b VARCHAR(20) NOT NULL DEFAULT 'x',"
        " id INT AUTO_INCREMENT COMMENT 'number', body TEXT,"
        " PRIMARY KEY (id), UNIQUE KEY pair (b, a), KEY `by ``a` (a),"
        " KEY start (body(10)), FULLTEXT KEY words (body))"
        " ENGINE=InnoDB COMMENT 'all of it'",
        "CREATE TABLE child (id INT PRIMARY KEY, p INT, q INT,"
        " CONSTRAINT up FOREIGN KEY (p) REFERENCES parent (id)"
        " ON DELETE CASCADE, FOREIGN KEY (q) REFERENCES child (id)"
        " ON DELETE SET NULL ON UPDATE CASCADE) ENGINE=InnoDB",
        "INSERT INTO parent VALUES (1, 'one', 41, 'text')",
        "INSERT INTO child VALUES (1, 41, NULL), (2, NULL, 1)")
    connector.start()
    connector.wait_streaming()
    found = dict(definitions(connector))
    name = connector.schema
    assert found.pop("synchdb: index pair") == "CREATE UNIQUE (b, a)"
    assert found.pop("synchdb: index by `a") == "CREATE (a)"
    assert found.pop("synchdb: foreign key up") == \
        "FOREIGN KEY (p) REFERENCES %s.parent(id) ON DELETE CASCADE" \
        " NOT VALID" % name
    # the servers name the other one, and index both
    assert sorted(found.values()) == [
        "CREATE (p)", "CREATE (q)",
        "FOREIGN KEY (q) REFERENCES %s.child(id) ON UPDATE CASCADE"
        " ON DELETE SET NULL NOT VALID" % name]
    assert connector.pg.value(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
        [connector.target("parent")]) == 42
    db.execute("INSERT INTO parent (a, b) VALUES (2, 'two'), (3, 'three')")
    connector.wait_equal("parent", "a, b, id", "ORDER BY id")
    assert connector.pg.value(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
        [connector.target("parent")]) == 44
    assert connector.pg.value("SELECT obj_description(%s::regclass)",
                              [connector.target("parent")]) == "all of it"


def columns_of_keys(connector):
    """What definitions() says, without the names that differ by server."""
    return sorted(text for _, text in definitions(connector))


def test_statements_that_change_indexes(db, connector, settings):
    """The stream ends with what a copy made anew would have."""
    settings(synchdb__replicate_indexes="on")
    db.execute("CREATE TABLE p (id INT PRIMARY KEY, a INT, b INT,"
               " KEY k (a, b), UNIQUE KEY u (b)) ENGINE=InnoDB")
    connector.start()
    connector.wait_streaming()
    db.execute(
        "CREATE INDEX later ON p (b, a)",
        "ALTER TABLE p ADD c INT UNIQUE, ADD KEY (c, a), DROP KEY k",
        "ALTER TABLE p RENAME COLUMN a TO z, ADD UNIQUE named (z, id)",
        "CREATE TABLE c (id INT PRIMARY KEY, p INT, q INT, r INT,"
        " FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL,"
        " KEY (q)) ENGINE=InnoDB",
        "ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (q) REFERENCES p (b)"
        " ON UPDATE CASCADE, ADD s TEXT, ADD KEY start (s(10))",
        "CREATE TABLE c2 LIKE c",
        "ALTER TABLE c DROP FOREIGN KEY fk, DROP COLUMN r",
        "ALTER TABLE c RENAME KEY q TO q2, ADD FOREIGN KEY (q)"
        " REFERENCES p (id)",
        "DROP INDEX later ON p",
        "ALTER TABLE p MODIFY b BIGINT FIRST, DROP COLUMN c",
        "INSERT INTO p (id) VALUES (1)", "INSERT INTO c (id) VALUES (1)")
    connector.wait_rows("c", [(1,)], "id")
    followed = columns_of_keys(connector)
    assert len(followed) == 9
    stored = connector.pg.query(
        "SELECT source_table, definition #> '{indexes}',"
        " definition #> '{foreign_keys}' FROM synchdb_table WHERE name = %s"
        " ORDER BY 1", [connector.name])
    connector.stop()
    for table in "c", "c2", "p":
        connector.pg.query("DROP TABLE %s CASCADE" % connector.target(table))
    connector.start("always")
    connector.wait_streaming()
    assert columns_of_keys(connector) == followed
    assert stored == connector.pg.query(
        "SELECT source_table, definition #> '{indexes}',"
        " definition #> '{foreign_keys}' FROM synchdb_table WHERE name = %s"
        " ORDER BY 1", [connector.name])
