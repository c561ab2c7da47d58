/*
 * store_worker.c
 *		Owns the background worker's own statements, which only call functions
 *		granted to its role.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "server/normalize.h"
#include "server/secret.h"
#include "tables/store.h"
#include "tables/store_run.h"
#include "text/bytes.h"

typedef enum Statement
{
	WORKER_START,
	WORKER_WRITE,
	WORKER_PURGE,
	WORKER_SEAL,
	CLAIM_MAIL,
	MAIL_SENT,
	MAIL_FAILED,
	MAIL_REJECTED,
	MAIL_DUE,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[WORKER_START] = {"SELECT djust_auth.worker_start()", 0, {0}},
	[WORKER_WRITE] = {"SELECT djust_auth.worker_write()", 0, {0}},
	[WORKER_PURGE] = {"SELECT djust_auth.worker_purge()", 0, {0}},
	[WORKER_SEAL] = {"SELECT djust_auth.worker_seal()", 0, {0}},
	[CLAIM_MAIL] = {"SELECT id, recipient, subject, body_text, body_html FROM djust_auth.claim_mail(1)", 0, {0}},
	[MAIL_SENT] = {"SELECT djust_auth.mail_sent($1)", 1, {INT8OID}},
	[MAIL_FAILED] = {"SELECT djust_auth.mail_failed($1, $2)", 2, {INT8OID, TEXTOID}},
	[MAIL_REJECTED] = {"SELECT djust_auth.mail_rejected($1, $2)", 2, {INT8OID, TEXTOID}},
	[MAIL_DUE] = {"SELECT djust_auth.mail_due()", 0, {0}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

void
store_call_start(void)
{
	Call call = {0};

	store_run(&statements[WORKER_START], &call);
}

int
store_call_write(void)
{
	Call call = {0};
	bool is_null;

	return DatumGetInt32(store_run_value(&statements[WORKER_WRITE], &call, INT4OID, &is_null));
}

bool
store_call_purge(void)
{
	Call call = {0};
	bool is_null;

	return DatumGetBool(store_run_value(&statements[WORKER_PURGE], &call, BOOLOID, &is_null));
}

TimestampTz
store_call_seal(void)
{
	Call call = {0};
	bool is_null;

	return DatumGetTimestampTz(store_run_value(&statements[WORKER_SEAL], &call, TIMESTAMPTZOID, &is_null));
}

/* A UTF-8 copy, as mails need, wiped with its context: the texts contain a link. */
static char *
secret_text(int number)
{
	char *value = TextDatumGetCString(store_value(0, number, TEXTOID));
	char *utf8 = database_to_utf8(value);
	char *copy = secret_alloc(strlen(utf8) + 1);

	memcpy(copy, utf8, strlen(utf8));
	bytes_wipe(utf8, strlen(utf8));
	if (utf8 != value)
		bytes_wipe(value, strlen(value));
	return copy;
}

bool
store_call_claim_mail(MemoryContext context, ClaimedMail *mail)
{
	MemoryContext caller;
	Call call = {0};
	bool found;

	store_connect();
	found = store_execute(&statements[CLAIM_MAIL], &call) > 0;
	if (found)
	{
		caller = MemoryContextSwitchTo(context);
		mail->id = DatumGetInt64(store_value(0, 1, INT8OID));
		mail->recipient = secret_text(2);
		mail->subject = secret_text(3);
		mail->body_text = secret_text(4);
		mail->body_html = secret_text(5);
		MemoryContextSwitchTo(caller);
	}
	store_finish();
	return found;
}

void
store_call_mail_sent(int64 id)
{
	Call call = {0};

	put_id(&call, id);
	store_run(&statements[MAIL_SENT], &call);
}

void
store_call_mail_failed(int64 id, const char *reason, bool for_good)
{
	Call call = {0};

	put_id(&call, id);
	put_text(&call, reason);
	store_run(&statements[for_good ? MAIL_REJECTED : MAIL_FAILED], &call);
}

bool
store_call_mail_due(TimestampTz *due)
{
	Call call = {0};
	bool is_null;

	*due = DatumGetTimestampTz(store_run_value(&statements[MAIL_DUE], &call, TIMESTAMPTZOID, &is_null));
	return !is_null;
}
