/*
 * mysql_tls.c --- encryption of a connection to MySQL or MariaDB
 *
 * The library encrypts; what makes that worth something is decided here,
 * before anything that the server could abuse goes out:
 *
 * - The library, when it may encrypt, sends some kinds of passwords as they
 *	 are, even to a server that does not offer TLS.  So the server's greeting
 *	 is looked at as it arrives.
 *
 * - Version 3.3 of the library compares the name in the certificate if asked
 *	 to, and then only.  Later ones check signers and name together, and no
 *	 name at all where the host is given as 127.0.0.1 or ::1, behind which a
 *	 tunnel may lead anywhere.  From 3.4.2 on they let us look at the
 *	 certificate before they log in, so there the checks are ours: the mode
 *	 means the same everywhere.  Where neither is possible, it is refused.
 *
 * The library calls two functions of ours, on its coroutine's stack: they must
 * not raise errors, and leave what they found to sdb_mysql_tls_end.  Both know
 * the connection by the one static variable: attempts do not overlap.
 */
#include "postgres.h"

#include <sys/socket.h>
#include <mysql.h>
#include <ma_pvio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "source/mysql/mysql_tls.h"
#include "util/compat.h"

/* of the greeting's capabilities, in their low 16 bits */
#define CAPABILITY_TLS		0x0800

/*
 * MARIADB_OPT_TLS_VERIFICATION_CALLBACK by its number, since the library that
 * is there at run time may be newer than its headers were.
 */
#define OPT_VERIFICATION_CALLBACK	7031

/* the first version that checks signers and name together */
#define CHECKS_TOGETHER_VERSION		30400

typedef enum TlsProblem
{
	TLS_FINE,
	TLS_MISSING,				/* the server offers none */
	TLS_NOT_TRUSTED,			/* see MysqlTls.verify_result */
	TLS_OTHER_NAME				/* the certificate is for other hosts */
} TlsProblem;

struct MysqlTls
{
	MYSQL	   *mysql;
	const char *address;		/* "host:port" */
	const char *host;
	bool		require;		/* do not log in without TLS */
	bool		verify_host;
	bool		greeted;		/* the server's first bytes have come */
	TlsProblem	problem;
	long		verify_result;	/* X509_V_xxx */
};

/*
 * TlsLink --- how the library's struct of an encrypted link begins; the header
 * that has it is not installed as a whole
 */
typedef struct TlsLink
{
	void	   *data;
	MARIADB_PVIO *pvio;
	void	   *ssl;			/* OpenSSL's */
} TlsLink;

/*
 * Of the library, but in none of its headers: calls the function with whatever
 * is read from or written to a socket.
 */
extern int	ma_pvio_register_callback(my_bool add,
									  void (*function) (int mode, MYSQL *mysql,
														const uchar *data,
														size_t len));

/* the attempt to connect at work; NULL if none */
static MysqlTls *connecting = NULL;

static void set_options(MysqlTls *tls, const MysqlConnOptions *options);
static bool take_over_checks(MysqlTls *tls);
static void watch_greeting(void);
static void look_at_greeting(int mode, MYSQL *mysql, const uchar *data,
							 size_t len);
static int	look_at_certificate(TlsLink *link, unsigned int flags);
static bool is_made_for(SSL *ssl, const char *host);
pg_noreturn static void report(const MysqlTls *tls);

MysqlTls *
sdb_mysql_tls_begin(MYSQL *mysql, MemoryContext context, const char *address,
					const MysqlConnOptions *options)
{
	MysqlTls   *tls = MemoryContextAllocZero(context, sizeof(MysqlTls));

	tls->mysql = mysql;
	tls->address = address;
	tls->host = options->host;
	tls->require = options->tls_require;
	tls->verify_host = options->tls_verify_host;
	set_options(tls, options);
	watch_greeting();
	connecting = tls;
	return tls;
}

void
sdb_mysql_tls_end(MysqlTls *tls, bool connected)
{
	connecting = NULL;
	if (connected && tls->require && mysql_get_ssl_cipher(tls->mysql) == NULL)
		tls->problem = TLS_MISSING;
	if (tls->problem != TLS_FINE)
		report(tls);
}

void
sdb_mysql_tls_forget(const MysqlTls *tls)
{
	if (connecting == tls)
		connecting = NULL;
}

static void
set_options(MysqlTls *tls, const MysqlConnOptions *options)
{
	MYSQL	   *mysql = tls->mysql;
	my_bool		use_tls = options->tls_try;
	my_bool		verify = options->tls_verify_host;

	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &use_tls);
	if (options->tls_verify_ca &&
		mysql_get_client_version() >= CHECKS_TOGETHER_VERSION)
	{
		verify = true;
		if (!take_over_checks(tls) && options->tls_verify_host)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot connect to \"%s\" in TLS mode \"verify_identity\"",
							tls->address),
					 errdetail("This MariaDB Connector/C does not compare host names reliably."),
					 errhint("Install version 3.4.2 or later of it, built with OpenSSL.")));
	}
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	if (!options->tls_try)
		return;

	/* given no authorities, the library would check nothing */
	if (options->tls_verify_ca && options->tls_ca == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot verify the certificate of \"%s\": the TLS mode needs a truststore",
						tls->address),
				 errhint("Name a PEM file with the authorities to trust, such as that of the operating system.")));
	/* and given some, it would verify without being asked to */
	if (options->tls_verify_ca)
		mysql_options(mysql, MYSQL_OPT_SSL_CA, options->tls_ca);
	if (options->tls_cert != NULL)
	{
		mysql_options(mysql, MYSQL_OPT_SSL_CERT, options->tls_cert);
		mysql_options(mysql, MYSQL_OPT_SSL_KEY, options->tls_cert);
	}
	if (options->tls_cert_password != NULL)
		mysql_options(mysql, MARIADB_OPT_TLS_PASSPHRASE,
					  options->tls_cert_password);
}

/* False if the library does not let us, or what it shows is not OpenSSL's. */
static bool
take_over_checks(MysqlTls *tls)
{
	const char *name = NULL;

	return mariadb_get_infov(tls->mysql, MARIADB_TLS_LIBRARY, &name) == 0 &&
		name != NULL && strncmp(name, "OpenSSL", strlen("OpenSSL")) == 0 &&
		mysql_optionsv(tls->mysql,
					   (enum mysql_option) OPT_VERIFICATION_CALLBACK,
					   look_at_certificate) == 0;
}

/* The library keeps the function for all connections of the process. */
static void
watch_greeting(void)
{
	static bool registered = false;

	if (!registered &&
		ma_pvio_register_callback(true, look_at_greeting) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	registered = true;
}

/*
 * A packet's head (4 bytes), protocol version, server version as text with
 * NUL, thread id (4), random bytes (8), NUL, capabilities (2).  A server that
 * refuses at once sends an error instead, which is for the library.
 */
static void
look_at_greeting(int mode, MYSQL *mysql, const uchar *data, size_t len)
{
	MysqlTls   *tls = connecting;
	const uchar *end;
	size_t		offset;

	if (tls == NULL || tls->mysql != mysql || tls->greeted)
		return;
	tls->greeted = true;
	if (len > 4 && data[4] == 0xFF)
		return;

	end = len > 5 ? memchr(data + 5, '\0', len - 5) : NULL;
	offset = end != NULL ? (size_t) (end - data) + 1 + 4 + 8 + 1 : len;
	if (offset + 2 <= len &&
		((data[offset] | (data[offset + 1] << 8)) & CAPABILITY_TLS) != 0)
		return;
	if (tls->require)
	{
		/* what it would send next fails */
		tls->problem = TLS_MISSING;
		(void) shutdown(mysql_get_socket(mysql), SHUT_RDWR);
	}
	else
	{
		my_bool		use_tls = false;

		mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &use_tls);
	}
}

/*
 * After the handshake, before the login, in the modes that verify: 0 if the
 * library may go on, which has let the handshake pass whatever it found.
 */
static int
look_at_certificate(TlsLink *link, unsigned int flags)
{
	MysqlTls   *tls = connecting;

	if (tls == NULL || link == NULL || link->ssl == NULL ||
		link->pvio->mysql != tls->mysql)
		return 1;
	tls->verify_result = SSL_get_verify_result(link->ssl);
	if (tls->verify_result != X509_V_OK)
		tls->problem = TLS_NOT_TRUSTED;
	else if (tls->verify_host && !is_made_for(link->ssl, tls->host))
		tls->problem = TLS_OTHER_NAME;
	return tls->problem != TLS_FINE;
}

static bool
is_made_for(SSL *ssl, const char *host)
{
	X509	   *certificate = SSL_get_peer_certificate(ssl);
	bool		ok;

	if (certificate == NULL)
		return false;
	ok = X509_check_host(certificate, host, strlen(host), 0, NULL) == 1 ||
		X509_check_ip_asc(certificate, host, 0) == 1;
	X509_free(certificate);
	return ok;
}

static void
report(const MysqlTls *tls)
{
	switch (tls->problem)
	{
		case TLS_NOT_TRUSTED:
			ereport(ERROR,
					(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					 errmsg("could not connect to \"%s\": the server's certificate is not trusted",
							tls->address),
					 errdetail("Verification says: %s.",
							   X509_verify_cert_error_string(tls->verify_result)),
					 errhint("The truststore must hold the authority that signed the certificate.")));
			break;
		case TLS_OTHER_NAME:
			ereport(ERROR,
					(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					 errmsg("could not connect to \"%s\": the server's certificate is not made for host \"%s\"",
							tls->address, tls->host),
					 errhint("Name the host as the certificate does. TLS mode \"verify_ca\" does not compare names.")));
			break;
		case TLS_MISSING:
		case TLS_FINE:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			 errmsg("could not connect to \"%s\" with TLS: the server does not offer it",
					tls->address),
			 errhint("Set up TLS at the server, or choose TLS mode \"preferred\".")));
}
