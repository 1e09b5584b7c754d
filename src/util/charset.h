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

/* Is it UTF-8, or ASCII? */
extern bool sdb_charset_is_utf8(const Charset *charset);

/*
 * sdb_charset_char_len --- bytes of the first character.
 *
 * in:     data[0 .. len-1], len > 0, need not be valid
 * result: 1 .. len; of UTF-8 and sets of one byte it may be 1 for any byte
 * limits: not for the UTF-16 family, in which no statement is written
 */
extern int	sdb_charset_char_len(const Charset *charset, const char *data,
								 int len);

#endif							/* SDB_CHARSET_H */
