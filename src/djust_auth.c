/*
 * djust_auth.c
 *		Wires the library into the server.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "server/compat.h"
#include "server/logmask.h"
#include "server/settings.h"
#include "shmem/shmem.h"
#include "worker/utility_hook.h"
#include "worker/worker.h"

DJUST_MODULE_MAGIC;

void		_PG_init(void);

/* Loaded later than at server start, the library offers only what dumps need; everything else says what is missing. */
void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	settings_init();
	logmask_init();
	shared_init();
	utility_hook_init();
	worker_register();
}
