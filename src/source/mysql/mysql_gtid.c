/*
 * mysql_gtid.c --- the events that name a transaction
 *
 * MySQL's GTID and ANONYMOUS_GTID are a fixed struct that grew at its end,
 * GTID_TAGGED (MySQL 8.3) is a message of numbered fields in the encoding of
 * mysql/serialization, MariaDB's is a struct of its own.
 *
 * Formats: Gtid_event in MySQL's libs/mysql/binlog/event, Gtid_log_event in
 * MariaDB; checked against captures in test/golden/mysql.
 */
#include "postgres.h"

#include "source/mysql/mysql_event.h"
#include "source/mysql/mysql_wire.h"

#define UUID_LEN				16
#define MAX_TAG_LEN				32
#define GTID_ORIGINAL_FOLLOWS	(UINT64CONST(1) << 55)
#define MARIADB_GTID_COMMIT_ID	0x02	/* flags2: a group commit id follows */

/* Fields of GTID_TAGGED, by number */
typedef enum TaggedField
{
	TAGGED_FLAGS,
	TAGGED_UUID,
	TAGGED_NUMBER,
	TAGGED_TAG,
	TAGGED_LAST_COMMITTED,
	TAGGED_SEQUENCE,
	TAGGED_IMMEDIATE_COMMIT,
	TAGGED_ORIGINAL_COMMIT
} TaggedField;

static void gtid_mysql(ByteCursor cur, MysqlGtid *gtid);
static void gtid_mariadb(ByteCursor cur, MysqlGtid *gtid);
static void gtid_tagged(ByteCursor cur, MysqlGtid *gtid);
static uint64 serialized_uint(ByteCursor *cur);
static int64 serialized_int(ByteCursor *cur);
static const uint8 *serialized_uuid(ByteCursor *cur);
static uint64 take_le56(ByteCursor *cur);
static TimestampTz unix_micros(const ByteCursor *cur, uint64 micros);

void
sdb_mysql_event_gtid(const MysqlEvent *event, MysqlGtid *gtid)
{
	memset(gtid, 0, sizeof(*gtid));
	gtid->server_id = event->server_id;

	if (event->type == MARIADB_EVENT_GTID)
		gtid_mariadb(event->body, gtid);
	else if (event->type == MYSQL_EVENT_GTID_TAGGED)
		gtid_tagged(event->body, gtid);
	else
		gtid_mysql(event->body, gtid);

	if (event->type == MYSQL_EVENT_ANONYMOUS_GTID)
		gtid->sid = NULL;
}

/*
 * Flags, uuid, number; from MySQL 5.7 on a logical clock (its type and two
 * numbers); from 8.0 on the time of this commit and, if another, of the
 * original one.
 */
static void
gtid_mysql(ByteCursor cur, MysqlGtid *gtid)
{
	uint64		micros;

	sdb_bytes_take(&cur, 1);	/* flags */
	gtid->sid = sdb_bytes_take(&cur, UUID_LEN);
	gtid->sequence = sdb_bytes_le64(&cur);

	if (sdb_bytes_left(&cur) < 1 + 8 + 8 + 7)
		return;
	sdb_bytes_take(&cur, 1 + 8 + 8);
	micros = take_le56(&cur);
	if (micros & GTID_ORIGINAL_FOLLOWS)
		micros = take_le56(&cur);
	gtid->committed = unix_micros(&cur, micros);
}

static void
gtid_mariadb(ByteCursor cur, MysqlGtid *gtid)
{
	gtid->is_mariadb = true;
	gtid->sequence = sdb_bytes_le64(&cur);
	gtid->domain = sdb_bytes_le32(&cur);
	gtid->flags2 = sdb_bytes_u8(&cur);
	if (gtid->flags2 & MARIADB_GTID_COMMIT_ID)
		sdb_bytes_le64(&cur);

	if (gtid->flags2 & (MARIADB_GTID_PREPARED_XA | MARIADB_GTID_COMPLETED_XA))
	{
		const uint8 *lengths;

		gtid->xid = (const char *) sdb_bytes_take(&cur, 4);
		lengths = sdb_bytes_take(&cur, 2);
		sdb_bytes_take(&cur, lengths[0] + lengths[1]);
		gtid->xid_len = 4 + 2 + lengths[0] + lengths[1];
	}
}

/*
 * A message of numbered fields: version, size, last field that a reader must
 * know, then pairs of field number and value, in the order of the numbers.
 */
static void
gtid_tagged(ByteCursor cur, MysqlGtid *gtid)
{
	uint64		immediate = 0;
	uint64		original = 0;
	uint64		tag_len = 0;
	bool		done = false;

	for (int i = 0; i < 3; i++)
		serialized_uint(&cur);

	while (!done && sdb_bytes_left(&cur) > 0)
	{
		switch (serialized_uint(&cur))
		{
			case TAGGED_FLAGS:
				serialized_uint(&cur);
				break;
			case TAGGED_UUID:
				gtid->sid = serialized_uuid(&cur);
				break;
			case TAGGED_NUMBER:
				gtid->sequence = (uint64) serialized_int(&cur);
				break;
			case TAGGED_TAG:
				tag_len = serialized_uint(&cur);
				gtid->tag = (const char *) sdb_bytes_take(&cur, tag_len);
				break;
			case TAGGED_LAST_COMMITTED:
			case TAGGED_SEQUENCE:
				serialized_int(&cur);
				break;
			case TAGGED_IMMEDIATE_COMMIT:
				immediate = serialized_uint(&cur);
				break;
			case TAGGED_ORIGINAL_COMMIT:
				original = serialized_uint(&cur);
				break;
			default:
				done = true;
				break;
		}
	}

	if (gtid->sid == NULL || tag_len > MAX_TAG_LEN)
		sdb_mysql_malformed(&cur, "The transaction has no usable identifier.");
	gtid->tag_len = (int) tag_len;
	if (tag_len == 0)
		gtid->tag = NULL;
	gtid->committed = unix_micros(&cur, original ? original : immediate);
}

/*
 * As many ones as end the first byte, so many bytes follow; what remains of
 * the first byte is the low end of the number.
 */
static uint64
serialized_uint(ByteCursor *cur)
{
	uint8		first = sdb_bytes_u8(cur);
	int			nfollow = 0;
	const uint8 *follow;
	uint64		high = 0;

	while (nfollow < 8 && (first & (1 << nfollow)))
		nfollow++;
	follow = sdb_bytes_take(cur, nfollow);
	for (int i = nfollow - 1; i >= 0; i--)
		high = (high << 8) | follow[i];
	if (nfollow == 8)
		return high;
	return (high << (7 - nfollow)) | (first >> (nfollow + 1));
}

/* Likewise, with the sign in the lowest bit: 0, -1, 1, -2, ... */
static int64
serialized_int(ByteCursor *cur)
{
	uint64		coded = serialized_uint(cur);

	return (int64) ((coded >> 1) ^ (UINT64CONST(0) - (coded & 1)));
}

/* Each byte is a number of its own, so the uuid is put together anew. */
static const uint8 *
serialized_uuid(ByteCursor *cur)
{
	uint8	   *uuid = palloc(UUID_LEN);

	for (int i = 0; i < UUID_LEN; i++)
	{
		uint64		byte = serialized_uint(cur);

		if (byte > 0xff)
			sdb_mysql_malformed(cur, "The transaction has no usable identifier.");
		uuid[i] = (uint8) byte;
	}
	return uuid;
}

static uint64
take_le56(ByteCursor *cur)
{
	uint64		low = sdb_bytes_le32(cur);

	return low | ((uint64) sdb_bytes_le24(cur) << 32);
}

/* 0 stays 0, which means not known. */
static TimestampTz
unix_micros(const ByteCursor *cur, uint64 micros)
{
	const int64 epoch = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	if (micros == 0)
		return 0;
	if (micros >= (uint64) END_TIMESTAMP)
		sdb_mysql_malformed(cur, "The time of the commit is out of range.");
	return (TimestampTz) micros - epoch;
}
