/*
 * plproxy.c
 *		Owns the translation of PL/Proxy's errors into those of the shard.
 *
 * Threat: secrets in the router's log.  The words of a shard have been through
 * that shard's log mask, unless its log_min_messages is above error, so they are
 * raised as words of this library, which the mask leaves alone (logmask.c); the
 * contexts of both sides are dropped.
 */
#include "postgres.h"

#include "server/plproxy.h"
#include "text/bytes.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_."
#define ABOUT_SHARD "PL/Proxy function "

/* Reads "NAME(ARGUMENTS): [DATABASE] REMOTE LEVEL: WORDS"; the level is in the shard's language. */
static bool
read_remote(const char *message, Slice *level, const char **words)
{
	static const char mark[] = "] REMOTE ";
	const char *at = message + strspn(message, NAME_CHARACTERS);
	size_t number = *at == '(' ? strspn(at + 1, "0123456789") : 0;

	if (at == message || number == 0 || strncmp(at + 1 + number, "): [", 4) != 0)
		return false;
	at = strstr(at + 1 + number, mark);
	if (at == NULL)
		return false;
	level->data = at + strlen(mark);
	*words = strstr(level->data, ": ");
	if (*words == NULL)
		return false;
	level->length = *words - level->data;
	*words += 2;
	return true;
}

static const char *
without_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
}

static bool
is_about_shard(const char *message)
{
	return strncmp(message, ABOUT_SHARD, strlen(ABOUT_SHARD)) == 0;
}

/* True if the error ended the connection. */
static bool
ends_connection(int state, Slice level)
{
	return slice_equal(level, slice_of("FATAL")) || slice_equal(level, slice_of("PANIC")) ||
		   state == ERRCODE_ADMIN_SHUTDOWN || state == ERRCODE_CRASH_SHUTDOWN || state == ERRCODE_CANNOT_CONNECT_NOW;
}

void
plproxy_raise(int state, const char *message, const char *detail, const char *hint)
{
	const char *words;
	Slice level;

	if (is_about_shard(message))
		state = ERRCODE_CONNECTION_FAILURE;
	else if (read_remote(message, &level, &words))
	{
		if (ends_connection(state, level))
			state = ERRCODE_CONNECTION_FAILURE;
		else
			message = words;
	}
	ereport(ERROR,
			(errcode(state),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", without_prefix(detail, "Remote detail: ")) : 0,
			 hint ? errhint("%s", without_prefix(hint, "Remote hint: ")) : 0));
}

Datum
plproxy_call(FunctionCallInfo call)
{
	MemoryContext context = CurrentMemoryContext;
	Datum result = (Datum) 0;

	PG_TRY();
	{
		result = FunctionCallInvoke(call);
	}
	PG_CATCH();
	{
		ErrorData *error;
		const char *words;
		Slice level;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_about_shard(error->message) && !read_remote(error->message, &level, &words))
			PG_RE_THROW();
		FlushErrorState();
		plproxy_raise(error->sqlerrcode, error->message, error->detail, error->hint);
	}
	PG_END_TRY();
	return result;
}
