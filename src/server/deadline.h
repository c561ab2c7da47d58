/*
 * deadline.h
 *		Deadlines on a monotonic clock.
 *
 * Threat: a wall clock that is set back during a wait lengthens it.
 */
#ifndef DJUST_DEADLINE_H
#define DJUST_DEADLINE_H

#include "portability/instr_time.h"

typedef struct Deadline
{
	instr_time begun;
	long length_ms;
} Deadline;

static inline Deadline
deadline_in(long ms)
{
	Deadline deadline = {.length_ms = ms};

	INSTR_TIME_SET_CURRENT(deadline.begun);
	return deadline;
}

/* Milliseconds left; 0 or less once it is over. */
static inline long
deadline_left(const Deadline *deadline)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, deadline->begun);
	return deadline->length_ms - (long) INSTR_TIME_GET_MILLISEC(now);
}

#endif
