/*
 * synchdb.c --- module entry: registers settings and the launcher
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "guc.h"
#include "worker/control.h"
#include "worker/shmem.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sdb_guc_register();

	if (!process_shared_preload_libraries_in_progress)
		return;

	sdb_shmem_register();
	sdb_launcher_register();
}
