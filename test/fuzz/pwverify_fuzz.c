/* pwverify_fuzz.c: scrypt, PBKDF2 and crypt(3): hashes that the libraries make of a password match it and no other. */
#include <stdio.h>

#include <crypt.h>
#include <openssl/evp.h>

#include "stored.h"

/* What the bytes of an input choose. */
typedef struct Choice
{
	uint8_t scheme, version, memory, iterations, parallelism, length, spelling;
	Slice salt, password;
	char stored[PWHASH_MAX];
} Choice;

/* Base64 by OpenSSL, without padding unless it is wanted, and with dots for plus signs. */
static void
append_base64(Choice *c, const uint8_t *bytes, size_t n, bool padded, bool dots)
{
	char *out = c->stored + strlen(c->stored);
	int length = EVP_EncodeBlock((uint8_t *) out, bytes, (int) n);

	while (!padded && length > 0 && out[length - 1] == '=')
		out[--length] = '\0';
	for (; dots && length > 0; length--)
		if (out[length - 1] == '+')
			out[length - 1] = '.';
}

static void
hash_scrypt(Choice *c)
{
	unsigned ln = 1 + c->memory % 4, r = 1 + c->iterations % 3, p = 1 + c->parallelism % 3;
	bool django = c->spelling % 2;
	uint8_t hash[64];
	size_t length = django ? 64 : 16 + c->length % 49;
	Slice salt = django || c->salt.length == 0 ? slice_of("NaCl") : c->salt;

	assert(EVP_PBE_scrypt(c->password.data,
						  c->password.length,
						  (const uint8_t *) salt.data,
						  salt.length,
						  1 << ln,
						  r,
						  p,
						  0,
						  hash,
						  length) == 1);
	if (django)
		sprintf(c->stored, "scrypt$%u$%s$%u$%u$", 1 << ln, salt.data, r, p);
	else
	{
		sprintf(c->stored, "$scrypt$ln=%u,r=%u,p=%u$", ln, r, p);
		append_base64(c, (const uint8_t *) salt.data, salt.length, false, false);
		strcat(c->stored, "$");
	}
	append_base64(c, hash, length, django, false);
}

static void
hash_pbkdf2(Choice *c)
{
	static const char *const heads[] = {"$pbkdf2-sha256$i=",
										"$pbkdf2-sha512$i=",
										"$pbkdf2-sha256$",
										"$pbkdf2-sha512$",
										"$pbkdf2$",
										"pbkdf2_sha256$",
										"pbkdf2_sha1$"};
	const char *head = heads[c->spelling % COUNT(heads)];
	const EVP_MD *digest = strstr(head, "256") ? EVP_sha256() : strstr(head, "512") ? EVP_sha512() : EVP_sha1();
	bool phc = strstr(head, "i=") != NULL, django = *head == 'p';
	int iterations = 1 + c->iterations % 5;
	uint8_t hash[64];
	size_t length = phc ? 16 + c->length % 49 : (size_t) EVP_MD_get_size(digest);
	Slice salt = django || c->salt.length == 0 ? slice_of("NaCl") : c->salt;

	assert(PKCS5_PBKDF2_HMAC(c->password.data,
							 (int) c->password.length,
							 (const uint8_t *) salt.data,
							 (int) salt.length,
							 iterations,
							 digest,
							 (int) length,
							 hash) == 1);
	sprintf(c->stored, "%s%d", head, iterations);
	if (phc && c->version % 2)
		sprintf(c->stored + strlen(c->stored), ",l=%zu", length);
	strcat(c->stored, "$");
	if (django)
		strcat(c->stored, salt.data);
	else
		append_base64(c, (const uint8_t *) salt.data, salt.length, false, !phc);
	strcat(c->stored, "$");
	append_base64(c, hash, length, django, !phc && !django);
}

/* False for passwords that crypt(3) does not read to their end. */
static bool
hash_crypt(Choice *c)
{
	static const char *const settings[] = {"$2a$04$", "$2b$04$", "$2y$04$", "$5$rounds=1000$", "$6$rounds=1000$"};
	const char *setting = settings[c->spelling % COUNT(settings)];
	static struct crypt_data work;
	char phrase[CRYPT_MAX_PASSPHRASE_SIZE] = "", salt[64] = "";

	if (c->password.length >= sizeof(phrase) || memchr(c->password.data, '\0', c->password.length) != NULL)
		return false;
	memcpy(phrase, c->password.data, c->password.length);
	if (setting[1] == '2')
	{
		uint8_t random[16] = {0};

		memcpy(random, c->salt.data, c->salt.length < 16 ? c->salt.length : 16);
		assert(crypt_gensalt_rn(setting, 4, (char *) random, 16, salt, sizeof(salt)) != NULL);
	}
	else
		sprintf(salt, "%s%.*s", setting, 1 + c->length % 16, "saltsaltsaltsalt");
	strcpy(c->stored, crypt_r(phrase, salt, &work));
	return true;
}

/* Seven choices, a salt, and the password.  crypt(3) costs a hundred times as much as the others, so few inputs call it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size};
	Choice c = {take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input)};

	c.salt = take(&input, c.length / 2);
	c.password = start_of(input);
	if (c.scheme >= 252)
	{
		if (choose((Slice){(const char *) data, size}, 16) > 0 || !hash_crypt(&c))
			return 0;
	}
	else if (c.scheme % 2)
		hash_scrypt(&c);
	else
		hash_pbkdf2(&c);
	check_stored(slice_of(c.stored), input, NULL);
	return 0;
}
