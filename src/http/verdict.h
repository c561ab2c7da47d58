/*
 * verdict.h
 *		Outcomes of operations; answer.c maps them to answers.
 */
#ifndef DJUST_VERDICT_H
#define DJUST_VERDICT_H

typedef enum Verdict
{
	VERDICT_OK,
	VERDICT_INVALID_GRANT,
	VERDICT_THROTTLED,
	VERDICT_SUSPENDED,
	VERDICT_UNAVAILABLE,
	VERDICT_WEAK_PASSWORD,
	VERDICT_INVALID_REQUEST,
	VERDICT_UNSUPPORTED_GRANT_TYPE
} Verdict;

/* A verdict, with the data for its answer. */
typedef struct Answer
{
	Verdict verdict;
	int retry_after; /* seconds */
	unsigned violations; /* with VERDICT_WEAK_PASSWORD */
	const char *reason; /* with VERDICT_INVALID_REQUEST: full sentence */
	/* with VERDICT_OK of a login or refresh */
	const char *access_token;
	const char *refresh_token;
	int expires_in;
	int refresh_expires_in;
} Answer;

#endif
