/*
 * mail_queue.c
 *		Owns the mail queue and the text of mails.
 *
 * Threat: a queue that reveals who has an account, or contains usable links. A
 * reset request is a row of fixed size with a sealed address; only the claim
 * opens it, looks up the user, and creates the secret.  Values are escaped for
 * the part of the mail they are inserted into.
 */
#include "postgres.h"

#include "commands/async.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/mail_queue.h"
#include "auth/token.h"
#include "http/html.h"
#include "keys/key_file.h"
#include "server/encoding.h"
#include "server/json.h"
#include "server/secret.h"
#include "server/settings.h"
#include "server/shard.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "text/bytes.h"
#include "text/mime.h"

#define CHANNEL "djust_auth_mail"
#define BUSY_S 1 /* until a locked recipient is retried */
#define FIRST_RETRY_S 10
#define LONGEST_RETRY_S (15 * 60)
#define REASON_MAX 500
#define LONGEST_BATCH 1000
#define WORKER_ROWS 5000 /* examined by one claim of the worker, which must do other jobs, too */

/* The worker's last claim stopped before the end of the queue. */
static bool unfinished = false;

static const TemplateRow reset_template = {
	"Reset your password",
	"Somebody, probably you, asked for a new password for {email}.\n\nChoose it here:\n\n{link}\n\n"
	"The link works once, for 24 hours at most.\n"
	"If it was not you, do nothing: your password stays as it is.\n",
	"<p>Somebody, probably you, asked for a new password for {email}.</p>\n"
	"<p><a href=\"{link}\">Choose a new password</a>. The link works once, for 24 hours at most.</p>\n"
	"<p>If it was not you, do nothing: your password stays as it is.</p>\n"};

static const TemplateRow changed_template = {
	"Your password was changed",
	"The password for {email} was changed.\n\nIf it was not you, ask for a new one at once.\n",
	"<p>The password for {email} was changed.</p>\n<p>If it was not you, ask for a new one at once.</p>\n"};

static void
insert_mail(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t size)
{
	TimestampTz now = GetCurrentTimestamp();

	store_mail_insert(kind, user_id, address, size, now, now + setting_reset_link_lifetime * USECS_PER_SEC);
	Async_Notify(CHANNEL, "");
	event_queue_wake_at_commit();
}

void
mail_queue_reset(const char *email)
{
	uint8_t sealed[SEALED_ADDRESS_SIZE];

	key_file_seal_address(email, sealed);
	insert_mail("reset", NULL, sealed, sizeof(sealed));
}

void
mail_queue_notice(const pg_uuid_t *user_id)
{
	insert_mail("password_changed", user_id, NULL, 0);
}

static void
append_escaped(StringInfo out, const char *value, bool html)
{
	if (html)
		html_append(out, slice_of(value));
	else
		appendStringInfoString(out, value);
}

/* Replaces {email}, and {link} unless it is NULL; other text in braces stays. */
static char *
fill_template(const char *text, const char *email, const char *link, bool html)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*text)
	{
		if (strncmp(text, "{email}", 7) == 0)
		{
			append_escaped(&out, email, html);
			text += 7;
		}
		else if (link && strncmp(text, "{link}", 6) == 0)
		{
			append_escaped(&out, link, html);
			text += 6;
		}
		else
			appendStringInfoChar(&out, *text++);
	}
	return out.data;
}

/* The secret exists only in this transaction's memory and in the mail; the table stores its hash. */
static char *
make_link(const pg_uuid_t *user_id, TimestampTz now, TimestampTz expires_at)
{
	uint8_t random[RESET_SECRET_SIZE];
	uint8_t hash[SHA256_SIZE];
	size_t length = strlen(RESET_PREFIX) + B64URL_LENGTH(RESET_SECRET_SIZE);
	char *secret = secret_alloc(length + 1);
	const char *place = strstr(setting_reset_url, "{token}");

	if (!pg_strong_random(random, sizeof(random)))
		elog(ERROR, "could not generate random bytes");
	shard_mark_secret(random);
	memcpy(secret, RESET_PREFIX, strlen(RESET_PREFIX));
	b64_encode(BASE64_URL, random, sizeof(random), secret + strlen(RESET_PREFIX));
	bytes_wipe(random, sizeof(random));
	if (!crypto_sha256(secret, length, hash))
		elog(ERROR, "could not hash a token");
	store_reset_insert(hash, user_id, now, expires_at);
	return psprintf(
		"%.*s%s%s", (int) (place - setting_reset_url), setting_reset_url, secret, place + strlen("{token}"));
}

static const TemplateRow *
template_for(const char *kind, const char *locale, TemplateRow *found)
{
	if (catalog_template(kind, locale ? locale : "", found))
		return found;
	return strcmp(kind, "reset") == 0 ? &reset_template : &changed_template;
}

static bool
find_recipient(const QueuedMail *queued, UserRow *user)
{
	char email[ADDRESS_LONGEST + 1];

	if (queued->has_user)
		return catalog_user_by_id(&queued->user_id, user);
	return queued->address && key_file_open_address(text_slice(queued->address), email) &&
		   catalog_user_by_email(email, NULL, user);
}

/* NULL if another transaction is changing or deleting the recipient. */
static ClaimedMail *
compose(const QueuedMail *queued, const UserRow *user, TimestampTz now)
{
	ClaimedMail *mail = palloc(sizeof(ClaimedMail));
	const TemplateRow *template;
	const char *link = "";
	TemplateRow found;

	if (!store_user_confirm_at_once(&user->id))
		return NULL;
	if (strcmp(queued->kind, "reset") == 0)
		link = make_link(&user->id, now, queued->expires_at);
	template = template_for(queued->kind, user->locale, &found);
	mail->id = queued->id;
	mail->recipient = pstrdup(user->email);
	mail->subject = fill_template(template->subject, user->email, NULL, false);
	mail->body_text = fill_template(template->body_text, user->email, link, false);
	mail->body_html = fill_template(template->body_html, user->email, link, true);
	return mail;
}

/* Adds the mail, allocated in context, unless it or its recipient is locked. */
static void
claim_one(const QueuedMail *queued, const UserRow *user, TimestampTz now, MemoryContext context, List **mails)
{
	MemoryContext old;
	ClaimedMail *mail;

	if (!store_mail_take(queued->id, now))
		return;
	old = MemoryContextSwitchTo(context);
	mail = compose(queued, user, now);
	if (mail)
		*mails = lappend(*mails, mail);
	MemoryContextSwitchTo(old);
	if (mail)
		store_mail_lease(queued->id, now + setting_mail_lease * USECS_PER_SEC, event_queue_in_worker());
	else
		store_mail_retry(queued->id, now + BUSY_S * USECS_PER_SEC, "the user is being changed");
}

/*
 * Claims mails of a batch until there are max of them, and gives up those without a recipient in one statement. Locks
 * only these, so that concurrent claims find the others.
 */
static void
claim_some(List *batch, int max, TimestampTz now, MemoryContext context, List **mails)
{
	List *no_recipient = NIL;
	ListCell *cell;

	foreach(cell, batch)
	{
		QueuedMail *queued = lfirst(cell);
		UserRow user;

		if (list_length(*mails) == max)
			break;
		if (!find_recipient(queued, &user) || user.disabled)
			no_recipient = lappend(no_recipient, queued);
		else
			claim_one(queued, &user, now, context, mails);
	}
	if (no_recipient != NIL)
		store_mail_done_all(no_recipient, now, "no recipient");
}

/* Examines all due mails in growing batches; the worker stops after WORKER_ROWS, so that other jobs need not wait. */
List *
mail_queue_claim(int max)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "djust_auth mails", ALLOCSET_DEFAULT_SIZES);
	TimestampTz now = GetCurrentTimestamp();
	QueuedMail last = {.next_attempt_at = DT_NOBEGIN};
	int size = Min(max, LONGEST_BATCH);
	int examined = 0;
	List *mails = NIL;
	List *batch;

	key_file_require();
	unfinished = false;
	/* no wait is longer, unless the clock was set back */
	store_mail_bound(now, now + Max(LONGEST_RETRY_S, setting_mail_lease) * USECS_PER_SEC);
	MemoryContextSwitchTo(context);
	while (list_length(mails) < max && !unfinished && (batch = store_mail_due(now, &last, size)) != NIL)
	{
		last = *(QueuedMail *) llast(batch);
		examined += list_length(batch);
		claim_some(batch, max, now, caller, &mails);
		size = Min(size * 10, LONGEST_BATCH);
		unfinished = event_queue_in_worker() && examined >= WORKER_ROWS;
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return mails;
}

bool
mail_queue_is_unfinished(void)
{
	return unfinished;
}

static bool
is_one_of(const char *address, const List *addresses)
{
	ListCell *cell;

	foreach(cell, addresses)
		if (strcmp(address, lfirst(cell)) == 0)
			return true;
	return false;
}

/* Opens each, because addresses are sealed. */
List *
mail_queue_to(const List *addresses)
{
	List *mails = NIL;
	ListCell *cell;

	foreach(cell, store_mail_sealed())
	{
		QueuedMail *queued = lfirst(cell);
		char address[ADDRESS_LONGEST + 1];

		if (key_file_open_address(text_slice(queued->address), address) && is_one_of(address, addresses))
			mails = lappend(mails, queued);
	}
	return mails;
}

void
mail_queue_forget(const List *addresses)
{
	ListCell *cell;

	foreach(cell, mail_queue_to(addresses))
		store_mail_delete(((QueuedMail *) lfirst(cell))->id);
}

static const char *
sender_domain(void)
{
	Mailbox sender;

	return mime_parse_mailbox(setting_mail_from, &sender) ? pstrdup(strchr(sender.address.text, '@') + 1) : "localhost";
}

/* The same at every attempt, so that a second delivery is recognised; reveals nothing. */
char *
mail_queue_message_id(int64 id)
{
	char tag_text[ACCOUNT_TAG_HEX_SIZE];
	AccountTag tag;

	key_file_tag("message id", (Slice){(char *) &id, sizeof(id)}, &tag);
	account_tag_hex(&tag, tag_text);
	return psprintf(INT64_FORMAT ".%s@%s", id, tag_text, sender_domain());
}

static void
require_claimed(int64 id, QueuedMail *queued)
{
	if (!store_mail_get(id, queued))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("mail " INT64_FORMAT " is not claimed", id),
				 errhint("Pass an id that djust_auth.claim_mail() has returned.")));
}

/* Begins the detail of an event. */
static void
begin_mail_detail(StringInfo detail, const QueuedMail *queued)
{
	initStringInfo(detail);
	appendStringInfoChar(detail, '{');
	json_number(detail, "mail", queued->id);
	json_string(detail, "kind", queued->kind);
}

/* Ends the detail.  The recipient is looked up only now, and only for the audit. */
static void
audit_mail(const char *event, const QueuedMail *queued, StringInfo detail)
{
	UserRow user;

	appendStringInfoChar(detail, '}');
	audit_event(event, find_recipient(queued, &user) ? &user.id : NULL, NULL, detail->data);
}

void
mail_queue_mark_sent(int64 id)
{
	StringInfoData detail;
	QueuedMail queued;

	require_claimed(id, &queued);
	store_mail_done(id, GetCurrentTimestamp(), NULL);
	counter_add(COUNT_MAILS_SENT, 1);
	begin_mail_detail(&detail, &queued);
	audit_mail("mail_sent", &queued, &detail);
}

/* 10 s after the first attempt, then doubling up to 15 minutes. */
static int
retry_delay(int attempts)
{
	return attempts > 7 ? LONGEST_RETRY_S : Min(FIRST_RETRY_S << (attempts - 1), LONGEST_RETRY_S);
}

/* A reason may quote the mail, including a live link: masks what follows the prefix of a secret. */
static char *
without_secrets(const char *reason)
{
	StringInfoData out;
	const char *secret;

	initStringInfo(&out);
	while ((secret = strstr(reason, RESET_PREFIX)) != NULL)
	{
		secret += strlen(RESET_PREFIX);
		appendBinaryStringInfo(&out, reason, secret - reason);
		appendStringInfoString(&out, "***");
		reason = secret + strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	}
	appendStringInfoString(&out, reason);
	return out.data;
}

/* Gives the mail up if the server rejected it permanently, or if the next attempt would come after the link expires. */
void
mail_queue_mark_failed(int64 id, const char *reason, bool permanent)
{
	TimestampTz now = GetCurrentTimestamp();
	char *safe_reason = without_secrets(reason);
	char *short_reason = pnstrdup(safe_reason, pg_mbcliplen(safe_reason, strlen(safe_reason), REASON_MAX));
	StringInfoData detail;
	TimestampTz next;
	QueuedMail queued;

	require_claimed(id, &queued);
	next = now + retry_delay(queued.attempts) * USECS_PER_SEC;
	permanent = permanent || next >= queued.expires_at;
	if (permanent)
		store_mail_done(id, now, short_reason);
	else
		store_mail_retry(id, next, short_reason);
	counter_add(COUNT_MAILS_FAILED, 1);
	begin_mail_detail(&detail, &queued);
	json_number(&detail, "attempts", queued.attempts);
	json_bool(&detail, "given_up", permanent);
	audit_mail("mail_failed", &queued, &detail);
}
