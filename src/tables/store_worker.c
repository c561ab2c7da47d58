/*
 * store_worker.c
 *		Owns the background worker's own statements, which only call functions
 *		granted to its role.
 */
#include "postgres.h"

#include "server/encoding.h"
#include "server/secret.h"
#include "tables/store_run.h"
#include "tables/store_worker.h"
#include "text/bytes.h"

void
store_worker_start(void)
{
	static StoreStatement statement = {"SELECT djust_auth.worker_start()"};

	store_run(&statement, ARGUMENTS());
}

int
store_worker_write(void)
{
	static StoreStatement statement = {"SELECT djust_auth.worker_write()"};

	return DatumGetInt32(store_run_value(&statement, ARGUMENTS(), INT4OID, NULL));
}

bool
store_worker_purge(void)
{
	static StoreStatement statement = {"SELECT djust_auth.worker_purge()"};

	return DatumGetBool(store_run_value(&statement, ARGUMENTS(), BOOLOID, NULL));
}

void
store_worker_heartbeat(void)
{
	static StoreStatement statement = {"SELECT djust_auth.worker_heartbeat()"};

	store_run(&statement, ARGUMENTS());
}

TimestampTz
store_worker_seal(void)
{
	static StoreStatement statement = {"SELECT djust_auth.worker_seal()"};

	return DatumGetTimestampTz(store_run_value(&statement, ARGUMENTS(), TIMESTAMPTZOID, NULL));
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
store_worker_claim_mail(MemoryContext context, ClaimedMail *mail)
{
	static StoreStatement statement = {
		"SELECT id, recipient, subject, body_text, body_html FROM djust_auth.claim_mail(1)"};
	bool found = store_query(&statement, ARGUMENTS(), NULL) > 0;

	if (found)
	{
		MemoryContextSwitchTo(context);
		mail->id = DatumGetInt64(store_value(0, 1, INT8OID));
		mail->recipient = secret_text(2);
		mail->subject = secret_text(3);
		mail->body_text = secret_text(4);
		mail->body_html = secret_text(5);
	}
	store_finish();
	return found;
}

void
store_worker_mail_sent(int64 id)
{
	static StoreStatement statement = {"SELECT djust_auth.mail_sent($1)", {INT8OID}};

	store_run(&statement, ARGUMENTS(Int64GetDatum(id)));
}

void
store_worker_mail_failed(int64 id, const char *reason, bool permanent)
{
	static StoreStatement rejected = {"SELECT djust_auth.mail_rejected($1, $2)", {INT8OID, TEXTOID}};
	static StoreStatement failed = {"SELECT djust_auth.mail_failed($1, $2)", {INT8OID, TEXTOID}};

	store_run(permanent ? &rejected : &failed, ARGUMENTS(Int64GetDatum(id), text_datum(reason)));
}

bool
store_worker_mail_due(TimestampTz *due)
{
	static StoreStatement statement = {"SELECT djust_auth.mail_due()"};
	bool is_null;

	*due = DatumGetTimestampTz(store_run_value(&statement, ARGUMENTS(), TIMESTAMPTZOID, &is_null));
	return !is_null;
}
