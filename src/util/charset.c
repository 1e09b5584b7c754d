/*
 * charset.c --- text of a source's character set into the server encoding
 *
 * Every set goes to UTF-8 and from there, if the server is not in UTF8, to the
 * server encoding.  Text in ASCII, which all but the UTF-16 family share, and
 * valid UTF-8 are not copied at all.  The other sets take one of three ways:
 *
 *	- one byte a character: a table of the upper half, filled at first use by
 *	  converting each byte with PostgreSQL's conversion;
 *	- several bytes a character: PostgreSQL's conversion for whole runs;
 *	- UCS-2, UTF-16, UTF-32: code of our own.
 *
 * Where MySQL means another character than PostgreSQL, the set has a list of
 * exceptions.  With these, each character that MySQL 9.7 or MariaDB 10.11 can
 * convert to Unicode comes out as they convert it.  Some bytes name a
 * character for PostgreSQL but none for MySQL, which shows a question mark
 * (greek A4 A5 AA, cp1256 8A 8F 98 9A 9F AA C0 FF, rows of IBM and NEC
 * characters in sjis and ujis, user-defined ones in euckr): they come out as
 * PostgreSQL has them.
 *
 * Sets of MySQL that PostgreSQL has no conversion for are not listed:
 * armscii8, cp850, cp852, dec8, geostd8, hp8, keybcs2, macce, macroman, swe7.
 *
 * Only memory, ereport and src/common/wchar.c are used here; what needs more
 * of the server is in charset_backend.c.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "util/charset.h"
#include "util/charset_backend.h"
#include "util/compat.h"

#define HIGH_HALF	128			/* bytes that are not ASCII */

/*
 * CharRange --- characters of a set, and the code points that MySQL gives them
 *
 * The user-defined areas of the east Asian sets are ranges of whole rows, in
 * which the last byte counts the cells of a row.
 */
typedef struct CharRange
{
	uint32		first;			/* the character's bytes, big-endian */
	uint32		last;
	uint32		code;			/* of first */
	int			row_cells;		/* 0 if not made of rows */
} CharRange;

#define EUC_ROW		94			/* A1 .. FE */
#define SJIS_ROW	188			/* 40 .. 7E, 80 .. FC */

struct Charset
{
	const char *name;
	const char *(*convert) (const Charset *charset, const char *data, int len,
							int *out_len);
	int			encoding;		/* enum pg_enc of PostgreSQL's conversion */
	const CharRange *exceptions;	/* ends with first 0; NULL if none */
	bool		filled;			/* high is */
	uint16		high[HIGH_HALF];	/* code points of bytes 0x80 .. 0xff; 0 if
									 * there is none */
};

/* MySQL's latin1 is Windows-1252 without holes */
static const CharRange latin1_exceptions[] = {
	{0x81, 0x81, 0x0081},
	{0x8d, 0x8d, 0x008d},
	{0x8f, 0x8f, 0x008f},
	{0x90, 0x90, 0x0090},
	{0x9d, 0x9d, 0x009d},
	{0}
};

static const CharRange greek_exceptions[] = {
	{0xa1, 0xa1, 0x02bd},
	{0xa2, 0xa2, 0x02bc},
	{0}
};

static const CharRange hebrew_exceptions[] = {
	{0xaf, 0xaf, 0x203e},
	{0}
};

static const CharRange cp866_exceptions[] = {
	{0xfc, 0xfc, 0x207f},
	{0xfd, 0xfd, 0x00b2},
	{0}
};

static const CharRange koi8u_exceptions[] = {
	{0x95, 0x95, 0x2022},
	{0}
};

/* unlike Windows-874; bytes without a character are U+FFFD */
static const CharRange tis620_exceptions[] = {
	{0x80, 0x9f, 0x0080},
	{0xa0, 0xa0, 0xfffd},
	{0xdb, 0xdb, 0xfffd},
	{0xdc, 0xdc, 0xfffd},
	{0xdd, 0xdd, 0xfffd},
	{0xde, 0xde, 0xfffd},
	{0xfc, 0xfc, 0xfffd},
	{0xfd, 0xfd, 0xfffd},
	{0xfe, 0xfe, 0xfffd},
	{0xff, 0xff, 0xfffd},
	{0}
};

/* PostgreSQL's SJIS is Microsoft's, hence cp932 */
static const CharRange sjis_exceptions[] = {
	{0x815f, 0x815f, 0x005c},
	{0x8160, 0x8160, 0x301c},
	{0x8161, 0x8161, 0x2016},
	{0x817c, 0x817c, 0x2212},
	{0x8191, 0x8191, 0x00a2},
	{0x8192, 0x8192, 0x00a3},
	{0x81ca, 0x81ca, 0x00ac},
	{0}
};

static const CharRange cp932_exceptions[] = {
	{0xf040, 0xf9fc, 0xe000, SJIS_ROW},
	{0}
};

static const CharRange ujis_exceptions[] = {
	{0xa1c0, 0xa1c0, 0x005c},
	{0xa1c1, 0xa1c1, 0x301c},
	{0xa1c2, 0xa1c2, 0x2016},
	{0xa1dd, 0xa1dd, 0x2212},
	{0xa1f1, 0xa1f1, 0x00a2},
	{0xa1f2, 0xa1f2, 0x00a3},
	{0xa2cc, 0xa2cc, 0x00ac},
	{0xf5a1, 0xfefe, 0xe000, EUC_ROW},
	{0x8fa2b7, 0x8fa2b7, 0x007e},
	{0x8fa2c3, 0x8fa2c3, 0x00a6},
	{0x8ff5a1, 0x8ffefe, 0xe3ac, EUC_ROW},
	{0}
};

static const CharRange eucjpms_exceptions[] = {
	{0xf5a1, 0xfefe, 0xe000, EUC_ROW},
	{0x8fa2b7, 0x8fa2b7, 0xff5e},
	{0x8ff5a1, 0x8ffefe, 0xe3ac, EUC_ROW},
	{0}
};

/* MySQL has the edition of 2005, PostgreSQL that of 2000 */
static const CharRange gb18030_exceptions[] = {
	{0xa8bc, 0xa8bc, 0x1e3f},
	{0x8135f437, 0x8135f437, 0xe7c7},
	{0}
};

static const char *from_utf8(const Charset *charset, const char *data, int len,
							 int *out_len);
static const char *from_single_byte(const Charset *charset, const char *data,
									int len, int *out_len);
static const char *from_multi_byte(const Charset *charset, const char *data,
								   int len, int *out_len);
static const char *from_ucs2(const Charset *charset, const char *data, int len,
							 int *out_len);
static const char *from_utf16(const Charset *charset, const char *data,
							  int len, int *out_len);
static const char *from_utf16le(const Charset *charset, const char *data,
								int len, int *out_len);
static const char *from_utf32(const Charset *charset, const char *data,
							  int len, int *out_len);

static Charset charsets[] = {
	{"utf8mb4", from_utf8, PG_UTF8},
	{"utf8mb3", from_utf8, PG_UTF8},
	{"utf8", from_utf8, PG_UTF8},
	{"ascii", from_utf8, PG_UTF8},
	{"latin1", from_single_byte, PG_WIN1252, latin1_exceptions},
	{"latin2", from_single_byte, PG_LATIN2},
	{"latin5", from_single_byte, PG_LATIN5},
	{"latin7", from_single_byte, PG_LATIN7},
	{"greek", from_single_byte, PG_ISO_8859_7, greek_exceptions},
	{"hebrew", from_single_byte, PG_ISO_8859_8, hebrew_exceptions},
	{"cp866", from_single_byte, PG_WIN866, cp866_exceptions},
	{"cp1250", from_single_byte, PG_WIN1250},
	{"cp1251", from_single_byte, PG_WIN1251},
	{"cp1256", from_single_byte, PG_WIN1256},
	{"cp1257", from_single_byte, PG_WIN1257},
	{"koi8r", from_single_byte, PG_KOI8R},
	{"koi8u", from_single_byte, PG_KOI8U, koi8u_exceptions},
	{"tis620", from_single_byte, PG_WIN874, tis620_exceptions},
	{"sjis", from_multi_byte, PG_SJIS, sjis_exceptions},
	{"cp932", from_multi_byte, PG_SJIS, cp932_exceptions},
	{"ujis", from_multi_byte, PG_EUC_JP, ujis_exceptions},
	{"eucjpms", from_multi_byte, PG_EUC_JP, eucjpms_exceptions},
	{"euckr", from_multi_byte, PG_UHC},
	{"gb2312", from_multi_byte, PG_EUC_CN},
	{"gbk", from_multi_byte, PG_GBK},
	{"gb18030", from_multi_byte, PG_GB18030, gb18030_exceptions},
	{"big5", from_multi_byte, PG_BIG5},
	{"ucs2", from_ucs2, PG_UTF8},
	{"utf16", from_utf16, PG_UTF8},
	{"utf16le", from_utf16le, PG_UTF8},
	{"utf32", from_utf32, PG_UTF8},
};

static void fill_high_half(Charset *charset);
static bool is_plain_ascii(const char *data, int len);
static uint32 find_exception(const Charset *charset, const char *data,
							 int len);
static char *put_char(char *dest, uint32 code);
static char *alloc_utf8(Size len);
static const char *finish(char *utf8, const char *end, int *out_len);
pg_noreturn static void report_invalid(const Charset *charset, int offset);
pg_noreturn static void report_zero(void);

const Charset *
sdb_charset_find(const char *name)
{
	for (int i = 0; i < lengthof(charsets); i++)
	{
		Charset    *charset = &charsets[i];

		if (pg_strcasecmp(name, charset->name) != 0)
			continue;
		if (!sdb_charset_backend_knows(charset->encoding))
			return NULL;
		if (charset->convert == from_single_byte && !charset->filled)
			fill_high_half(charset);
		return charset;
	}
	return NULL;
}

const char *
sdb_charset_to_server(const Charset *charset, const char *data, int len,
					  int *out_len)
{
	return charset->convert(charset, data, len, out_len);
}

bool
sdb_charset_is_utf8(const Charset *charset)
{
	return charset->convert == from_utf8;
}

int
sdb_charset_char_len(const Charset *charset, const char *data, int len)
{
	/* some encodings look at a second byte */
	if (charset->convert != from_multi_byte || len == 1)
		return 1;
	return Min(pg_encoding_mblen(charset->encoding, data), len);
}

static const char *
from_utf8(const Charset *charset, const char *data, int len, int *out_len)
{
	int			valid = pg_encoding_verifymbstr(PG_UTF8, data, len);

	if (valid < len)
	{
		if (data[valid] == '\0')
			report_zero();
		report_invalid(charset, valid);
	}
	return sdb_charset_backend_from_utf8(data, len, out_len);
}

static const char *
from_single_byte(const Charset *charset, const char *data, int len,
				 int *out_len)
{
	char	   *utf8;
	char	   *dest;

	if (is_plain_ascii(data, len))
		return sdb_charset_backend_from_utf8(data, len, out_len);

	utf8 = dest = alloc_utf8((Size) len * 3);
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];
		uint32		code = c < 0x80 ? c : charset->high[c - 0x80];

		if (c == 0)
			report_zero();
		if (code == 0)
			report_invalid(charset, i);
		dest = put_char(dest, code);
	}
	return finish(utf8, dest, out_len);
}

/* Runs without exceptions go to PostgreSQL's conversion in one piece. */
static const char *
from_multi_byte(const Charset *charset, const char *data, int len,
				int *out_len)
{
	char	   *utf8;
	char	   *dest;
	int			pos = 0;

	if (is_plain_ascii(data, len))
		return sdb_charset_backend_from_utf8(data, len, out_len);
	if (memchr(data, '\0', len))
		report_zero();

	utf8 = dest = alloc_utf8((Size) len * MAX_CONVERSION_GROWTH);
	while (pos < len)
	{
		int			start = pos;
		int			char_len = 0;
		uint32		code = 0;

		while (pos < len && code == 0)
		{
			pos += char_len;
			if (pos >= len)
				break;
			/* looks at a second byte for some encodings */
			if (pos + 1 < len)
				char_len = pg_encoding_mblen(charset->encoding, data + pos);
			else
				char_len = 1;
			char_len = Min(char_len, len - pos);
			code = find_exception(charset, data + pos, char_len);
		}
		if (pos > start)
		{
			int			n = sdb_charset_backend_to_utf8(charset->encoding,
														data + start,
														pos - start, dest);

			if (n < pos - start)
				report_invalid(charset, start + n);
			dest += strlen(dest);
		}
		if (code != 0)
		{
			dest = put_char(dest, code);
			pos += char_len;
		}
	}
	return finish(utf8, dest, out_len);
}

static const char *
from_ucs2(const Charset *charset, const char *data, int len, int *out_len)
{
	const unsigned char *p = (const unsigned char *) data;
	char	   *utf8 = alloc_utf8((Size) len * 3 / 2);
	char	   *dest = utf8;

	for (int i = 0; i < len; i += 2)
	{
		uint32		code;

		if (len - i < 2)
			report_invalid(charset, i);
		code = (p[i] << 8) | p[i + 1];
		if (code == 0)
			report_zero();
		if (code >= 0xd800 && code <= 0xdfff)
			report_invalid(charset, i);
		dest = put_char(dest, code);
	}
	return finish(utf8, dest, out_len);
}

/* high and low: which byte of a unit, 0 or 1, is which */
static const char *
from_utf16_units(const Charset *charset, const char *data, int len, int high,
				 int low, int *out_len)
{
	const unsigned char *p = (const unsigned char *) data;
	char	   *utf8 = alloc_utf8((Size) len * 3 / 2);
	char	   *dest = utf8;

	for (int i = 0; i < len; i += 2)
	{
		uint32		code;

		if (len - i < 2)
			report_invalid(charset, i);
		code = (p[i + high] << 8) | p[i + low];
		if (code == 0)
			report_zero();
		if (code >= 0xd800 && code <= 0xdfff)
		{
			uint32		second = len - i < 4 ? 0 :
				(p[i + 2 + high] << 8) | p[i + 2 + low];

			if (code > 0xdbff || second < 0xdc00 || second > 0xdfff)
				report_invalid(charset, i);
			code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
			i += 2;
		}
		dest = put_char(dest, code);
	}
	return finish(utf8, dest, out_len);
}

static const char *
from_utf16(const Charset *charset, const char *data, int len, int *out_len)
{
	return from_utf16_units(charset, data, len, 0, 1, out_len);
}

static const char *
from_utf16le(const Charset *charset, const char *data, int len, int *out_len)
{
	return from_utf16_units(charset, data, len, 1, 0, out_len);
}

static const char *
from_utf32(const Charset *charset, const char *data, int len, int *out_len)
{
	const unsigned char *p = (const unsigned char *) data;
	char	   *utf8 = alloc_utf8(len);
	char	   *dest = utf8;

	for (int i = 0; i < len; i += 4)
	{
		uint32		code;

		if (len - i < 4)
			report_invalid(charset, i);
		code = ((uint32) p[i] << 24) | (p[i + 1] << 16) | (p[i + 2] << 8) |
			p[i + 3];
		if (code == 0)
			report_zero();
		if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
			report_invalid(charset, i);
		dest = put_char(dest, code);
	}
	return finish(utf8, dest, out_len);
}

static void
fill_high_half(Charset *charset)
{
	char		utf8[MAX_CONVERSION_GROWTH + 1];

	for (int i = 0; i < HIGH_HALF; i++)
	{
		int			encoding = charset->encoding;
		char		byte = (char) (0x80 + i);
		uint32		code = find_exception(charset, &byte, 1);

		if (code == 0 &&
			sdb_charset_backend_to_utf8(encoding, &byte, 1, utf8) == 1)
			code = utf8_to_unicode((unsigned char *) utf8);
		charset->high[i] = code;
	}
	charset->filled = true;
}

/* No byte above 0x7f and no zero */
static bool
is_plain_ascii(const char *data, int len)
{
	const uint64 high_bits = UINT64CONST(0x8080808080808080);
	const uint64 low_bits = UINT64CONST(0x0101010101010101);
	int			i = 0;

	for (; i + (int) sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64		chunk;

		memcpy(&chunk, data + i, sizeof(chunk));
		/* a zero byte borrows from its high bit, where none was set */
		if ((chunk | (chunk - low_bits)) & high_bits)
			return false;
	}
	for (; i < len; i++)
	{
		if (data[i] == '\0' || IS_HIGHBIT_SET(data[i]))
			return false;
	}
	return true;
}

/* MySQL's code point of one character if it differs; 0 if it does not. */
static uint32
find_exception(const Charset *charset, const char *data, int len)
{
	const CharRange *range = charset->exceptions;
	uint32		bytes = 0;
	int			cell;

	if (!range || !IS_HIGHBIT_SET(data[0]))
		return 0;
	for (int i = 0; i < len; i++)
		bytes = (bytes << 8) | (unsigned char) data[i];
	while (range->first != 0 && (bytes < range->first || bytes > range->last))
		range++;
	if (range->first == 0)
		return 0;
	if (range->row_cells == 0)
		return range->code + (bytes - range->first);

	cell = (int) (bytes & 0xff) - (int) (range->first & 0xff);
	if (range->row_cells == SJIS_ROW && (bytes & 0xff) == 0x7f)
		return 0;
	if (range->row_cells == SJIS_ROW && (bytes & 0xff) > 0x7f)
		cell--;
	if (cell < 0 || cell >= range->row_cells)
		return 0;
	return range->code + cell +
		((bytes >> 8) - (range->first >> 8)) * range->row_cells;
}

static char *
put_char(char *dest, uint32 code)
{
	unicode_to_utf8(code, (unsigned char *) dest);
	return dest + pg_utf_mblen((unsigned char *) dest);
}

static char *
alloc_utf8(Size len)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, len + 1);
}

static const char *
finish(char *utf8, const char *end, int *out_len)
{
	if (end - utf8 > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text is longer than 1 GB after conversion to UTF-8")));
	return sdb_charset_backend_from_utf8(utf8, (int) (end - utf8), out_len);
}

static void
report_invalid(const Charset *charset, int offset)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("invalid byte sequence for character set \"%s\" at byte %d of the text",
					charset->name, offset)));
}

static void
report_zero(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("text contains the character U+0000, which PostgreSQL cannot store")));
}
