/*
 * secret.c
 *		Owns the life of secrets in memory.
 *
 * Threat: a password or token left in freed memory, found in a core dump or by
 * a later over-read.  Memory contexts are reset on every exit from a statement,
 * so a reset callback cannot be skipped, unlike a wipe at the end of a
 * function.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "utils/memutils.h"
#include "utils/palloc.h"

#include "server/secret.h"
#include "text/bytes.h"

typedef struct SecretBuffer
{
	MemoryContextCallback callback;
	size_t size;
	char data[FLEXIBLE_ARRAY_MEMBER];
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

/* A buffer that became too small is wiped with its context. */
void
secret_keep(SecretCopy *copy, MemoryContext context, Slice secret)
{
	if (secret.length >= copy->capacity)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		copy->data = secret_alloc(Max(2 * secret.length, 512));
		copy->capacity = Max(2 * secret.length, 512);
		MemoryContextSwitchTo(old);
	}
	memcpy(copy->data, secret.data, secret.length);
	copy->data[secret.length] = '\0';
	copy->length = secret.length;
}

/* Not constant-time: both values are the caller's own. */
bool
secret_is(const SecretCopy *copy, Slice secret)
{
	return copy->data && slice_equal((Slice){copy->data, copy->length}, secret);
}

bool
secret_file_is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO) & ~S_IRGRP) == 0 &&
		   ((st.st_mode & S_IRGRP) == 0 || st.st_uid == 0);
}
