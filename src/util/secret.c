/*
 * secret.c --- passwords at rest
 *
 * The key is the hexadecimal text of 32 random bytes, alone on the one line
 * of its file.  The file appears under its name only when it is complete and
 * on disk: it is written under a name of this process and then linked, which
 * fails if another process was faster, whose key is then used.  A key once
 * made is never replaced.
 *
 * The first use of pgcrypto's functions looks them up in the schema of that
 * extension, whatever search_path says.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_type.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/lsyscache.h"

#include "guc.h"
#include "util/compat.h"
#include "util/extension.h"
#include "util/secret.h"

#define KEY_BYTES 32
#define KEY_CHARS (2 * KEY_BYTES)
#define DEFAULT_KEY_FILE "synchdb_secret.key"
#define BYTEA_PREFIX "\\x"

static char *key_file_path(void);
static char *read_key(const char *path, bool missing_ok);
static void create_key(const char *path);
static void write_key(const char *path, const char *key);
static Oid	pgcrypto_function(const char *name, Oid argtype);
static char *call_decrypt(Datum encrypted, Datum key, ErrorData **failure);

char *
sdb_secret_encrypt(const char *plain)
{
	char	   *path = key_file_path();
	char	   *key = read_key(path, true);
	Datum		encrypted;
	bytea	   *bytes;
	char	   *stored;
	int			nbytes;

	if (key == NULL)
	{
		create_key(path);
		key = read_key(path, false);
	}

	encrypted = OidFunctionCall2(pgcrypto_function("pgp_sym_encrypt", TEXTOID),
								 CStringGetTextDatum(plain),
								 CStringGetTextDatum(key));
	bytes = DatumGetByteaPP(encrypted);

	/* not byteaout: its form depends on bytea_output */
	nbytes = VARSIZE_ANY_EXHDR(bytes);
	stored = palloc(strlen(BYTEA_PREFIX) + 2 * nbytes + 1);
	strcpy(stored, BYTEA_PREFIX);
	hex_encode(VARDATA_ANY(bytes), nbytes, stored + strlen(BYTEA_PREFIX));
	stored[strlen(BYTEA_PREFIX) + 2 * nbytes] = '\0';
	return stored;
}

char *
sdb_secret_decrypt(const char *stored, const char *connector)
{
	char	   *path = key_file_path();
	ErrorData  *failure = NULL;
	char	   *key;
	char	   *plain;

	if (strncmp(stored, BYTEA_PREFIX, strlen(BYTEA_PREFIX)) != 0 ||
		strspn(stored + strlen(BYTEA_PREFIX), "0123456789abcdefABCDEF") !=
		strlen(stored) - strlen(BYTEA_PREFIX) ||
		strlen(stored) % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the stored password of connector \"%s\" is not an encrypted one",
						connector),
				 errhint("Set it by synchdb_set_password().")));

	key = read_key(path, false);
	plain = call_decrypt(DirectFunctionCall1(byteain, CStringGetDatum(stored)),
						 CStringGetTextDatum(key), &failure);
	if (plain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not decrypt the password of connector \"%s\": key file \"%s\" does not fit",
						connector, path),
				 errdetail("pgcrypto says: %s. A password stored by another installation, or by SynchDB, is under another key.",
						   failure->message),
				 errhint("Restore the key file, or set the password again by synchdb_set_password().")));
	return plain;
}

static char *
key_file_path(void)
{
	if (sdb_guc_secret_key_file == NULL || sdb_guc_secret_key_file[0] == '\0')
		return psprintf("%s/%s", DataDir, DEFAULT_KEY_FILE);
	if (!is_absolute_path(sdb_guc_secret_key_file))
		return psprintf("%s/%s", DataDir, sdb_guc_secret_key_file);
	return pstrdup(sdb_guc_secret_key_file);
}

/*
 * read_key --- the key, checked; NULL if there is no such file and that is
 * allowed.
 */
static char *
read_key(const char *path, bool missing_ok)
{
	char		buf[KEY_CHARS + 2];
	struct stat st;
	int			fd;
	ssize_t		nread;

	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
	{
		if (errno == ENOENT && missing_ok)
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not open secret key file \"%s\": %m", path),
				 errhint("Restore the file, or set the passwords of all connectors again by synchdb_set_password().")));
	}
	if (fstat(fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat secret key file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("secret key file \"%s\" is not a regular file", path)));
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("secret key file \"%s\" is accessible by others", path),
				 errdetail("Its mode is %03o.", (unsigned) st.st_mode & 0777),
				 errhint("Set its mode to 600.")));

	nread = read(fd, buf, sizeof(buf) - 1);
	if (nread < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read secret key file \"%s\": %m", path)));
	CloseTransientFile(fd);

	buf[nread] = '\0';
	(void) pg_strip_crlf(buf);
	if (strlen(buf) != KEY_CHARS ||
		strspn(buf, "0123456789abcdef") != KEY_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("secret key file \"%s\" does not hold a key", path),
				 errdetail("It must hold %d hexadecimal digits on one line.",
						   KEY_CHARS),
				 errhint("Restore the file, or remove it and set the passwords of all connectors again by synchdb_set_password().")));
	return pstrdup(buf);
}

/* create_key --- make the file, unless another process does. */
static void
create_key(const char *path)
{
	char	   *temp = psprintf("%s.%d", path, MyProcPid);
	char	   *directory = pstrdup(path);
	char		key[KEY_CHARS + 1];
	uint8		random[KEY_BYTES];

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a secret key")));
	hex_encode((char *) random, sizeof(random), key);
	key[KEY_CHARS] = '\n';

	write_key(temp, key);
	if (link(temp, path) != 0 && errno != EEXIST)
	{
		int			save_errno = errno;

		(void) unlink(temp);
		errno = save_errno;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create secret key file \"%s\": %m", path)));
	}
	if (unlink(temp) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", temp)));
	get_parent_directory(directory);
	fsync_fname(directory, true);
}

/* write_key --- KEY_CHARS and a newline into a new file, on disk. */
static void
write_key(const char *path, const char *key)
{
	int			fd;

	/* what a crash left of an earlier process of the same number */
	if (unlink(path) != 0 && errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));

	fd = OpenTransientFilePerm(path, O_WRONLY | O_CREAT | O_EXCL | PG_BINARY,
							   S_IRUSR | S_IWUSR);
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create secret key file \"%s\": %m", path)));
	errno = 0;
	if (write(fd, key, KEY_CHARS + 1) != KEY_CHARS + 1)
	{
		/* a short write without a reason is a full disk */
		if (errno == 0)
			errno = ENOSPC;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write secret key file \"%s\": %m", path)));
	}
	if (pg_fsync(fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not fsync secret key file \"%s\": %m", path)));
	CloseTransientFile(fd);
}

/* pgcrypto_function --- name(argtype, text), wherever pgcrypto lives */
static Oid
pgcrypto_function(const char *name, Oid argtype)
{
	Oid			argtypes[2] = {argtype, TEXTOID};
	Oid			schema;
	Oid			owner;

	if (!sdb_extension_find("pgcrypto", &schema, &owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pgcrypto\" is not installed in this database"),
				 errhint("Use CREATE EXTENSION pgcrypto.")));
	return LookupFuncName(list_make2(makeString(get_namespace_name(schema)),
									 makeString(pstrdup(name))),
						  2, argtypes, false);
}

/*
 * call_decrypt --- pgp_sym_decrypt; NULL, and the error, if pgcrypto could
 * not.
 */
static char *
call_decrypt(Datum encrypted, Datum key, ErrorData **failure)
{
	Oid			function = pgcrypto_function("pgp_sym_decrypt", BYTEAOID);
	MemoryContext caller = CurrentMemoryContext;
	char	   *volatile plain = NULL;

	PG_TRY();
	{
		plain = TextDatumGetCString(OidFunctionCall2(function, encrypted, key));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*failure = CopyErrorData();

		/* anything but pgcrypto's own complaint is not ours to explain */
		if ((*failure)->sqlerrcode != ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return plain;
}
