/*
 * source.c --- the registry of sources, and what they share
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "source/mysql/mysql_source.h"
#include "source/sqlserver/sqlserver_source.h"
#ifdef SYNCHDB_TEST
#include "../../test/fake/fake_source.h"
#endif

/* A new database is one folder and one line here. */
static const SourceRoutine *const sources[] = {
	&sdb_mysql_source,
	&sdb_sqlserver_source,
#ifdef SYNCHDB_TEST
	&sdb_fake_source,
#endif
};

static char *copy_text(const char *text);

const SourceRoutine *
sdb_source_find(const char *name)
{
	Size		i;

	for (i = 0; i < lengthof(sources); i++)
	{
		if (pg_strcasecmp(sources[i]->name, name) == 0)
			return sources[i];
	}
	return NULL;
}

char *
sdb_source_names(void)
{
	StringInfoData buf;
	Size		i;

	initStringInfo(&buf);
	for (i = 0; i < lengthof(sources); i++)
		appendStringInfo(&buf, "%s\"%s\" (%s)", i > 0 ? ", " : "",
						 sources[i]->name, sources[i]->serves);
	return buf.data;
}

void
sdb_source_close(Source *source)
{
	if (source != NULL)
		MemoryContextDelete(source->context);
}

void
sdb_source_copy_options(SourceOptions *to, const SourceOptions *from)
{
	*to = *from;
	to->connector = copy_text(from->connector);
	to->host = copy_text(from->host);
	to->user = copy_text(from->user);
	to->password = copy_text(from->password);
	to->database = copy_text(from->database);
	to->tls_keystore = copy_text(from->tls_keystore);
	to->tls_keystore_password = copy_text(from->tls_keystore_password);
	to->tls_truststore = copy_text(from->tls_truststore);
	to->tls_truststore_password = copy_text(from->tls_truststore_password);
}

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}
