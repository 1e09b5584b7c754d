-- Rules, and the view of columns that shows them.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;
RESET client_min_messages;
SELECT current_database() AS db \gset

-- before their connector; kind and source object are folded, the rest is not
SELECT synchdb_add_objmap('c', 'table', 'inventory.orders', '"Schema"."It''s"');
SELECT synchdb_add_objmap('c', ' TABLE ', ' Inventory.ORDERS ', 'schema.again');
SELECT synchdb_add_objmap('c', 'column', 'inventory.orders.a', 'pgintcol');
SELECT synchdb_add_objmap('c', 'datatype', 'inventory.orders.order_date', 'text|0');
SELECT synchdb_add_objmap('c', 'transform', 'inventory.orders.purchaser', '''>'' || ''%d'' || ''<''');
SELECT synchdb_add_objmap('other', 'transform', 'inventory.orders.purchaser', '%d + 1');
SELECT * FROM synchdb_objmap ORDER BY name, objtype, srcobj;

SELECT synchdb_del_objmap('c', 'column', 'inventory.orders.A');
SELECT objtype, enabled FROM synchdb_objmap WHERE name = 'c' ORDER BY objtype;
SELECT synchdb_add_objmap('c', 'column', 'inventory.orders.a', 'anew');
SELECT enabled, dstobj FROM synchdb_objmap WHERE name = 'c' AND objtype = 'column';

SELECT synchdb_add_objmap('c', 'index', 'inventory.orders.a', 'x');

-- rules that can never work
SELECT synchdb_add_objmap('c', 'table', ' ', 'a.b');
SELECT synchdb_add_objmap('c', 'table', '"a.b"', 'x');
SELECT synchdb_add_objmap('c', 'column', 'a.b', 'x');
SELECT synchdb_add_objmap('c', 'transform', 'a."b.c"', '%d');
SELECT synchdb_add_objmap('c', 'table', 'a.b', 'one.two.three');
SELECT synchdb_add_objmap('c', 'column', 'a.b.c', 'two words');
SELECT synchdb_add_objmap('c', 'column', 'a.b.c', repeat('x', 64));
SELECT synchdb_add_objmap('c', 'datatype', 'a.b.c|maybe', 'text');
SELECT synchdb_add_objmap('c', 'datatype', 'a.b.c', 'varchar|many');
SELECT synchdb_add_objmap('c', 'datatype', 'a.b.c', 'text|20');
SELECT synchdb_add_objmap('c', 'datatype', 'a.b.c', 'nosuchtype');
SELECT synchdb_add_objmap('c', 'datatype', 'a.b.c', 'int; DROP TABLE synchdb_objmap');
SELECT synchdb_add_objmap('c', 'transform', 'a.b.c', '%d +');
SELECT synchdb_add_objmap('c', 'transform', 'a.b.c', '');
SELECT synchdb_add_objmap('c', 'transform', 'a.b.c', '1) FROM pg_class WHERE (true');
SELECT synchdb_add_objmap('c', 'transform', 'a.b.c', '''%d');
SELECT synchdb_add_objmap('c', 'transform', 'a.b.c', '%d + $1');
SELECT count(*) FROM synchdb_objmap WHERE srcobj LIKE 'a.b%';
SELECT synchdb_del_objmap('c', '''; --', 'inventory.orders.a');
SELECT synchdb_del_objmap('unknown', 'table', 'a.b');
SELECT synchdb_add_conninfo('c', 'h', 1, 'u', 'p', 'd', :'db', '', '', 'mysql');
SELECT synchdb_del_objmap('c', 'table', 'a.b');

-- columns, in the order that scripts rely on
CREATE SCHEMA inventory;
CREATE TABLE inventory.orders (order_number int, order_date date, purchaser varchar(20));
ALTER TABLE inventory.orders DROP COLUMN order_date;
INSERT INTO synchdb_attribute VALUES
	('c', 'mysql', 'inventory.orders'::regclass, 3, 'inventory.orders', 'purchaser', 'varchar'),
	('c', 'mysql', 'inventory.orders'::regclass, 2, 'inventory.orders', '........synchdb.dropped.2........', 'null'),
	('c', 'mysql', 'inventory.orders'::regclass, 1, 'inventory.orders', 'order_number', 'int'),
	('c', 'mysql', 1, 1, 'inventory.gone', 'x', 'int'),
	('plain', 'mysql', 'inventory.orders'::regclass, 3, 'inventory.orders', 'purchaser', 'varchar');
SELECT * FROM synchdb_att_view;
DROP SCHEMA inventory CASCADE;
DELETE FROM synchdb_attribute;

-- types
SELECT synchdb_translate_datatype('mysql', 'int', -1, -1, -1) AS int,
	synchdb_translate_datatype('MySQL', ' VARCHAR', 20, -1, -1) AS varchar,
	synchdb_translate_datatype('mysql', 'decimal', 10, 2, -1) AS decimal,
	synchdb_translate_datatype('mysql', 'bigint unsigned', 4294967296, 0, 0) AS "bigint unsigned";
SELECT synchdb_translate_datatype('mysql', 'no''such', -1, -1, -1);
\set VERBOSITY terse
SELECT synchdb_translate_datatype('db2', 'int', -1, -1, -1);
\set VERBOSITY default

DELETE FROM synchdb_objmap;
SELECT synchdb_del_conninfo('c');
