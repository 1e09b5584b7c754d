/*
 * charset.h --- text of a source's character set into the server encoding
 */
#ifndef SDB_CHARSET_H
#define SDB_CHARSET_H

typedef struct Charset Charset;

/*
 * sdb_charset_find --- by the name MySQL uses ("latin1", "utf8mb4", "sjis").
 *
 * result: a constant; NULL if the set is not known or PostgreSQL cannot
 *         convert it to the server encoding
 */
extern const Charset *sdb_charset_find(const char *name);

/*
 * sdb_charset_to_server --- convert and validate.
 *
 * in:     data[0 .. len-1] in the character set
 * out:    *out_len bytes, NUL not included; the result is `data` itself where
 *         no conversion is needed, else palloc'd in CurrentMemoryContext
 * errors: 22021 for bytes that are not of the set, for characters the server
 *         encoding lacks and for U+0000; names neither value nor column
 */
extern const char *sdb_charset_to_server(const Charset *charset,
										 const char *data, int len,
										 int *out_len);

#endif							/* SDB_CHARSET_H */
