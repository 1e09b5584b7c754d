/*
 * sqlserver_source.h --- the SQL Server source
 */
#ifndef SDB_SQLSERVER_SOURCE_H
#define SDB_SQLSERVER_SOURCE_H

#include "source/source.h"

extern const SourceRoutine sdb_sqlserver_source;

#endif							/* SDB_SQLSERVER_SOURCE_H */
