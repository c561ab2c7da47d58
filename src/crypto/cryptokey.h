/*
 * cryptokey.h
 *		Keys bound to one algorithm, and their signatures.
 *
 * Every function returns false if the library fails or the input is invalid;
 * outputs are then wiped or untouched.
 */
#ifndef DJUST_CRYPTOKEY_H
#define DJUST_CRYPTOKEY_H

#include "crypto/crypto.h"

/* Bounds for every key and signature made here (RSA 3072 is the largest). */
#define CRYPTO_PRIVATE_MAX 2560
#define CRYPTO_PUBLIC_MAX 640
#define CRYPTO_SIGNATURE_MAX 512
#define CRYPTO_JWK_MAX 512
#define HS256_KEY_MIN 32

/* JWS algorithms (RFC 7518 section 3.1, RFC 8037). */
typedef enum CryptoAlg
{
	ALG_ES256,
	ALG_HS256,
	ALG_RS256,
	ALG_EDDSA
} CryptoAlg;

/* A parsed key bound to one algorithm. */
typedef struct CryptoKey CryptoKey;

/* Public members of a JWK as big-endian bytes: EC x, y; RSA n, e; OKP x. */
typedef struct CryptoJwk
{
	uint8_t first[CRYPTO_JWK_MAX];
	size_t first_length;
	uint8_t second[CRYPTO_JWK_MAX];
	size_t second_length;
} CryptoJwk;

extern const char *crypto_alg_name(CryptoAlg alg);
extern bool crypto_alg_from_name(const char *name, CryptoAlg *alg);

/*
 * NULL if the bytes are not a key fit for alg (wrong type, wrong curve, RSA under 2048 bits, HS256 under 32 bytes). A
 * private key also verifies; HS256 has no public key.
 */
extern CryptoKey *crypto_key_private(CryptoAlg alg, const uint8_t *der, size_t n);
extern CryptoKey *crypto_key_public(CryptoAlg alg, const uint8_t *der, size_t n);
extern void crypto_key_free(CryptoKey *key);

/*
 * A new key: private as PKCS#8 DER, public as SubjectPublicKeyInfo DER.  HS256: 32 random bytes and no public key;
 * RS256: 3072 bits.  The buffers hold CRYPTO_PRIVATE_MAX and CRYPTO_PUBLIC_MAX bytes.
 */
extern bool crypto_generate(CryptoAlg alg, uint8_t *private_der, size_t *private_length, uint8_t *public_der,
							size_t *public_length);

/* JWS signature bytes: ES256 as raw R || S of 64 bytes (RFC 7518 section 3.4). */
extern bool crypto_sign(const CryptoKey *key, const void *data, size_t n, uint8_t signature[CRYPTO_SIGNATURE_MAX],
						size_t *length);
/* The length must be exactly the algorithm's; HS256 is compared in constant time. */
extern bool crypto_verify(const CryptoKey *key, const void *data, size_t n, const uint8_t *signature, size_t length);

/* Public members of the key; false for HS256. */
extern bool crypto_jwk(const CryptoKey *key, CryptoJwk *jwk);

#endif
