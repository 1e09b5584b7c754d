/*
 * sequences.h --- sequences keep up with the numbers that the source gives
 */
#ifndef SDB_SEQUENCES_H
#define SDB_SEQUENCES_H

#include "change/change.h"

typedef struct Sequences Sequences;

/* In CurrentMemoryContext. */
extern Sequences *sdb_sequences_create(void);

/* A row was applied. */
extern void sdb_sequences_note(Sequences *sequences, const Change *change);

/* The definition is no longer valid. */
extern void sdb_sequences_forget(Sequences *sequences,
								 const SourceTable *table);

/*
 * sdb_sequences_catch_up --- set the sequences past the numbers noted since the
 * last call; for the end of a local transaction, with all tables closed.
 */
extern void sdb_sequences_catch_up(Sequences *sequences);

#endif							/* SDB_SEQUENCES_H */
