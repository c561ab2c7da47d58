/*
 * undo.h
 *		What a transaction has done to the throttle, to be undone if it is rolled
 *		back.
 */
#ifndef DJUST_UNDO_H
#define DJUST_UNDO_H

#include "throttle.h"

/* If this subtransaction or one around it is rolled back, failures are added. */
extern void undo_note(const ThrottleTag *tag, int failures, int64_t allowed_at);

#endif
