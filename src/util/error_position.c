/*
 * error_position.c --- the one error context of a worker
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "util/error_position.h"

ErrorPosition sdb_error_position;

static void append_part(StringInfo buf, const char *part);

/* connector "c", while applying insert to table "t", column "x", at ... */
void
sdb_error_position_callback(void *arg)
{
	const ErrorPosition *at = &sdb_error_position;
	StringInfoData buf;

	initStringInfo(&buf);
	if (at->connector != NULL)
		append_part(&buf, psprintf("connector \"%s\"", at->connector));
	if (at->action != NULL && at->table != NULL)
		append_part(&buf, psprintf("while applying %s to table \"%s\"",
								   at->action, at->table));
	else if (at->action != NULL)
		append_part(&buf, psprintf("while applying %s", at->action));
	else if (at->table != NULL)
		append_part(&buf, psprintf("table \"%s\"", at->table));
	if (at->column != NULL)
		append_part(&buf, psprintf("column \"%s\"", at->column));
	if (at->position != NULL)
	{
		char	   *position = at->position(at->position_arg);

		append_part(&buf, "at position ");
		appendStringInfoString(&buf, position);
		pfree(position);
	}
	if (buf.len > 0)
		errcontext("%s", buf.data);
	pfree(buf.data);
}

static void
append_part(StringInfo buf, const char *part)
{
	if (buf->len > 0)
		appendStringInfoString(buf, ", ");
	appendStringInfoString(buf, part);
}
