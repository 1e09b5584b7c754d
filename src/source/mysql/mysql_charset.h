/*
 * mysql_charset.h --- character sets and collations by their names and ids
 */
#ifndef SDB_MYSQL_CHARSET_H
#define SDB_MYSQL_CHARSET_H

/* The set that a collation id belongs to; NULL if it is not known. */
extern const char *sdb_mysql_charset_of_id(int collation_id);

/*
 * The set that a collation belongs to; NULL for one that fits several, such as
 * uca1400_ai_ci.
 */
extern const char *sdb_mysql_charset_of_collation(const char *collation);

/* The name that servers show: utf8 is utf8mb3.  NULL if it is not known. */
extern const char *sdb_mysql_charset_name(const char *charset);

/* Bytes that a character of the set takes at most; 1 if it is not known. */
extern int	sdb_mysql_charset_max_len(const char *charset);

#endif							/* SDB_MYSQL_CHARSET_H */
