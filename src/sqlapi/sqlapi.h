/*
 * sqlapi.h --- what the SQL-callable functions share
 */
#ifndef SDB_SQLAPI_H
#define SDB_SQLAPI_H

#include "fmgr.h"
#include "utils/jsonb.h"

/*
 * sdb_sql_check_control --- may the caller control this connector?  Superusers
 * and members of the role that owns it may.
 *
 * errors: 42704 unknown connector; 42501
 */
extern void sdb_sql_check_control(const char *connector);

/*
 * sdb_sql_hide_statement --- show `replacement` instead of the present
 * statement in pg_stat_activity and in the log lines of errors.
 *
 * For functions whose arguments hold a password; to be called first.  What
 * log_statement logged before the call is out of reach.
 *
 * replacement: a constant
 */
extern void sdb_sql_hide_statement(const char *replacement);

/*
 * Arguments that become keys of synchdb_conninfo.data
 */

typedef enum ArgumentKind
{
	ARGUMENT_NAME,				/* name */
	ARGUMENT_TEXT,				/* text */
	ARGUMENT_PASSWORD,			/* text, stored encrypted */
	ARGUMENT_PORT,				/* int */
	ARGUMENT_INT,				/* int */
	ARGUMENT_BOOL				/* bool */
} ArgumentKind;

typedef struct Argument
{
	const char *key;			/* of data */
	const char *what;			/* for messages */
	ArgumentKind kind;
	bool		required;		/* may not be empty */
	int			max_bytes;		/* of the text given; 0 for any */
	const char *if_empty;		/* stored for ''; NULL for JSON null, which
								 * 'null' becomes as well */
} Argument;

/*
 * sdb_sql_push_arguments --- check arguments and add them to a JSON object.
 *
 * in:     arguments[0] describes fcinfo's argument number `first`, and so on
 * errors: 22023 naming what is wrong, for the first argument that is
 */
extern void sdb_sql_push_arguments(JsonbParseState **state,
								   FunctionCallInfo fcinfo, int first,
								   const Argument *arguments, int narguments);

/*
 * sdb_sql_text_argument --- one text or name argument, checked as above; NULL
 * for JSON null.
 */
extern char *sdb_sql_text_argument(FunctionCallInfo fcinfo, int number,
								   const Argument *argument);

/* Adds one string; NULL becomes JSON null. */
extern void sdb_sql_push_text(JsonbParseState **state, const char *key,
							  const char *text);

/*
 * sdb_sql_merge_data --- set these keys of a connector's data.
 * sdb_sql_remove_data --- remove those that the arguments describe.
 */
extern void sdb_sql_merge_data(const char *connector, Jsonb *data);
extern void sdb_sql_remove_data(const char *connector,
								const Argument *arguments, int narguments);
#endif							/* SDB_SQLAPI_H */
