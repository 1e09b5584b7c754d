/*
 * list_file.c --- table lists that lie in a file of the server
 *
 * The text is first run through the JSON parser alone, which knows the line of
 * a mistake, and then read as jsonb.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "checkpoint/list_file.h"
#include "util/compat.h"

#define PATH_PREFIX "file:"

static char *read_text(const char *path);
static void check_syntax(const char *path, const char *text);
static char *join_entries(const char *path, const char *key,
						  JsonbContainer *array);

const char *
sdb_list_file_path(const char *list)
{
	if (strncmp(list, PATH_PREFIX, strlen(PATH_PREFIX)) != 0)
		return NULL;
	return list + strlen(PATH_PREFIX);
}

char *
sdb_list_file_read(const char *path, const char *key, Oid owner)
{
	char	   *text;
	Jsonb	   *document;
	JsonbValue	value;

	if (!has_privs_of_role(owner, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read table list file \"%s\"",
						path),
				 errdetail("Role \"%s\" does not have the privileges of \"pg_read_server_files\".",
						   GetUserNameFromId(owner, false))));

	text = read_text(path);
	check_syntax(path, text);

	document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												  CStringGetDatum(text)));
	if (!JB_ROOT_IS_OBJECT(document))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid table list file \"%s\"", path),
				 errdetail("Line 1: it must hold one JSON object.")));
	if (getKeyJsonValueFromContainer(&document->root, key, strlen(key),
									 &value) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid table list file \"%s\"", path),
				 errdetail("It has no key \"%s\".", key)));
	if (value.type != jbvBinary ||
		!JsonContainerIsArray(value.val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid table list file \"%s\"", path),
				 errdetail("Key \"%s\" is not an array of strings.", key)));
	return join_entries(path, key, value.val.binary.data);
}

/* read_text --- the whole file, in the server's encoding; files are UTF-8. */
static char *
read_text(const char *path)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	StringInfoData buf;
	struct stat st;
	char		chunk[8192];
	size_t		nread;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open table list file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table list file \"%s\" is not a regular file", path)));

	initStringInfo(&buf);
	while ((nread = fread(chunk, 1, sizeof(chunk), file)) > 0)
		appendBinaryStringInfo(&buf, chunk, nread);
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read table list file \"%s\": %m", path)));
	FreeFile(file);
	return pg_any_to_server(buf.data, buf.len, PG_UTF8);
}

static void
check_syntax(const char *path, const char *text)
{
	JsonLexContext *lex;
	JsonParseErrorType result;

	lex = makeJsonLexContextCstringLen(NULL, text, strlen(text),
									   GetDatabaseEncoding(), false);
	result = pg_parse_json(lex, &nullSemAction);
	if (result != JSON_SUCCESS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid table list file \"%s\"", path),
				 errdetail("Line %d: %s", lex->line_number,
						   json_errdetail(result, lex))));
}

/* join_entries --- the strings of an array, with commas between them */
static char *
join_entries(const char *path, const char *key, JsonbContainer *array)
{
	StringInfoData list;
	uint32		nentries = JsonContainerSize(array);
	uint32		i;

	if (nentries == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid table list file \"%s\"", path),
				 errdetail("Key \"%s\" lists no tables.", key)));

	initStringInfo(&list);
	for (i = 0; i < nentries; i++)
	{
		JsonbValue *entry = getIthJsonbValueFromContainer(array, i);

		if (entry->type != jbvString || entry->val.string.len == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid table list file \"%s\"", path),
					 errdetail("Entry %u of key \"%s\" is not a table name.",
							   i + 1, key)));
		if (i > 0)
			appendStringInfoChar(&list, ',');
		appendBinaryStringInfo(&list, entry->val.string.val,
							   entry->val.string.len);
	}
	return list.data;
}
