/*
 * reset.h
 *		Password reset: request and confirmation.
 */
#ifndef DJUST_RESET_H
#define DJUST_RESET_H

#include "http/verdict.h"
#include "text/bytes.h"

extern void reset_request(Slice email);
extern void reset_confirm(Slice token, Slice password, Answer *answer);

#endif
