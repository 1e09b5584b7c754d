/*
 * change_pack.c --- a row change as bytes that can be kept and read back
 *
 * The form, all numbers in network order:
 *
 *		version		byte, 1
 *		kind		byte, ChangeKind
 *		definition	counted text: the table as JSON
 *		rows		before (UPDATE, DELETE), then after (INSERT, UPDATE):
 *					one value a column, a byte of its kind before each
 *
 * Texts are in the server encoding.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "change/change.h"

#define PACK_VERSION	1

static void pack_row(StringInfo buf, const SourceTable *table,
					 const SourceValue *row);
static void pack_value(StringInfo buf, const SourceValue *value);
static void pack_bytes(StringInfo buf, const char *data, int len);
static SourceValue *unpack_row(StringInfo buf, const SourceTable *table);
static void unpack_value(StringInfo buf, SourceValue *value);
static const char *unpack_bytes(StringInfo buf, int *len);

void
sdb_change_pack(StringInfo buf, const Change *change)
{
	StringInfoData definition;

	initStringInfo(&definition);
	sdb_table_to_json(&definition, change->table);
	pq_sendbyte(buf, PACK_VERSION);
	pq_sendbyte(buf, change->kind);
	pack_bytes(buf, definition.data, definition.len);
	if (change->kind == CHANGE_UPDATE || change->kind == CHANGE_DELETE)
		pack_row(buf, change->table, change->before);
	if (change->kind == CHANGE_UPDATE || change->kind == CHANGE_INSERT)
		pack_row(buf, change->table, change->after);
}

void
sdb_change_unpack(StringInfo buf, Change *change)
{
	int			len;
	const char *definition;

	MemSet(change, 0, sizeof(Change));
	if (pq_getmsgbyte(buf) != PACK_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a kept change has an unknown form")));
	change->kind = pq_getmsgbyte(buf);
	definition = unpack_bytes(buf, &len);
	change->table = sdb_table_from_json(pnstrdup(definition, len));
	if (change->kind == CHANGE_UPDATE || change->kind == CHANGE_DELETE)
		change->before = unpack_row(buf, change->table);
	if (change->kind == CHANGE_UPDATE || change->kind == CHANGE_INSERT)
		change->after = unpack_row(buf, change->table);
	pq_getmsgend(buf);
}

static void
pack_row(StringInfo buf, const SourceTable *table, const SourceValue *row)
{
	for (int i = 0; i < table->ncolumns; i++)
		pack_value(buf, &row[i]);
}

static void
pack_value(StringInfo buf, const SourceValue *value)
{
	const SourceDecimal *decimal = value->u.decimal;

	pq_sendbyte(buf, value->kind);
	switch (value->kind)
	{
		case VALUE_NULL:
		case VALUE_UNCHANGED:
			break;
		case VALUE_BOOL:
			pq_sendbyte(buf, value->u.boolean);
			break;
		case VALUE_INT:
		case VALUE_UINT:
		case VALUE_DATE:
		case VALUE_TIME:
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
			pq_sendint64(buf, value->u.sint);
			break;
		case VALUE_FLOAT4:
			pq_sendfloat4(buf, value->u.float4);
			break;
		case VALUE_FLOAT8:
			pq_sendfloat8(buf, value->u.float8);
			break;
		case VALUE_DECIMAL:
			pq_sendint16(buf, decimal->ndigits);
			pq_sendint16(buf, decimal->weight);
			pq_sendbyte(buf, decimal->negative);
			pq_sendint16(buf, decimal->dscale);
			for (int i = 0; i < decimal->ndigits; i++)
				pq_sendint16(buf, decimal->digits[i]);
			break;
		case VALUE_TEXT:
		case VALUE_BYTES:
		case VALUE_JSON:
		case VALUE_UUID:
		case VALUE_INET:
		case VALUE_ZERODATE:
			pack_bytes(buf, value->u.bytes.data, value->u.bytes.len);
			break;
		case VALUE_BITS:
			pq_sendint32(buf, value->u.bits.nbits);
			pq_sendbytes(buf, (const char *) value->u.bits.data,
						 (value->u.bits.nbits + 7) / 8);
			break;
		case VALUE_INTERVAL:
			pq_sendint64(buf, value->u.interval->time);
			pq_sendint32(buf, value->u.interval->day);
			pq_sendint32(buf, value->u.interval->month);
			break;
		case VALUE_GEOMETRY:
			pq_sendint32(buf, value->u.geometry.srid);
			pack_bytes(buf, value->u.geometry.wkb, value->u.geometry.len);
			break;
	}
}

static void
pack_bytes(StringInfo buf, const char *data, int len)
{
	pq_sendint32(buf, len);
	pq_sendbytes(buf, data, len);
}

static SourceValue *
unpack_row(StringInfo buf, const SourceTable *table)
{
	SourceValue *row = palloc0(table->ncolumns * sizeof(SourceValue));

	for (int i = 0; i < table->ncolumns; i++)
		unpack_value(buf, &row[i]);
	return row;
}

static void
unpack_value(StringInfo buf, SourceValue *value)
{
	SourceDecimal *decimal;
	Interval   *interval;

	value->kind = pq_getmsgbyte(buf);
	switch (value->kind)
	{
		case VALUE_NULL:
		case VALUE_UNCHANGED:
			return;
		case VALUE_BOOL:
			value->u.boolean = pq_getmsgbyte(buf) != 0;
			return;
		case VALUE_INT:
		case VALUE_UINT:
		case VALUE_DATE:
		case VALUE_TIME:
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
			value->u.sint = pq_getmsgint64(buf);
			return;
		case VALUE_FLOAT4:
			value->u.float4 = pq_getmsgfloat4(buf);
			return;
		case VALUE_FLOAT8:
			value->u.float8 = pq_getmsgfloat8(buf);
			return;
		case VALUE_DECIMAL:
			decimal = palloc0(sizeof(SourceDecimal));
			decimal->ndigits = pq_getmsgint(buf, 2);
			decimal->weight = pq_getmsgint(buf, 2);
			decimal->negative = pq_getmsgbyte(buf) != 0;
			decimal->dscale = pq_getmsgint(buf, 2);
			decimal->digits = palloc(Max(decimal->ndigits, 1) *
									 sizeof(int16));
			for (int i = 0; i < decimal->ndigits; i++)
				decimal->digits[i] = pq_getmsgint(buf, 2);
			value->u.decimal = decimal;
			return;
		case VALUE_TEXT:
		case VALUE_BYTES:
		case VALUE_JSON:
		case VALUE_UUID:
		case VALUE_INET:
		case VALUE_ZERODATE:
			value->u.bytes.data = unpack_bytes(buf, &value->u.bytes.len);
			return;
		case VALUE_BITS:
			value->u.bits.nbits = pq_getmsgint(buf, 4);
			value->u.bits.data = (const uint8 *)
				pq_getmsgbytes(buf, (value->u.bits.nbits + 7) / 8);
			return;
		case VALUE_INTERVAL:
			interval = palloc0(sizeof(Interval));
			interval->time = pq_getmsgint64(buf);
			interval->day = pq_getmsgint(buf, 4);
			interval->month = pq_getmsgint(buf, 4);
			value->u.interval = interval;
			return;
		case VALUE_GEOMETRY:
			value->u.geometry.srid = pq_getmsgint(buf, 4);
			value->u.geometry.wkb = unpack_bytes(buf,
												 &value->u.geometry.len);
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a kept change has a value of the unknown kind %d",
					(int) value->kind)));
}

/* Points into buf. */
static const char *
unpack_bytes(StringInfo buf, int *len)
{
	*len = pq_getmsgint(buf, 4);
	return pq_getmsgbytes(buf, *len);
}
