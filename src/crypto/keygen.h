/*
 * keygen.h
 *		Generation of signing keys.
 */
#ifndef DJUST_KEYGEN_H
#define DJUST_KEYGEN_H

#include "crypto/cryptokey.h"

/*
 * Private key as PKCS#8 DER, public key as SubjectPublicKeyInfo DER.  HS256: 32 random bytes and no public key; RS256:
 * 3072 bits.  The buffers hold CRYPTO_PRIVATE_MAX and CRYPTO_PUBLIC_MAX bytes.
 */
extern bool crypto_generate(CryptoAlg alg, uint8_t *private_der, size_t *private_length, uint8_t *public_der,
							size_t *public_length);

#endif
