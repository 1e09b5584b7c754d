/*
 * json_read.c --- reading fields of JSON that a user or the catalog gave
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "util/compat.h"
#include "util/json_read.h"

static char *check_json(const char *text);

JsonbContainer *
sdb_json_object(const char *text, char **reason)
{
	Jsonb	   *jsonb;

	*reason = check_json(text);
	if (*reason != NULL)
		return NULL;
	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(text)));
	if (!JB_ROOT_IS_OBJECT(jsonb))
	{
		*reason = pstrdup("It is not a JSON object.");
		return NULL;
	}
	return &jsonb->root;
}

char *
sdb_json_text(JsonbContainer *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key),
													 NULL);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* NULL, or why the text is no JSON. */
static char *
check_json(const char *text)
{
	JsonLexContext *lex;
	JsonParseErrorType error;

	lex = makeJsonLexContextCstringLen(NULL, text, strlen(text),
									   GetDatabaseEncoding(), true);
	error = pg_parse_json(lex, &nullSemAction);
	return error == JSON_SUCCESS ? NULL : json_errdetail(error, lex);
}
