/*
 * secret.h --- passwords at rest
 *
 * A password is stored as the text of pgcrypto's pgp_sym_encrypt under a key
 * that lies in a file outside the database (synchdb.secret_key_file, mode
 * 0600), made at first use.
 */
#ifndef SDB_SECRET_H
#define SDB_SECRET_H

/*
 * Both call pgcrypto directly, never through SQL text, so that no secret
 * reaches a log.  connector is for error messages only.
 *
 * memory: CurrentMemoryContext
 * errors: 55000 if the key file is missing (decrypt), unreadable, readable by
 *         others or does not fit; names the file and what to do
 */
extern char *sdb_secret_encrypt(const char *plain);
extern char *sdb_secret_decrypt(const char *stored, const char *connector);

#endif							/* SDB_SECRET_H */
