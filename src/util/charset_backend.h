/*
 * charset_backend.h --- the part of charset.c that needs a PostgreSQL server
 *
 * Nothing here reads the catalog or needs a transaction.
 */
#ifndef SDB_CHARSET_BACKEND_H
#define SDB_CHARSET_BACKEND_H

/* Is there a conversion of that encoding (enum pg_enc) to UTF-8? */
extern bool sdb_charset_backend_knows(int encoding);

/*
 * sdb_charset_backend_to_utf8 --- by PostgreSQL's own conversion.
 *
 * in:     dest has room for MAX_CONVERSION_GROWTH * len + 1 bytes
 * result: how many of the len bytes were converted; fewer than len if the
 *         rest does not begin with a character of the encoding
 */
extern int	sdb_charset_backend_to_utf8(int encoding, const char *data,
										int len, char *dest);

/*
 * sdb_charset_backend_from_utf8 --- valid UTF-8 into the server encoding.
 *
 * out:    the result is `data` itself if the server encoding is UTF8
 * errors: 22021 for characters the server encoding lacks
 */
extern const char *sdb_charset_backend_from_utf8(const char *data, int len,
												 int *out_len);

/*
 * sdb_charset_printable --- a copy of a text in an unknown encoding that can be
 * part of a message.
 */
extern char *sdb_charset_printable(const char *text);

#endif							/* SDB_CHARSET_BACKEND_H */
