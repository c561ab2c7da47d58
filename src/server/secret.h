/*
 * secret.h
 *		Memory for secrets that is wiped on every exit, ERROR included.
 */
#ifndef DJUST_SECRET_H
#define DJUST_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct MemoryContextData;

/* A buffer in the current memory context; wiped when that context is reset or deleted. */
extern void *secret_alloc(size_t size);

/* The last of a row of secrets, kept for comparison with the next.  Starts as all zeroes: nothing is kept. */
typedef struct SecretCopy
{
	char	   *data;			/* NUL-terminated; NULL: nothing */
	size_t		length;
	size_t		capacity;
} SecretCopy;

/* Keeps this one instead; context is where the copy lives, the same at each call. */
extern void secret_keep(SecretCopy *copy, struct MemoryContextData *context, const char *data, size_t length);
extern bool secret_is(const SecretCopy *copy, const char *data, size_t length);

#endif
