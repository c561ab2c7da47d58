/*
 * answer.c
 *		Owns the map from verdicts to JSON, SQLSTATE and HTTP status.
 *
 * Threat: answers that reveal their cause.  Unknown address, wrong password,
 * disabled user and dead token are one verdict with one text.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "http/answer.h"
#include "http/postgrest.h"
#include "pwhash/pwpolicy.h"
#include "server/json.h"

typedef struct ErrorText
{
	const char *error;
	const char *description;
	int status;
} ErrorText;

static const ErrorText texts[] = {
	[VERDICT_OK] = {"password_updated", "", 200},
	[VERDICT_INVALID_GRANT] = {"invalid_grant", "The credentials or the token are not valid.", 400},
	[VERDICT_THROTTLED] = {"too_many_attempts", "Too many failed attempts; try again later.", 429},
	[VERDICT_SUSPENDED] = {"too_many_attempts", "Too many failed attempts; reset the password.", 429},
	/* not 503, which PostgREST uses for a database that is down */
	[VERDICT_UNAVAILABLE] = {"temporarily_unavailable", "The server is busy; try again later.", 429},
	[VERDICT_WEAK_PASSWORD] = {"weak_password", "The password does not meet the policy.", 422},
	[VERDICT_INVALID_REQUEST] = {"invalid_request", "A parameter is missing.", 400},
	[VERDICT_UNSUPPORTED_GRANT_TYPE] = {"unsupported_grant_type", "Use grant_type password or refresh_token.", 400},
};

/* As a JSON array, or separated by commas. */
static char *
violation_codes(unsigned violations, bool json)
{
	StringInfoData out;
	unsigned n;

	initStringInfo(&out);
	for (n = 0; n < PWPOLICY_VIOLATIONS; n++)
	{
		if ((violations & (1u << n)) == 0)
			continue;
		if (out.len > 0)
			appendStringInfoString(&out, json ? "," : ", ");
		appendStringInfo(&out, json ? "\"%s\"" : "%s", pwpolicy_code(n));
	}
	return json ? psprintf("[%s]", out.data) : out.data;
}

const char *
answer_code(const Answer *answer)
{
	return texts[answer->verdict].error;
}

int
answer_status(const Answer *answer)
{
	return texts[answer->verdict].status;
}

/* 0 if trying again later does not help. */
int
answer_retry_after(const Answer *answer)
{
	return answer->verdict == VERDICT_THROTTLED || answer->verdict == VERDICT_UNAVAILABLE ? answer->retry_after : 0;
}

static char *
error_object(const Answer *answer, AnswerTo to)
{
	const ErrorText *text = &texts[answer->verdict];
	int status = answer->verdict == VERDICT_INVALID_GRANT && to == ANSWER_TO_LOGIN ? 401 : text->status;
	int retry_after = answer_retry_after(answer);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	json_string(&out, "error", text->error);
	json_string(&out, "error_description", answer->reason ? answer->reason : text->description);
	if (retry_after > 0)
		json_number(&out, "retry_after", retry_after);
	if (answer->verdict == VERDICT_WEAK_PASSWORD)
	{
		json_member(&out, "violations");
		appendStringInfoString(&out, violation_codes(answer->violations, true));
	}
	appendStringInfoChar(&out, '}');
	postgrest_answer(status, retry_after);
	return out.data;
}

char *
answer_tokens(const Answer *answer, AnswerTo to)
{
	if (answer->verdict != VERDICT_OK)
		return error_object(answer, to);
	postgrest_answer(200, 0);
	return psprintf("{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%d,\"refresh_token\":\"%s\","
					"\"refresh_expires_in\":%d}",
					answer->access_token,
					answer->expires_in,
					answer->refresh_token,
					answer->refresh_expires_in);
}

char *
answer_status_text(const Answer *answer, const char *status)
{
	if (answer->verdict != VERDICT_OK)
		return error_object(answer, ANSWER_TO_OAUTH);
	postgrest_answer(200, 0);
	return psprintf("{\"status\":\"%s\"}", status);
}

void
answer_raise_null(const char *argument)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", argument)));
}

void
answer_raise_unknown_user(const pg_uuid_t *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("user %s does not exist", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))))));
}

void
answer_raise_unknown_profile(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("profile \"%s\" does not exist", name)));
}

void
answer_raise(const Answer *answer)
{
	if (answer->verdict == VERDICT_WEAK_PASSWORD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password does not meet the policy"),
				 errdetail("Violations: %s.", violation_codes(answer->violations, false)),
				 errhint("See djust_auth.check_password().")));
	if (answer->verdict != VERDICT_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no hash slot became free in time"),
				 errhint("Try again, or raise djust_auth.max_concurrent_hashes or djust_auth.hash_wait_timeout.")));
}
