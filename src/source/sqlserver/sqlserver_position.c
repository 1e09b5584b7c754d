/*
 * sqlserver_position.c --- log sequence numbers, and positions as text
 *
 * An LSN has three parts: virtual log file, block, slot.  Only its order as a
 * number of ten bytes matters here.
 */
#include "postgres.h"

#include "source/sqlserver/sqlserver_position.h"
#include "util/json_read.h"

/* the digits of the three parts, with a colon after each but the last */
#define LSN_TEXT_LEN	(8 + 1 + 8 + 1 + 4)

static bool is_colon(int idx0);
static int	hex_digit(char c);
static SqlServerLsn parse_or_fail(const char *position);

int
sdb_sqlserver_lsn_compare(const SqlServerLsn *a, const SqlServerLsn *b)
{
	return memcmp(a->bytes, b->bytes, SQLSERVER_LSN_BYTES);
}

bool
sdb_sqlserver_lsn_is_zero(const SqlServerLsn *lsn)
{
	static const SqlServerLsn zero;

	return sdb_sqlserver_lsn_compare(lsn, &zero) == 0;
}

SqlServerLsn
sdb_sqlserver_lsn_next(SqlServerLsn lsn)
{
	SqlServerLsn next = lsn;
	int			i = SQLSERVER_LSN_BYTES;

	while (i-- > 0)
	{
		if (++next.bytes[i] != 0)
			return next;
	}
	return lsn;
}

SqlServerLsn
sdb_sqlserver_lsn_previous(SqlServerLsn lsn)
{
	SqlServerLsn previous = lsn;
	int			i = SQLSERVER_LSN_BYTES;

	while (i-- > 0)
	{
		if (previous.bytes[i]-- != 0)
			return previous;
	}
	return lsn;
}

SqlServerLsn
sdb_sqlserver_lsn_read(const uint8 *data, int len, const char *what)
{
	SqlServerLsn lsn;

	if (data == NULL || len != SQLSERVER_LSN_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the source sent no log sequence number as \"%s\"",
						what),
				 data == NULL ? errdetail("It is NULL.") :
				 errdetail("It has %d bytes instead of %d.", len,
						   SQLSERVER_LSN_BYTES)));
	memcpy(lsn.bytes, data, SQLSERVER_LSN_BYTES);
	return lsn;
}

char *
sdb_sqlserver_lsn_to_text(const SqlServerLsn *lsn)
{
	const uint8 *b = lsn->bytes;

	return psprintf("%02x%02x%02x%02x:%02x%02x%02x%02x:%02x%02x",
					b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
					b[8], b[9]);
}

bool
sdb_sqlserver_lsn_parse(const char *text, SqlServerLsn *lsn)
{
	int			ndigits = 0;

	if (strlen(text) != LSN_TEXT_LEN)
		return false;
	memset(lsn, 0, sizeof(SqlServerLsn));
	for (int i = 0; i < LSN_TEXT_LEN; i++)
	{
		int			digit = hex_digit(text[i]);

		if (is_colon(i))
		{
			if (text[i] != ':')
				return false;
			continue;
		}
		if (digit < 0)
			return false;
		lsn->bytes[ndigits / 2] |= digit << (ndigits % 2 == 0 ? 4 : 0);
		ndigits++;
	}
	return true;
}

char *
sdb_sqlserver_lsn_literal(const SqlServerLsn *lsn)
{
	static const char digits[] = "0123456789abcdef";
	char	   *text = palloc(2 + 2 * SQLSERVER_LSN_BYTES + 1);
	char	   *out = text;

	*out++ = '0';
	*out++ = 'x';
	for (int i = 0; i < SQLSERVER_LSN_BYTES; i++)
	{
		*out++ = digits[lsn->bytes[i] >> 4];
		*out++ = digits[lsn->bytes[i] & 0x0f];
	}
	*out = '\0';
	return text;
}

char *
sdb_sqlserver_position_to_text(const SqlServerLsn *lsn)
{
	return psprintf("{\"commit_lsn\":\"%s\"}", sdb_sqlserver_lsn_to_text(lsn));
}

bool
sdb_sqlserver_position_parse(const char *text, SqlServerLsn *lsn,
							 char **reason)
{
	JsonbContainer *object = sdb_json_object(text, reason);
	char	   *commit_lsn;

	if (object == NULL)
		return false;
	commit_lsn = sdb_json_text(object, "commit_lsn");
	if (commit_lsn == NULL)
		*reason = pstrdup("\"commit_lsn\" is missing or not a text.");
	else if (!sdb_sqlserver_lsn_parse(commit_lsn, lsn))
		*reason = psprintf("\"commit_lsn\" is \"%s\", which is not of the form 00000025:00000ef8:0048.",
						   commit_lsn);
	else
		return true;
	return false;
}

bool
sdb_sqlserver_position_covers(const char *position, const char *before)
{
	SqlServerLsn state = parse_or_fail(position);
	SqlServerLsn txn = parse_or_fail(before);

	return sdb_sqlserver_lsn_compare(&txn, &state) < 0;
}

char *
sdb_sqlserver_position_check(const char *position)
{
	SqlServerLsn lsn;
	char	   *reason;

	return sdb_sqlserver_position_parse(position, &lsn, &reason) ?
		NULL : reason;
}

static bool
is_colon(int idx0)
{
	return idx0 == 8 || idx0 == 17;
}

/* -1 if it is none */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static SqlServerLsn
parse_or_fail(const char *position)
{
	SqlServerLsn lsn;
	char	   *reason;

	if (!sdb_sqlserver_position_parse(position, &lsn, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid position \"%s\"", position),
				 errdetail("%s", reason)));
	return lsn;
}
