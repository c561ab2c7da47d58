/*
 * reset.h
 *		Password reset: request and confirmation.
 */
#ifndef DJUST_RESET_H
#define DJUST_RESET_H

#include "http/verdict.h"

extern void reset_request(const char *email, size_t length);
extern void reset_confirm(const char *token, size_t token_length, const char *password, size_t password_length,
						  Answer *answer);

#endif
