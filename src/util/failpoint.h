/*
 * failpoint.h --- places where a test can make a worker fail
 *
 * Only a build with SYNCHDB_TEST has them; elsewhere they are nothing.  A test
 * arms one by a file "synchdb_failpoint" in the data directory that holds its
 * name and what shall happen there, such as "pipeline-before-commit kill":
 *
 *		error	an internal error (XX000) is raised
 *		kill	the process gets SIGKILL, once all WAL so far is on disk: a
 *				commit that was not waited for is not lost by luck
 *		wait	it waits until the file named below is removed
 *		crash	every process that gets there gets SIGKILL
 *
 * But for "crash", the process that gets there renames the file to
 * "synchdb_failpoint.reached" first, so it fails once, and the test sees that
 * it did.
 */
#ifndef SDB_FAILPOINT_H
#define SDB_FAILPOINT_H

#ifdef SYNCHDB_TEST
#define SDB_FAILPOINT(name) sdb_failpoint(name)

/* In test/fake/failpoint.c. */
extern void sdb_failpoint(const char *name);
#else
#define SDB_FAILPOINT(name) ((void) 0)
#endif

#endif							/* SDB_FAILPOINT_H */
