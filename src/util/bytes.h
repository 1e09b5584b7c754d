/*
 * bytes.h --- bounds-checked reading of wire bytes
 *
 * All bytes from a source are read through a ByteCursor.  A read past the end
 * raises ERRCODE_DATA_CORRUPTED with the offset; nothing is read.
 */
#ifndef SDB_BYTES_H
#define SDB_BYTES_H

#include "util/compat.h"

typedef struct ByteCursor
{
	const uint8 *start;			/* first byte, for offsets in messages */
	const uint8 *pos;			/* next byte */
	const uint8 *end;			/* one past the last */
	const char *what;			/* what is being read, for messages */
} ByteCursor;

pg_noreturn extern void sdb_bytes_overrun(const ByteCursor *cur, Size wanted);

static inline void
sdb_bytes_init(ByteCursor *cur, const void *data, Size len, const char *what)
{
	cur->start = cur->pos = (const uint8 *) data;
	cur->end = cur->start + len;
	cur->what = what;
}

static inline Size
sdb_bytes_left(const ByteCursor *cur)
{
	return cur->end - cur->pos;
}

static inline Size
sdb_bytes_offset(const ByteCursor *cur)
{
	return cur->pos - cur->start;
}

/* The next n bytes, which stay where they are. */
static inline const uint8 *
sdb_bytes_take(ByteCursor *cur, Size n)
{
	const uint8 *result = cur->pos;

	if (unlikely(n > (Size) (cur->end - cur->pos)))
		sdb_bytes_overrun(cur, n);
	cur->pos += n;
	return result;
}

static inline uint8
sdb_bytes_u8(ByteCursor *cur)
{
	return *sdb_bytes_take(cur, 1);
}

static inline uint16
sdb_load_le16(const uint8 *p)
{
	return (uint16) (p[0] | (p[1] << 8));
}

static inline uint32
sdb_load_le24(const uint8 *p)
{
	return p[0] | ((uint32) p[1] << 8) | ((uint32) p[2] << 16);
}

static inline uint32
sdb_load_le32(const uint8 *p)
{
	return sdb_load_le24(p) | ((uint32) p[3] << 24);
}

static inline uint64
sdb_load_le48(const uint8 *p)
{
	return sdb_load_le32(p) | ((uint64) p[4] << 32) | ((uint64) p[5] << 40);
}

static inline uint64
sdb_load_le64(const uint8 *p)
{
	return sdb_load_le32(p) | ((uint64) sdb_load_le32(p + 4) << 32);
}

static inline uint16
sdb_bytes_le16(ByteCursor *cur)
{
	return sdb_load_le16(sdb_bytes_take(cur, 2));
}

static inline uint32
sdb_bytes_le24(ByteCursor *cur)
{
	return sdb_load_le24(sdb_bytes_take(cur, 3));
}

static inline uint32
sdb_bytes_le32(ByteCursor *cur)
{
	return sdb_load_le32(sdb_bytes_take(cur, 4));
}

static inline uint64
sdb_bytes_le48(ByteCursor *cur)
{
	return sdb_load_le48(sdb_bytes_take(cur, 6));
}

static inline uint64
sdb_bytes_le64(ByteCursor *cur)
{
	return sdb_load_le64(sdb_bytes_take(cur, 8));
}

/* Big-endian unsigned integer of n bytes, 1 <= n <= 8. */
static inline uint64
sdb_bytes_be(ByteCursor *cur, int n)
{
	const uint8 *p = sdb_bytes_take(cur, n);
	uint64		result = 0;

	for (int i = 0; i < n; i++)
		result = (result << 8) | p[i];
	return result;
}

#endif							/* SDB_BYTES_H */
