/*
 * secret.h
 *		Memory for secrets that is wiped on every exit, ERROR included.
 */
#ifndef DJUST_SECRET_H
#define DJUST_SECRET_H

#include <stddef.h>

/* A buffer in the current memory context; wiped when that context is reset or deleted. */
extern void *secret_alloc(size_t size);

#endif
