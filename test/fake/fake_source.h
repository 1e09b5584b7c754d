/*
 * fake_source.h --- a source that plays a script, for the tests
 */
#ifndef SDB_FAKE_SOURCE_H
#define SDB_FAKE_SOURCE_H

#include "source/source.h"

/* Connector type "fake"; the host is the path of the script. */
extern const SourceRoutine sdb_fake_source;

#endif							/* SDB_FAKE_SOURCE_H */
