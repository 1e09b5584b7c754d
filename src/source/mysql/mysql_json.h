/*
 * mysql_json.h --- MySQL's binary JSON as JSON text
 */
#ifndef SDB_MYSQL_JSON_H
#define SDB_MYSQL_JSON_H

#include "lib/stringinfo.h"

#include "util/bytes.h"

/*
 * sdb_mysql_json_to_text --- append the document as text.
 *
 * in:     data[0 .. len-1]: the column's bytes; 0 of them are JSON null
 * out:    text as the server's own CAST(doc AS CHAR) has it, value for value:
 *         opaque decimals as numbers, opaque dates and times as strings
 *         (2024-01-31 10:20:30.000000), other opaque values as
 *         "base64:typeNNN:..."; in the server encoding
 * errors: XX001 for malformed bytes, with the offset; 54001 past 100 levels
 */
extern void sdb_mysql_json_to_text(StringInfo buf, const char *data, int len);

/*
 * sdb_mysql_json_patch --- the same of a document after some changes.
 *
 * in:     diffs: the bytes of a partial update, read to their end
 * errors: XX001 likewise, and if a change does not fit the document
 */
extern void sdb_mysql_json_patch(StringInfo buf, const char *data, int len,
								 ByteCursor *diffs);

#endif							/* SDB_MYSQL_JSON_H */
