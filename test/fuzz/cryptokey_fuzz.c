/* cryptokey_fuzz.c: a key has one algorithm, its signatures are its own, and its public numbers make it again. */
#include "../unit/keys.h"
#include "crypto/cryptokey.h"
#include "der.h"

static uint8_t signature[CRYPTO_SIGNATURE_MAX];

/* Each bit of a good signature counts, its length, and each bit of the message.  False if it is not good. */
static bool
check_signature(const CryptoKey *signer, const CryptoKey *verifier, size_t choice)
{
	char message[] = "sixteen letters.";
	size_t n = 0;
	uint8_t *exact;

	if (!crypto_sign(signer, message, 16, signature, &n) || !crypto_verify(verifier, message, 16, signature, n))
		return false;
	assert(n == sizeof(signature) || !crypto_verify(verifier, message, 16, signature, n + 1));
	exact = (uint8_t *) copy_of((Slice){(char *) signature, n});
	assert(!crypto_verify(verifier, message, 16, exact, n - 1) && !crypto_verify(verifier, message, 16, exact, 0));
	if (choice % 2)
		exact[choice / 2 % n] ^= (uint8_t) (1 << (choice >> 9) % 8);
	else
		message[choice / 2 % 16] ^= (char) (1 << (choice >> 9) % 8);
	assert(!crypto_verify(verifier, message, 16, exact, n));
	free(exact);
	return true;
}

/* SubjectPublicKeyInfo from the members of a JWK (RFC 8017 A.1, RFC 5480, RFC 8410). */
static size_t
der_of_jwk(CryptoAlg alg, const CryptoJwk *jwk, uint8_t *out)
{
	static const char *const heads[] = {
		P256_PUBLIC_PREFIX, "", "300d06092a864886f70d0101010500", ED25519_PUBLIC_PREFIX};
	size_t at = strlen(heads[alg]) / 2;
	size_t end = at + 1;

	assert(bytes_hex_decode(slice_of(heads[alg]), out, at));
	if (alg != ALG_RS256)
	{
		memcpy(out + at, jwk->first, jwk->first_length);
		memcpy(out + at + jwk->first_length, jwk->second, jwk->second_length);
		return at + jwk->first_length + jwk->second_length;
	}
	out[at] = 0; /* no unused bits */
	end = der_number(out, end, jwk->first, jwk->first_length);
	end = der_number(out, end, jwk->second, jwk->second_length);
	end = der_close(out, at + 1, end, 0x30);
	return der_close(out, 0, der_close(out, at, end, 0x03), 0x30);
}

/* The numbers have their sizes, and make a public key with the same numbers. */
static void
check_jwk(const CryptoKey *key, CryptoAlg alg, size_t choice)
{
	static uint8_t der[4 * CRYPTO_JWK_MAX];
	CryptoJwk jwk, again;
	CryptoKey *public;

	assert(crypto_jwk(key, &jwk));
	if (alg == ALG_RS256)
		assert(jwk.first_length >= 256 && jwk.first[0] != 0 && jwk.second[0] != 0 &&
			   jwk.second[jwk.second_length - 1] % 2 == 1 && (jwk.second_length > 1 || jwk.second[0] > 1));
	else
		assert(jwk.first_length == 32 && jwk.second_length == (alg == ALG_ES256 ? 32 : 0));
	public = crypto_key_public(alg, der, der_of_jwk(alg, &jwk, der));
	if (public != NULL)
	{
		assert(crypto_jwk(public, &again) && memcmp(&jwk, &again, sizeof(jwk)) == 0);
		assert(!crypto_sign(public, "m", 1, signature, &again.first_length));
		if (alg != ALG_RS256 || choice % 8 == 0) /* slow */
			check_signature(key, public, choice / 8);
	}
	else
		assert(alg == ALG_RS256 && jwk.first_length + jwk.second_length > CRYPTO_PUBLIC_MAX - 40);
	crypto_key_free(public);
}

/* The algorithm that takes these bytes is the only one, apart from HS256, which takes any; it takes no byte more. */
static bool
check_key(CryptoKey *(*parse)(CryptoAlg, const uint8_t *, size_t), Slice der, size_t choice)
{
	static const CryptoAlg algs[] = {ALG_ES256, ALG_RS256, ALG_EDDSA};
	char *longer = memcpy(malloc(der.length + 1), der.data, der.length);
	size_t takers = 0;
	size_t i;

	longer[der.length] = 0;
	for (i = 0; i < COUNT(algs); i++)
	{
		CryptoKey *key = parse(algs[i], (const uint8_t *) der.data, der.length);

		if (key == NULL)
			continue;
		takers++;
		check_jwk(key, algs[i], choice);
		assert(parse(algs[i], (const uint8_t *) longer, der.length + 1) == NULL);
		crypto_key_free(key);
	}
	free(longer);
	assert(takers <= 1);
	return takers > 0;
}

/* Generated keys are parsed by both sides, and fit each other. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static uint8_t private_der[CRYPTO_PRIVATE_MAX], public_der[CRYPTO_PUBLIC_MAX];
	size_t private_length, public_length;
	CryptoAlg alg;

	for (alg = ALG_ES256; alg <= ALG_EDDSA; alg++)
	{
		CryptoKey *signer, *verifier;

		assert(crypto_generate(alg, private_der, &private_length, public_der, &public_length));
		signer = crypto_key_private(alg, private_der, private_length);
		verifier = alg == ALG_HS256 ? crypto_key_private(alg, private_der, private_length) :
									  crypto_key_public(alg, public_der, public_length);
		assert(check_signature(signer, verifier, 2) && check_signature(signer, verifier, 3) &&
			   check_signature(signer, signer, 2));
		crypto_key_free(signer);
		crypto_key_free(verifier);
	}
	assert(!crypto_generate((CryptoAlg) 9, private_der, &private_length, public_der, &public_length) &&
		   private_der[0] == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice der = {(const char *) data, size};
	CryptoKey *secret = crypto_key_private(ALG_HS256, data, size);
	CryptoJwk jwk;

	assert((secret != NULL) == (size >= HS256_KEY_MIN && size <= CRYPTO_PRIVATE_MAX) &&
		   crypto_key_public(ALG_HS256, data, size) == NULL);
	if (secret != NULL)
	{
		assert(!crypto_jwk(secret, &jwk));
		check_signature(secret, secret, choose(der, 1 << 16));
	}
	crypto_key_free(secret);
	if (!check_key(crypto_key_private, der, choose(der, 1 << 16)))
		check_key(crypto_key_public, der, choose(der, 1 << 16));
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_der(data, size, max, seed);
}
