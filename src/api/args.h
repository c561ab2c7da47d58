/*
 * args.h
 *		Fetching arguments of SQL-callable functions.
 */
#ifndef DJUST_ARGS_H
#define DJUST_ARGS_H

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "auth/database_copy.h"
#include "http/answer.h"
#include "server/encoding.h"
#include "shmem/counters.h"

/* Head of a function that SQL can call. */
#define SQL_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS)

/* Raises 22004 if the argument is NULL. */
#define REQUIRED(n, name) \
	do \
	{ \
		if (PG_ARGISNULL(n)) \
			answer_raise_null(name); \
	} while (0)
#define SLICE(n) text_slice(PG_GETARG_TEXT_PP(n))
#define SLICE_OR_NULL(n) (PG_ARGISNULL(n) ? (Slice){NULL, 0} : SLICE(n))
#define TEXT(n) text_to_cstring(PG_GETARG_TEXT_PP(n))
#define TEXT_OR_NULL(n) (PG_ARGISNULL(n) ? NULL : TEXT(n))
#define RETURN_TEXT(value) PG_RETURN_TEXT_P(cstring_to_text(value))

/* Call first in every function that writes: a GET must not reveal anything. */
static inline void
begin_write(const char *command)
{
	preloaded_require();
	PreventCommandIfReadOnly(command);
	PreventCommandDuringRecovery(command);
	PreventCommandIfParallelMode(command);
	database_copy_begin();
}

/* Begins a function that writes to the user named by its first argument. */
static inline pg_uuid_t *
begin_user(FunctionCallInfo fcinfo, const char *command)
{
	begin_write(command);
	REQUIRED(0, "user_id");
	return PG_GETARG_UUID_P(0);
}

#endif
