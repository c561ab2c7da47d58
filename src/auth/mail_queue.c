/*
 * mail_queue.c
 *		Owns the mail queue, and filling in the text of mails.
 *
 * Threat: a queue that reveals who has an account, or contains usable links. A
 * reset request is a row of fixed size with a sealed address; only the claim
 * opens it, looks up the user, and creates the secret.  Values are escaped for
 * the part of the mail they are inserted into.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/link.h"
#include "auth/mail_queue.h"
#include "auth/mail_text.h"
#include "http/html.h"
#include "http/postgrest.h"
#include "keys/key_file.h"
#include "server/encoding.h"
#include "server/json.h"
#include "server/settings.h"
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

/* Of the mail that was claimed last, in UTF-8; NULL: djust_auth.mail_from. */
static char *sender = NULL;

void
mail_queue_wake(void)
{
	Async_Notify(CHANNEL, "");
	event_queue_wake_at_commit();
}

/* The store view that the request names, if there is one of that name. */
static const char *
requested_store(void)
{
	const char *name = postgrest_store();

	return name && store_view_exists(name) ? name : NULL;
}

static void
insert_mail(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t size, int lifetime)
{
	TimestampTz now = GetCurrentTimestamp();

	store_mail_insert(kind, user_id, address, size, requested_store(), now, now + lifetime * USECS_PER_SEC);
	mail_queue_wake();
}

void
mail_queue_reset(const char *email)
{
	uint8_t sealed[SEALED_ADDRESS_SIZE];

	key_file_seal_address(email, sealed);
	insert_mail("reset", NULL, sealed, sizeof(sealed), setting_reset_link_lifetime);
}

void
mail_queue_notice(const char *kind, const pg_uuid_t *user_id)
{
	insert_mail(kind, user_id, NULL, 0, setting_reset_link_lifetime);
}

void
mail_queue_invitation(const pg_uuid_t *user_id)
{
	insert_mail("invitation", user_id, NULL, 0, setting_invitation_lifetime);
}

void
mail_queue_pending(const char *kind, const char *email, int lifetime, PendingEmail *pending)
{
	TimestampTz now = GetCurrentTimestamp();
	bytea *sealed = palloc(VARHDRSZ + SEALED_ADDRESS_SIZE);

	SET_VARSIZE(sealed, VARHDRSZ + SEALED_ADDRESS_SIZE);
	key_file_seal_address(email, (uint8_t *) VARDATA(sealed));
	pending->address = sealed;
	key_file_tag("confirm", slice_of(email), &pending->account);
	pending->store = requested_store();
	pending->expires_at = now + lifetime * USECS_PER_SEC;
	store_pending_insert(kind, pending, now);
	mail_queue_wake();
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

/* To whom a mail goes, and what it says. */
typedef struct Letter
{
	const char *kind; /* of the template */
	const char *email;
	const char *locale; /* NULL if none */
	bool has_user; /* user is the recipient's account */
	UserRow user;
	bool has_link; /* that pending is confirmed by */
	bool is_paced; /* with the others for the address of pending */
	PendingEmail pending;
	StoreView store;
} Letter;

/* NULL if the mail is about none. */
static const pg_uuid_t *
user_of(const Letter *letter)
{
	return letter->has_user ? &letter->user.id : letter->pending.has_user ? &letter->pending.user_id : NULL;
}

static const char *
opened(const bytea *address)
{
	char email[ADDRESS_LONGEST + 1];

	return address && key_file_open_address(text_slice(address), email) ? pstrdup(email) : NULL;
}

/* The account that has the address, if any. */
static void
find_account(const char *email, Letter *letter)
{
	letter->email = email;
	letter->has_user = email && catalog_user_by_email(email, NULL, &letter->user);
	if (letter->has_user)
		letter->locale = letter->user.locale;
}

/* A link for an address that has an account would be of no use: its owner is told so.  False without a recipient. */
static bool
address_confirmation(const QueuedMail *queued, Letter *letter)
{
	UserRow user;

	if (!store_pending_of_mail(queued->id, &letter->pending))
		return false;
	letter->is_paced = true;
	if (letter->pending.has_user && (!catalog_user_by_id(&letter->pending.user_id, &user) || user.disabled))
		return false;
	letter->locale = letter->pending.has_user ? user.locale : letter->pending.locale;
	find_account(opened(letter->pending.address), letter);
	letter->has_link = !letter->has_user;
	if (letter->has_user)
		letter->kind = "sign_up_known";
	return letter->email && !(letter->has_user && letter->user.disabled);
}

/* To the former address, even if the account has been disabled since. */
static bool
address_notice(const QueuedMail *queued, Letter *letter)
{
	letter->has_link = store_pending_of_mail(queued->id, &letter->pending);
	letter->has_user = letter->has_link && catalog_user_by_id(&letter->pending.user_id, &letter->user);
	if (!letter->has_user)
		return false;
	letter->locale = letter->user.locale;
	letter->email = opened(letter->pending.address);
	return letter->email != NULL;
}

static bool
find_recipient(const QueuedMail *queued, Letter *letter)
{
	memset(letter, 0, sizeof(*letter));
	letter->kind = queued->kind;
	if (strcmp(queued->kind, "sign_up") == 0 || strcmp(queued->kind, "email_change") == 0)
		return address_confirmation(queued, letter);
	if (strcmp(queued->kind, "email_changed") == 0)
		return address_notice(queued, letter);
	if (queued->has_user)
	{
		letter->has_user = catalog_user_by_id(&queued->user_id, &letter->user);
		letter->locale = letter->user.locale;
		letter->email = letter->user.email;
	}
	else
		find_account(opened(queued->address), letter);
	return letter->has_user && !letter->user.disabled;
}

/* The link exists only in this transaction's memory and in the mail; the tables store its hash. */
static const char *
make_link(const Letter *letter, TimestampTz now, TimestampTz expires_at)
{
	uint8_t hash[SHA256_SIZE];
	const char *link = "";

	if (letter->has_link)
	{
		link = link_make(
			strcmp(letter->pending.kind, "revert") == 0 ? LINK_REVERT : LINK_CONFIRM, letter->store.confirm_url, hash);
		store_email_link_insert(hash, &letter->pending, now);
	}
	else if (strcmp(letter->kind, "reset") == 0 || strcmp(letter->kind, "invitation") == 0)
	{
		link = link_make(LINK_RESET, letter->store.reset_url, hash);
		store_reset_insert(hash, &letter->user.id, now, expires_at);
	}
	return link;
}

/* What the mail says before {email} and {link} are replaced. */
static void
find_text(const Letter *letter, TemplateRow *template)
{
	const char *locale = letter->locale ? letter->locale : letter->store.locale;
	const char *store = letter->store.name;

	if (!catalog_template(letter->kind, locale ? locale : "", store ? store : "", template) &&
		!mail_text(letter->kind, locale, template))
		elog(ERROR, "a mail of kind \"%s\" has no text", letter->kind);
}

/* For the worker, whose claims are of one mail each: claim_mail() has no column for it. */
static void
note_sender(char *from)
{
	char *before = sender;

	sender = from ? MemoryContextStrdup(TopMemoryContext, database_to_utf8(from)) : NULL;
	if (before)
		pfree(before);
}

/* NULL if another transaction is changing or deleting the recipient. */
static ClaimedMail *
compose(const QueuedMail *queued, Letter *letter, TimestampTz now)
{
	ClaimedMail *mail = palloc(sizeof(ClaimedMail));
	TemplateRow template;
	const char *link;

	if (letter->has_user && !store_user_lock_at_once(&letter->user.id))
		return NULL;
	if (store_view_of_mail(queued->id, user_of(letter), &letter->store))
		store_mail_set_view(queued->id, letter->store.name);
	note_sender(letter->store.mail_from);
	link = make_link(letter, now, queued->expires_at);
	find_text(letter, &template);
	mail->id = queued->id;
	mail->recipient = pstrdup(letter->email);
	mail->subject = fill_template(template.subject, letter->email, NULL, false);
	mail->body_text = fill_template(template.body_text, letter->email, link, false);
	mail->body_html = fill_template(template.body_html, letter->email, link, true);
	return mail;
}

/*
 * Confirmations are paced here, not when they are asked for: so all requests do the same work.  By the table, so that a
 * claim that is rolled back loses none.  False: not now, or given up.
 */
static bool
is_admitted(const QueuedMail *queued, const Letter *letter, TimestampTz now)
{
	if (!store_pending_lock_at_once(queued->id) || !store_pending_pace_at_once(&letter->pending))
		store_mail_retry(queued->id, now + BUSY_S * USECS_PER_SEC, "the address is busy");
	else if (!store_pending_admit(&letter->pending, now))
	{
		store_pending_delete(queued->id);
		store_mail_done(queued->id, now, "too many mails to this address");
	}
	else
		return true;
	return false;
}

/* Adds the mail, allocated in context, unless it or its recipient is locked. */
static void
claim_one(const QueuedMail *queued, Letter *letter, TimestampTz now, MemoryContext context, List **mails)
{
	MemoryContext old;
	ClaimedMail *mail;

	if (!store_mail_take(queued->id, now))
		return;
	if (letter->is_paced && !is_admitted(queued, letter, now))
		return;
	old = MemoryContextSwitchTo(context);
	mail = compose(queued, letter, now);
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
		Letter letter;

		if (list_length(*mails) == max)
			break;
		if (!find_recipient(queued, &letter))
			no_recipient = lappend(no_recipient, queued);
		else
			claim_one(queued, &letter, now, context, mails);
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

static bool
is_of_another(const QueuedMail *queued, const pg_uuid_t *user_id)
{
	return queued->has_user && memcmp(&queued->user_id, user_id, sizeof(*user_id)) != 0;
}

/* Opens each, because addresses are sealed. */
List *
mail_queue_to(const List *addresses, const pg_uuid_t *user_id)
{
	List *mails = NIL;
	ListCell *cell;

	foreach(cell, store_mail_sealed())
	{
		QueuedMail *queued = lfirst(cell);
		char address[ADDRESS_LONGEST + 1];

		if (!is_of_another(queued, user_id) && key_file_open_address(text_slice(queued->address), address) &&
			is_one_of(address, addresses))
			mails = lappend(mails, queued);
	}
	return mails;
}

ArrayType *
mail_queue_addresses(const List *mails)
{
	ArrayBuildState *addresses = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ListCell *cell;

	foreach(cell, mails)
	{
		const char *address = opened(((QueuedMail *) lfirst(cell))->address);

		accumArrayResult(addresses,
						 address ? CStringGetTextDatum(address) : (Datum) 0,
						 address == NULL,
						 TEXTOID,
						 CurrentMemoryContext);
	}
	return DatumGetArrayTypeP(makeArrayResult(addresses, CurrentMemoryContext));
}

void
mail_queue_forget(const pg_uuid_t *user_id, const List *addresses)
{
	ListCell *cell;

	foreach(cell, addresses)
	{
		AccountTag account;

		key_file_tag("confirm", slice_of(lfirst(cell)), &account);
		store_pending_forget(user_id, &account);
	}
	foreach(cell, mail_queue_to(addresses, user_id))
		store_mail_delete(((QueuedMail *) lfirst(cell))->id);
}

const char *
mail_queue_sender(void)
{
	return sender ? sender : setting_mail_from;
}

static const char *
domain_of(const char *from)
{
	Mailbox mailbox;

	return mime_parse_mailbox(from, &mailbox) ? pstrdup(strchr(mailbox.address.text, '@') + 1) : "localhost";
}

/* The same at every attempt, so that a second delivery is recognised; reveals nothing. */
char *
mail_queue_message_id(int64 id, const char *from)
{
	char tag_text[ACCOUNT_TAG_HEX_SIZE];
	AccountTag tag;

	key_file_tag("message id", (Slice){(char *) &id, sizeof(id)}, &tag);
	account_tag_hex(&tag, tag_text);
	return psprintf(INT64_FORMAT ".%s@%s", id, tag_text, domain_of(from));
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
	Letter letter;

	appendStringInfoChar(detail, '}');
	find_recipient(queued, &letter);
	audit_event(event, user_of(&letter), NULL, detail->data);
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

/* Gives the mail up if the server rejected it permanently, or if the next attempt would come after the link expires. */
void
mail_queue_mark_failed(int64 id, const char *reason, bool permanent)
{
	TimestampTz now = GetCurrentTimestamp();
	char *safe_reason = link_mask(reason);
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
