/*
 * failpoint.c --- places where a test can make a worker fail
 *
 * The working directory of every process of the server is the data directory.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"

#include "util/failpoint.h"

#define ARMED_FILE		"synchdb_failpoint"
#define REACHED_FILE	"synchdb_failpoint.reached"
#define POLL_MS			10

static bool read_armed(char *text, Size size);
static void wait_for_release(void);

void
sdb_failpoint(const char *name)
{
	char		text[128];
	char		armed[64];
	char		action[16];

	if (!read_armed(text, sizeof(text)) ||
		sscanf(text, "%63s %15s", armed, action) != 2 ||
		strcmp(armed, name) != 0)
		return;
	if (strcmp(action, "crash") == 0)
		kill(MyProcPid, SIGKILL);
	/* of two processes that get here at once, one takes it */
	if (rename(ARMED_FILE, REACHED_FILE) != 0)
		return;

	if (strcmp(action, "error") == 0)
		elog(ERROR, "failpoint \"%s\"", name);
	else if (strcmp(action, "kill") == 0)
	{
		XLogFlush(GetXLogInsertEndRecPtr());
		kill(MyProcPid, SIGKILL);
	}
	else if (strcmp(action, "wait") == 0)
		wait_for_release();
	else
		elog(ERROR, "failpoint \"%s\" has the unknown action \"%s\"",
			 name, action);
}

/* The content of the file; false if there is none. */
static bool
read_armed(char *text, Size size)
{
	int			fd = open(ARMED_FILE, O_RDONLY | PG_BINARY);
	ssize_t		len;

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	text[Max(len, 0)] = '\0';
	return len > 0;
}

static void
wait_for_release(void)
{
	while (access(REACHED_FILE, F_OK) == 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
