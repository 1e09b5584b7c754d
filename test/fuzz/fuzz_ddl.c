/*
 * fuzz_ddl.c --- libFuzzer on the parser of statements
 *
 * The first byte says how the server reads the rest: 1 MariaDB, 2 ANSI_QUOTES,
 * 4 NO_BACKSLASH_ESCAPES, 8 sjis instead of utf8mb4, 16 another version.
 */
#include "postgres.h"

#include <setjmp.h>

#include "utils/memutils.h"

#include "ddl_text.h"
#include "pg_shim.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	MysqlDialect dialect = {0};
	MysqlStatement statement;
	StringInfoData text;
	sigjmp_buf	on_error;

	if (size == 0)
		return 0;
	CurrentMemoryContext = shim_context_create();
	PG_exception_stack = &on_error;
	if (sigsetjmp(on_error, 0) == 0)
	{
		dialect.is_mariadb = data[0] & 1;
		if (data[0] & 2)
			dialect.sql_mode |= MYSQL_MODE_ANSI_QUOTES;
		if (data[0] & 4)
			dialect.sql_mode |= MYSQL_MODE_NO_BACKSLASH_ESCAPES;
		dialect.charset = sdb_charset_find(data[0] & 8 ? "sjis" : "utf8mb4");
		dialect.version = data[0] & 16 ? 101103 : 90700;
		initStringInfo(&text);
		sdb_mysql_ddl_parse(&dialect, (const char *) data + 1, size - 1, "db",
							&statement);
		ddl_text(&text, &statement);
	}
	PG_exception_stack = NULL;
	MemoryContextDelete(CurrentMemoryContext);
	return 0;
}
