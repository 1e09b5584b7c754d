/*
 * mysql_json_parts.h --- the parts of a binary JSON document
 *
 * Shared by mysql_json.c, which reads documents as text, and
 * mysql_json_diff.c, which changes them before.
 */
#ifndef SDB_MYSQL_JSON_PARTS_H
#define SDB_MYSQL_JSON_PARTS_H

#include "lib/stringinfo.h"

#include "util/bytes.h"

#define MAX_JSON_DEPTH		100 /* the server's own limit */

typedef enum JsonType
{
	JSON_SMALL_OBJECT = 0x00,
	JSON_LARGE_OBJECT = 0x01,
	JSON_SMALL_ARRAY = 0x02,
	JSON_LARGE_ARRAY = 0x03,
	JSON_LITERAL = 0x04,
	JSON_INT16 = 0x05,
	JSON_UINT16 = 0x06,
	JSON_INT32 = 0x07,
	JSON_UINT32 = 0x08,
	JSON_INT64 = 0x09,
	JSON_UINT64 = 0x0a,
	JSON_DOUBLE = 0x0b,
	JSON_STRING = 0x0c,
	JSON_OPAQUE = 0x0f
} JsonType;

/* JsonReader --- one document */
typedef struct JsonReader
{
	StringInfo	buf;
	int			depth;			/* containers around the current value */
	int64		budget;			/* bytes that parts may still take */
} JsonReader;

/* JsonBox --- one object or array while its members are read */
typedef struct JsonBox
{
	ByteCursor	all;			/* from its count on; ends where it ends */
	int			width;			/* bytes of a count or offset */
	bool		is_object;
	uint32		count;
	Size		keys;			/* offset of the first key entry */
	Size		values;			/* offset of the first value entry */
} JsonBox;

/* Append a value as text, in UTF-8. */
extern void sdb_mysql_json_value(JsonReader *reader, JsonType type,
								 ByteCursor cur);

/* Append a string in quotes. */
extern void sdb_mysql_json_string(StringInfo buf, const uint8 *data,
								  Size len);

/* Read the head of an object or array. */
extern void sdb_mysql_json_box(JsonReader *reader, JsonType type,
							   ByteCursor cur, JsonBox *box);

/* The key of a member of an object, and the value of any member. */
extern ByteCursor sdb_mysql_json_key(JsonReader *reader, const JsonBox *box,
									 uint32 idx0);
extern ByteCursor sdb_mysql_json_member(const JsonBox *box, uint32 idx0,
										JsonType *type);

/* buf from start on is UTF-8; puts it into the server encoding. */
extern void sdb_mysql_json_convert(StringInfo buf, int start);

#endif							/* SDB_MYSQL_JSON_PARTS_H */
