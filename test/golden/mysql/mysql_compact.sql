-- What MySQL can be told to write more compactly: transactions compressed
-- with zstd, and JSON columns as what changed in them.

CREATE TABLE plain (id INT PRIMARY KEY, v TEXT);
CREATE TABLE docs (id INT PRIMARY KEY, a JSON, n INT, b JSON);

SET SESSION binlog_transaction_compression = ON;

BEGIN;
INSERT INTO plain VALUES (1, 'one'), (2, REPEAT('two', 30)), (3, NULL);
UPDATE plain SET v = CONCAT(v, '!') WHERE id < 3;
DELETE FROM plain WHERE id = 3;
COMMIT;

INSERT INTO docs VALUES
    (1, '{"a": 1, "bb": [1, 2, {"x": null}], "c": "text", "long key \\" here": {"é": 1.5}}', 1, '[]'),
    (2, '[1, "two", {"three": 3}, [4]]', 2, NULL),
    (3, NULL, 3, '"scalar"');

SET SESSION binlog_row_value_options = 'PARTIAL_JSON';

UPDATE docs SET a = JSON_SET(a, '$.a', 2) WHERE id = 1;

SET SESSION binlog_transaction_compression = OFF;

UPDATE docs SET a = JSON_SET(a, '$.bb[2].x', CAST('{"deep": [true, false]}' AS JSON)) WHERE id = 1;
UPDATE docs SET a = JSON_SET(a, '$.new', 'member', '$.b', 7, '$.bb[3]', 'fourth') WHERE id = 1;
UPDATE docs SET a = JSON_REMOVE(a, '$.c', '$.bb[0]') WHERE id = 1;
UPDATE docs SET a = JSON_REPLACE(a, '$."long key \\" here"."é"', 123456789012) WHERE id = 1;
UPDATE docs SET a = JSON_SET(a, '$[1]', REPEAT('z', 30), '$[2].three', CAST(TIMESTAMP'2024-01-02 03:04:05.678' AS JSON)) WHERE id = 2;
UPDATE docs SET a = JSON_ARRAY_INSERT(a, '$[0]', 'first'), n = 20 WHERE id = 2;
UPDATE docs SET n = n + 1;
UPDATE docs SET a = '{"whole": "document"}', b = JSON_SET(b, '$[0]', 1) WHERE id = 1;
UPDATE docs SET a = JSON_SET(a, '$.whole', 'changed'), b = JSON_SET(b, '$[0]', NULL) WHERE id = 1;
DELETE FROM docs WHERE id = 3;
