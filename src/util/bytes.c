/*
 * bytes.c --- the error of bytes.h
 */
#include "postgres.h"

#include "util/bytes.h"

void
sdb_bytes_overrun(const ByteCursor *cur, Size wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("malformed %s: %zu bytes wanted at offset %zu, %zu left",
					cur->what, wanted, sdb_bytes_offset(cur),
					sdb_bytes_left(cur))));
}
