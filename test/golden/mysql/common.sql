-- Tables and rows that both MySQL and MariaDB know.  Times are written in UTC.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';

CREATE TABLE ints (
    id int PRIMARY KEY,
    t tinyint, tu tinyint unsigned, s smallint, su smallint unsigned,
    m mediumint, mu mediumint unsigned, i int, iu int unsigned,
    b bigint, bu bigint unsigned, bo boolean, y year);
INSERT INTO ints VALUES
    (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0,
     -9223372036854775808, 0, 0, 0),
    (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295,
     9223372036854775807, 18446744073709551615, 1, 1901),
    (3, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 2155),
    (-4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE ints SET t = t + 1 WHERE id IN (1, 3);
DELETE FROM ints WHERE id < 3;

CREATE TABLE reals (
    id int PRIMARY KEY, f float, d double, fu float unsigned, f53 float(53));
INSERT INTO reals VALUES
    (1, -3.402823466e38, -1.7976931348623157e308, 0, 0.1),
    (2, 3.402823466e38, 1.7976931348623157e308, 1.5, -0e0),
    (3, 1.175494351e-38, 2.2250738585072014e-308, 0.1, 1e300),
    (4, -0e0, 0.1, 16777217, 123456789.123456789);

CREATE TABLE decimals (
    id int PRIMARY KEY, d1 decimal(1,0), d5 decimal(5,2), d9 decimal(9,9),
    d10 decimal(10,0), d18 decimal(18,9), d20 decimal(20,10),
    d38 decimal(38,19), d65 decimal(65,30), d65i decimal(65,0),
    d30 decimal(30,30), du decimal(8,4) unsigned);
INSERT INTO decimals VALUES
    (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (2, 9, 999.99, 0.999999999, 9999999999, 999999999.999999999,
     9999999999.9999999999, 9999999999999999999.9999999999999999999,
     99999999999999999999999999999999999.999999999999999999999999999999,
     99999999999999999999999999999999999999999999999999999999999999999,
     0.999999999999999999999999999999, 9999.9999),
    (3, -9, -999.99, -0.999999999, -9999999999, -999999999.999999999,
     -9999999999.9999999999, -9999999999999999999.9999999999999999999,
     -99999999999999999999999999999999999.999999999999999999999999999999,
     -99999999999999999999999999999999999999999999999999999999999999999,
     -0.999999999999999999999999999999, 0.0001),
    (4, 1, -0.01, 0.000000001, -1, 1.000000001, 10000.0001,
     10000000000.00000001, 12345678901234567890.000000000000000000000000000001,
     100000000000000000000000000000000000, 0.000000000000000000000000000001,
     1000.5),
    (5, -1, 100, -0.0001, 100000000, -100000000.1, 0.00001, -1, 10000,
     -1000000000000, 0.0001, 1234.5678);

CREATE TABLE bits (
    id int PRIMARY KEY, b1 bit(1), b7 bit(7), b8 bit(8), b9 bit(9),
    b33 bit(33), b64 bit(64));
INSERT INTO bits VALUES
    (1, b'0', b'0', b'0', b'0', b'0', b'0'),
    (2, b'1', b'1111111', b'11111111', b'111111111',
     b'111111111111111111111111111111111',
     b'1111111111111111111111111111111111111111111111111111111111111111'),
    (3, b'1', b'1000001', b'10000001', b'100000001', 1, 1), (4, 0, 1, 2, 3, 4, 5);

CREATE TABLE times (
    id int PRIMARY KEY, d date, t0 time, t1 time(1), t2 time(2), t3 time(3),
    t4 time(4), t5 time(5), t6 time(6), dt0 datetime, dt1 datetime(1),
    dt2 datetime(2), dt3 datetime(3), dt6 datetime(6), ts0 timestamp NULL,
    ts1 timestamp(1) NULL, ts4 timestamp(4) NULL, ts6 timestamp(6) NULL);
INSERT INTO times VALUES
    (1, '1000-01-01', '-838:59:59', '-838:59:58.9', '-838:59:58.99',
     '-838:59:58.999', '-838:59:58.9999', '-838:59:58.99999',
     '-838:59:58.999999', '1000-01-01 00:00:00', '1000-01-01 00:00:00.1',
     '1000-01-01 00:00:00.01', '1000-01-01 00:00:00.001',
     '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01',
     '1970-01-01 00:00:01.1', '1970-01-01 00:00:01.0001',
     '1970-01-01 00:00:01.000001'),
    (2, '9999-12-31', '838:59:59', '838:59:58.9', '838:59:58.99',
     '838:59:58.999', '838:59:58.9999', '838:59:58.99999',
     '838:59:58.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.9',
     '9999-12-31 23:59:59.99', '9999-12-31 23:59:59.999',
     '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07',
     '2038-01-19 03:14:06.9', '2038-01-19 03:14:06.9999',
     '2038-01-19 03:14:06.999999'),
    (3, '2024-02-29', '-00:00:01', '-00:00:00.1', '-00:00:00.01',
     '-00:00:00.001', '-00:00:00.0001', '-00:00:00.00001',
     '-00:00:00.000001', '1969-12-31 23:59:59', '2000-01-01 00:00:00.5',
     '1999-12-31 23:59:59.5', '2024-02-29 12:34:56.789',
     '1900-02-28 12:34:56.123456', '2000-01-01 00:00:00',
     '1999-12-31 23:59:59.9', '2024-02-29 12:34:56.789',
     '2024-02-29 12:34:56.789012'),
    (4, '0000-00-00', '00:00:00', '00:00:00.0', '00:00:01.5', '24:00:00',
     '12:00:00.1', '-24:00:00', '100:00:00.5', '0000-00-00 00:00:00',
     '0000-00-00 00:00:00.0', '0000-00-00', '0000-00-00', '0000-00-00',
     '0000-00-00 00:00:00', '0000-00-00', '0000-00-00', '0000-00-00'),
    (5, '2024-00-10', '0:0:0', '1:1:1', '-1:1:1', '1:1:1.001', '1:1:1.0101',
     '-1:1:1.00101', '-1:1:1.001001', '2024-01-00 10:20:30',
     '2024-02-31 10:20:30.5', '0000-01-01 01:02:03.04',
     '2023-02-29 10:20:30.123', '2024-00-00 00:00:00.000001', NULL, NULL,
     NULL, NULL);

CREATE TABLE texts (
    id int PRIMARY KEY,
    c char(10), ce char(0), cl char(255), v varchar(20), v0 varchar(0),
    vl varchar(300), tt tinytext, tx text, tm mediumtext, tl longtext,
    lat varchar(20) CHARACTER SET latin1, u16 varchar(20) CHARACTER SET utf16,
    u2 char(10) CHARACTER SET ucs2, u32 varchar(10) CHARACTER SET utf32,
    u8 varchar(20) CHARACTER SET utf8, asc1 varchar(20) CHARACTER SET ascii,
    sj varchar(20) CHARACTER SET sjis, gb varchar(20) CHARACTER SET gbk,
    b5 text CHARACTER SET big5, cyr varchar(20) CHARACTER SET cp1251,
    uj varchar(20) CHARACTER SET ujis);
INSERT INTO texts VALUES
    (1, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
     '', '', '', ''),
    (2, 'null', NULL, repeat('x', 255), 'it''s "q" \\', NULL, repeat('é', 300),
     'tab\there', 'line\nbreak', '\Z', '😀', 'äöü€', '日本😀', '日本', '😀x',
     'üñî', 'ascii', '日本語ｱ', '汉字', '漢字', 'Привет', '日本語'),
    (3, '  pad  ', '', '日本', 'NULL  ', '', '', 'a,b', '{"a":1}',
     repeat('m', 300), '\\x41', 'ÿ', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x',
     'x', 'x');

CREATE TABLE binaries (
    id int PRIMARY KEY, b binary(4), b0 binary(0), bl binary(255),
    v varbinary(10), vl varbinary(300), tb tinyblob, bb blob, mb mediumblob,
    lb longblob);
INSERT INTO binaries VALUES
    (1, '', '', '', '', '', '', '', '', ''),
    (2, x'00010000', '', x'ff', x'0000', x'00ff00', x'00', x'deadbeef00',
     x'0102', x'5c27'),
    (3, x'20202020', NULL, repeat('z', 255), '  ', repeat(x'00', 300),
     repeat('t', 255), repeat(x'80', 300), NULL, '');

CREATE TABLE labels (
    id int PRIMARY KEY,
    e enum('', 'a', 'b,c', 'it''s', '"q"', 'ü', 'null'),
    el enum('x', 'é') CHARACTER SET latin1,
    s set('a', 'b', 'it''s', '"q"', 'ü', 'f', 'g', 'h', 'i'),
    s64 set('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15',
            '16','17','18','19','20','21','22','23','24','25','26','27','28',
            '29','30','31','32','33','34','35','36','37','38','39','40','41',
            '42','43','44','45','46','47','48','49','50','51','52','53','54',
            '55','56','57','58','59','60','61','62','63','64'));
INSERT INTO labels VALUES
    (1, '', 'x', '', ''), (2, 'b,c', 'é', 'a,b,ü', '1,64'),
    (3, 'it''s', NULL, 'it''s,"q"', '33'), (4, 'null', 'x', 'i', '2,3,64'),
    (5, NULL, NULL, NULL, NULL);
INSERT IGNORE INTO labels VALUES (6, 'none such', 'none such', 'h', '1');

CREATE TABLE geometries (
    id int PRIMARY KEY, g geometry, p point, l linestring, po polygon,
    mp multipoint, ml multilinestring, mpo multipolygon,
    gc geometrycollection);
INSERT INTO geometries VALUES
    (1, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POINT(-1.5 2)'),
     ST_GeomFromText('LINESTRING(0 0, 1 1)'),
     ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))'),
     ST_GeomFromText('MULTIPOINT(0 0, 1 1)'),
     ST_GeomFromText('MULTILINESTRING((0 0, 1 1), (2 2, 3 3))'),
     ST_GeomFromText('MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))'),
     ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))')),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE images (
    id int PRIMARY KEY, a int, b varchar(10), c text, d blob,
    v int GENERATED ALWAYS AS (a + 1) /*!80000 VIRTUAL */ /*M! STORED */,
    s int GENERATED ALWAYS AS (a + 2) STORED);
SET SESSION binlog_row_image = MINIMAL;
INSERT INTO images (id, a) VALUES (1, 10), (2, 20);
UPDATE images SET b = 'x' WHERE id = 1;
UPDATE images SET a = NULL, c = 'text' WHERE id = 2;
DELETE FROM images WHERE id = 1;
SET SESSION binlog_row_image = NOBLOB;
INSERT INTO images (id, a, c, d) VALUES (3, 30, 'c', 'd');
UPDATE images SET b = 'y' WHERE id = 3;
UPDATE images SET c = NULL WHERE id = 3;
DELETE FROM images WHERE id = 3;
SET SESSION binlog_row_image = FULL;
INSERT INTO images (id, a, c, d) VALUES (4, 40, 'c', 'd');
UPDATE images SET id = 5 WHERE id = 4;
DELETE FROM images;

-- without a key, many rows of one statement, an own transaction with savepoint
CREATE TABLE plain (a int, b varchar(10));
INSERT INTO plain VALUES (1, 'a'), (2, NULL), (NULL, NULL), (1, 'a');
UPDATE plain SET b = 'u' WHERE a = 1;
START TRANSACTION;
DELETE FROM plain WHERE a = 2;
SAVEPOINT s;
DELETE FROM plain;
ROLLBACK TO s;
COMMIT;

CREATE TABLE defaults (a int DEFAULT 5, b int AUTO_INCREMENT PRIMARY KEY);
SET SESSION binlog_row_image = MINIMAL;
INSERT INTO defaults () VALUES ();
SET SESSION binlog_row_image = FULL;

XA START 'gtrid', 'bq', 7;
INSERT INTO plain VALUES (7, 'xa');
XA END 'gtrid', 'bq', 7;
XA PREPARE 'gtrid', 'bq', 7;
XA COMMIT 'gtrid', 'bq', 7;
