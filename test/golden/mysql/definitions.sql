-- The definitions of all tables of database golden, as event_stream.c reads
-- them (mariadb --batch --skip-column-names).
SELECT c.table_schema, c.table_name, c.column_name, c.column_type,
       c.character_set_name, c.is_nullable, c.extra, c.column_comment,
       version() LIKE '%MariaDB%',
       CASE WHEN version() LIKE '%MariaDB%' THEN EXISTS (
           SELECT 1 FROM information_schema.check_constraints k
           WHERE k.constraint_schema = c.table_schema
             AND k.check_clause = concat('json_valid(`', c.column_name, '`)'))
       ELSE 0 END
FROM information_schema.columns c
WHERE c.table_schema = 'golden'
ORDER BY c.table_name, c.ordinal_position;
