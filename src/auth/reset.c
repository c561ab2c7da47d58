/*
 * reset.c
 *		Owns password resets.
 *
 * Threats: learning from a request whether an address has an account; links in
 * a stolen database.  A request writes the same rows for any address; the
 * secret is created when the mail is claimed, and only its hash is stored.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/link.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/reset.h"
#include "keys/key_file.h"
#include "server/normalize.h"
#include "shmem/counters.h"
#include "shmem/throttle_owner.h"
#include "shmem/throttle.h"
#include "shmem/throttle_reset_request.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "text/bytes.h"

void
reset_request(Slice text)
{
	const char *email = normalize_email(text);
	AccountTag tag;
	char account[ACCOUNT_TAG_HEX_SIZE];

	key_file_tag("reset", slice_of(email), &tag);
	if (!throttle_reset_request_admit(&tag))
		return;
	counter_add(COUNT_RESET_REQUESTS, 1);
	mail_queue_reset(email);
	password_tag(email, &tag);
	account_tag_hex(&tag, account);
	audit_event("reset_requested", NULL, NULL, psprintf("{\"account\": \"%s\"}", account));
}

/* The link is consumed last, so that neither a weak password nor a busy server uses it up. */
void
reset_confirm(Slice token, Slice password, Answer *answer)
{
	Password fresh = normalize_password(password);
	uint8_t token_hash[SHA256_SIZE];
	char hash[PWHASH_MAX];
	TimestampTz expires_at;
	pg_uuid_t user_id;
	UserRow user;
	AccountTag tag;

	key_file_require();
	answer->verdict = VERDICT_INVALID_GRANT;
	if (!link_hash(token, LINK_RESET, token_hash) || !catalog_reset_token(token_hash, &user_id, &expires_at) ||
		expires_at <= GetCurrentTimestamp() || !catalog_user_by_id(&user_id, &user))
		return;
	if (!password_hash(&fresh, user.email, hash, answer))
		return;
	if (!store_user_confirm(&user_id, NULL, true) || !store_reset_consume(token_hash, GetCurrentTimestamp()) ||
		!catalog_user_by_id(&user_id, &user))
	{
		answer->verdict = VERDICT_INVALID_GRANT;
		return;
	}
	store_user_set_hash(&user_id, hash, true);
	store_link_delete_of(&user_id);
	store_session_delete_of(&user_id, NULL);
	password_tag(user.email, &tag);
	throttle_owner_set(&tag, user_id.data);
	throttle_clear(&tag);
	mail_queue_notice("password_changed", &user_id);
	audit_event("reset_confirmed", &user_id, NULL, NULL);
}
