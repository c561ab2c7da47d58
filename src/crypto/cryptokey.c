/*
 * cryptokey.c
 *		OpenSSL's signatures: generates and parses keys, signs and verifies.
 *
 * A key is bound to one algorithm when it is parsed and can do nothing else.
 * Contexts kept between calls belong to a key.
 *
 * Threats: a key used under another algorithm than its own (RSA public key
 * taken as an HMAC secret, P-384 for P-256, RSA-PSS for PKCS#1); weak keys (RSA
 * under 2048 bits, exponent 1); a signature of another length or encoding;
 * secrets left in freed memory.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/cryptokey.h"
#include "text/bytes.h"

#define P256_COORDINATE 32
#define ES256_SIZE (2 * P256_COORDINATE)
#define ES256_DER_MAX 80 /* SEQUENCE of two INTEGERs of at most 33 bytes */
#define ED25519_SIZE 32
#define ED25519_SIGNATURE_SIZE 64
#define RSA_BITS 3072 /* of new keys */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (CRYPTO_SIGNATURE_MAX * 8)

struct CryptoKey
{
	CryptoAlg alg;
	EVP_PKEY *pkey; /* NULL for HS256 */
	EVP_PKEY_CTX *signing; /* ready to sign, for a private ES256 key; else NULL */
	uint8_t *secret; /* HS256 only */
	size_t secret_length;
};

/* RFC 7518 section 3.1 and RFC 8037 section 3.1; indexed by CryptoAlg. */
static const char *const alg_names[] = {"ES256", "HS256", "RS256", "EdDSA"};

#define ALG_COUNT (sizeof(alg_names) / sizeof(alg_names[0]))

const char *
crypto_alg_name(CryptoAlg alg)
{
	return alg_names[alg];
}

/* Exact names only: "none", "hs256" and all others are unknown. */
bool
crypto_alg_from_name(const char *name, CryptoAlg *alg)
{
	size_t i;

	for (i = 0; i < ALG_COUNT; i++)
	{
		if (strcmp(name, alg_names[i]) == 0)
		{
			*alg = (CryptoAlg) i;
			return true;
		}
	}
	return false;
}

/* P-256 by name: explicit curve parameters are refused even if they describe P-256. */
static bool
is_p256(const EVP_PKEY *pkey)
{
	char group[32];
	int written_out = 1;

	return EVP_PKEY_is_a(pkey, "EC") &&
		   EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
		   strcmp(group, SN_X9_62_prime256v1) == 0 &&
		   EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &written_out) == 1 &&
		   !written_out;
}

/* Checks size and exponent: under exponent 1 every message is its own signature. */
static bool
is_strong_rsa(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	int bits = EVP_PKEY_get_bits(pkey);
	bool good;

	good = EVP_PKEY_is_a(pkey, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX &&
		   EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) && BN_num_bits(e) > 1;
	BN_free(e);
	return good;
}

/* A private key of 0 has no public point, and OpenSSL reads it all the same. */
static bool
has_point(const EVP_PKEY *pkey)
{
	BIGNUM *x = NULL;
	bool good = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1;

	BN_free(x);
	return good;
}

/* True if type, curve and size are those of the algorithm. */
static bool
is_fit(CryptoAlg alg, const EVP_PKEY *pkey)
{
	switch (alg)
	{
		case ALG_ES256:
			return is_p256(pkey) && has_point(pkey);
		case ALG_RS256:
			return is_strong_rsa(pkey);
		case ALG_EDDSA:
			return EVP_PKEY_is_a(pkey, "ED25519") == 1;
		case ALG_HS256:
			break;
	}
	return false;
}

/* Takes ownership of pkey, even on failure. */
static CryptoKey *
bind_key(CryptoAlg alg, EVP_PKEY *pkey)
{
	CryptoKey *key = NULL;

	if (pkey != NULL && is_fit(alg, pkey))
		key = calloc(1, sizeof(*key));
	if (!crypto_outcome(key != NULL))
	{
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key->alg = alg;
	key->pkey = pkey;
	return key;
}

/* Raw secret of at least 32 bytes (RFC 7518 section 3.2). */
static CryptoKey *
secret_key(const uint8_t *secret, size_t n)
{
	CryptoKey *key;

	if (n < HS256_KEY_MIN || n > CRYPTO_PRIVATE_MAX)
		return NULL;
	key = calloc(1, sizeof(*key) + n);
	if (key == NULL)
		return NULL;
	key->alg = ALG_HS256;
	key->secret = (uint8_t *) (key + 1);
	key->secret_length = n;
	memcpy(key->secret, secret, n);
	return key;
}

/* Creating a context takes a fifth of an ECDSA signature, so it is made once.  Frees the key on failure. */
static CryptoKey *
prepare_signing(CryptoKey *key)
{
	if (key == NULL || key->alg != ALG_ES256)
		return key;
	key->signing = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (crypto_outcome(key->signing != NULL && EVP_PKEY_sign_init(key->signing) == 1))
		return key;
	crypto_key_free(key);
	return NULL;
}

/* PKCS#8 without trailing data: older encodings of private keys do not name their algorithm. */
CryptoKey *
crypto_key_private(CryptoAlg alg, const uint8_t *der, size_t n)
{
	const uint8_t *p = der;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *pkey = NULL;

	if (alg == ALG_HS256)
		return secret_key(der, n);
	if (n > CRYPTO_PRIVATE_MAX)
		return NULL;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long) n);
	if (info != NULL && p == der + n)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return prepare_signing(bind_key(alg, pkey));
}

/* SubjectPublicKeyInfo without trailing data; an HMAC secret has no public form. */
CryptoKey *
crypto_key_public(CryptoAlg alg, const uint8_t *der, size_t n)
{
	const uint8_t *p = der;
	EVP_PKEY *pkey;

	if (alg == ALG_HS256 || n > CRYPTO_PUBLIC_MAX)
		return NULL;
	pkey = d2i_PUBKEY(NULL, &p, (long) n);
	if (pkey != NULL && p != der + n)
	{
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return bind_key(alg, pkey);
}

/* PKCS#8, unencrypted; false if it does not fit. */
static bool
write_private(const EVP_PKEY *pkey, uint8_t *der, size_t *length)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	bool good = size > 0 && size <= CRYPTO_PRIVATE_MAX;

	if (good)
		*length = (size_t) i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	PKCS8_PRIV_KEY_INFO_free(info); /* wipes its key */
	return good;
}

/* SubjectPublicKeyInfo; false if it does not fit. */
static bool
write_public(const EVP_PKEY *pkey, uint8_t *der, size_t *length)
{
	int size = i2d_PUBKEY(pkey, NULL);

	if (size <= 0 || size > CRYPTO_PUBLIC_MAX)
		return false;
	*length = (size_t) i2d_PUBKEY(pkey, &der);
	return true;
}

/* A new key pair for an asymmetric algorithm; NULL on failure. */
static EVP_PKEY *
new_pair(CryptoAlg alg)
{
	switch (alg)
	{
		case ALG_ES256:
			return EVP_EC_gen("P-256");
		case ALG_RS256:
			return EVP_RSA_gen(RSA_BITS);
		case ALG_EDDSA:
			return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		case ALG_HS256:
			break;
	}
	return NULL;
}

/* Wipes the private key if either encoding fails. */
bool
crypto_generate(CryptoAlg alg, uint8_t *private_der, size_t *private_length, uint8_t *public_der, size_t *public_length)
{
	EVP_PKEY *pkey;
	bool good;

	if (alg == ALG_HS256)
	{
		*private_length = HS256_KEY_MIN;
		*public_length = 0;
		return crypto_random(private_der, HS256_KEY_MIN);
	}
	pkey = new_pair(alg);
	good = pkey != NULL && write_private(pkey, private_der, private_length) &&
		   write_public(pkey, public_der, public_length);
	EVP_PKEY_free(pkey);
	if (!good)
		bytes_wipe(private_der, CRYPTO_PRIVATE_MAX);
	return crypto_outcome(good);
}

/* Accepts NULL.  The library wipes private numbers; we wipe the HMAC secret. */
void
crypto_key_free(CryptoKey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_CTX_free(key->signing);
	EVP_PKEY_free(key->pkey);
	if (key->secret != NULL)
		bytes_wipe(key->secret, key->secret_length);
	free(key);
}

/* Digest of the algorithm; Ed25519 takes the message itself. */
static const char *
digest_name(CryptoAlg alg)
{
	return alg == ALG_EDDSA ? NULL : "SHA256";
}

/* DER into R || S, each left-padded to 32 bytes (RFC 7518 section 3.4). */
static bool
ecdsa_to_raw(const uint8_t *der, size_t n, uint8_t raw[ES256_SIZE])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long) n);
	bool good;

	good = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, P256_COORDINATE) == P256_COORDINATE &&
		   BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + P256_COORDINATE, P256_COORDINATE) == P256_COORDINATE;
	ECDSA_SIG_free(pair);
	return good;
}

/* R || S as DER for the library, which also refuses numbers outside 1..order-1. */
static bool
ecdsa_to_der(const uint8_t raw[ES256_SIZE], uint8_t der[ES256_DER_MAX], size_t *length)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, P256_COORDINATE, NULL);
	BIGNUM *s = BN_bin2bn(raw + P256_COORDINATE, P256_COORDINATE, NULL);
	int size = 0;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
		size = i2d_ECDSA_SIG(pair, &der);
	else
	{
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	*length = size > 0 ? (size_t) size : 0;
	return size > 0;
}

/* Writes R || S; only a private key has a signing context. */
static bool
sign_es256(const CryptoKey *key, const void *data, size_t n, uint8_t raw[ES256_SIZE])
{
	uint8_t digest[SHA256_SIZE];
	uint8_t der[ES256_DER_MAX];
	size_t length = sizeof(der);

	return key->signing != NULL && crypto_sha256(data, n, digest) &&
		   EVP_PKEY_sign(key->signing, der, &length, digest, sizeof(digest)) == 1 && ecdsa_to_raw(der, length, raw);
}

/* For algorithms whose signatures the library writes as RFC 7518 does. */
static bool
sign_native(const CryptoKey *key, const void *data, size_t n, uint8_t *signature, size_t *length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	good = context != NULL &&
		   EVP_DigestSignInit_ex(context, NULL, digest_name(key->alg), NULL, NULL, key->pkey, NULL) == 1 &&
		   EVP_DigestSign(context, signature, length, crypto_or_empty(data), n) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

/* Fails for a public key. */
bool
crypto_sign(const CryptoKey *key, const void *data, size_t n, uint8_t signature[CRYPTO_SIGNATURE_MAX], size_t *length)
{
	*length = CRYPTO_SIGNATURE_MAX;
	switch (key->alg)
	{
		case ALG_HS256:
			*length = SHA256_SIZE;
			return crypto_hmac_sha256(key->secret, key->secret_length, data, n, signature);
		case ALG_ES256:
			*length = ES256_SIZE;
			return crypto_outcome(sign_es256(key, data, n, signature));
		case ALG_RS256:
		case ALG_EDDSA:
			return crypto_outcome(sign_native(key, data, n, signature, length));
	}
	return false;
}

/* Verifies a signature in the library's encoding, DER for ES256. */
static bool
verify_native(const CryptoKey *key, const void *data, size_t n, const uint8_t *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	good = context != NULL &&
		   EVP_DigestVerifyInit_ex(context, NULL, digest_name(key->alg), NULL, NULL, key->pkey, NULL) == 1 &&
		   EVP_DigestVerify(context, signature, length, crypto_or_empty(data), n) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

/* Recomputes the MAC and compares in constant time. */
static bool
verify_hmac(const CryptoKey *key, const void *data, size_t n, const uint8_t *signature)
{
	uint8_t expected[SHA256_SIZE];
	bool good;

	good = crypto_hmac_sha256(key->secret, key->secret_length, data, n, expected) &&
		   bytes_equal(expected, signature, SHA256_SIZE);
	bytes_wipe(expected, sizeof(expected));
	return good;
}

/* Length of every signature of this key. */
static size_t
signature_size(const CryptoKey *key)
{
	switch (key->alg)
	{
		case ALG_HS256:
			return SHA256_SIZE;
		case ALG_ES256:
			return ES256_SIZE;
		case ALG_EDDSA:
			return ED25519_SIGNATURE_SIZE;
		case ALG_RS256:
			return (size_t) EVP_PKEY_get_size(key->pkey);
	}
	return 0;
}

/*
 * ES256 accepts S in either half of the range, as RFC 7518 does (the example of RFC 7515 A.3 is in the upper one).  So
 * a signature does not identify a token: its bearer can write a second one.
 */
bool
crypto_verify(const CryptoKey *key, const void *data, size_t n, const uint8_t *signature, size_t length)
{
	uint8_t der[ES256_DER_MAX];
	size_t der_length;

	if (length != signature_size(key))
		return false;
	switch (key->alg)
	{
		case ALG_HS256:
			return verify_hmac(key, data, n, signature);
		case ALG_ES256:
			return crypto_outcome(ecdsa_to_der(signature, der, &der_length) &&
								  verify_native(key, data, n, der, der_length));
		case ALG_RS256:
		case ALG_EDDSA:
			return crypto_outcome(verify_native(key, data, n, signature, length));
	}
	return false;
}

/* A number of a key, big-endian: left-padded to size bytes, or of minimal length if size is 0. */
static bool
get_number(const EVP_PKEY *pkey, const char *name, size_t size, uint8_t out[CRYPTO_JWK_MAX], size_t *length)
{
	BIGNUM *number = NULL;
	bool good = false;

	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1)
	{
		*length = size > 0 ? size : (size_t) BN_num_bytes(number);
		good = *length <= CRYPTO_JWK_MAX && BN_bn2binpad(number, out, (int) *length) >= 0;
	}
	BN_free(number);
	return good;
}

/* Both numbers of an EC or RSA public key. */
static bool
get_pair(const EVP_PKEY *pkey, const char *first, const char *second, size_t size, CryptoJwk *jwk)
{
	return crypto_outcome(get_number(pkey, first, size, jwk->first, &jwk->first_length) &&
						  get_number(pkey, second, size, jwk->second, &jwk->second_length));
}

/* RFC 7518 sections 6.2.1 and 6.3.1, RFC 8037 section 2. */
bool
crypto_jwk(const CryptoKey *key, CryptoJwk *jwk)
{
	memset(jwk, 0, sizeof(*jwk));
	switch (key->alg)
	{
		case ALG_ES256:
			return get_pair(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y, P256_COORDINATE, jwk);
		case ALG_RS256:
			return get_pair(key->pkey, OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, 0, jwk);
		case ALG_EDDSA:
			jwk->first_length = ED25519_SIZE;
			return crypto_outcome(EVP_PKEY_get_raw_public_key(key->pkey, jwk->first, &jwk->first_length) == 1);
		case ALG_HS256:
			break;
	}
	return false;
}
