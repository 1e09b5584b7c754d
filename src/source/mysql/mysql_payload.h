/*
 * mysql_payload.h --- the events inside a TRANSACTION_PAYLOAD event
 */
#ifndef SDB_MYSQL_PAYLOAD_H
#define SDB_MYSQL_PAYLOAD_H

#include "source/mysql/mysql_event.h"

/* MysqlPayload --- what is left of one; used again for the next */
typedef struct MysqlPayload MysqlPayload;

/*
 * sdb_mysql_payload_create --- nothing is in it.
 *
 * memory: CurrentMemoryContext, whose reset frees what the library holds
 */
extern MysqlPayload *sdb_mysql_payload_create(void);

/*
 * sdb_mysql_payload_open --- read the event's head.
 *
 * The bytes of the event must stay until the last event was taken out.
 *
 * errors: XX001; 0A000 for an unknown compression
 */
extern void sdb_mysql_payload_open(MysqlPayload *payload,
								   const MysqlFormat *format,
								   const MysqlEvent *event);

/*
 * sdb_mysql_payload_next --- inflate the next event.
 *
 * out:    *event: its bytes stay until the next call; it has no position of
 *         its own (log_pos is 0)
 * result: false if there is none left
 * errors: XX001 if the payload is cut or damaged, does not have the size that
 *         it announced, or holds what no transaction can
 */
extern bool sdb_mysql_payload_next(MysqlPayload *payload, MysqlEvent *event);

#endif							/* SDB_MYSQL_PAYLOAD_H */
