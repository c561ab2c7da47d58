/*
 * move.c
 *		Owns moving a customer to another shard.
 *
 * One transaction takes the customer out of customer_user and puts them, sealed,
 * into leaving_user; one on the other shard puts them into customer_user there;
 * a third forgets them here.  So there is one copy that anybody can log in to,
 * or one that waits, and after a crash whoever comes next goes on: an offer that
 * was taken up already is not taken up again.
 *
 * Threats: a role that moves customers and reads their hashes (they leave
 * sealed under the key file); one customer on two shards (the seal names the
 * shard that may open it, and a customer goes back only if nobody has been
 * offered them since); a deleted account that an old offer brings back (an
 * offer ends after minutes).
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/account.h"
#include "auth/move.h"
#include "auth/password.h"
#include "http/answer.h"
#include "keys/key_file.h"
#include "server/encoding.h"
#include "server/normalize.h"
#include "server/secret.h"
#include "server/settings.h"
#include "server/shard.h"
#include "shmem/throttle.h"

#define OFFER_S 300

static char *
purpose(const pg_uuid_t *id, int shard)
{
	return psprintf("moved user %s to %d", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))), shard);
}

/* The time of the offer, 0 in leaving_user, comes first. */
static bytea *
seal(const pg_uuid_t *id, int shard, TimestampTz offered_at, Slice document)
{
	uint64 stamp = pg_hton64((uint64) offered_at);
	size_t size = sizeof(stamp) + document.length;
	uint8_t *plain = secret_alloc(size);
	bytea *sealed = palloc(VARHDRSZ + SEALED_SIZE(size));

	memcpy(plain, &stamp, sizeof(stamp));
	memcpy(plain + sizeof(stamp), document.data, document.length);
	SET_VARSIZE(sealed, VARHDRSZ + SEALED_SIZE(size));
	key_file_seal_user(purpose(id, shard), plain, size, (uint8_t *) VARDATA(sealed));
	return sealed;
}

static Slice
open_sealed(const pg_uuid_t *id, int shard, const bytea *sealed, TimestampTz *offered_at)
{
	Slice content = text_slice(sealed);
	uint8_t *plain = secret_alloc(content.length + 1);
	uint64 stamp;

	if (content.length < SEALED_SIZE(sizeof(stamp)) || !key_file_open_user(purpose(id, shard), content, plain))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the customer was sealed for another shard, or under another key file"),
				 errhint("All shards need the same key file, and each its own djust_auth.shard.")));
	memcpy(&stamp, plain, sizeof(stamp));
	*offered_at = (TimestampTz) pg_ntoh64(stamp);
	return (Slice){(char *) plain + sizeof(stamp), content.length - SEALED_SIZE(sizeof(stamp))};
}

void
move_out(const pg_uuid_t *id, const char *email, int shard)
{
	ThrottleCount count;
	AccountTag tag;
	UserRow user;
	char *document;

	if (shard == setting_shard || shard < 0 || shard >= SHARDS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer moves to another shard"),
				 errhint("This one is djust_auth.shard = %d.", setting_shard)));
	store_user_lock(id);
	if (!catalog_user_by_id(id, &user))
		answer_raise_unknown_user(id);
	password_tag(user.email, &tag);
	throttle_take_away(&tag, &count);
	document =
		database_to_utf8(store_move_read(id, normalize_email(slice_of(email)), count.failures, count.allowed_at));
	store_leaving_insert(id, shard, PointerGetDatum(seal(id, shard, 0, slice_of(document))));
	account_delete(id);
	audit_event("administration", id, NULL, psprintf("{\"change\": \"moved out\", \"shard\": %d}", shard));
}

bool
move_offer(const pg_uuid_t *id, MoveOffer *offer)
{
	LeavingUser leaving;
	TimestampTz never;
	Slice document;

	if (!store_leaving_offer(id, &leaving))
		return false;
	document = open_sealed(id, leaving.shard, leaving.sealed, &never);
	offer->sealed = seal(id, leaving.shard, GetCurrentTimestamp(), document);
	offer->shard = leaving.shard;
	offer->number = leaving.offers;
	return true;
}

/* The former events are under personal, which goes when the user is deleted. */
static bool
put_in(const pg_uuid_t *id, Slice document, bool back)
{
	const char *text = database_from_utf8((char *) document.data, document.length);
	AccountTag tag;
	MovedUser user;

	if (!store_move_insert(text, back))
		return false;
	store_move_describe(text, back, &user);
	password_tag(normalize_email(slice_of(user.email)), &tag);
	throttle_bring(&tag, &(ThrottleCount){user.failures, user.allowed_at, *id});
	audit_event(
		"administration",
		id,
		NULL,
		psprintf("{\"change\": \"moved %s\", \"personal\": {\"events\": %s}}", back ? "back" : "in", user.events));
	return true;
}

bool
move_in(const pg_uuid_t *id, const bytea *sealed)
{
	TimestampTz offered_at;
	Slice document = open_sealed(id, setting_shard, sealed, &offered_at);
	TimestampTz now = GetCurrentTimestamp();

	if (offered_at < now - OFFER_S * USECS_PER_SEC || offered_at > now + OFFER_S * USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the offer of this customer is too old"),
				 errhint("Call djust_auth.move_offer() on the other shard again, and keep clocks by NTP.")));
	return put_in(id, document, false);
}

bool
move_done(const pg_uuid_t *id)
{
	LeavingUser leaving;

	return store_leaving_take(id, -1, &leaving);
}

bool
move_back(const pg_uuid_t *id, int number)
{
	LeavingUser leaving;
	TimestampTz never;

	return store_leaving_take(id, number, &leaving) &&
		   put_in(id, open_sealed(id, leaving.shard, leaving.sealed, &never), true);
}
