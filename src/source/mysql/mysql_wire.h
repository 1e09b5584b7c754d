/*
 * mysql_wire.h --- what the decoders of the binary log share
 */
#ifndef SDB_MYSQL_WIRE_H
#define SDB_MYSQL_WIRE_H

#include "source/mysql/mysql_event.h"

/* Types as the log stores them (enum_field_types of the servers) */
typedef enum MysqlStored
{
	MYSQL_STORED_TINY = 1,
	MYSQL_STORED_SHORT = 2,
	MYSQL_STORED_LONG = 3,
	MYSQL_STORED_FLOAT = 4,
	MYSQL_STORED_DOUBLE = 5,
	MYSQL_STORED_TIMESTAMP = 7,
	MYSQL_STORED_LONGLONG = 8,
	MYSQL_STORED_INT24 = 9,
	MYSQL_STORED_DATE = 10,
	MYSQL_STORED_TIME = 11,
	MYSQL_STORED_DATETIME = 12,
	MYSQL_STORED_YEAR = 13,
	MYSQL_STORED_NEWDATE = 14,
	MYSQL_STORED_VARCHAR = 15,
	MYSQL_STORED_BIT = 16,
	MYSQL_STORED_TIMESTAMP2 = 17,
	MYSQL_STORED_DATETIME2 = 18,
	MYSQL_STORED_TIME2 = 19,
	MYSQL_STORED_BLOB_COMPRESSED = 140,
	MYSQL_STORED_VARCHAR_COMPRESSED = 141,
	MYSQL_STORED_VECTOR = 242,
	MYSQL_STORED_JSON = 245,
	MYSQL_STORED_NEWDECIMAL = 246,
	MYSQL_STORED_ENUM = 247,
	MYSQL_STORED_SET = 248,
	MYSQL_STORED_TINY_BLOB = 249,
	MYSQL_STORED_MEDIUM_BLOB = 250,
	MYSQL_STORED_LONG_BLOB = 251,
	MYSQL_STORED_BLOB = 252,
	MYSQL_STORED_VAR_STRING = 253,
	MYSQL_STORED_STRING = 254,
	MYSQL_STORED_GEOMETRY = 255
} MysqlStored;

/*
 * sdb_mysql_malformed --- raise XX001 for what is read through cur; the rest
 * is the format and values of the detail, a sentence.
 */
#define sdb_mysql_malformed(cur, ...) \
	ereport(ERROR, \
			(errcode(ERRCODE_DATA_CORRUPTED), \
			 errmsg("malformed %s at offset %zu", (cur)->what, \
					sdb_bytes_offset(cur)), \
			 errdetail(__VA_ARGS__)))

/* A number of 1, 3, 4 or 9 bytes, as the protocol packs lengths. */
extern uint64 sdb_mysql_packed_int(ByteCursor *cur);

/* A packed number of bytes and those bytes, as a cursor of their own. */
extern ByteCursor sdb_mysql_packed_block(ByteCursor *cur);

/* A packed number of columns; XX001 above what a server allows. */
extern int	sdb_mysql_packed_columns(ByteCursor *cur);

/* The table id that opens TABLE_MAP and rows events. */
extern uint64 sdb_mysql_table_id(ByteCursor *cur, const MysqlFormat *format,
								 MysqlEventType type);

/*
 * sdb_mysql_inflate_event --- replace the rest of a compressed MariaDB event
 * by what it holds, in CurrentMemoryContext.
 */
extern void sdb_mysql_inflate_event(ByteCursor *cur);

/*
 * sdb_mysql_inflate --- inflate exactly len bytes.
 *
 * in:     zlib_header: the stream has zlib's header and checksum
 * result: palloc'd
 * errors: XX001 if the data is not deflated or not of that length
 */
extern uint8 *sdb_mysql_inflate(ByteCursor *deflated, bool zlib_header,
								uint32 len);

#endif							/* SDB_MYSQL_WIRE_H */
