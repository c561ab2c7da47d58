/*
 * secret.h
 *		Memory for secrets that is wiped on every exit, even by ERROR.
 */
#ifndef DJUST_SECRET_H
#define DJUST_SECRET_H

#include "text/bytes.h"

struct MemoryContextData;

/* A buffer in the current memory context; wiped when that context is reset or deleted. */
extern void *secret_alloc(size_t size);

/* Copy of the most recent secret, to recognise a repetition.  Zero-initialise. */
typedef struct SecretCopy
{
	char *data; /* NUL-terminated; NULL: none */
	size_t length;
	size_t capacity;
} SecretCopy;

/* Replaces the copy; context is where it is allocated, the same in each call. */
extern void secret_keep(SecretCopy *copy, struct MemoryContextData *context, Slice secret);
extern bool secret_is(const SecretCopy *copy, Slice secret);

/* True for a regular file that only its owner may read (0600), or also a group if root owns it (0640). */
extern bool secret_file_is_private(int fd);

#endif
