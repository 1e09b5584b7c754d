/*
 * tls_file.c --- the PEM files that a connector's TLS settings name
 *
 * The client libraries read them, and say little when they cannot.  So what
 * goes wrong most often is looked for before: files that are not there, stores
 * of Java, certificates in binary, keys without certificate, keys that need a
 * password.  Whether certificates are valid is left to the libraries.
 *
 * Formats: PEM is RFC 7468; a binary certificate and a PKCS #12 store are DER
 * sequences (RFC 5280, RFC 7292), the latter beginning with its version, 3;
 * stores of Java begin with a number of their own (JavaKeyStore.java and
 * JceKeyStore.java of OpenJDK).
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"

#include "checkpoint/tls_file.h"

#define MAX_FILE_BYTES	(4 * 1024 * 1024)
#define DER_SEQUENCE	0x30
#define DER_LONG_LENGTH 0x80

typedef enum TlsFormat
{
	FORMAT_PEM,
	FORMAT_JKS,
	FORMAT_PKCS12,
	FORMAT_DER,
	FORMAT_OTHER
} TlsFormat;

static const char *const kind_names[] = {
	[TLS_FILE_KEYSTORE] = "keystore",
	[TLS_FILE_TRUSTSTORE] = "truststore"
};

static const char *const format_names[] = {
	[FORMAT_PEM] = "PEM",
	[FORMAT_JKS] = "a Java keystore",
	[FORMAT_PKCS12] = "a PKCS #12 keystore",
	[FORMAT_DER] = "in binary form (DER)",
	[FORMAT_OTHER] = "of an unknown format"
};

/* How to make PEM of it; %1$s is the file */
static const char *const conversions[][2] = {
	[FORMAT_JKS] = {
		[TLS_FILE_KEYSTORE] = "Convert it: keytool -importkeystore -srckeystore %1$s -destkeystore %1$s.p12 -deststoretype PKCS12 && openssl pkcs12 -in %1$s.p12 -out %1$s.pem",
		[TLS_FILE_TRUSTSTORE] = "Convert it: keytool -importkeystore -srckeystore %1$s -destkeystore %1$s.p12 -deststoretype PKCS12 && openssl pkcs12 -in %1$s.p12 -nokeys -out %1$s.pem"
	},
	[FORMAT_PKCS12] = {
		[TLS_FILE_KEYSTORE] = "Convert it: openssl pkcs12 -in %1$s -out %1$s.pem",
		[TLS_FILE_TRUSTSTORE] = "Convert it: openssl pkcs12 -in %1$s -nokeys -out %1$s.pem"
	},
	[FORMAT_DER] = {
		[TLS_FILE_KEYSTORE] = "Convert the certificate by openssl x509 -inform DER, the key by openssl pkey -inform DER, and put both into one file.",
		[TLS_FILE_TRUSTSTORE] = "Convert it: openssl x509 -inform DER -in %1$s -out %1$s.pem"
	},
	[FORMAT_OTHER] = {
		[TLS_FILE_KEYSTORE] = "Name a PEM file with the client's certificate and key.",
		[TLS_FILE_TRUSTSTORE] = "Name a PEM file with the certificates of the authorities."
	}
};

static void read_file(const char *path, TlsFileKind kind, StringInfo buf);
static TlsFormat find_format(const StringInfo buf);
static bool is_pkcs12(const uint8 *data, int len);
static void require_part(const char *path, TlsFileKind kind,
						 const StringInfo buf, const char *mark,
						 const char *part);

void
sdb_tls_file_allow(const char *path, TlsFileKind kind, Oid role)
{
	if (!has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to use %s file \"%s\"",
						kind_names[kind], path),
				 errdetail("Role \"%s\" does not have the privileges of \"pg_read_server_files\".",
						   GetUserNameFromId(role, false))));
}

void
sdb_tls_file_check(const char *path, TlsFileKind kind, bool has_password)
{
	StringInfoData buf;
	TlsFormat	format;

	initStringInfo(&buf);
	read_file(path, kind, &buf);
	format = find_format(&buf);
	if (format != FORMAT_PEM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s file \"%s\" is %s", kind_names[kind], path,
						format_names[format]),
				 errdetail("Only PEM files can be used."),
				 errhint(conversions[format][kind], path)));

	require_part(path, kind, &buf, "CERTIFICATE-----", "certificate");
	if (kind != TLS_FILE_KEYSTORE)
		return;
	require_part(path, kind, &buf, "PRIVATE KEY-----", "private key");
	if (!has_password &&
		(strstr(buf.data, "ENCRYPTED PRIVATE KEY-----") != NULL ||
		 strstr(buf.data, "Proc-Type: 4,ENCRYPTED") != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the private key in %s file \"%s\" is encrypted",
						kind_names[kind], path),
				 errhint("Give its password to synchdb_add_extra_conninfo().")));
}

static void
read_file(const char *path, TlsFileKind kind, StringInfo buf)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	struct stat st;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open %s file \"%s\": %m",
						kind_names[kind], path),
				 errhint("The file must lie on the database server, and the operating system's user that runs it must be allowed to read it.")));
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s file \"%s\" is not a regular file of at most %d bytes",
						kind_names[kind], path, MAX_FILE_BYTES)));

	enlargeStringInfo(buf, (int) st.st_size);
	buf->len = fread(buf->data, 1, st.st_size, file);
	buf->data[buf->len] = '\0';
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read %s file \"%s\": %m",
						kind_names[kind], path)));
	FreeFile(file);
}

static TlsFormat
find_format(const StringInfo buf)
{
	static const uint8 jks[] = {0xFE, 0xED, 0xFE, 0xED};
	static const uint8 jceks[] = {0xCE, 0xCE, 0xCE, 0xCE};
	const uint8 *data = (const uint8 *) buf->data;

	if (strstr(buf->data, "-----BEGIN ") != NULL)
		return FORMAT_PEM;
	if (buf->len >= sizeof(jks) &&
		(memcmp(data, jks, sizeof(jks)) == 0 ||
		 memcmp(data, jceks, sizeof(jceks)) == 0))
		return FORMAT_JKS;
	if (is_pkcs12(data, buf->len))
		return FORMAT_PKCS12;
	if (buf->len > 2 && data[0] == DER_SEQUENCE)
		return FORMAT_DER;
	return FORMAT_OTHER;
}

/* A sequence whose first member is the integer 3 */
static bool
is_pkcs12(const uint8 *data, int len)
{
	static const uint8 version[] = {0x02, 0x01, 0x03};
	int			first = 2;

	if (len < first || data[0] != DER_SEQUENCE)
		return false;
	if (data[1] & DER_LONG_LENGTH)
		first += data[1] & ~DER_LONG_LENGTH;
	return len >= first + (int) sizeof(version) &&
		memcmp(data + first, version, sizeof(version)) == 0;
}

static void
require_part(const char *path, TlsFileKind kind, const StringInfo buf,
			 const char *mark, const char *part)
{
	if (strstr(buf->data, mark) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s file \"%s\" has no %s", kind_names[kind], path,
						part),
				 errhint("%s", conversions[FORMAT_OTHER][kind])));
}
