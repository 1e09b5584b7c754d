/*
 * mysql_wire.c --- what the decoders of the binary log share
 *
 * Formats: packed integers are those of the client protocol; compressed
 * events are MariaDB's, see log_bin_compress in its manual.
 */
#include "postgres.h"

#include <libdeflate.h>

#include "utils/memutils.h"

#include "source/mysql/mysql_wire.h"

#define MAX_COLUMNS			4096
#define MAX_DEFLATE_RATIO	1032	/* no stream expands more than that */
#define SHORT_POST_HEADER	6		/* with table ids of 4 bytes */

/* first byte of a compressed event */
#define COMPRESSED_MARK			0x80
#define COMPRESSED_ALGORITHM	0x70	/* 0 is zlib */
#define COMPRESSED_NLENGTH		0x07

uint64
sdb_mysql_packed_int(ByteCursor *cur)
{
	uint8		first = sdb_bytes_u8(cur);

	switch (first)
	{
		case 252:
			return sdb_bytes_le16(cur);
		case 253:
			return sdb_bytes_le24(cur);
		case 254:
			return sdb_bytes_le64(cur);
		case 251:
		case 255:
			sdb_mysql_malformed(cur, "A number cannot begin with byte %u.",
								first);
	}
	return first;
}

ByteCursor
sdb_mysql_packed_block(ByteCursor *cur)
{
	uint64		len = sdb_mysql_packed_int(cur);
	ByteCursor	block = *cur;

	sdb_bytes_take(cur, len);
	block.end = cur->pos;
	return block;
}

int
sdb_mysql_packed_columns(ByteCursor *cur)
{
	uint64		ncolumns = sdb_mysql_packed_int(cur);

	if (ncolumns > MAX_COLUMNS)
		sdb_mysql_malformed(cur, "A table cannot have " UINT64_FORMAT " columns.",
							ncolumns);
	return (int) ncolumns;
}

uint64
sdb_mysql_table_id(ByteCursor *cur, const MysqlFormat *format,
				   MysqlEventType type)
{
	if (format->post_header_len[type - 1] == SHORT_POST_HEADER)
		return sdb_bytes_le32(cur);
	return sdb_bytes_le48(cur);
}

void
sdb_mysql_inflate_event(ByteCursor *cur)
{
	uint8		head = sdb_bytes_u8(cur);
	int			nlength = head & COMPRESSED_NLENGTH;
	uint32		len;

	if ((head & COMPRESSED_MARK) == 0 || (head & COMPRESSED_ALGORITHM) != 0 ||
		nlength < 1 || nlength > 4)
		sdb_mysql_malformed(cur, "Compression header 0x%02x is not known.",
							head);
	len = (uint32) sdb_bytes_be(cur, nlength);
	sdb_bytes_init(cur, sdb_mysql_inflate(cur, true, len), len, cur->what);
}

uint8 *
sdb_mysql_inflate(ByteCursor *deflated, bool zlib_header, uint32 len)
{
	static struct libdeflate_decompressor *decompressor = NULL;
	Size		nbytes = sdb_bytes_left(deflated);
	enum libdeflate_result status;
	uint8	   *result;

	if (len > MaxAllocSize || len / MAX_DEFLATE_RATIO > nbytes)
		sdb_mysql_malformed(deflated,
							"%zu compressed bytes cannot hold %u bytes.",
							nbytes, len);
	result = palloc(Max(len, 1));

	if (decompressor == NULL)
		decompressor = libdeflate_alloc_decompressor();
	if (decompressor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (zlib_header)
		status = libdeflate_zlib_decompress(decompressor, deflated->pos,
											nbytes, result, len, NULL);
	else
		status = libdeflate_deflate_decompress(decompressor, deflated->pos,
											   nbytes, result, len, NULL);
	if (status != LIBDEFLATE_SUCCESS)
		sdb_mysql_malformed(deflated,
							"Compressed bytes do not hold the %u bytes announced.",
							len);
	deflated->pos = deflated->end;
	return result;
}
