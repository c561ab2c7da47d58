/*
 * deadline.h
 *		Deadlines on a monotonic clock.
 *
 * Threat: a wall clock that is set back during a wait lengthens it.
 */
#ifndef DJUST_DEADLINE_H
#define DJUST_DEADLINE_H

#include "portability/instr_time.h"
#include "storage/condition_variable.h"

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

/* Sleeps until a signal; false, without sleeping, once the time is over. */
static inline bool
deadline_sleep(const Deadline *deadline, ConditionVariable *signalled, uint32 wait_event)
{
	instr_time now;
	long left;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, deadline->begun);
	left = deadline->length_ms - (long) INSTR_TIME_GET_MILLISEC(now);
	if (left > 0)
		ConditionVariableTimedSleep(signalled, left, wait_event);
	return left > 0;
}

#endif
