/*
 * hosts.h --- the servers that a connector may find its source at
 */
#ifndef SDB_HOSTS_H
#define SDB_HOSTS_H

#include "nodes/pg_list.h"

typedef struct SourceHost
{
	char	   *name;			/* or address */
	int			port;
} SourceHost;

/*
 * sdb_hosts_parse --- the servers of "h1,h2:3307,[::1]:3308", in that order.
 *
 * port:   of those that name none
 * result: List of SourceHost *, in CurrentMemoryContext
 * errors: 22023 if there is none, or a port that is none
 */
extern List *sdb_hosts_parse(const char *text, int port);

#endif							/* SDB_HOSTS_H */
