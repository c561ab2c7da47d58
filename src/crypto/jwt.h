/*
 * jwt.h
 *		Compact JWS (RFC 7515) as this project writes it.
 *
 * A header is never parsed: it must equal, byte for byte, the header that this
 * project writes for the key.  That excludes "none", other algorithms, jku,
 * jwk, x5u, crit and any other typ.
 */
#ifndef DJUST_JWT_H
#define DJUST_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/cryptokey.h"
#include "text/bytes.h"

#define JWT_MAX 8192 /* characters; longer tokens are dead */
#define JWT_KID_MAX 64
#define JWT_HEADER_MAX 192 /* encoded header */
/* Upper bound of a token's size, from the sizes of encoded header and payload. */
#define JWT_SIZE(header, payload) ((header) + 1 + B64URL_LENGTH(payload) + 1 + B64URL_LENGTH(CRYPTO_SIGNATURE_MAX))

/* Slices of the token. */
typedef struct JwtParts
{
	Slice header;
	Slice payload;
	Slice signature;
	Slice signed_part; /* header "." payload */
} JwtParts;

/* True for exactly three non-empty parts of base64url characters. */
extern bool jwt_split(Slice token, JwtParts *parts);

/* Encoded header {"typ":"at+jwt","alg":...,"kid":...}; out takes JWT_HEADER_MAX; its length, or 0 if kid is bad. */
extern size_t jwt_header(CryptoAlg alg, const char *kid, char *out);

/* True if the header equals the expected one and the signature is good; does not read the payload. */
extern bool jwt_verify(const JwtParts *parts, Slice header, const CryptoKey *key);

/* Decoded payload of a verified token, NUL-terminated; out takes JWT_MAX bytes. */
extern bool jwt_payload(const JwtParts *parts, char *out, size_t *length);

/*
 * Session id from the fixed start of our payloads, {"sid":"<uuid>" and a comma, after the first dot.  Nothing else is
 * checked, and nothing verified: use it only to look up the session.
 */
extern bool jwt_peek_sid(Slice token, uint8_t sid[16]);

/* Writes header "." payload "." signature to out, which takes JWT_SIZE bytes; false if it is longer than JWT_MAX. */
extern bool jwt_sign(const CryptoKey *key, Slice header, Slice payload, char *out, size_t *length);

#endif
