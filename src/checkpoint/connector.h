/*
 * connector.h --- a connector's definition, as synchdb_conninfo holds it
 *
 * Users may edit that table's jsonb by hand, so it is read anew at every
 * start and nothing in it is taken for granted.
 *
 * Keys of data that are read here: hostname, port, user, pwd, srcdb, dstdb,
 * table, snapshottable, connector, ssl_mode, ssl_keystore, ssl_keystore_pass,
 * ssl_truststore, ssl_truststore_pass, error_handling_strategy, and owner, the name of the role that
 * created the connector (the owner of synchdb_conninfo if it is absent).
 * Passwords are encrypted, see util/secret.h.
 */
#ifndef SDB_CONNECTOR_H
#define SDB_CONNECTOR_H

#include "source/source.h"

typedef struct Connector
{
	char	   *name;
	bool		active;			/* should be running */
	Oid			owner;			/* role that the worker acts as */
	const SourceRoutine *routine;
	char	   *dstdb;
	char	   *table_list;		/* text of options.filter; "" for all */
	const TableFilter *snapshot_filter; /* of the captured tables, those to be
										 * copied */
	int			error_strategy; /* ErrorStrategy; -1: as the setting says */
	SourceOptions options;		/* password in clear: never store or print */
} Connector;

/*
 * sdb_connector_load --- read and check a definition.
 *
 * Runs in the caller's transaction.  Must not be called with a snapshot that
 * predates the row.  sdb_connector_exists does not touch the password.
 *
 * memory: CurrentMemoryContext
 * errors: 42704 unknown connector; 22023 a broken or missing key of data,
 *         naming it; 55000 secret key file missing or wrong
 */
extern Connector *sdb_connector_load(const char *name);
extern bool sdb_connector_exists(const char *name);

/*
 * sdb_connector_owner --- the role a connector's worker acts as.
 *
 * errors: 42704 unknown connector, or a role that is gone
 */
extern Oid	sdb_connector_owner(const char *name);

/*
 * sdb_connector_changed_here --- did this transaction make or change the
 * definition, the rules or the checkpoint of that connector, so that its
 * worker cannot see them as we do, and may have to wait for us?
 */
extern bool sdb_connector_changed_here(const char *name);

/* ConnectorRule --- one enabled row of synchdb_objmap, as it stands there */
typedef struct ConnectorRule
{
	char	   *objtype;
	char	   *source;
	char	   *target;
} ConnectorRule;

/* List of ConnectorRule *, in CurrentMemoryContext. */
extern List *sdb_connector_rules(const char *name);

/* Did it ever have a rule?  One that was removed stays as a disabled row. */
extern bool sdb_connector_had_rules(const char *name);

/* The names of TlsMode, for hints */
#define TLS_MODE_NAMES \
	"disabled, preferred, required, verify_ca, verify_identity"

/* The TLS mode of that name (any case); false if there is none. */
extern bool sdb_connector_tls_mode(const char *name, TlsMode *mode);

/* Sets isactive; false if there is no such connector. */
extern bool sdb_connector_set_active(const char *name, bool active);

/* Names (char *) of all active connectors of this database. */
extern List *sdb_connector_active_names(void);

#endif							/* SDB_CONNECTOR_H */
