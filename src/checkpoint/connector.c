/*
 * connector.c --- a connector's definition, as synchdb_conninfo holds it
 *
 * The row is copied out of the catalog first and then read key by key, each
 * checked for its type: users edit it by hand.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "checkpoint/catalog.h"
#include "checkpoint/connector.h"
#include "checkpoint/list_file.h"
#include "checkpoint/tls_file.h"
#include "guc.h"
#include "util/secret.h"

/* Row --- one row of synchdb_conninfo */
typedef struct Row
{
	const char *name;
	bool		active;
	Jsonb	   *data;			/* NULL if it is null */
	Oid			table_owner;	/* of synchdb_conninfo */
} Row;

static const struct
{
	const char *name;
	TlsMode		mode;
}			tls_modes[] = {
	{"disabled", TLS_DISABLED},
	{"preferred", TLS_PREFERRED},
	{"required", TLS_REQUIRED},
	{"verify_ca", TLS_VERIFY_CA},
	{"verify_identity", TLS_VERIFY_IDENTITY}
};

static bool read_row(const char *name, Row *row);
static void read_existing_row(const char *name, Row *row);
static bool find_key(const Row *row, const char *key, JsonbValue *value);
static char *read_text(const Row *row, const char *key);
static char *read_required_text(const Row *row, const char *key);
static int	read_port(const Row *row);
static char *read_password(const Row *row, const char *key);
static TlsMode read_tls_mode(const Row *row);
static int	read_error_strategy(const Row *row);
static void check_tls_files(const Connector *connector);
static char *read_list(const Row *row, const char *key, const char *file_key,
					   Oid owner);
static Oid	read_owner(const Row *row);
static uint32 make_client_id(const char *name);

Connector *
sdb_connector_load(const char *name)
{
	Connector  *connector = palloc0(sizeof(Connector));
	SourceOptions *options = &connector->options;
	char	   *type;
	Row			row;

	read_existing_row(name, &row);

	connector->name = pstrdup(name);
	connector->active = row.active;
	connector->owner = read_owner(&row);

	type = read_required_text(&row, "connector");
	connector->routine = sdb_source_find(type);
	if (connector->routine == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connector \"%s\" is of the unknown type \"%s\"",
						name, type),
				 pg_strcasecmp(type, "mariadb") == 0 ?
				 errhint("For a MariaDB server, use the type \"mysql\".") :
				 errhint("Known types: %s.", sdb_source_names())));
	connector->dstdb = read_text(&row, "dstdb");
	if (connector->dstdb == NULL)
		connector->dstdb = get_database_name(MyDatabaseId);

	options->connector = connector->name;
	options->host = read_required_text(&row, "hostname");
	options->port = read_port(&row);
	options->user = read_required_text(&row, "user");
	(void) read_required_text(&row, "pwd");
	options->password = read_password(&row, "pwd");
	options->database = read_text(&row, "srcdb");
	connector->table_list = read_list(&row, "table", LIST_FILE_TABLES,
									  connector->owner);
	if (connector->table_list == NULL)
		connector->table_list = "";
	options->filter = sdb_filter_make(connector->table_list);
	connector->snapshot_filter =
		sdb_filter_make(read_list(&row, "snapshottable", LIST_FILE_SNAPSHOT,
								  connector->owner));
	connector->error_strategy = read_error_strategy(&row);
	options->tls_mode = read_tls_mode(&row);
	options->tls_keystore = read_text(&row, "ssl_keystore");
	options->tls_keystore_password = read_password(&row, "ssl_keystore_pass");
	options->tls_truststore = read_text(&row, "ssl_truststore");
	options->tls_truststore_password = read_password(&row,
													 "ssl_truststore_pass");
	check_tls_files(connector);
	options->connect_timeout_ms = sdb_guc_dbz_connect_timeout_ms;
	options->query_timeout_ms = sdb_guc_dbz_query_timeout_ms;
	options->client_id = make_client_id(name);
	return connector;
}

bool
sdb_connector_exists(const char *name)
{
	Row			row;

	return read_row(name, &row);
}

Oid
sdb_connector_owner(const char *name)
{
	Row			row;

	read_existing_row(name, &row);
	return read_owner(&row);
}

bool
sdb_connector_changed_here(const char *name)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	CatalogAccess access;
	bool		changed = false;
	uint64		nrows;
	uint64		i;

	values[0] = CStringGetTextDatum(name);

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute("SELECT xmin FROM @extschema@.synchdb_conninfo"
								" WHERE name = $1"
								" UNION ALL"
								" SELECT xmin FROM @extschema@.synchdb_objmap"
								" WHERE name = $1"
								" UNION ALL"
								" SELECT xmin FROM @extschema@.synchdb_checkpoint"
								" WHERE name = $1",
								1, types, values, NULL);
	for (i = 0; i < nrows && !changed; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);
		TransactionId xmin = DatumGetTransactionId(value);

		changed = TransactionIdIsCurrentTransactionId(xmin);
	}
	sdb_catalog_leave(&access);
	return changed;
}

bool
sdb_connector_tls_mode(const char *name, TlsMode *mode)
{
	int			i;

	for (i = 0; i < lengthof(tls_modes); i++)
		if (pg_strcasecmp(name, tls_modes[i].name) == 0)
		{
			*mode = tls_modes[i].mode;
			return true;
		}
	return false;
}

bool
sdb_connector_set_active(const char *name, bool active)
{
	Oid			types[2] = {TEXTOID, BOOLOID};
	Datum		values[2];
	CatalogAccess access;
	uint64		nrows;

	values[0] = CStringGetTextDatum(name);
	values[1] = BoolGetDatum(active);

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute("UPDATE @extschema@.synchdb_conninfo"
								" SET isactive = $2 WHERE name = $1",
								2, types, values, NULL);
	sdb_catalog_leave(&access);
	return nrows > 0;
}

List *
sdb_connector_rules(const char *name)
{
	Oid			types[1] = {NAMEOID};
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access;
	Datum		values[1];
	uint64		nrows;
	List	   *rules = NIL;

	sdb_catalog_enter(&access);
	values[0] = DirectFunctionCall1(namein, CStringGetDatum(name));
	nrows = sdb_catalog_execute("SELECT objtype, srcobj, dstobj"
								" FROM @extschema@.synchdb_objmap"
								" WHERE name = $1 AND enabled"
								" AND dstobj IS NOT NULL"
								" ORDER BY objtype, srcobj",
								1, types, values, NULL);
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < nrows; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		ConnectorRule *rule = palloc(sizeof(ConnectorRule));

		rule->objtype = pstrdup(SPI_getvalue(tuple, desc, 1));
		rule->source = pstrdup(SPI_getvalue(tuple, desc, 2));
		rule->target = pstrdup(SPI_getvalue(tuple, desc, 3));
		rules = lappend(rules, rule);
	}
	sdb_catalog_leave(&access);
	MemoryContextSwitchTo(context);
	return rules;
}

bool
sdb_connector_had_rules(const char *name)
{
	Oid			types[1] = {NAMEOID};
	CatalogAccess access;
	Datum		values[1];
	uint64		nrows;

	sdb_catalog_enter(&access);
	values[0] = DirectFunctionCall1(namein, CStringGetDatum(name));
	nrows = sdb_catalog_execute("SELECT FROM @extschema@.synchdb_objmap"
								" WHERE name = $1 LIMIT 1",
								1, types, values, NULL);
	sdb_catalog_leave(&access);
	return nrows > 0;
}

List *
sdb_connector_active_names(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *names = NIL;
	CatalogAccess access;
	uint64		nrows;
	uint64		i;

	sdb_catalog_enter(&access);
	nrows = sdb_catalog_execute("SELECT name FROM @extschema@.synchdb_conninfo"
								" WHERE isactive ORDER BY name",
								0, NULL, NULL, NULL);
	for (i = 0; i < nrows; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i],
											SPI_tuptable->tupdesc, 1));
		MemoryContextSwitchTo(spi);
	}
	sdb_catalog_leave(&access);
	return names;
}

/* read_row --- copy a connector's row; false if there is none. */
static bool
read_row(const char *name, Row *row)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	CatalogAccess access;
	bool		found;

	MemSet(row, 0, sizeof(Row));
	row->name = name;
	values[0] = CStringGetTextDatum(name);

	sdb_catalog_enter(&access);
	found = sdb_catalog_execute("SELECT c.isactive, c.data, r.relowner"
								" FROM @extschema@.synchdb_conninfo c"
								" JOIN pg_class r ON r.oid = c.tableoid"
								" WHERE c.name = $1",
								1, types, values, NULL) > 0;
	if (found)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		Datum		value;

		value = SPI_getbinval(tuple, desc, 1, &isnull);
		row->active = !isnull && DatumGetBool(value);

		value = SPI_getbinval(tuple, desc, 2, &isnull);
		if (!isnull)
		{
			MemoryContext spi = MemoryContextSwitchTo(caller);

			row->data = DatumGetJsonbPCopy(value);
			MemoryContextSwitchTo(spi);
		}

		value = SPI_getbinval(tuple, desc, 3, &isnull);
		row->table_owner = DatumGetObjectId(value);
	}
	sdb_catalog_leave(&access);
	return found;
}

static void
read_existing_row(const char *name, Row *row)
{
	if (!read_row(name, row))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("connection name does not exist"),
				 errdetail("There is no connector \"%s\" in this database.",
						   name),
				 errhint("Use synchdb_add_conninfo() to add one.")));
}

/* find_key --- false if the key is not there or null. */
static bool
find_key(const Row *row, const char *key, JsonbValue *value)
{
	if (row->data == NULL || !JB_ROOT_IS_OBJECT(row->data))
		return false;
	return getKeyJsonValueFromContainer(&row->data->root, key, strlen(key),
										value) != NULL &&
		value->type != jbvNull;
}

/* read_text --- NULL if the key is not there, null, "" or "null". */
static char *
read_text(const Row *row, const char *key)
{
	JsonbValue	value;
	char	   *text;

	if (!find_key(row, key, &value))
		return NULL;
	if (value.type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of connector \"%s\" is not a string",
						key, row->name)));
	text = pnstrdup(value.val.string.val, value.val.string.len);
	if (text[0] == '\0' || pg_strcasecmp(text, "null") == 0)
		return NULL;
	return text;
}

static char *
read_required_text(const Row *row, const char *key)
{
	char	   *text = read_text(row, key);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of connector \"%s\" is missing or empty",
						key, row->name)));
	return text;
}

static int
read_port(const Row *row)
{
	JsonbValue	value;
	double		port = 0;

	if (find_key(row, "port", &value) && value.type == jbvNumeric)
		port = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												  NumericGetDatum(value.val.numeric)));
	if (!(port >= 1 && port <= 65535 && port == (int) port))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of connector \"%s\" is not a number from 1 to 65535",
						"port", row->name)));
	return (int) port;
}

static char *
read_password(const Row *row, const char *key)
{
	char	   *stored = read_text(row, key);

	return stored == NULL ? NULL : sdb_secret_decrypt(stored, row->name);
}

static TlsMode
read_tls_mode(const Row *row)
{
	char	   *text = read_text(row, "ssl_mode");
	TlsMode		mode = TLS_PREFERRED;

	if (text != NULL && !sdb_connector_tls_mode(text, &mode))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connector \"%s\" has the unknown TLS mode \"%s\"",
						row->name, text),
				 errhint("Known modes: %s.", TLS_MODE_NAMES)));
	return mode;
}

/* read_error_strategy --- -1 if the connector has none of its own */
static int
read_error_strategy(const Row *row)
{
	char	   *text = read_text(row, "error_handling_strategy");
	int			strategy;

	if (text == NULL)
		return -1;
	if (!sdb_guc_error_strategy(text, &strategy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connector \"%s\" has the unknown error handling strategy \"%s\"",
						row->name, text),
				 errhint("Known strategies: exit, skip, retry.")));
	return strategy;
}

static void
check_tls_files(const Connector *connector)
{
	const SourceOptions *options = &connector->options;

	if (options->tls_mode == TLS_DISABLED)
		return;
	if (options->tls_keystore != NULL)
	{
		sdb_tls_file_allow(options->tls_keystore, TLS_FILE_KEYSTORE,
						   connector->owner);
		sdb_tls_file_check(options->tls_keystore, TLS_FILE_KEYSTORE,
						   options->tls_keystore_password != NULL);
	}
	if (options->tls_truststore != NULL)
	{
		sdb_tls_file_allow(options->tls_truststore, TLS_FILE_TRUSTSTORE,
						   connector->owner);
		sdb_tls_file_check(options->tls_truststore, TLS_FILE_TRUSTSTORE,
						   false);
	}
}

/* read_list --- a table list, read from its file if it names one */
static char *
read_list(const Row *row, const char *key, const char *file_key, Oid owner)
{
	char	   *list = read_text(row, key);
	const char *path = list == NULL ? NULL : sdb_list_file_path(list);

	return path == NULL ? list : sdb_list_file_read(path, file_key, owner);
}

static Oid
read_owner(const Row *row)
{
	char	   *role = read_text(row, "owner");
	Oid			owner;

	if (role == NULL)
		return row->table_owner;
	owner = get_role_oid(role, true);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\", which owns connector \"%s\", does not exist",
						role, row->name),
				 errhint("Set the key \"owner\" of its data in synchdb_conninfo to another role.")));
	return owner;
}

/* make_client_id --- how a source tells this connector from others; not 0 */
static uint32
make_client_id(const char *name)
{
	char	   *identity = psprintf(UINT64_FORMAT "/%u/%s",
									GetSystemIdentifier(), MyDatabaseId, name);
	uint32		id = hash_bytes((const unsigned char *) identity,
								strlen(identity));

	return id != 0 ? id : 1;
}
