/*
 * statement.c --- running DDL
 *
 * Statements are built as text and run through SPI as the current user.
 * Identifiers are quoted and qualified, constants are quoted literals.  Type
 * names are SQL text such as "character varying(20)": the caller runs with
 * search_path set to pg_catalog, so that no other type can stand in their way.
 *
 * PostgreSQL's errors about objects that depend on a table advise CASCADE,
 * which would take away what users made; and its errors about rows show their
 * values.  Both are put right as they pass.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

#include "ddl/ddl_internal.h"

static void explain_error(void *arg);
static void run_action(void *sql);

void
sdb_ddl_run(const char *sql)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute(sql, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

bool
sdb_ddl_finds(const char *sql)
{
	bool		found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", sql);
	found = SPI_processed > 0;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return found;
}

void
sdb_ddl_run_on_rows(const TargetTable *target, const char *sql)
{
	ErrorContextCallback callback = {
		.callback = explain_error,
		.arg = unconstify(TargetTable *, target)
	};

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sdb_ddl_run(sql);
	error_context_stack = callback.previous;
}

void
sdb_ddl_run_each(const char *sql)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", sql);
	if (SPI_processed > 0)
	{
		SPITupleTable *statements = SPI_tuptable;

		for (uint64 i = 0; i < statements->numvals; i++)
			sdb_ddl_run(SPI_getvalue(statements->vals[i],
									 statements->tupdesc, 1));
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

char *
sdb_ddl_sequence(const TargetTable *target, const char *column)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *name;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("SELECT pg_catalog.pg_get_serial_sequence(%s, %s)",
							 quote_literal_cstr(sdb_ddl_name(target)),
							 quote_literal_cstr(column)),
					false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not look for the sequence of column \"%s\"", column);
	name = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (name != NULL)
		name = MemoryContextStrdup(context, name);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return name;
}

ErrorData *
sdb_ddl_attempt(void (*action) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		action(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

ErrorData *
sdb_ddl_attempt_sql(const char *sql)
{
	return sdb_ddl_attempt(run_action, unconstify(char *, sql));
}

bool
sdb_ddl_is_refusal(const ErrorData *error)
{
	int			class = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return class == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) ||
		class == ERRCODE_FEATURE_NOT_SUPPORTED ||
		class == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		class == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

const char *
sdb_ddl_name(const TargetTable *target)
{
	return quote_qualified_identifier(target->schema, target->name);
}

static void
run_action(void *sql)
{
	sdb_ddl_run(sql);
}

/* Error context callback of sdb_ddl_run_on_rows. */
static void
explain_error(void *arg)
{
	const TargetTable *target = arg;
	int			code = geterrcode();

	if (code == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST ||
		code == ERRCODE_FEATURE_NOT_SUPPORTED)
		errhint("Change or drop what stands in the way and start the connector again: it then follows the source.");
	else if (code == ERRCODE_DUPLICATE_TABLE ||
			 code == ERRCODE_DUPLICATE_COLUMN)
		errhint("Rename or drop what has that name here and start the connector again.");
	else if (ERRCODE_TO_CATEGORY(code) == ERRCODE_DATA_EXCEPTION)
	{
		errmsg("rows of table \"%s.%s\" do not fit the type that the source gave a column",
			   target->schema, target->name);
		errhint("Give the columns their new types with ALTER TABLE and an expression of your own, or empty the table and copy it again.");
	}
	else if (ERRCODE_TO_CATEGORY(code) ==
			 ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
	{
		errdetail("The rows are not shown.");
		errhint("The rows of table \"%s.%s\" are not those of the source: copy it again.",
				target->schema, target->name);
	}
}
