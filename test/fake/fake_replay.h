/*
 * fake_replay.h --- what a copy made from a script contains
 */
#ifndef SDB_FAKE_REPLAY_H
#define SDB_FAKE_REPLAY_H

#include "nodes/pg_list.h"

#include "fake_script.h"

/* ScriptPoint --- what SNAPSHOT says of a table */
typedef struct ScriptPoint
{
	const char *id;
	uint64		from;
	uint64		until;			/* 0 if the point is exact */
} ScriptPoint;

/* ReplayedTable --- a table and what a copy of it contains */
typedef struct ReplayedTable
{
	SourceTable *table;
	const ScriptPoint *point;	/* NULL: all that is committed */
	List	   *rows;			/* of char **, a field a column */
} ReplayedTable;

/* Replay --- the script as of its last COMMIT */
typedef struct Replay
{
	uint64		end;
	List	   *points;			/* of ScriptPoint * */
	List	   *tables;			/* of ReplayedTable * */
} Replay;

/*
 * sdb_fake_replay --- play all that is committed, in CurrentMemoryContext.
 *
 * Afterwards the next statement of the script is undefined.
 */
extern Replay *sdb_fake_replay(Script *script);

/* NULL if there is no such table. */
extern ReplayedTable *sdb_fake_replayed_table(const Replay *replay,
											  const char *id);

/* NULL if the script says nothing. */
extern const ScriptPoint *sdb_fake_point(const Replay *replay, const char *id);

/* The first key column of a row. */
extern int64 sdb_fake_key(const SourceTable *table, char **row);

#endif							/* SDB_FAKE_REPLAY_H */
