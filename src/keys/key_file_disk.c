/*
 * key_file_disk.c
 *		Owns the key file on disk: reading, creating, deriving keys from it.
 *
 * Threats: a file that others can read, half a file after a crash, and a new
 * file that silently replaces a lost one, so that data sealed under the lost
 * one is given up.
 *
 * The file holds 32 bytes as 64 hexadecimal digits.  The postmaster reads it
 * and refuses a file that others may read, as the server does for its TLS key;
 * backends inherit the derived keys by fork.  A backend whose database knows
 * another file reads it again, so the right one is noticed without a restart.
 *
 * At server start no database can be read, so a marker file in the data
 * directory says that a database knows its key file.  Without the marker a
 * missing file is created, but never for a standby or a restored backup.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/file_perm.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "keys/key_file_disk.h"
#include "server/secret.h"
#include "server/settings.h"
#include "text/bytes.h"

#define MASTER_SIZE 32
#define FILE_SIZE (2 * MASTER_SIZE + 1)
#define MARK "djust_auth.key_known"
#define MARK_TEXT "A database of this server knows its key file: djust_auth does not create another one.\n"

static KeyFileKeys keys;
static uint64_t generation = 0; /* 0: no file was read */
static char failure[256] = "it was not read";

/* False, and the reason kept for key_file_failure. */
#define FAIL(...) (snprintf(failure, sizeof(failure), __VA_ARGS__), false)

static bool
write_new(const char *path)
{
	uint8_t master[MASTER_SIZE];
	char text[FILE_SIZE];
	int fd;
	bool written;

	if (!pg_strong_random(master, sizeof(master)))
		return FAIL("could not generate random bytes");
	bytes_hex_encode(master, sizeof(master), text);
	text[FILE_SIZE - 1] = '\n';
	bytes_wipe(master, sizeof(master));

	unlink(path);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	written = fd >= 0 && write(fd, text, sizeof(text)) == (ssize_t) sizeof(text) && pg_fsync(fd) == 0;
	bytes_wipe(text, sizeof(text));
	if (fd < 0)
		return FAIL("could not create it: %m");
	return (close(fd) == 0 && written) || FAIL("could not write it: %m");
}

static void
fsync_directory_of(const char *path)
{
	char directory[MAXPGPATH];

	strlcpy(directory, path, sizeof(directory));
	get_parent_directory(directory);
	fsync_fname_ext(*directory == '\0' ? "." : directory, true, true, LOG);
}

/* Writes a temporary file and links it: a crash leaves no partial key, and of two concurrent creators one fails. */
bool
key_file_create(void)
{
	char temporary[MAXPGPATH];
	bool created;

	snprintf(temporary, sizeof(temporary), "%s.new.%d", setting_key_file, (int) getpid());
	created =
		write_new(temporary) && (link(temporary, setting_key_file) == 0 || FAIL("could not put it into place: %m"));
	unlink(temporary);
	if (!created)
		return false;
	fsync_directory_of(setting_key_file);
	ereport(LOG,
			(errmsg("created key file \"%s\" of djust_auth", setting_key_file),
			 errhint("Back it up apart from the database, and put it on every standby.")));
	return true;
}

/* The digits may end in a newline. */
static bool
read_master(int fd, uint8_t master[MASTER_SIZE])
{
	char text[FILE_SIZE + 2];
	ssize_t n = read(fd, text, sizeof(text));
	bool good;

	if (n < 0)
		return FAIL("could not read it: %m");
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	good = bytes_hex_decode((Slice){text, n}, master, MASTER_SIZE);
	bytes_wipe(text, sizeof(text));
	return good || FAIL("it must hold 64 hexadecimal digits");
}

static bool
derive(const uint8_t master[MASTER_SIZE], const char *purpose, uint8_t *out, size_t n)
{
	return crypto_hkdf(master, MASTER_SIZE, "djust_auth", 10, purpose, strlen(purpose), out, n) ||
		   FAIL("could not derive keys from it");
}

static bool
derive_all(const uint8_t master[MASTER_SIZE], KeyFileKeys *out)
{
	return derive(master, "refresh token v1", out->refresh, sizeof(out->refresh)) &&
		   derive(master, "account tag v1", out->tag, sizeof(out->tag)) &&
		   derive(master, "signing key seal v1", out->key_seal, sizeof(out->key_seal)) &&
		   derive(master, "address seal v1", out->address_seal, sizeof(out->address_seal)) &&
		   derive(master, "moved user seal v1", out->user_seal, sizeof(out->user_seal)) &&
		   derive(master, "audit seal v1", out->audit, sizeof(out->audit)) &&
		   derive(master, "key file check v1", out->check, sizeof(out->check));
}

/* O_NONBLOCK: does not hang if the path is a pipe. */
bool
key_file_read(void)
{
	uint8_t master[MASTER_SIZE];
	KeyFileKeys fresh;
	bool good;
	int fd = open(setting_key_file, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return FAIL("could not open it: %m");
	good = secret_file_is_private(fd) ||
		   FAIL("it must be a regular file that only its owner may read (0600, or 0640 if owned by root)");
	good = good && read_master(fd, master);
	close(fd);
	good = good && derive_all(master, &fresh);
	bytes_wipe(master, sizeof(master));
	if (good && (generation == 0 || !bytes_equal(fresh.check, keys.check, sizeof(keys.check))))
	{
		keys = fresh;
		generation++;
	}
	bytes_wipe(&fresh, sizeof(fresh));
	return good;
}

const KeyFileKeys *
key_file_keys(void)
{
	return generation > 0 ? &keys : NULL;
}

uint64_t
key_file_generation(void)
{
	return generation;
}

const char *
key_file_failure(void)
{
	return failure;
}

static bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

bool
key_file_is_missing(void)
{
	return !file_exists(setting_key_file);
}

bool
key_file_is_known(void)
{
	return file_exists(MARK);
}

/* A failure is only logged: the databases know their key file themselves. */
void
key_file_mark_known(void)
{
	int fd;

	if (key_file_is_known())
		return;
	fd = open(MARK, O_CREAT | O_WRONLY, pg_file_create_mode);
	if (fd < 0 || write(fd, MARK_TEXT, strlen(MARK_TEXT)) < 0 || pg_fsync(fd) != 0)
		ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", MARK)));
	if (fd >= 0)
		close(fd);
	fsync_directory_of(MARK);
}

/* Why a missing file must not be created at server start; NULL if it may be. */
static const char *
reason_against(void)
{
	if (key_file_is_known())
		return "a database of this server knows the one that was here. Put it back, or call "
			   "djust_auth.accept_key_file().";
	if (file_exists(STANDBY_SIGNAL_FILE) || file_exists(RECOVERY_SIGNAL_FILE) || file_exists(BACKUP_LABEL_FILE))
		return "this is a standby or a restored backup. Copy the key file of the primary.";
	return IsBinaryUpgrade ? "this is an upgrade. Copy the key file of the old cluster." : NULL;
}

void
key_file_load(void)
{
	bool missing = key_file_is_missing();
	const char *reason = missing ? reason_against() : NULL;
	bool present = !missing || reason != NULL;

	if (generation > 0)
		return;
	if ((present || key_file_create()) && key_file_read())
	{
		if (present)
			ereport(LOG, (errmsg("found key file \"%s\" of djust_auth", setting_key_file)));
		return;
	}
	ereport(LOG,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg("could not load key file \"%s\" of djust_auth: %s", setting_key_file, failure),
			 reason ? errdetail("It is not created: %s", reason) : 0));
}
