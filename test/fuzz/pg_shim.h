/*
 * pg_shim.h --- the decoder outside of a server
 *
 * pg_shim.c defines the backend symbols that the decoder needs: memory in
 * chunks of malloc, so that sanitizers see each one, ereport that jumps to
 * PG_exception_stack, and character sets by iconv.  The rest comes from
 * libpgcommon and libpgport.
 */
#ifndef SDB_PG_SHIM_H
#define SDB_PG_SHIM_H

/* What the last ereport(ERROR) said */
typedef struct ShimError
{
	char		sqlstate[6];
	char		message[1024];
	char		detail[1024];
} ShimError;

extern ShimError shim_error;

extern MemoryContext shim_context_create(void);

#endif							/* SDB_PG_SHIM_H */
