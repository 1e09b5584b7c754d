/*
 * parse.c --- the parser of statements on files of them
 *
 *		parse FILE...				each statement, and its tree
 *		parse truncate FILE...		every prefix of each; prints how many
 *		parse flip N SEED FILE...	each with one byte changed, N times
 *		parse seeds DIR FILE...		one file a statement, for libFuzzer
 *
 * A file has statements with an empty line between them.  Lines that begin
 * with "--" are comments, and with "--@" say how the server reads what follows,
 * up to the end of the file: mysql VERSION or mariadb VERSION, then ansi,
 * noescapes, oracle, or the name of a character set.
 */
#include "postgres.h"

#include <ctype.h>
#include <setjmp.h>

#include "utils/memutils.h"

#include "../../fuzz/pg_shim.h"
#include "ddl_text.h"

typedef void (*Visit) (const MysqlDialect *dialect, const char *sql, int len);

static const char *seed_directory;
static int	nflips;
static unsigned int seed;
static long nparsed;

/* A name that is not valid in its character set is an error. */
static void
parse(const MysqlDialect *dialect, const char *sql, int len, StringInfo text)
{
	/* exactly so long, so that the sanitizer sees each byte beyond */
	char	   *copy = malloc(Max(len, 1));
	MysqlStatement statement;
	sigjmp_buf	on_error;

	memcpy(copy, sql, len);
	PG_exception_stack = &on_error;
	if (sigsetjmp(on_error, 0) == 0)
	{
		sdb_mysql_ddl_parse(dialect, copy, len, "db", &statement);
		ddl_text(text, &statement);
	}
	else
		appendStringInfo(text, "error %s: %s\n", shim_error.sqlstate,
						 shim_error.message);
	PG_exception_stack = NULL;
	free(copy);
	nparsed++;
}

static void
print_tree(const MysqlDialect *dialect, const char *sql, int len)
{
	StringInfoData text;

	initStringInfo(&text);
	parse(dialect, sql, len, &text);
	printf("%.*s\n-> %s\n", len, sql, text.data);
}

static void
truncate_it(const MysqlDialect *dialect, const char *sql, int len)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i <= len; i++)
	{
		resetStringInfo(&text);
		parse(dialect, sql, i, &text);
	}
}

static void
flip_it(const MysqlDialect *dialect, const char *sql, int len)
{
	/* what matters to the grammar, and what does not belong there */
	static const char bytes[] = "()`'\",.;*/\\= 01aZ\xff\0";
	char	   *copy = palloc(len);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < nflips; i++)
	{
		memcpy(copy, sql, len);
		copy[rand_r(&seed) % len] = bytes[rand_r(&seed) % sizeof(bytes)];
		resetStringInfo(&text);
		parse(dialect, copy, len, &text);
	}
}

static void
write_seed(const MysqlDialect *dialect, const char *sql, int len)
{
	char	   *path = psprintf("%s/%ld", seed_directory, nparsed++);
	FILE	   *file = fopen(path, "wb");

	if (file == NULL)
		exit(1);
	/* as fuzz_ddl.c reads it */
	fputc((dialect->is_mariadb ? 1 : 0) |
		  (dialect->sql_mode & MYSQL_MODE_ANSI_QUOTES ? 2 : 0) |
		  (dialect->sql_mode & MYSQL_MODE_NO_BACKSLASH_ESCAPES ? 4 : 0), file);
	fwrite(sql, 1, len, file);
	fclose(file);
}

static void
read_dialect(MysqlDialect *dialect, char *words)
{
	memset(dialect, 0, sizeof(MysqlDialect));
	dialect->charset = sdb_charset_find("utf8mb4");
	for (char *word = strtok(words, " \n"); word; word = strtok(NULL, " \n"))
	{
		if (strcmp(word, "mariadb") == 0)
			dialect->is_mariadb = true;
		else if (strcmp(word, "ansi") == 0)
			dialect->sql_mode |= MYSQL_MODE_ANSI_QUOTES;
		else if (strcmp(word, "noescapes") == 0)
			dialect->sql_mode |= MYSQL_MODE_NO_BACKSLASH_ESCAPES;
		else if (strcmp(word, "oracle") == 0)
			dialect->sql_mode |= MYSQL_MODE_ORACLE;
		else if (isdigit((unsigned char) *word))
			dialect->version = atoi(word);
		else if (strcmp(word, "mysql") != 0)
		{
			dialect->charset = sdb_charset_find(word);
			if (dialect->charset == NULL)
			{
				fprintf(stderr, "unknown word %s\n", word);
				exit(1);
			}
		}
	}
}

static void
visit_file(const char *path, Visit visit)
{
	FILE	   *file = fopen(path, "rb");
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		len;
	MysqlDialect dialect;
	StringInfoData sql;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	CurrentMemoryContext = shim_context_create();
	memset(&dialect, 0, sizeof(dialect));
	initStringInfo(&sql);
	do
	{
		len = getline(&line, &size, file);
		if (len <= 1 && sql.len > 0)
		{
			visit(&dialect, sql.data, sql.len - 1);
			resetStringInfo(&sql);
		}
		if (len <= 1)
			continue;
		if (strncmp(line, "--@", 3) == 0)
			read_dialect(&dialect, line + 3);
		else if (strncmp(line, "--", 2) != 0)
			appendBinaryStringInfo(&sql, line, len);
	} while (len >= 0);
	free(line);
	fclose(file);
	MemoryContextDelete(CurrentMemoryContext);
}

int
main(int argc, char **argv)
{
	Visit		visit = print_tree;
	int			arg = 1;

	if (argc > 2 && strcmp(argv[1], "truncate") == 0)
	{
		visit = truncate_it;
		arg = 2;
	}
	else if (argc > 4 && strcmp(argv[1], "flip") == 0)
	{
		visit = flip_it;
		nflips = atoi(argv[2]);
		seed = atoi(argv[3]);
		arg = 4;
	}
	else if (argc > 3 && strcmp(argv[1], "seeds") == 0)
	{
		visit = write_seed;
		seed_directory = argv[2];
		arg = 3;
	}
	for (; arg < argc; arg++)
		visit_file(argv[arg], visit);
	if (visit != print_tree)
		printf("parsed %ld\n", nparsed);
	return 0;
}
