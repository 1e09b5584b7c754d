/*
 * fuzz_events.c --- libFuzzer target: a stream of events
 *
 * The input is a binary log file.  Sizes and checksums are made right before
 * each event is decoded, so that the fuzzer gets past them; an event may end
 * in an error, after which the next one is tried.  SYNCHDB_FUZZ_DEFINITIONS
 * names the file of table definitions.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "event_stream.h"
#include "pg_shim.h"
#include "util/bytes.h"

#define MAGIC_LEN	4
#define HEADER_LEN	19

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t len);

static void decode_event(EventStream *stream, const uint8 *data, Size len,
						 StringInfo out);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t len)
{
	static EventStream *stream;
	static MemoryContext text_context;
	StringInfoData out;
	size_t		pos = MAGIC_LEN;

	if (stream == NULL)
	{
		stream = event_stream_open(getenv("SYNCHDB_FUZZ_DEFINITIONS"));
		text_context = shim_context_create();
	}
	event_stream_rewind(stream);
	CurrentMemoryContext = text_context;
	initStringInfo(&out);

	while (pos + HEADER_LEN <= len)
	{
		size_t		size = sdb_load_le32(data + pos + 9);

		size = Min(Max(size, HEADER_LEN), len - pos);
		decode_event(stream, data + pos, size, &out);
		pos += size;
	}
	MemoryContextReset(text_context);
	return 0;
}

/* In memory of exactly its size, so that reading past it is seen. */
static void
decode_event(EventStream *stream, const uint8 *data, Size len, StringInfo out)
{
	uint8	   *copy = malloc(len);

	memcpy(copy, data, len);
	event_stream_repair(stream, copy, len);
	PG_TRY();
	{
		event_stream_event(stream, copy, len, out);
	}
	PG_CATCH();
	{
		/* an error is a right answer to wrong bytes */
	}
	PG_END_TRY();
	out->len = 0;
	free(copy);
}
