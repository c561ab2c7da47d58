/*
 * move.c
 *		Owns moving a customer to another shard.
 *
 * One transaction takes the customer out of customer_user and puts them, sealed,
 * into leaving_user.  Another one, on the shard where they go, puts them into
 * customer_user there, and the move's id into decided_move.  A third, here,
 * forgets them.  Each can be repeated after a crash: a move that was decided is
 * not decided again.  Their commits are flushed before the answer, whatever
 * synchronous_commit says.
 *
 * Threats: a role that moves customers and reads their hashes (they leave
 * sealed under the key file); one customer on two shards (the seal names the
 * shard that may open it, and a customer goes back only after that shard has
 * recorded its refusal, under which no offer of the move is taken up any more);
 * a deleted account that an offer brings back (the move was decided; an offer
 * ends after minutes, besides).  A role that may call these functions can give
 * any account another address, and lose accounts: it is trusted like an owner.
 *
 * A link in a mail about an address moves its customer, too.  It is used up in
 * the first transaction; what it does besides is done in the second one.  Links
 * that would put a former address back go along: or whoever took an account
 * over could move it, and so end them.  This shard then knows where they went.
 */
#include "postgres.h"

#include "access/xact.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/account.h"
#include "auth/email_change.h"
#include "auth/mail_queue.h"
#include "auth/move.h"
#include "auth/password.h"
#include "http/answer.h"
#include "keys/key_file.h"
#include "server/encoding.h"
#include "server/normalize.h"
#include "server/secret.h"
#include "server/settings.h"
#include "server/shard.h"
#include "server/uuid.h"
#include "shmem/throttle.h"
#include "shmem/throttle_owner.h"
#include "tables/catalog.h"

#define OFFER_S 300
#define CLOCK_SKEW_S 2

/* What is sealed begins with this, in the order of the network. */
typedef struct MoveHeader
{
	uint64 offered_at; /* 0 in leaving_user */
	pg_uuid_t move;
} MoveHeader;

static char *
purpose(const pg_uuid_t *id, int shard)
{
	return psprintf("moved user %s to %d", DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))), shard);
}

static bytea *
seal(const pg_uuid_t *id, int shard, const pg_uuid_t *move, TimestampTz offered_at, Slice document)
{
	MoveHeader header = {pg_hton64((uint64) offered_at), *move};
	size_t size = sizeof(header) + document.length;
	uint8_t *plain = secret_alloc(size);
	bytea *sealed = palloc(VARHDRSZ + SEALED_SIZE(size));

	memcpy(plain, &header, sizeof(header));
	memcpy(plain + sizeof(header), document.data, document.length);
	SET_VARSIZE(sealed, VARHDRSZ + SEALED_SIZE(size));
	key_file_seal_user(purpose(id, shard), plain, size, (uint8_t *) VARDATA(sealed));
	return sealed;
}

static Slice
open_sealed(const pg_uuid_t *id, int shard, const bytea *sealed, pg_uuid_t *move, TimestampTz *offered_at)
{
	Slice content = text_slice(sealed);
	uint8_t *plain = secret_alloc(content.length + 1);
	MoveHeader header;

	if (content.length < SEALED_SIZE(sizeof(header)) || !key_file_open_user(purpose(id, shard), content, plain))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the customer was sealed for another shard, or under another key file"),
				 errhint("All shards need the same key file, and each its own djust_auth.shard.")));
	memcpy(&header, plain, sizeof(header));
	*move = header.move;
	*offered_at = (TimestampTz) pg_ntoh64(header.offered_at);
	return (Slice){(char *) plain + sizeof(header), content.length - SEALED_SIZE(sizeof(header))};
}

static void
require_shard(int shard)
{
	if (shard < 0 || shard >= SHARDS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of a shard out of range"),
				 errhint("Use a number from 0 to %d.", SHARDS_MAX - 1)));
}

/* link: that the customer has followed, or NULL. */
static void
leave(const pg_uuid_t *id, const char *email, int shard, const PendingEmail *link)
{
	ThrottleCount count;
	AccountTag tag;
	pg_uuid_t move;
	UserRow user;
	char *document;

	require_shard(shard);
	if (shard == setting_shard)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer moves to another shard"),
				 errhint("This one is djust_auth.shard = %d.", setting_shard)));
	store_user_lock_to_delete(id);
	if (!catalog_user_by_id(id, &user))
		answer_raise_unknown_user(id);
	password_tag(user.email, &tag);
	throttle_owner_set(&tag, id->data);
	throttle_take_away(&tag, &count);
	document = store_move_read(id, email, count.failures, count.allowed_at, link);
	store_move_forward(document, shard);
	document = database_to_utf8(document);
	uuid_new_v7(&move);
	store_leaving_insert(id, &move, shard, PointerGetDatum(seal(id, shard, &move, 0, slice_of(document))));
	account_delete(id);
	audit_event("administration", id, NULL, psprintf("{\"change\": \"moved out\", \"shard\": %d}", shard));
	ForceSyncCommit();
}

void
move_out(const pg_uuid_t *id, const char *email, int shard)
{
	leave(id, normalize_email(slice_of(email)), shard, NULL);
}

bool
move_by_link(Slice token, int shard, pg_uuid_t *id)
{
	PendingEmail link;
	const char *email = email_link_hold(token, &link);

	if (email == NULL)
		return false;
	*id = link.user_id;
	leave(id, email, shard, &link);
	return true;
}

bool
move_offer(const pg_uuid_t *id, MoveOffer *offer)
{
	LeavingUser leaving;
	TimestampTz never;
	Slice document;

	if (!store_leaving_read(id, &leaving))
		return false;
	document = open_sealed(id, leaving.shard, leaving.sealed, &offer->move, &never);
	offer->sealed = seal(id, leaving.shard, &offer->move, GetCurrentTimestamp(), document);
	offer->shard = leaving.shard;
	return true;
}

/* The former events are under personal, which goes when the user is deleted. */
static void
put_in(const pg_uuid_t *id, Slice document, bool back)
{
	const char *text = database_from_utf8((char *) document.data, document.length);
	AccountTag tag;
	MovedUser user;

	if (!store_move_insert(text, back))
	{
		UserRow user_there;

		/* not by this move: it is decided only now */
		if (catalog_user_by_id(id, &user_there))
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("a customer of this id is there already"),
					 errhint("Find out which of the two is the customer, and delete the other one.")));
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the customer could not be inserted"),
				 errhint("See what triggers table \"customer_user\" has.")));
	}
	if (store_move_insert_reverts(text, back) > 0)
		mail_queue_wake();
	store_move_describe(text, back, &user);
	password_tag(normalize_email(slice_of(user.email)), &tag);
	throttle_bring(&tag, &(ThrottleCount){user.failures, user.allowed_at, *id});
	audit_event(
		"administration",
		id,
		NULL,
		psprintf("{\"change\": \"moved %s\", \"personal\": {\"events\": %s}}", back ? "back" : "in", user.events));
	if (user.link)
		email_change_moved(id, user.former_email, user.email, strcmp(user.link, "revert") == 0);
}

bool
move_redirect(const pg_uuid_t *id, const pg_uuid_t *move, const char *email, int shard)
{
	LeavingUser leaving;
	TimestampTz never;
	pg_uuid_t next;
	char *document;
	Slice old;

	require_shard(shard);
	if (!store_leaving_read(id, &leaving) || memcmp(&leaving.move, move, sizeof(*move)) != 0)
		return false;
	old = open_sealed(id, leaving.shard, leaving.sealed, &next, &never);
	document =
		store_move_readdress(database_from_utf8((char *) old.data, old.length), normalize_email(slice_of(email)));
	store_move_forward(document, shard);
	document = database_to_utf8(document);
	uuid_new_v7(&next);
	store_leaving_redirect(id, &next, shard, PointerGetDatum(seal(id, shard, &next, 0, slice_of(document))));
	ForceSyncCommit();
	return true;
}

bool
move_in(const pg_uuid_t *id, const bytea *sealed)
{
	TimestampTz offered_at;
	pg_uuid_t move;
	Slice document = open_sealed(id, setting_shard, sealed, &move, &offered_at);
	TimestampTz now = GetCurrentTimestamp();
	bool refused;

	if (offered_at < now - OFFER_S * USECS_PER_SEC || offered_at > now + CLOCK_SKEW_S * USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the offer of this customer is too old"),
				 errhint("Call djust_auth.move_offer() on the other shard again, and keep clocks by NTP.")));
	if (store_move_decide(&move, false, &refused))
		put_in(id, document, false);
	ForceSyncCommit();
	return !refused;
}

bool
move_refuse(const pg_uuid_t *move)
{
	bool refused;

	store_move_decide(move, true, &refused);
	ForceSyncCommit();
	return refused;
}

bool
move_done(const pg_uuid_t *id, const pg_uuid_t *move)
{
	LeavingUser leaving;

	return store_leaving_take(id, move, &leaving);
}

bool
move_back(const pg_uuid_t *id, const pg_uuid_t *move)
{
	LeavingUser leaving;
	TimestampTz never;
	pg_uuid_t same;

	if (!store_leaving_take(id, move, &leaving))
		return false;
	put_in(id, open_sealed(id, leaving.shard, leaving.sealed, &same, &never), true);
	ForceSyncCommit();
	return true;
}
