/*
 * audit_seal_form.c
 *		Owns the encoding of events in seals, and the MACs of seals and
 *		chains.
 *
 * Data that is removed with a deleted user (client address, detail.personal)
 * has a keyed digest of its own in a seal: removal can be distinguished from
 * alteration, and the digest reveals nothing.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "audit/audit_seal_form.h"
#include "keys/key_file.h"
#include "text/bytes.h"

#define MEMBER_ID 8
#define MEMBER_DIGEST 24
#define DIGEST_SIZE 16

static void
put_text(StringInfo out, const char *text)
{
	pq_sendint32(out, text ? strlen(text) : UINT32_MAX);
	if (text)
		appendStringInfoString(out, text);
}

static void
put_id(StringInfo out, bool is_there, const pg_uuid_t *id)
{
	pq_sendbyte(out, is_there);
	if (is_there)
		appendBinaryStringInfo(out, (const char *) id->data, UUID_LEN);
}

static void
put_key(StringInfo out, const EventKey *key)
{
	pq_sendint64(out, key->at);
	put_id(out, true, &key->id);
}

static void
put_bytes(StringInfo out, const uint8_t *bytes, size_t n)
{
	appendBinaryStringInfo(out, (const char *) bytes, n);
}

static void
personal_digest(const SealedEvent *event, uint8_t digest[DIGEST_SIZE])
{
	uint8_t mac[SHA256_SIZE];
	StringInfoData out;

	memset(digest, 0, DIGEST_SIZE);
	if (event->client_address == NULL && event->personal == NULL)
		return;
	initStringInfo(&out);
	put_text(&out, "personal v1");
	put_key(&out, &event->key);
	put_text(&out, event->client_address);
	put_text(&out, event->personal);
	key_file_audit_mac(out.data, out.len, mac);
	memcpy(digest, mac, DIGEST_SIZE);
	pfree(out.data);
}

void
audit_seal_member(const SealedEvent *event, uint8_t member[MEMBER_SIZE])
{
	uint8_t hash[SHA256_SIZE];
	StringInfoData out;

	initStringInfo(&out);
	pq_sendint64(&out, event->key.at);
	put_bytes(&out, event->key.id.data, UUID_LEN);
	memcpy(member, out.data, MEMBER_DIGEST);
	put_text(&out, event->event);
	put_id(&out, event->has_user, &event->user_id);
	put_id(&out, event->has_sid, &event->sid);
	put_text(&out, event->actor);
	put_text(&out, event->detail);
	if (!crypto_sha256(out.data, out.len, hash))
		elog(ERROR, "could not hash an event");
	memcpy(member + MEMBER_DIGEST, hash, DIGEST_SIZE);
	pfree(out.data);
	personal_digest(event, member + MEMBER_PERSONAL);
}

EventKey
audit_member_key(const uint8_t member[MEMBER_SIZE])
{
	EventKey key;
	uint64 at = 0;
	int i;

	for (i = 0; i < MEMBER_ID; i++)
		at = at << 8 | member[i];
	key.at = (TimestampTz) at;
	memcpy(key.id.data, member + MEMBER_ID, UUID_LEN);
	return key;
}

bool
audit_member_has_personal(const uint8_t member[MEMBER_SIZE])
{
	static const uint8_t nothing[DIGEST_SIZE] = {0};

	return memcmp(member + MEMBER_PERSONAL, nothing, DIGEST_SIZE) != 0;
}

void
audit_seal_mac(const AuditSeal *seal, uint8_t mac[SHA256_SIZE])
{
	StringInfoData out;

	initStringInfo(&out);
	put_text(&out, "seal v1");
	put_id(&out, true, &seal->chain);
	pq_sendint64(&out, seal->number);
	put_key(&out, &seal->from);
	put_key(&out, &seal->to);
	pq_sendint64(&out, seal->made_at);
	pq_sendint32(&out, seal->count);
	put_bytes(&out, seal->previous, SHA256_SIZE);
	put_bytes(&out, seal->members, seal->count * MEMBER_SIZE);
	key_file_audit_mac(out.data, out.len, mac);
	pfree(out.data);
}

void
audit_chain_mac(const AuditChain *chain, uint8_t mac[SHA256_SIZE])
{
	StringInfoData out;

	initStringInfo(&out);
	put_text(&out, "chain v1");
	put_id(&out, true, &chain->chain);
	put_bytes(&out, chain->key_id, KEY_ID_SIZE);
	pq_sendint64(&out, chain->first);
	pq_sendint64(&out, chain->last);
	put_key(&out, &chain->started);
	put_key(&out, &chain->sealed);
	pq_sendbyte(&out, chain->after_loss);
	put_bytes(&out, chain->last_mac, SHA256_SIZE);
	key_file_audit_mac(out.data, out.len, mac);
	pfree(out.data);
}

void
audit_seal_key_id(uint8_t id[KEY_ID_SIZE])
{
	static const char purpose[] = "key id v1";
	uint8_t mac[SHA256_SIZE];

	key_file_audit_mac(purpose, strlen(purpose), mac);
	memcpy(id, mac, KEY_ID_SIZE);
}

bool
audit_chain_is_ours(const AuditChain *chain)
{
	uint8_t id[KEY_ID_SIZE];

	audit_seal_key_id(id);
	return memcmp(chain->key_id, id, KEY_ID_SIZE) == 0;
}

bool
audit_chain_is_good(const AuditChain *chain)
{
	uint8_t mac[SHA256_SIZE];

	audit_chain_mac(chain, mac);
	return bytes_equal(chain->mac, mac, SHA256_SIZE);
}
