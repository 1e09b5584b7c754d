/*
 * mysql_payload.c --- the events inside a TRANSACTION_PAYLOAD event
 *
 * With binlog_transaction_compression MySQL writes a transaction, but for its
 * GTID, as one event.  What is inside is inflated event by event into one
 * buffer, so that memory is that of the largest event and of the library's
 * window, however large the transaction is.
 *
 * source: Transaction_payload_event and its codec in MySQL's
 * libs/mysql/binlog/event; checked with captures of MySQL 9.7.
 *
 *	head		fields: number of the field, length, value (packed integers);
 *				field 0, which has no length, ends them
 *	payload		a zstd stream, or the events as they are
 *
 * The events inside have headers as all others, but no checksums.
 */
#include "postgres.h"

#include <zstd.h>

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_payload.h"
#include "source/mysql/mysql_wire.h"

#define FIELD_END				0
#define FIELD_PAYLOAD_SIZE		1
#define FIELD_COMPRESSION		2
#define FIELD_INFLATED_SIZE		3

#define COMPRESSION_ZSTD		0
#define COMPRESSION_NONE		255

#define HEADER_LEN				19
#define SIZE_OFFSET				9	/* in the header */

/* A size is believed in steps, each once the bytes before it are there. */
#define STEP_BYTES				(1024 * 1024)

struct MysqlPayload
{
	MemoryContextCallback callback;
	ZSTD_DStream *zstd;
	bool		in_frame;		/* zstd waits for more of a frame */
	ByteCursor	packed;			/* still to be read */
	uint64		compression;
	uint64		left;			/* inflated bytes still to come */
	MysqlFormat format;			/* of the events inside */
	StringInfoData buf;			/* the last event */
};

static void free_zstd(void *arg);
static void inflate(MysqlPayload *payload, Size nbytes);
static void inflate_zstd(MysqlPayload *payload, uint8 *data, Size nbytes);
static bool is_allowed(MysqlEventType type);

MysqlPayload *
sdb_mysql_payload_create(void)
{
	MysqlPayload *payload = palloc0(sizeof(MysqlPayload));

	initStringInfo(&payload->buf);
	payload->callback.func = free_zstd;
	payload->callback.arg = payload;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &payload->callback);
	payload->zstd = ZSTD_createDStream();
	if (payload->zstd == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return payload;
}

void
sdb_mysql_payload_open(MysqlPayload *payload, const MysqlFormat *format,
					   const MysqlEvent *event)
{
	ByteCursor	cur = event->body;
	uint64		packed_size = 0;
	uint64		field;

	payload->format = *format;
	payload->format.checksums = false;
	payload->compression = COMPRESSION_NONE;
	payload->left = 0;
	while ((field = sdb_mysql_packed_int(&cur)) != FIELD_END)
	{
		ByteCursor	value = sdb_mysql_packed_block(&cur);

		if (field == FIELD_PAYLOAD_SIZE)
			packed_size = sdb_mysql_packed_int(&value);
		else if (field == FIELD_COMPRESSION)
			payload->compression = sdb_mysql_packed_int(&value);
		else if (field == FIELD_INFLATED_SIZE)
			payload->left = sdb_mysql_packed_int(&value);
	}
	if (packed_size != sdb_bytes_left(&cur))
		sdb_mysql_malformed(&cur, "A payload of " UINT64_FORMAT " bytes was announced, there are %zu.",
							packed_size, sdb_bytes_left(&cur));
	if (payload->compression == COMPRESSION_NONE)
		payload->left = packed_size;
	else if (payload->compression != COMPRESSION_ZSTD)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read transactions compressed by method " UINT64_FORMAT,
						payload->compression)));
	payload->packed = cur;
	payload->in_frame = false;
	ZSTD_initDStream(payload->zstd);
}

bool
sdb_mysql_payload_next(MysqlPayload *payload, MysqlEvent *event)
{
	ByteCursor *packed = &payload->packed;
	uint32		size;

	resetStringInfo(&payload->buf);
	if (payload->left == 0)
	{
		if (payload->in_frame || sdb_bytes_left(packed) > 0)
			sdb_mysql_malformed(packed, "More is inside than was announced.");
		return false;
	}

	inflate(payload, HEADER_LEN);
	size = sdb_load_le32((const uint8 *) payload->buf.data + SIZE_OFFSET);
	if (size < HEADER_LEN || size > MaxAllocSize / 2)
		sdb_mysql_malformed(packed, "An event inside has %u bytes.", size);
	inflate(payload, size - HEADER_LEN);

	sdb_mysql_event_parse(&payload->format,
						  (const uint8 *) payload->buf.data,
						  payload->buf.len, event);
	if (!is_allowed(event->type))
		sdb_mysql_malformed(packed, "A %s event cannot be inside.",
							sdb_mysql_event_name(event->type));
	event->log_pos = 0;
	return true;
}

static void
free_zstd(void *arg)
{
	MysqlPayload *payload = arg;

	ZSTD_freeDStream(payload->zstd);
	payload->zstd = NULL;
}

/* Appends so many inflated bytes to the buffer. */
static void
inflate(MysqlPayload *payload, Size nbytes)
{
	if (nbytes > payload->left)
		sdb_mysql_malformed(&payload->packed,
							"An event inside goes beyond the payload.");
	payload->left -= nbytes;
	while (nbytes > 0)
	{
		int			step = (int) Min(nbytes, STEP_BYTES);
		uint8	   *data;

		enlargeStringInfo(&payload->buf, step);
		data = (uint8 *) payload->buf.data + payload->buf.len;
		if (payload->compression == COMPRESSION_NONE)
			memcpy(data, sdb_bytes_take(&payload->packed, step), step);
		else
			inflate_zstd(payload, data, step);
		payload->buf.len += step;
		nbytes -= step;
	}
}

static void
inflate_zstd(MysqlPayload *payload, uint8 *data, Size nbytes)
{
	ByteCursor *packed = &payload->packed;
	ZSTD_outBuffer out = {data, nbytes, 0};
	ZSTD_inBuffer in = {packed->pos, sdb_bytes_left(packed), 0};
	size_t		status;

	while (out.pos < out.size)
	{
		size_t		before = out.pos;

		status = ZSTD_decompressStream(payload->zstd, &out, &in);
		if (ZSTD_isError(status))
			sdb_mysql_malformed(packed, "It cannot be inflated: %s.",
								ZSTD_getErrorName(status));
		payload->in_frame = status != 0;
		if (out.pos == before && in.pos == in.size)
			sdb_mysql_malformed(packed, "The compressed bytes end early.");
	}
	sdb_bytes_take(packed, in.pos);
}

/* What begins or describes a log or a transaction is outside. */
static bool
is_allowed(MysqlEventType type)
{
	switch ((int) type)
	{
		case MYSQL_EVENT_ROTATE:
		case MYSQL_EVENT_FORMAT_DESCRIPTION:
		case MYSQL_EVENT_STOP:
		case MYSQL_EVENT_GTID:
		case MYSQL_EVENT_ANONYMOUS_GTID:
		case MYSQL_EVENT_GTID_TAGGED:
		case MYSQL_EVENT_PREVIOUS_GTIDS:
		case MYSQL_EVENT_TRANSACTION_PAYLOAD:
		case MYSQL_EVENT_HEARTBEAT:
		case MYSQL_EVENT_HEARTBEAT_V2:
			return false;
		default:
			return true;
	}
}
