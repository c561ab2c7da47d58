/*
 * signing_key.h
 *		Signing keys: made, sealed, parsed once per backend.
 */
#ifndef DJUST_SIGNING_KEY_H
#define DJUST_SIGNING_KEY_H

#include "crypto/jwt.h"

/*
 * Signs a payload with the active key, which is made if there is none; writes if so.  Under HTTP with the one before,
 * while PostgREST may not know the active one yet.
 */
extern char *signing_key_sign(const char *payload, size_t length, bool for_postgrest, size_t *token_length);
/* Is the signature by a key that verifies now? */
extern bool signing_key_verify(const JwtParts *parts);
/* JWK set (RFC 7517) of the public keys that verify now; HS256 has none, its secrets come along only when asked for. */
extern char *signing_key_jwks(bool with_secrets);
/* New active key; algorithm NULL means the present one's.  Returns the kid. */
extern char *signing_key_rotate(const char *algorithm);
/* The same without the keys of before, which cannot be opened any more. */
extern char *signing_key_start_over(void);
/* The active HS256 key as a JWK; raises 55000 when another algorithm is active. */
extern char *signing_key_hs256(void);

#endif
