-- What MySQL has beyond common.sql
CREATE TABLE docs (id int PRIMARY KEY, j json);
INSERT INTO docs VALUES
    (1, '{}'), (2, '[]'), (3, 'null'), (4, 'true'), (5, '-1'), (6, '1.5e300'),
    (7, '"text \\"quoted\\" \\u00e9 \\ud83d\\ude00"'),
    (8, '[0, 32767, -32768, 65535, 2147483647, -2147483648, 4294967295,
          9223372036854775807, -9223372036854775808, 18446744073709551615]'),
    (9, '{"a": {"b": {"c": [1, [2, [3, {"d": null}]]]}}, "": "empty key"}'),
    (10, CAST(1.50 AS JSON)),
    (11, JSON_OBJECT('dec', CAST(123456789012345.678900 AS decimal(30,6)),
         'date', CAST('2024-02-29' AS date),
         'time', CAST('-12:34:56.789' AS time(3)),
         'dt', CAST('2024-02-29 01:02:03.000004' AS datetime(6)),
         'bin', x'00ff10', 'bit', b'1010', 'year', CAST(2024 AS year))),
    (12, JSON_ARRAY(repeat('x', 200), repeat('é', 100))),
    (13, NULL);
UPDATE docs SET j = JSON_SET(j, '$.a', 1) WHERE id = 1;

CREATE TABLE vectors (id int PRIMARY KEY, v vector(3));
INSERT INTO vectors VALUES (1, TO_VECTOR('[1,-2.5,0]')), (2, NULL);

CREATE TABLE wide_metadata (
    id int unsigned PRIMARY KEY, y year, t tinyint unsigned, b bit(3),
    d decimal(5,2) unsigned, e enum('a', 'b'), n bigint, `ü "x"` float unsigned,
    s set('x', 'y'), g point, c char(100), h int INVISIBLE);
SET SESSION binlog_format = ROW;
SET GLOBAL binlog_row_metadata = FULL;
INSERT INTO wide_metadata VALUES
    (1, 2024, 200, b'101', 1.5, 'b', -1, 2.5, 'x,y', NULL, 'c');
SET GLOBAL binlog_row_metadata = MINIMAL;

-- an event with extra data, of a partitioned table
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO parts VALUES (1, 1), (2, 2), (3, 3);
UPDATE parts SET id = id + 10;

SET gtid_next = 'AUTOMATIC:some_tag';
INSERT INTO plain VALUES (8, 'tag');
SET gtid_next = '12345678-9abc-def0-ff80-7f00ff112233:long_tag_of_thirty_two_letters_x:9223372036854775800';
SET original_commit_timestamp = 1600000000123456;
INSERT INTO plain VALUES (9, 'tag');
SET gtid_next = '12345678-9abc-def0-ff80-7f00ff112233:1234567890123';
INSERT INTO plain VALUES (10, 'given');
SET gtid_next = AUTOMATIC;

SET SESSION binlog_row_image = MINIMAL;
CREATE TABLE nothing_given (a int DEFAULT 5);
INSERT INTO nothing_given () VALUES ();
SET SESSION binlog_row_image = FULL;
