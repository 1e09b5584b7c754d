/*
 * catalog.h --- access to the extension's own tables
 *
 * The tables live in whatever schema the extension was installed in, and
 * belong to whoever installed it.  A worker runs as the connector's owner, so
 * access to them is bracketed by enter and leave.
 */
#ifndef SDB_CATALOG_H
#define SDB_CATALOG_H

/* CatalogAccess --- what sdb_catalog_enter changed */
typedef struct CatalogAccess
{
	Oid			userid;
	int			sec_context;
	int			guc_nestlevel;
	bool		pushed_snapshot;
} CatalogAccess;

/*
 * sdb_catalog_enter --- act as the owner of the extension, with a safe
 * search_path, a snapshot and an SPI connection, until sdb_catalog_leave.  An
 * error in between is undone by the end of the (sub)transaction.
 *
 * memory: CurrentMemoryContext becomes that of SPI, gone at leave
 * errors: 55000 if the extension is not installed in this database
 */
extern void sdb_catalog_enter(CatalogAccess *access);
extern void sdb_catalog_leave(CatalogAccess *access);

/*
 * sdb_catalog_sql --- a statement on the extension's tables.
 *
 * Replaces every "@extschema@" in sql by the quoted schema of the extension.
 * memory: CurrentMemoryContext
 */
extern char *sdb_catalog_sql(const char *sql);

/*
 * sdb_catalog_execute --- run a statement on the extension's tables, between
 * enter and leave.
 *
 * in:     sql as for sdb_catalog_sql; types, values and nulls as for
 *         SPI_execute_with_args
 * result: the number of rows; those of SELECT and RETURNING are in
 *         SPI_tuptable
 */
extern uint64 sdb_catalog_execute(const char *sql, int nargs, Oid *types,
								  Datum *values, const char *nulls);

/* A table of the extension, by name; errors as sdb_catalog_enter. */
extern Oid	sdb_catalog_relation(const char *name);

/* Is the extension installed in this database? */
extern bool sdb_catalog_installed(void);

#endif							/* SDB_CATALOG_H */
