/*
 * import_hash.c
 *		Owns the forms of imported password hashes that are not stored as they
 *		come: Keycloak's credentials, and marks of users without a password.
 *
 * Threat: a hash in a log.  Text that is not understood is returned as it is;
 * the constraint of the column refuses it without quoting it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "pwhash/pwhash.h"
#include "server/import_hash.h"
#include "server/json.h"

/* Base64 without its padding, which PHC strings leave out. */
static void
append_unpadded(StringInfo out, const char *base64)
{
	size_t n = strlen(base64);

	while (n > 0 && base64[n - 1] == '=')
		n--;
	appendStringInfoChar(out, '$');
	appendBinaryStringInfo(out, base64, (int) n);
}

static const char *
member(const char *json, const char *name)
{
	const char *value = json ? json_find(json, name, 0) : NULL;

	return value ? value : "";
}

/* The scheme and costs of credentialData; false for an algorithm that Keycloak does not have. */
static bool
append_costs(StringInfo out, const char *data)
{
	const char *algorithm = member(data, "algorithm");

	if (strcmp(algorithm, "argon2") == 0)
		appendStringInfo(out,
						 "$argon2%s$v=%d$m=%s,t=%s,p=%s",
						 member(data, "type"),
						 strcmp(member(data, "version"), "1.0") == 0 ? 16 : 19,
						 member(data, "memory"),
						 member(data, "hashIterations"),
						 member(data, "parallelism"));
	else if (strcmp(algorithm, "pbkdf2") == 0)
		appendStringInfo(out, "$pbkdf2-sha1$i=%s", member(data, "hashIterations"));
	else if (strcmp(algorithm, "pbkdf2-sha256") == 0 || strcmp(algorithm, "pbkdf2-sha512") == 0)
		appendStringInfo(out, "$%s$i=%s", algorithm, member(data, "hashIterations"));
	return out->len > 0;
}

/*
 * An entry of credentials[] in an export of a realm: its members secretData and credentialData are texts that are JSON
 * again.  NULL if it is none.
 */
static const char *
keycloak_hash(const char *credential)
{
	const char *secret = json_find(credential, "secretData", JSON_OUTERMOST | JSON_STRINGS);
	const char *data = json_find(credential, "credentialData", JSON_OUTERMOST | JSON_STRINGS);
	StringInfoData hash;

	if (secret == NULL || data == NULL || strcmp(member(credential, "type"), "password") != 0)
		return NULL;
	initStringInfo(&hash);
	if (!append_costs(&hash, data))
		return NULL;
	append_unpadded(&hash, member(secret, "salt"));
	append_unpadded(&hash, member(secret, "value"));
	return hash.data;
}

const char *
import_hash(Slice text)
{
	char *copy;
	const char *hash;

	if (pwhash_is_unusable(text))
		return NULL;
	copy = pnstrdup(text.data, text.length);
	hash = *copy == '{' ? keycloak_hash(copy) : NULL;
	return hash ? hash : copy;
}
