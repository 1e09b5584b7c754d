/*
 * mysql_position.c --- positions in the binary log, as text and compared
 *
 * A position is a file and an offset in it, always between two transactions.
 * Files are ordered by the number at the end of their names; offsets are
 * compared within one file only.  Positions at different servers are compared
 * by the sets of transactions before them.  The time is for people.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "source/mysql/mysql_gtidset.h"
#include "source/mysql/mysql_position.h"
#include "util/json_read.h"

static bool get_uint(JsonbContainer *object, const char *key, uint64 *result);
static MysqlPosition *parse_or_fail(const char *text);
static char *read_file_pos(JsonbContainer *object, char **file, uint64 *pos);
static char *read_prepared(JsonbContainer *object, List **prepared);
static bool file_number(const char *file, int *base_len, uint64 *number);

char *
sdb_mysql_position_to_text(const MysqlPosition *position)
{
	StringInfoData buf;
	ListCell   *lc;
	const char *separator = ",\"prepared\":[";

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"ts_sec\":" INT64_FORMAT, position->ts_sec);
	if (position->file != NULL)
	{
		appendStringInfoString(&buf, ",\"file\":");
		escape_json(&buf, position->file);
		appendStringInfo(&buf, ",\"pos\":" UINT64_FORMAT, position->pos);
	}
	if (position->file_sec != 0)
		appendStringInfo(&buf, ",\"file_sec\":" INT64_FORMAT,
						 position->file_sec);
	if (position->gtids != NULL)
	{
		appendStringInfoString(&buf, ",\"gtids\":");
		escape_json(&buf, position->gtids);
	}
	if (position->server != NULL)
	{
		appendStringInfoString(&buf, ",\"server\":");
		escape_json(&buf, position->server);
	}
	if (position->server_id != 0)
		appendStringInfo(&buf, ",\"server_id\":%u", position->server_id);
	foreach(lc, position->prepared)
	{
		MysqlXaPosition *xa = lfirst(lc);

		appendStringInfo(&buf, "%s{\"xid\":", separator);
		escape_json(&buf, xa->xid);
		appendStringInfoString(&buf, ",\"file\":");
		escape_json(&buf, xa->file);
		appendStringInfo(&buf, ",\"pos\":" UINT64_FORMAT "}", xa->pos);
		separator = ",";
	}
	if (position->prepared != NIL)
		appendStringInfoChar(&buf, ']');
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

MysqlPosition *
sdb_mysql_position_parse(const char *text, char **reason)
{
	MysqlPosition *position = palloc0(sizeof(MysqlPosition));
	JsonbContainer *object = sdb_json_object(text, reason);
	uint64		number;

	if (object == NULL)
		return NULL;
	position->gtids = sdb_json_text(object, "gtids");
	position->server = sdb_json_text(object, "server");
	if (position->gtids != NULL)
		(void) sdb_mysql_gtidset_parse(position->gtids, reason);
	if (*reason == NULL && (position->gtids == NULL ||
							sdb_json_text(object, "file") != NULL))
		*reason = read_file_pos(object, &position->file, &position->pos);
	if (*reason == NULL)
		*reason = read_prepared(object, &position->prepared);
	if (*reason != NULL)
		return NULL;
	if (get_uint(object, "ts_sec", &number))
		position->ts_sec = (int64) number;
	if (get_uint(object, "file_sec", &number))
		position->file_sec = (int64) number;
	if (get_uint(object, "server_id", &number))
		position->server_id = (uint32) number;
	return position;
}

bool
sdb_mysql_position_before(const MysqlPosition *a, const MysqlPosition *b)
{
	int			a_base_len;
	int			b_base_len;
	uint64		a_number;
	uint64		b_number;

	/* a log under another name has its own order; nothing is known then */
	if (a->file == NULL || b->file == NULL ||
		!file_number(a->file, &a_base_len, &a_number) ||
		!file_number(b->file, &b_base_len, &b_number) ||
		a_base_len != b_base_len ||
		strncmp(a->file, b->file, a_base_len) != 0)
		return false;
	if (a_number != b_number)
		return a_number < b_number;
	return a->pos < b->pos;
}

bool
sdb_mysql_position_covers(const char *position, const char *before)
{
	MysqlPosition *state = parse_or_fail(position);
	MysqlPosition *txn = parse_or_fail(before);
	char	   *reason;

	if (state->gtids != NULL && txn->gtids != NULL &&
		(state->server == NULL || txn->server == NULL ||
		 strcmp(state->server, txn->server) != 0))
		return !sdb_mysql_gtidset_includes(sdb_mysql_gtidset_parse(txn->gtids,
																   &reason),
										   sdb_mysql_gtidset_parse(state->gtids,
																   &reason));
	return sdb_mysql_position_before(txn, state);
}

char *
sdb_mysql_position_check(const char *position)
{
	char	   *reason;

	(void) sdb_mysql_position_parse(position, &reason);
	return reason;
}

/* The number under a key, if it is an unsigned integer. */
static bool
get_uint(JsonbContainer *object, const char *key, uint64 *result)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key),
													 NULL);
	char	   *digits;
	char	   *end;

	if (value == NULL || value->type != jbvNumeric)
		return false;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(value->val.numeric)));
	errno = 0;
	*result = strtou64(digits, &end, 10);
	return errno == 0 && *end == '\0' && digits[0] != '-';
}

static MysqlPosition *
parse_or_fail(const char *text)
{
	char	   *reason;
	MysqlPosition *position = sdb_mysql_position_parse(text, &reason);

	if (position == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid position \"%s\"", text),
				 errdetail("%s", reason)));
	return position;
}

static char *
read_file_pos(JsonbContainer *object, char **file, uint64 *pos)
{
	int			base_len;
	uint64		number;

	*file = sdb_json_text(object, "file");
	if (*file == NULL)
		return pstrdup("It has neither \"file\" nor \"gtids\", or they are not texts.");
	if (!file_number(*file, &base_len, &number))
		return psprintf("\"%s\" is not the name of a binary log file: it does not end in a number.",
						*file);
	if (!get_uint(object, "pos", pos))
		return pstrdup("\"pos\" is missing or not an unsigned integer.");
	if (*pos < 4)
		return pstrdup("\"pos\" is below 4, where binary log files begin.");
	return NULL;
}

static char *
read_prepared(JsonbContainer *object, List **prepared)
{
	JsonbValue *array;
	JsonbValue *element;
	uint32		i;

	array = getKeyJsonValueFromContainer(object, "prepared",
										 strlen("prepared"), NULL);
	if (array == NULL)
		return NULL;
	if (array->type != jbvBinary ||
		!JsonContainerIsArray(array->val.binary.data))
		return pstrdup("\"prepared\" is not an array.");
	for (i = 0; i < JsonContainerSize(array->val.binary.data); i++)
	{
		MysqlXaPosition *xa = palloc0(sizeof(MysqlXaPosition));
		char	   *reason;

		element = getIthJsonbValueFromContainer(array->val.binary.data, i);
		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data))
			return pstrdup("An element of \"prepared\" is not an object.");
		xa->xid = sdb_json_text(element->val.binary.data, "xid");
		if (xa->xid == NULL)
			return pstrdup("\"xid\" is missing in an element of \"prepared\".");
		reason = read_file_pos(element->val.binary.data, &xa->file, &xa->pos);
		if (reason != NULL)
			return reason;
		*prepared = lappend(*prepared, xa);
	}
	return NULL;
}

/* "mysql-bin.000004" is base "mysql-bin" and number 4. */
static bool
file_number(const char *file, int *base_len, uint64 *number)
{
	const char *dot = strrchr(file, '.');
	char	   *end;

	if (dot == NULL || dot == file || dot[1] < '0' || dot[1] > '9')
		return false;
	errno = 0;
	*number = strtou64(dot + 1, &end, 10);
	*base_len = dot - file;
	return errno == 0 && *end == '\0';
}
