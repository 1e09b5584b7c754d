--
-- PostgreSQL types for those of SQL Server
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS synchdb CASCADE;

SELECT name, length, scale,
	   synchdb_translate_datatype('sqlserver', name, length, scale, 0)
FROM (VALUES
	('bit'::name, 0, 0), ('tinyint', 0, 0), ('smallint', 0, 0),
	('int', 0, 0), ('bigint', 0, 0), ('decimal', 20, 4), ('numeric', 38, 38),
	('money', 19, 4), ('smallmoney', 10, 4), ('real', 0, 0), ('float', 0, 0),
	('date', 0, 0), ('time', 0, 7), ('time', 0, 0), ('smalldatetime', 0, 0),
	('datetime', 0, 3), ('datetime2', 0, 7), ('datetime2', 0, 2),
	('datetimeoffset', 0, 7), ('char', 10, 0), ('nchar', 10, 0),
	('varchar', 10, 0), ('nvarchar', 10, 0), ('varchar', -1, 0),
	('nvarchar', 2147483647, 0), ('text', 0, 0), ('ntext', 0, 0),
	('binary', 10, 0), ('varbinary', 10, 0), ('image', 0, 0),
	('rowversion', 0, 0), ('timestamp', 0, 0), ('uniqueidentifier', 0, 0),
	('xml', 0, 0), ('json', 0, 0), ('sql_variant', 0, 0),
	('hierarchyid', 0, 0), ('vector', 0, 0), ('geometry', 0, 0),
	('geography', 0, 0)) AS v (name, length, scale);
