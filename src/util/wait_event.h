/*
 * wait_event.h --- what our processes show as wait_event
 */
#ifndef SDB_WAIT_EVENT_H
#define SDB_WAIT_EVENT_H

typedef enum WaitReason
{
	WAIT_SOURCE,				/* for the source to send or to take something */
	WAIT_REQUEST,				/* paused: for somebody to resume */
	WAIT_RETRY,					/* before the next try */
	WAIT_WORKER					/* a backend: for a connector's worker */
} WaitReason;

/*
 * sdb_wait_event --- the number to wait with.  Up to PostgreSQL 16 extensions
 * have no wait events of their own; all show as "Extension" there.
 */
extern uint32 sdb_wait_event(WaitReason reason);

#endif							/* SDB_WAIT_EVENT_H */
