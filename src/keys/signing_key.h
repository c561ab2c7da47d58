/*
 * signing_key.h
 *		Signing keys: generated, sealed, parsed once per backend.
 */
#ifndef DJUST_SIGNING_KEY_H
#define DJUST_SIGNING_KEY_H

#include "crypto/jwt.h"

/*
 * Signs a payload with the active key; creates one, which writes, if there is none.  For PostgREST it uses the previous
 * key until PostgREST has had time to load the active one.
 */
extern Slice signing_key_sign(Slice payload, bool for_postgrest);
/* True if a currently valid key verifies the signature. */
extern bool signing_key_verify(const JwtParts *parts);
/* JWK set (RFC 7517) of the currently valid public keys; with_secrets adds HS256 keys. */
extern char *signing_key_jwks(bool with_secrets);
/* Makes a new active key and returns its kid; algorithm NULL means the present one's. */
extern char *signing_key_rotate(const char *algorithm);
/* The same, but deletes the previous keys, which cannot be opened any more.  NULL on a follower, whose keys stay. */
extern char *signing_key_start_over(void);
/* The active HS256 key as a JWK; raises 55000 if the active key has another algorithm. */
extern char *signing_key_hs256(void);

#endif
