"""The sample database testDB."""

DATABASE = "testDB"

TABLES = """
CREATE TABLE products (
    id INTEGER IDENTITY(101,1) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description VARCHAR(512),
    weight FLOAT);
CREATE TABLE products_on_hand (
    product_id INTEGER NOT NULL PRIMARY KEY,
    quantity INTEGER NOT NULL,
    FOREIGN KEY (product_id) REFERENCES products(id));
CREATE TABLE customers (
    id INTEGER IDENTITY(1001,1) NOT NULL PRIMARY KEY,
    first_name VARCHAR(255) NOT NULL,
    last_name VARCHAR(255) NOT NULL,
    email VARCHAR(255) NOT NULL UNIQUE);
CREATE TABLE orders (
    id INTEGER IDENTITY(10001,1) NOT NULL PRIMARY KEY,
    order_date DATE NOT NULL,
    purchaser INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    FOREIGN KEY (purchaser) REFERENCES customers(id),
    FOREIGN KEY (product_id) REFERENCES products(id));
"""

ROWS = """
INSERT INTO products(name, description, weight) VALUES
    ('scooter', 'Small 2-wheel scooter', 3.14),
    ('car battery', '12V car battery', 8.1),
    ('12-pack drill bits',
     '12-pack of drill bits with sizes ranging from #40 to #3', 0.8),
    ('hammer', '12oz carpenter''s hammer', 0.75),
    ('hammer', '14oz carpenter''s hammer', 0.875),
    ('hammer', '16oz carpenter''s hammer', 1.0),
    ('rocks', 'box of assorted rocks', 5.3),
    ('jacket', 'water resistent black wind breaker', 0.1),
    ('spare tire', '24 inch spare tire', 22.2);
INSERT INTO products_on_hand VALUES (101, 3), (102, 8), (103, 18), (104, 4),
    (105, 5), (106, 0), (107, 44), (108, 2), (109, 5);
INSERT INTO customers(first_name, last_name, email) VALUES
    ('Sally', 'Thomas', 'sally.thomas@acme.com'),
    ('George', 'Bailey', 'gbailey@foobar.com'),
    ('Edward', 'Walker', 'ed@walker.com'),
    ('Anne', 'Kretchmar', 'annek@noanswer.org');
INSERT INTO orders(order_date, purchaser, quantity, product_id) VALUES
    ('16-JAN-2016', 1001, 1, 102), ('17-JAN-2016', 1002, 2, 105),
    ('19-FEB-2016', 1002, 2, 106), ('21-FEB-2016', 1003, 1, 107);
"""

CAPTURE = """
EXEC sys.sp_cdc_enable_table @source_schema = 'dbo', @source_name = '%s',
    @role_name = NULL, @supports_net_changes = 0;
"""
NAMES = ("products", "products_on_hand", "customers", "orders")


def load(engine):
    """Makes testDB as its SQL script would."""
    from .tds import Login
    session = engine.connect(Login(user="sa", trusted=True, spid=50))
    try:
        for text in ("CREATE DATABASE " + DATABASE, "USE " + DATABASE,
                     "EXEC sys.sp_cdc_enable_db", TABLES, ROWS,
                     "".join(CAPTURE % name for name in NAMES)):
            for _ in session.execute(text):
                pass
    finally:
        session.close()
