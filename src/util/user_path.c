/*
 * user_path.c --- the owner's search_path in a worker
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/memutils.h"

#include "util/user_path.h"

static char *remembered = NULL;

void
sdb_user_path_remember(void)
{
	remembered = MemoryContextStrdup(TopMemoryContext,
									 GetConfigOption("search_path", false,
													 false));
}

int
sdb_user_path_enter(void)
{
	int			nestlevel = NewGUCNestLevel();

	if (remembered != NULL)
		(void) set_config_option("search_path", remembered, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	return nestlevel;
}

void
sdb_user_path_leave(int nestlevel)
{
	AtEOXact_GUC(true, nestlevel);
}
