/*
 * plproxy.h
 *		Calls of PL/Proxy's functions, by which a router reaches its shards.
 */
#ifndef DJUST_PLPROXY_H
#define DJUST_PLPROXY_H

#include "fmgr.h"

#include "server/compat.h"

/* Invokes a function of PL/Proxy; its errors are raised by plproxy_raise(). */
extern Datum plproxy_call(FunctionCallInfo call);

/*
 * Raises an error as a direct caller of the shard would get it: without what PL/Proxy puts before the shard's words,
 * and with 08006 if the shard could not be reached.  Errors of other origin keep their words.  detail and hint may be
 * NULL.
 */
COMPAT_NORETURN extern void plproxy_raise(int state, const char *message, const char *detail, const char *hint);

#endif
