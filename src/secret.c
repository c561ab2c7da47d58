/*
 * secret.c
 *		Owns the life of secrets in memory.
 *
 * Threat: a password or token left behind in freed memory, to be found in a
 * core dump or by a later over-read.  Memory contexts are reset on every exit
 * from a statement, so a reset callback cannot be forgotten as a wipe at the
 * end of a function can.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/palloc.h"

#include "bytes.h"
#include "secret.h"

typedef struct SecretBuffer
{
	MemoryContextCallback callback;
	size_t		size;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} SecretBuffer;

static void
wipe_buffer(void *arg)
{
	SecretBuffer *buffer = arg;

	bytes_wipe(buffer->data, buffer->size);
}

void *
secret_alloc(size_t size)
{
	SecretBuffer *buffer = palloc0(offsetof(SecretBuffer, data) + size);

	buffer->size = size;
	buffer->callback.func = wipe_buffer;
	buffer->callback.arg = buffer;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &buffer->callback);
	return buffer->data;
}
