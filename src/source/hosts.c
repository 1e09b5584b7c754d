/*
 * hosts.c --- lists of servers
 */
#include "postgres.h"

#include "source/hosts.h"

static SourceHost *parse_host(char *text, int port);

List *
sdb_hosts_parse(const char *text, int port)
{
	List	   *hosts = NIL;
	char	   *rest;
	char	   *part;

	for (part = strtok_r(pstrdup(text), ", ", &rest); part != NULL;
		 part = strtok_r(NULL, ", ", &rest))
		hosts = lappend(hosts, parse_host(part, port));
	if (hosts == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" names no host", text)));
	return hosts;
}

/* name, name:port, [address], [address]:port, or a bare IPv6 address */
static SourceHost *
parse_host(char *text, int port)
{
	SourceHost *host = palloc(sizeof(SourceHost));
	char	   *colon = strrchr(text, ':');
	char	   *bracket = strrchr(text, ']');
	char	   *end;

	host->name = pstrdup(text);
	host->port = port;
	if (colon != NULL && (bracket != NULL ? colon == bracket + 1 :
						  colon == strchr(text, ':')))
	{
		long		number = strtol(colon + 1, &end, 10);

		if (end == colon + 1 || *end != '\0' || number < 1 || number > 65535)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid port in host \"%s\"", text)));
		host->name[colon - text] = '\0';
		host->port = (int) number;
	}
	if (text[0] == '[' && bracket != NULL)
	{
		host->name[bracket - text] = '\0';
		host->name++;
	}
	return host;
}
