/*
 * sqlserver_clr.h --- geometries as SQL Server stores them
 */
#ifndef SDB_SQLSERVER_CLR_H
#define SDB_SQLSERVER_CLR_H

#include "change/value.h"

/*
 * sdb_sqlserver_clr_geometry --- a geometry or geography as well-known binary.
 *
 * in:     data[0 .. len-1], the serialised form of the CLR types
 * out:    the geometry's native bytes (not copied) and its WKB with the
 *         dimensions it has, by ISO 13249; no WKB for the full globe
 * memory: CurrentMemoryContext
 * errors: XX001 if it is malformed
 * source: [MS-SSCLRT], section 2.1, versions 1 and 2
 */
extern void sdb_sqlserver_clr_geometry(const uint8 *data, int len,
									   bool is_geography,
									   SourceGeometry *geometry);

#endif							/* SDB_SQLSERVER_CLR_H */
