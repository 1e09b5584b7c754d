/*
 * failure.c --- errors that another process waits for
 *
 * A worker that fails leaves its error as one text: message, then detail, hint
 * and context on lines of their own.  The backend that asked for something
 * raises it again in its parts.  What lies in shared memory is cut to fit; the
 * catalog has the whole of it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "util/error_position.h"
#include "worker/worker_internal.h"

/* How the parts after the message begin, in their order */
enum
{
	PART_DETAIL,
	PART_HINT,
	PART_CONTEXT,
	NPARTS
};

static const char *const part_marks[NPARTS] = {
	[PART_DETAIL] = "\nDETAIL: ",
	[PART_HINT] = "\nHINT: ",
	[PART_CONTEXT] = "\nCONTEXT: "
};

static char *join(const char *message, const char *const parts[NPARTS]);
static void split(char *text, char *parts[NPARTS]);
static char *whole(const char *connector, const char *text);

char *
sdb_failure_text(const ErrorData *error)
{
	const char *parts[NPARTS] = {
		[PART_DETAIL] = error->detail,
		[PART_HINT] = error->hint,
		[PART_CONTEXT] = error->context
	};
	const char *connector = sdb_error_position.connector;

	/* whoever reads it knows which connector */
	if (error->context != NULL && connector != NULL &&
		strcmp(error->context, psprintf("connector \"%s\"", connector)) == 0)
		parts[PART_CONTEXT] = NULL;
	return join(error->message ? error->message : "unknown error", parts);
}

char *
sdb_failure_reason(const char *detail, const char *hint)
{
	const char *parts[NPARTS] = {
		[PART_DETAIL] = detail,
		[PART_HINT] = hint
	};

	return join("", parts);
}

void
sdb_failure_raise(int sqlerrcode, const char *connector, const char *what,
				  const char *text)
{
	char	   *message = whole(connector, text);
	char	   *parts[NPARTS] = {NULL};

	split(message, parts);
	ereport(ERROR,
			(errcode(sqlerrcode),
			 message[0] != '\0' ?
			 errmsg("could not %s connector \"%s\": %s", what, connector,
					message) :
			 errmsg("could not %s connector \"%s\"", what, connector),
			 parts[PART_DETAIL] ? errdetail("%s", parts[PART_DETAIL]) : 0,
			 parts[PART_HINT] ? errhint("%s", parts[PART_HINT]) : 0,
			 parts[PART_CONTEXT] ? errcontext("%s", parts[PART_CONTEXT]) : 0));
}

static char *
join(const char *message, const char *const parts[NPARTS])
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	appendStringInfoString(&buf, message);
	for (i = 0; i < NPARTS; i++)
		if (parts[i] != NULL)
			appendStringInfo(&buf, "%s%s", part_marks[i], parts[i]);
	return buf.data;
}

/* Cuts the text into its message and its parts, which are NULL if missing. */
static void
split(char *text, char *parts[NPARTS])
{
	int			i;

	for (i = 0; i < NPARTS; i++)
	{
		char	   *mark = strstr(text, part_marks[i]);

		if (mark == NULL)
			continue;
		*mark = '\0';
		text = parts[i] = mark + strlen(part_marks[i]);
	}
}

/* The error that the catalog has, if it begins like this one; a copy. */
static char *
whole(const char *connector, const char *text)
{
	char	   *stored = text[0] != '\0' ? sdb_checkpoint_error(connector) : NULL;

	if (stored != NULL && strncmp(stored, text, strlen(text)) == 0)
		return stored;
	return pstrdup(text);
}
