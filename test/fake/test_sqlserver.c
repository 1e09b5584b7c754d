/*
 * test_sqlserver.c --- SQL access to small parts of the SQL Server source
 *
 * Compiled with SYNCHDB_TEST only; test_sqlserver.sql declares the functions.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "source/sqlserver/sqlserver_log.h"

PG_FUNCTION_INFO_V1(sdb_test_sqlserver_lsn);
PG_FUNCTION_INFO_V1(sdb_test_sqlserver_mask);

/* (text) -> text: previous, itself, next, as a literal; NULL if it is none */
Datum
sdb_test_sqlserver_lsn(PG_FUNCTION_ARGS)
{
	SqlServerLsn lsn;
	SqlServerLsn previous;
	SqlServerLsn next;

	if (!sdb_sqlserver_lsn_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &lsn))
		PG_RETURN_NULL();
	previous = sdb_sqlserver_lsn_previous(lsn);
	next = sdb_sqlserver_lsn_next(lsn);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s %s %s",
											  sdb_sqlserver_lsn_to_text(&previous),
											  sdb_sqlserver_lsn_to_text(&lsn),
											  sdb_sqlserver_lsn_to_text(&next),
											  sdb_sqlserver_lsn_literal(&lsn))));
}

/* (mask bytea, ordinal int) -> bool */
Datum
sdb_test_sqlserver_mask(PG_FUNCTION_ARGS)
{
	bytea	   *mask = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_BOOL(sdb_sqlserver_mask_is_set((const uint8 *) VARDATA_ANY(mask),
											 VARSIZE_ANY_EXHDR(mask),
											 PG_GETARG_INT32(1)));
}
