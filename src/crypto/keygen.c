/*
 * keygen.c
 *		OpenSSL's generation of keys, and their encodings.
 *
 * Threat: a private key left in freed memory.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/keygen.h"
#include "text/bytes.h"

#define RSA_BITS 3072

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
