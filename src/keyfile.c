/*
 * keyfile.c
 *		Owns the key file and every key derived from it.
 *
 * Threat: a stolen dump, backup of tables or replica.  Whatever the tables
 * hold is useless without this file: refresh tokens are MACs under it, private
 * keys and addresses of reset requests are sealed under it, account names in
 * the audit are keyed hashes under it.
 *
 * The file holds 32 bytes as 64 hexadecimal digits.  It is read once, by the
 * postmaster, which refuses a file that others may read as the server does
 * for its TLS key; backends inherit the derived keys by fork.  If reading
 * failed the server runs, and what needs the key fails with the reason.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "bytes.h"
#include "keyfile.h"
#include "settings.h"

#define MASTER_SIZE 32
#define FILE_SIZE (2 * MASTER_SIZE + 1)

typedef struct DerivedKeys
{
	uint8_t		refresh[SHA256_SIZE];
	uint8_t		tag[SHA256_SIZE];
	uint8_t		key_seal[SEAL_KEY_SIZE];
	uint8_t		address_seal[SEAL_KEY_SIZE];
	uint8_t		audit[SHA256_SIZE];
} DerivedKeys;

static DerivedKeys keys;
static bool keys_ready = false;
static char failure[256] = "it was not read";

static bool
fail(const char *what)
{
	snprintf(failure, sizeof(failure), "%s: %m", what);
	return false;
}

/* Written to a temporary name and renamed: a crash leaves no half a key. */
static bool
create_file(const char *path)
{
	uint8_t		master[MASTER_SIZE];
	char		text[FILE_SIZE];
	char		temporary[MAXPGPATH];
	int			fd;
	bool		written;

	if (!pg_strong_random(master, sizeof(master)))
		return fail("could not generate random bytes");
	bytes_hex_encode(master, sizeof(master), text);
	text[FILE_SIZE - 1] = '\n';
	bytes_wipe(master, sizeof(master));

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd < 0)
		return fail("could not create it");
	written = write(fd, text, sizeof(text)) == (ssize_t) sizeof(text) && pg_fsync(fd) == 0;
	bytes_wipe(text, sizeof(text));
	if (close(fd) != 0 || !written)
		return fail("could not write it");
	if (durable_rename(temporary, path, LOG) != 0)
		return fail("could not rename it into place");
	return true;
}

static bool
is_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail("could not stat it");
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO) & ~S_IRGRP) == 0 &&
		((st.st_mode & S_IRGRP) == 0 || st.st_uid == 0))
		return true;
	strlcpy(failure, "it must be a regular file that only its owner may read (0600, or 0640 if owned by root)",
			sizeof(failure));
	return false;
}

/* The 64 digits, with or without an end of line. */
static bool
read_master(int fd, uint8_t master[MASTER_SIZE])
{
	char		text[FILE_SIZE + 2];
	ssize_t		n = read(fd, text, sizeof(text));
	bool		good;

	if (n < 0)
		return fail("could not read it");
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	good = bytes_hex_decode(text, n, master, MASTER_SIZE);
	bytes_wipe(text, sizeof(text));
	if (!good)
		strlcpy(failure, "it must hold 64 hexadecimal digits", sizeof(failure));
	return good;
}

static bool
derive(const uint8_t master[MASTER_SIZE], const char *purpose, uint8_t *out, size_t n)
{
	if (crypto_hkdf(master, MASTER_SIZE, "djust_auth", 10, purpose, strlen(purpose), out, n))
		return true;
	strlcpy(failure, "could not derive keys from it", sizeof(failure));
	return false;
}

static bool
load(const char *path)
{
	uint8_t		master[MASTER_SIZE];
	bool		good;
	int			fd = open(path, O_RDONLY, 0);

	if (fd < 0 && errno == ENOENT && create_file(path))
		fd = open(path, O_RDONLY, 0);
	if (fd < 0)
		return errno == ENOENT ? fail("could not open it") : fail("could not open or create it");
	good = is_private(fd) && read_master(fd, master);
	close(fd);
	good = good &&
		derive(master, "refresh token v1", keys.refresh, sizeof(keys.refresh)) &&
		derive(master, "account tag v1", keys.tag, sizeof(keys.tag)) &&
		derive(master, "signing key seal v1", keys.key_seal, sizeof(keys.key_seal)) &&
		derive(master, "address seal v1", keys.address_seal, sizeof(keys.address_seal)) &&
		derive(master, "audit seal v1", keys.audit, sizeof(keys.audit));
	bytes_wipe(master, sizeof(master));
	return good;
}

void
keyfile_load(void)
{
	if (keys_ready)
		return;
	keys_ready = load(setting_key_file);
	if (!keys_ready)
		ereport(LOG,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not load key file \"%s\" of djust_auth: %s", setting_key_file, failure)));
}

static void
require_keys(void)
{
	if (!keys_ready)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key file of djust_auth is not loaded"),
				 errdetail_log("Key file \"%s\": %s.", setting_key_file, failure),
				 errhint("See the server log of the last start; repair the file that djust_auth.key_file names and restart the server.")));
}

static void
cannot_happen(void)
{
	elog(ERROR, "cryptographic library failed");
}

void
keyfile_refresh_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE])
{
	require_keys();
	if (!crypto_hmac_sha256(keys.refresh, sizeof(keys.refresh), data, n, mac))
		cannot_happen();
}

void
keyfile_audit_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE])
{
	require_keys();
	if (!crypto_hmac_sha256(keys.audit, sizeof(keys.audit), data, n, mac))
		cannot_happen();
}

bool
keyfile_audit_usable(void)
{
	return keys_ready;
}

/* The address is hashed first, so that purpose, database and address cannot run into each other. */
void
keyfile_tag(const char *purpose, const void *email, size_t n, ThrottleTag *tag)
{
	uint8_t		input[16 + sizeof(Oid) + SHA256_SIZE] = {0};
	uint8_t		mac[SHA256_SIZE];

	require_keys();
	Assert(strlen(purpose) <= 16);
	memcpy(input, purpose, strlen(purpose));
	memcpy(input + 16, &MyDatabaseId, sizeof(Oid));
	if (!crypto_sha256(email, n, input + 16 + sizeof(Oid)) ||
		!crypto_hmac_sha256(keys.tag, sizeof(keys.tag), input, sizeof(input), mac))
		cannot_happen();
	memcpy(tag->bytes, mac, sizeof(tag->bytes));
}

static void
seal(const uint8_t *key, const char *aad, const void *plain, size_t n, uint8_t *sealed)
{
	require_keys();
	if (!pg_strong_random(sealed, SEAL_NONCE_SIZE) ||
		!crypto_seal(key, sealed, aad, strlen(aad), plain, n, sealed + SEAL_NONCE_SIZE))
		cannot_happen();
}

static bool
unseal(const uint8_t *key, const char *aad, const uint8_t *sealed, size_t n, uint8_t *plain)
{
	require_keys();
	return n >= SEAL_NONCE_SIZE + SEAL_TAG_SIZE &&
		crypto_open(key, sealed, aad, strlen(aad), sealed + SEAL_NONCE_SIZE, n - SEAL_NONCE_SIZE, plain);
}

void
keyfile_seal_key(const char *kid, const uint8_t *plain, size_t n, uint8_t *sealed)
{
	seal(keys.key_seal, kid, plain, n, sealed);
}

bool
keyfile_open_key(const char *kid, const uint8_t *sealed, size_t n, uint8_t *plain)
{
	return unseal(keys.key_seal, kid, sealed, n, plain);
}

void
keyfile_seal_address(const char *email, size_t n, uint8_t sealed[SEALED_ADDRESS_SIZE])
{
	uint8_t		plain[ADDRESS_MAX + 2] = {0};

	if (n <= ADDRESS_MAX)
	{
		plain[0] = (uint8_t) n;
		memcpy(plain + 1, email, n);
	}
	seal(keys.address_seal, "address", plain, sizeof(plain), sealed);
	bytes_wipe(plain, sizeof(plain));
}

bool
keyfile_open_address(const uint8_t *sealed, size_t n, char email[ADDRESS_MAX + 1])
{
	uint8_t		plain[ADDRESS_MAX + 2];

	if (n != SEALED_ADDRESS_SIZE || !unseal(keys.address_seal, "address", sealed, n, plain))
		return false;
	memcpy(email, plain + 1, plain[0]);
	email[plain[0]] = '\0';
	bytes_wipe(plain, sizeof(plain));
	return true;
}
