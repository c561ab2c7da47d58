/*
 * crypto.h
 *		The only door to OpenSSL: one-shot calls over caller's buffers.
 *
 * Every function returns false when the library fails or the input is not
 * what it must be; outputs are then wiped or untouched.
 */
#ifndef DJUST_CRYPTO_H
#define DJUST_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SEAL_KEY_SIZE 32
#define SEAL_NONCE_SIZE 12
#define SEAL_TAG_SIZE 16

/* Bounds that hold every key and signature this project makes (RSA 3072 the largest). */
#define CRYPTO_PRIVATE_MAX 2560
#define CRYPTO_PUBLIC_MAX 640
#define CRYPTO_SIGNATURE_MAX 512
#define CRYPTO_JWK_MAX 512

/* JWS algorithms (RFC 7518 section 3.1, RFC 8037). */
typedef enum CryptoAlg
{
	ALG_ES256,
	ALG_HS256,
	ALG_RS256,
	ALG_EDDSA
} CryptoAlg;

typedef enum CryptoDigest
{
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA512
} CryptoDigest;

/* A parsed key bound to one algorithm. */
typedef struct CryptoKey CryptoKey;

/* Public members of a JWK as big-endian bytes: EC x, y; RSA n, e; OKP x. */
typedef struct CryptoJwk
{
	uint8_t		first[CRYPTO_JWK_MAX];
	size_t		first_length;
	uint8_t		second[CRYPTO_JWK_MAX];
	size_t		second_length;
} CryptoJwk;

extern const char *crypto_alg_name(CryptoAlg alg);
extern bool crypto_alg_from_name(const char *name, CryptoAlg *alg);

extern bool crypto_random(void *out, size_t n);
extern bool crypto_sha256(const void *data, size_t n, uint8_t out[SHA256_SIZE]);
extern bool crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t n, uint8_t out[SHA256_SIZE]);

/* RFC 5869 with SHA-256. */
extern bool crypto_hkdf(const void *ikm, size_t ikm_length, const void *salt, size_t salt_length,
						const void *info, size_t info_length, uint8_t *out, size_t n);

/* AES-256-GCM; sealed takes n + SEAL_TAG_SIZE bytes. */
extern bool crypto_seal(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
						const void *aad, size_t aad_length, const void *plain, size_t n, uint8_t *sealed);
/* plain takes n - SEAL_TAG_SIZE bytes, wiped when the tag is wrong. */
extern bool crypto_open(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
						const void *aad, size_t aad_length, const void *sealed, size_t n, uint8_t *plain);

extern bool crypto_scrypt(const void *password, size_t password_length, const void *salt, size_t salt_length,
						  uint64_t n, uint64_t r, uint64_t p, uint8_t *out, size_t out_length);
extern bool crypto_pbkdf2(CryptoDigest digest, const void *password, size_t password_length,
						  const void *salt, size_t salt_length, unsigned iterations, uint8_t *out, size_t out_length);

/*
 * New key: private as PKCS#8 DER, public as SubjectPublicKeyInfo DER.  HS256: 32 random bytes and no public part.
 * RS256 makes 3072-bit keys.  Buffers hold CRYPTO_PRIVATE_MAX and CRYPTO_PUBLIC_MAX bytes.
 */
extern bool crypto_generate(CryptoAlg alg, uint8_t *private_der, size_t *private_length,
							uint8_t *public_der, size_t *public_length);

/*
 * NULL when the bytes are not a key fit for alg (wrong type, wrong curve, RSA under 2048 bits, HS256 under 32 bytes).
 * crypto_key_private also verifies; for HS256 it is the only form.
 */
extern CryptoKey *crypto_key_private(CryptoAlg alg, const uint8_t *der, size_t n);
extern CryptoKey *crypto_key_public(CryptoAlg alg, const uint8_t *der, size_t n);
extern void crypto_key_free(CryptoKey *key);
extern CryptoAlg crypto_key_alg(const CryptoKey *key);

/* JWS signature bytes: ES256 as raw R || S of 64 bytes (RFC 7518 section 3.4). */
extern bool crypto_sign(const CryptoKey *key, const void *data, size_t n, uint8_t signature[CRYPTO_SIGNATURE_MAX],
						size_t *length);
/* The length must be exactly the algorithm's; HS256 is compared in constant time. */
extern bool crypto_verify(const CryptoKey *key, const void *data, size_t n, const uint8_t *signature, size_t length);

/* Public members of the key; false for HS256. */
extern bool crypto_jwk(const CryptoKey *key, CryptoJwk *jwk);

#endif
