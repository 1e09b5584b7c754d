/*
 * retry.c --- which errors are tried again, and when
 */
#include "postgres.h"

#include "guc.h"
#include "worker/worker_internal.h"

#define FIRST_DELAY_MS	1000
#define LAST_DELAY_MS	60000

bool
sdb_retry_is_transient(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_CONNECTION_EXCEPTION ||
		category == ERRCODE_TRANSACTION_ROLLBACK ||
		category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_OPERATOR_INTERVENTION;
}

int
sdb_retry_strategy(const Connector *connector)
{
	return connector->error_strategy >= 0 ? connector->error_strategy :
		sdb_guc_error_handling_strategy;
}

long
sdb_retry_delay_ms(int tries)
{
	long		delay = FIRST_DELAY_MS;

	while (--tries > 0 && delay < LAST_DELAY_MS)
		delay *= 2;
	return Min(delay, LAST_DELAY_MS);
}
