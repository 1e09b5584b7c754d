/*
 * tls_file.h --- the PEM files that a connector's TLS settings name
 *
 * Paths are relative to the data directory.
 */
#ifndef SDB_TLS_FILE_H
#define SDB_TLS_FILE_H

typedef enum TlsFileKind
{
	TLS_FILE_KEYSTORE,			/* the client's certificate and key */
	TLS_FILE_TRUSTSTORE			/* the authorities to trust */
} TlsFileKind;

/*
 * sdb_tls_file_allow --- may that role name a file?
 *
 * The server reads it with its own rights, and who may use a key file of the
 * server may pass for its owner.
 *
 * errors: 42501
 */
extern void sdb_tls_file_allow(const char *path, TlsFileKind kind, Oid role);

/*
 * sdb_tls_file_check --- is it what the kind asks for?
 *
 * in:     has_password: one is stored for the key
 * errors: 58P01 and the like if it cannot be read; 22023 for a Java keystore
 *         or another format that is not PEM, with the command that converts
 *         it, for a part that is missing, and for an encrypted key without
 *         password
 */
extern void sdb_tls_file_check(const char *path, TlsFileKind kind,
							   bool has_password);

#endif							/* SDB_TLS_FILE_H */
