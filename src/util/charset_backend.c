/*
 * charset_backend.c --- conversions that PostgreSQL brings along
 *
 * Each of PostgreSQL's conversions between UTF8 and another encoding is a C
 * function in a library of its own.  They are called directly: decoding must
 * not read the catalog, where the conversions are registered, and their
 * calling convention is part of CREATE CONVERSION's documentation.
 *
 * A server in SQL_ASCII takes UTF-8 as it is.  One in MULE_INTERNAL, which has
 * no conversion with UTF8, takes no text at all.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "util/charset_backend.h"

/* Conversion --- the two functions of one encoding, loaded at first use */
typedef struct Conversion
{
	int			encoding;
	const char *library;
	const char *to_utf8;		/* name of the function */
	const char *from_utf8;
	PGFunction	to_function;	/* NULL until loaded */
	PGFunction	from_function;
} Conversion;

#define ISO8859(enc) {enc, "utf8_and_iso8859", "iso8859_to_utf8", "utf8_to_iso8859"}
#define WIN(enc) {enc, "utf8_and_win", "win_to_utf8", "utf8_to_win"}

static Conversion conversions[] = {
	{PG_LATIN1, "utf8_and_iso8859_1", "iso8859_1_to_utf8", "utf8_to_iso8859_1"},
	ISO8859(PG_LATIN2),
	ISO8859(PG_LATIN3),
	ISO8859(PG_LATIN4),
	ISO8859(PG_LATIN5),
	ISO8859(PG_LATIN6),
	ISO8859(PG_LATIN7),
	ISO8859(PG_LATIN8),
	ISO8859(PG_LATIN9),
	ISO8859(PG_LATIN10),
	ISO8859(PG_ISO_8859_5),
	ISO8859(PG_ISO_8859_6),
	ISO8859(PG_ISO_8859_7),
	ISO8859(PG_ISO_8859_8),
	WIN(PG_WIN866),
	WIN(PG_WIN874),
	WIN(PG_WIN1250),
	WIN(PG_WIN1251),
	WIN(PG_WIN1252),
	WIN(PG_WIN1253),
	WIN(PG_WIN1254),
	WIN(PG_WIN1255),
	WIN(PG_WIN1256),
	WIN(PG_WIN1257),
	WIN(PG_WIN1258),
	{PG_KOI8R, "utf8_and_cyrillic", "koi8r_to_utf8", "utf8_to_koi8r"},
	{PG_KOI8U, "utf8_and_cyrillic", "koi8u_to_utf8", "utf8_to_koi8u"},
	{PG_EUC_JP, "utf8_and_euc_jp", "euc_jp_to_utf8", "utf8_to_euc_jp"},
	{PG_EUC_CN, "utf8_and_euc_cn", "euc_cn_to_utf8", "utf8_to_euc_cn"},
	{PG_EUC_KR, "utf8_and_euc_kr", "euc_kr_to_utf8", "utf8_to_euc_kr"},
	{PG_EUC_TW, "utf8_and_euc_tw", "euc_tw_to_utf8", "utf8_to_euc_tw"},
	{PG_EUC_JIS_2004, "utf8_and_euc2004", "euc_jis_2004_to_utf8", "utf8_to_euc_jis_2004"},
	{PG_SJIS, "utf8_and_sjis", "sjis_to_utf8", "utf8_to_sjis"},
	{PG_BIG5, "utf8_and_big5", "big5_to_utf8", "utf8_to_big5"},
	{PG_GBK, "utf8_and_gbk", "gbk_to_utf8", "utf8_to_gbk"},
	{PG_UHC, "utf8_and_uhc", "uhc_to_utf8", "utf8_to_uhc"},
	{PG_GB18030, "utf8_and_gb18030", "gb18030_to_utf8", "utf8_to_gb18030"},
};

static Conversion *find_conversion(int encoding);
static PGFunction load_function(const Conversion *conversion,
								const char *name);
static int	call_conversion(PGFunction function, int from, int to,
							const char *data, int len, char *dest);

bool
sdb_charset_backend_knows(int encoding)
{
	return encoding == PG_UTF8 || find_conversion(encoding) != NULL;
}

int
sdb_charset_backend_to_utf8(int encoding, const char *data, int len,
							char *dest)
{
	Conversion *conversion = find_conversion(encoding);

	if (!conversion->to_function)
		conversion->to_function = load_function(conversion,
												conversion->to_utf8);
	return call_conversion(conversion->to_function, encoding, PG_UTF8,
						   data, len, dest);
}

const char *
sdb_charset_backend_from_utf8(const char *data, int len, int *out_len)
{
	int			server = GetDatabaseEncoding();
	Conversion *conversion;
	char	   *result;

	*out_len = len;
	if (server == PG_UTF8 || server == PG_SQL_ASCII || len == 0)
		return data;

	conversion = find_conversion(server);
	if (!conversion)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert text to the server encoding \"%s\"",
						GetDatabaseEncodingName())));
	if (!conversion->from_function)
		conversion->from_function = load_function(conversion,
												  conversion->from_utf8);
	result = MemoryContextAllocHuge(CurrentMemoryContext,
									(Size) len * MAX_CONVERSION_GROWTH + 1);
	if (call_conversion(conversion->from_function, PG_UTF8, server,
						data, len, result) < len)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("text has a character that the server encoding \"%s\" lacks",
						GetDatabaseEncodingName())));
	*out_len = strlen(result);
	return result;
}

static Conversion *
find_conversion(int encoding)
{
	for (int i = 0; i < lengthof(conversions); i++)
	{
		if (conversions[i].encoding == encoding)
			return &conversions[i];
	}
	return NULL;
}

static PGFunction
load_function(const Conversion *conversion, const char *name)
{
	char	   *library = psprintf("$libdir/%s", conversion->library);
	PGFunction	function = (PGFunction)
		load_external_function(library, name, true, NULL);

	pfree(library);
	return function;
}

/* result: bytes of data converted; dest is NUL-terminated */
static int
call_conversion(PGFunction function, int from, int to,
				const char *data, int len, char *dest)
{
	return DatumGetInt32(DirectFunctionCall6(function,
											 Int32GetDatum(from),
											 Int32GetDatum(to),
											 CStringGetDatum(data),
											 CStringGetDatum(dest),
											 Int32GetDatum(len),
											 BoolGetDatum(true)));
}

char *
sdb_charset_printable(const char *text)
{
	char	   *copy = pstrdup(text);
	char	   *p;

	if (pg_verifymbstr(copy, strlen(copy), true))
		return copy;
	for (p = copy; *p; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	return copy;
}
