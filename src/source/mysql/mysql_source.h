/*
 * mysql_source.h --- the source that this folder makes, for the registry
 */
#ifndef SDB_MYSQL_SOURCE_H
#define SDB_MYSQL_SOURCE_H

#include "source/source.h"

extern const SourceRoutine sdb_mysql_source;

#endif							/* SDB_MYSQL_SOURCE_H */
