/*
 * error_position.h --- where in the stream the worker is, for error reports
 *
 * The worker pushes one error context callback that prints these fields.
 * Other code only sets them.  NULL or 0 means "not there".
 */
#ifndef SDB_ERROR_POSITION_H
#define SDB_ERROR_POSITION_H

typedef struct ErrorPosition
{
	const char *connector;
	const char *action;			/* "snapshot", "insert", "update", ... */
	const char *table;			/* SourceTable.id */
	const char *column;			/* source name of the column at work */
	char	   *(*position) (void *arg);	/* text of the position, palloc'd */
	void	   *position_arg;
} ErrorPosition;

extern ErrorPosition sdb_error_position;

/* Error context callback; arg is ignored. */
extern void sdb_error_position_callback(void *arg);

#endif							/* SDB_ERROR_POSITION_H */
