-- What MariaDB has beyond common.sql
CREATE TABLE maria (
    id int PRIMARY KEY, u uuid, i4 inet4, i6 inet6, j json,
    cv varchar(100) COMPRESSED, ct text COMPRESSED, cb blob COMPRESSED,
    ce varbinary(50) COMPRESSED);
INSERT INTO maria VALUES
    (1, '01234567-89ab-1def-8123-456789abcd00', '1.2.3.0', '2001:db8::',
     '{"a": [1, 2.50, "x", null, {"b": true}]}', repeat('a', 90),
     repeat('b', 300), repeat('c', 70000 DIV 10), 'short'),
    (2, '01234567-89ab-7def-8123-456789abcd5e', '0.0.0.0', '::',
     '"text"', '', '', '', ''),
    (3, '00000000-0000-0000-0000-000000000000', '255.255.255.255',
     '::ffff:1.2.3.4', '[]', 'x', 'y', 'z', 'w'),
    (4, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '127.0.0.1', '::1',
     'null', NULL, NULL, NULL, NULL);
SET GLOBAL column_compression_zlib_wrap = ON;
SET SESSION column_compression_zlib_wrap = ON;
INSERT INTO maria (id, ct) VALUES (5, repeat('wrapped ', 50));
SET GLOBAL column_compression_zlib_wrap = OFF;

SET GLOBAL mysql56_temporal_format = OFF;
CREATE TABLE oldtimes (
    id int PRIMARY KEY, d date, t0 time, t1 time(1), t2 time(2), t3 time(3),
    t4 time(4), t5 time(5), t6 time(6), dt0 datetime, dt1 datetime(1),
    dt3 datetime(3), dt6 datetime(6), ts0 timestamp NULL, ts2 timestamp(2) NULL,
    ts4 timestamp(4) NULL, ts6 timestamp(6) NULL);
SET GLOBAL mysql56_temporal_format = ON;
INSERT INTO oldtimes VALUES
    (1, '2024-02-29', '-838:59:59', '-838:59:59.9', '-838:59:59.99',
     '-838:59:59.999', '-838:59:59.9999', '-838:59:59.99999',
     '-838:59:59.999999', '1000-01-01 00:00:00', '1000-01-01 00:00:00.1',
     '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999',
     '1970-01-01 00:00:01', '2038-01-19 03:14:07.99', '2024-02-29 01:02:03.0405',
     '2024-02-29 01:02:03.000001'),
    (2, '0000-00-00', '838:59:59', '0:0:0.1', '-0:0:0.01', '0:0:0.001',
     '-0:0:0.0001', '0:0:0.00001', '-0:0:0.000001', '0000-00-00',
     '2024-00-31 01:02:03.4', '0000-00-00', '2024-02-30 01:02:03.000004',
     '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL);

SET GLOBAL binlog_row_metadata = FULL;
CREATE TABLE metadata (
    id int unsigned PRIMARY KEY, y year, t tinyint unsigned, b bit(3),
    d decimal(5,2) unsigned, e enum('a', 'b'), n bigint, `ü "x"` float unsigned,
    s set('x', 'y'), g point, c char(100));
INSERT INTO metadata VALUES
    (1, 2024, 200, b'101', 1.5, 'b', -1, 2.5, 'x,y', NULL, 'c');
SET GLOBAL binlog_row_metadata = NO_LOG;

SET GLOBAL log_bin_compress = ON;
SET GLOBAL log_bin_compress_min_len = 10;
CREATE TABLE compressed (id int PRIMARY KEY, v varchar(2000));
INSERT INTO compressed VALUES (1, repeat('abc', 600)), (2, repeat('d', 2000));
UPDATE compressed SET v = repeat('e', 1000);
DELETE FROM compressed;
SET GLOBAL log_bin_compress = OFF;
