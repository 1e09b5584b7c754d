/*
 * mysql_event.h --- events of the binary log, parsed from their bytes
 *
 * Pure functions over bytes: no connection, no state but MysqlFormat.  All
 * pointers in results point into the event unless stated otherwise.
 */
#ifndef SDB_MYSQL_EVENT_H
#define SDB_MYSQL_EVENT_H

#include "datatype/timestamp.h"
#include "util/bytes.h"

typedef enum MysqlEventType
{
	MYSQL_EVENT_QUERY = 2,
	MYSQL_EVENT_STOP = 3,
	MYSQL_EVENT_ROTATE = 4,
	MYSQL_EVENT_INTVAR = 5,
	MYSQL_EVENT_RAND = 13,
	MYSQL_EVENT_USER_VAR = 14,
	MYSQL_EVENT_FORMAT_DESCRIPTION = 15,
	MYSQL_EVENT_XID = 16,
	MYSQL_EVENT_BEGIN_LOAD_QUERY = 17,
	MYSQL_EVENT_EXECUTE_LOAD_QUERY = 18,
	MYSQL_EVENT_TABLE_MAP = 19,
	MYSQL_EVENT_WRITE_ROWS_V1 = 23,
	MYSQL_EVENT_UPDATE_ROWS_V1 = 24,
	MYSQL_EVENT_DELETE_ROWS_V1 = 25,
	MYSQL_EVENT_INCIDENT = 26,
	MYSQL_EVENT_HEARTBEAT = 27,
	MYSQL_EVENT_IGNORABLE = 28,
	MYSQL_EVENT_ROWS_QUERY = 29,
	MYSQL_EVENT_WRITE_ROWS = 30,
	MYSQL_EVENT_UPDATE_ROWS = 31,
	MYSQL_EVENT_DELETE_ROWS = 32,
	MYSQL_EVENT_GTID = 33,
	MYSQL_EVENT_ANONYMOUS_GTID = 34,
	MYSQL_EVENT_PREVIOUS_GTIDS = 35,
	MYSQL_EVENT_TRANSACTION_CONTEXT = 36,
	MYSQL_EVENT_VIEW_CHANGE = 37,
	MYSQL_EVENT_XA_PREPARE = 38,
	MYSQL_EVENT_PARTIAL_UPDATE_ROWS = 39,
	MYSQL_EVENT_TRANSACTION_PAYLOAD = 40,
	MYSQL_EVENT_HEARTBEAT_V2 = 41,
	MYSQL_EVENT_GTID_TAGGED = 42,
	MARIADB_EVENT_ANNOTATE_ROWS = 160,
	MARIADB_EVENT_BINLOG_CHECKPOINT = 161,
	MARIADB_EVENT_GTID = 162,
	MARIADB_EVENT_GTID_LIST = 163,
	MARIADB_EVENT_START_ENCRYPTION = 164,
	MARIADB_EVENT_QUERY_COMPRESSED = 165,
	MARIADB_EVENT_WRITE_ROWS_COMPRESSED_V1 = 166,
	MARIADB_EVENT_UPDATE_ROWS_COMPRESSED_V1 = 167,
	MARIADB_EVENT_DELETE_ROWS_COMPRESSED_V1 = 168,
	MARIADB_EVENT_WRITE_ROWS_COMPRESSED = 169,
	MARIADB_EVENT_UPDATE_ROWS_COMPRESSED = 170,
	MARIADB_EVENT_DELETE_ROWS_COMPRESSED = 171
} MysqlEventType;

#define MYSQL_EVENT_FLAG_ARTIFICIAL	0x0020
#define MYSQL_EVENT_FLAG_IGNORABLE	0x0080

/* MysqlFormat --- what the last FORMAT_DESCRIPTION event said */
typedef struct MysqlFormat
{
	bool		known;			/* one was seen */
	bool		checksums;		/* events end in a CRC32 */
	bool		is_mariadb;
	int			npost_headers;
	uint8		post_header_len[256];	/* by event type - 1 */
} MysqlFormat;

typedef struct MysqlEvent
{
	uint32		timestamp;		/* seconds since 1970; 0 in artificial ones */
	MysqlEventType type;
	uint32		server_id;
	uint32		size;			/* header and checksum included */
	uint32		log_pos;		/* end of the event in its file; 0 in
								 * artificial ones */
	uint16		flags;
	ByteCursor	body;			/* after the common header, without checksum */
} MysqlEvent;

typedef struct MysqlRotate
{
	uint64		position;
	const char *file;			/* not NUL-terminated */
	int			file_len;
} MysqlRotate;

typedef struct MysqlQuery
{
	const char *database;		/* default database, not NUL-terminated */
	int			database_len;
	const char *sql;			/* in client_charset, not NUL-terminated */
	int			sql_len;
	uint64		sql_mode;		/* 0 if not sent */
	const char *time_zone;		/* of the session, not NUL-terminated; NULL if
								 * not sent: then it did not matter */
	int			time_zone_len;
	uint16		client_collation;	/* collation id of the statement's text; 0
									 * if not sent */
	uint16		server_collation;	/* collation_server; 0 if not sent */
	bool		explicit_timestamps;	/* explicit_defaults_for_timestamp;
										 * MySQL sends it where it matters */
	bool		failed;			/* in an error, and with some effect: else it
								 * would not be logged */
} MysqlQuery;

typedef struct MysqlGtid
{
	bool		is_mariadb;
	/* MariaDB: domain-server-sequence */
	uint32		domain;
	uint32		server_id;
	uint64		sequence;		/* MySQL: the number after the uuid */
	uint8		flags2;			/* MariaDB */
	const uint8 *sid;			/* MySQL: 16 bytes; NULL if anonymous */
	const char *tag;			/* MySQL 8.3: NULL if none */
	int			tag_len;
	TimestampTz committed;		/* original commit; 0 if unknown */
	const char *xid;			/* MariaDB XA: formatID, gtrid, bqual bytes as
								 * sent; NULL if none */
	int			xid_len;
} MysqlGtid;

#define MARIADB_GTID_STANDALONE		0x01
#define MARIADB_GTID_PREPARED_XA	0x40
#define MARIADB_GTID_COMPLETED_XA	0x80

/* MysqlTableMap --- one TABLE_MAP event, copied into CurrentMemoryContext */
typedef struct MysqlTableMap
{
	uint64		table_id;
	char	   *database;		/* UTF-8 */
	char	   *table;
	int			ncolumns;
	uint8	   *types;			/* [ncolumns] as stored: 3, 15, 254, ... */
	uint16	   *meta;			/* [ncolumns], byte order resolved; 0 if the
								 * type has none */
	bool	   *is_unsigned;	/* [ncolumns]; NULL if not sent */
	char	  **names;			/* [ncolumns]; NULL if not sent */
} MysqlTableMap;

/* The first bytes of an XA PREPARE, or of "XA COMMIT" text, as one key */
typedef struct MysqlXaPrepare
{
	bool		one_phase;
	char	   *xid;			/* X'6162',X'',1 as MySQL writes it in XA
								 * statements; in CurrentMemoryContext */
} MysqlXaPrepare;

/*
 * sdb_mysql_event_parse --- header of one event, checksum verified.
 *
 * in:     data[0 .. len-1]: the event without the packet's leading OK byte
 * errors: XX001 if it is cut, its size disagrees or its checksum fails
 */
extern void sdb_mysql_event_parse(const MysqlFormat *format, const uint8 *data,
								  Size len, MysqlEvent *event);

/* The bodies; each takes the event by value and leaves it unread. */
extern void sdb_mysql_event_format(const MysqlEvent *event, MysqlFormat *format);
extern void sdb_mysql_event_rotate(const MysqlEvent *event, MysqlRotate *rotate);
extern void sdb_mysql_event_query(const MysqlFormat *format,
								  const MysqlEvent *event, MysqlQuery *query);
extern void sdb_mysql_event_gtid(const MysqlEvent *event, MysqlGtid *gtid);
extern void sdb_mysql_event_xa_prepare(const MysqlEvent *event,
									   MysqlXaPrepare *xa);
extern MysqlTableMap *sdb_mysql_event_table_map(const MysqlFormat *format,
												const MysqlEvent *event);

/* "WRITE_ROWS", for messages; "event 77" for unknown types */
extern const char *sdb_mysql_event_name(MysqlEventType type);

#endif							/* SDB_MYSQL_EVENT_H */
