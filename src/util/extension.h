/*
 * extension.h --- where an extension is installed
 */
#ifndef SDB_EXTENSION_H
#define SDB_EXTENSION_H

/*
 * sdb_extension_find --- schema and owner of an extension; false if it is not
 * installed in this database.
 */
extern bool sdb_extension_find(const char *name, Oid *schema, Oid *owner);

#endif							/* SDB_EXTENSION_H */
