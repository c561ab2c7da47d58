/*
 * settings.c
 *		Owns every setting: definition, bounds, hints; alphabetical.
 *
 * Threat: a caller of the API who may run SET.  No setting is below PGC_SUSET,
 * secrets are read from files and are never values, and a value that would
 * weaken the product's promises is refused when it is set.
 */
#include "postgres.h"

#include <limits.h>
#include <unistd.h>

#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "pwhash/pwhash.h"
#include "server/settings.h"
#include "text/mime.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400

int setting_access_token_lifetime;
int setting_argon2_iterations;
int setting_argon2_memory;
int setting_argon2_parallelism;
char *setting_audience;
int setting_audit_retention;
char *setting_client_address_header;
char *setting_client_id;
char *setting_databases;
bool setting_enforce_routes;
int setting_hash_wait_timeout;
char *setting_issuer;
char *setting_jwt_role;
char *setting_key_file;
char *setting_mail_from;
int setting_mail_lease;
int setting_max_concurrent_hashes;
int setting_max_login_failures;
int setting_password_min_length;
int setting_purge_interval;
int setting_refresh_reuse_grace;
int setting_refresh_token_lifetime;
int setting_reset_link_lifetime;
char *setting_reset_url;
int setting_session_max_lifetime;
char *setting_smtp_ca_file;
char *setting_smtp_password_file;
bool setting_smtp_require_tls;
char *setting_smtp_url;
char *setting_smtp_user;
char *setting_worker_role;

/* Bounds are checked here rather than by guc.c, which gives no hint. */
static bool
in_range(int value, int low, int high, const char *hint)
{
	if (value >= low && value <= high)
		return true;
	GUC_check_errhint("%s", hint);
	return false;
}

#define RANGE_CHECK(name, low, high, hint) \
	static bool check_##name(int *newval, void **extra, GucSource source) \
	{ \
		return in_range(*newval, (low), (high), (hint)); \
	}

RANGE_CHECK(access_token_lifetime, 1, DAY, "Use a time from 1s to 1d.")
RANGE_CHECK(argon2_iterations, 2, PWHASH_ARGON2_ITERATIONS_MAX,
			"Use 2 to 64 passes; fewer would be weaker than the default.")
RANGE_CHECK(argon2_memory, 19456, PWHASH_ARGON2_MEMORY_MAX,
			"Use 19456kB to 1GB; less would be weaker than the default.")
RANGE_CHECK(argon2_parallelism, 1, 16, "Use 1 to 16 lanes.")
RANGE_CHECK(audit_retention, 1, INT_MAX, "Use a time of at least 1s, such as 90d.")
RANGE_CHECK(hash_wait_timeout, 1, HOUR * 1000, "Use a time from 1ms to 1h.")
RANGE_CHECK(mail_lease, 1, DAY, "Use a time from 1s to 1d.")
RANGE_CHECK(max_concurrent_hashes, 1, 1024, "Use 1 to 1024; more than the number of processors gains nothing.")
RANGE_CHECK(max_login_failures, 1, 100, "Use 1 to 100 failures; at 100 the password is suspended.")
RANGE_CHECK(password_min_length, 8, 128,
			"Use 8 to 128 characters; fewer than 8 would be weaker than the promised policy.")
RANGE_CHECK(purge_interval, 1, DAY, "Use a time from 1s to 1d.")
RANGE_CHECK(refresh_reuse_grace, 0, 10 * MINUTE, "Use a time from 0 to 10min.")
RANGE_CHECK(refresh_token_lifetime, 1, 365 * DAY, "Use a time from 1s to 365d.")
RANGE_CHECK(reset_link_lifetime, 1, DAY, "Use a time from 1s to 24h; a reset link never lives longer.")
RANGE_CHECK(session_max_lifetime, 1, 365 * DAY, "Use a time from 1s to 365d.")

/* No control characters: such values go into tokens and mails. */
static bool
is_plain(const char *value)
{
	for (; *value; value++)
		if ((unsigned char) *value < 0x20 || (unsigned char) *value == 0x7f)
			return false;
	return true;
}

static bool
check_claim(char **newval, void **extra, GucSource source)
{
	if (**newval != '\0' && is_plain(*newval) && strlen(*newval) <= 512)
		return true;
	GUC_check_errhint("Use a name or a URI of 1 to 512 characters, without control characters.");
	return false;
}

static bool
check_plain(char **newval, void **extra, GucSource source)
{
	if (is_plain(*newval))
		return true;
	GUC_check_errhint("Control characters are not allowed.");
	return false;
}

/* RFC 9110 field name. */
static bool
check_header(char **newval, void **extra, GucSource source)
{
	size_t length = strlen(*newval);

	if (strspn(*newval, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == length && length < 64)
		return true;
	GUC_check_errhint("Use the header's name, such as X-Forwarded-For, or an empty value for none.");
	return false;
}

static bool
check_role(char **newval, void **extra, GucSource source)
{
	if (is_plain(*newval) && strlen(*newval) < NAMEDATALEN)
		return true;
	GUC_check_errhint("Use the name of a role, or an empty value for none.");
	return false;
}

/* The text after "host" or "host:port", where host is a name or a bracketed address; NULL if there is neither. */
static const char *
skip_host(const char *text)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t n = text[0] == '[' ? strspn(text + 1, "0123456789abcdefABCDEF:.") + 2 : strspn(text, name);
	long port;
	char *end;

	if (n == 0 || (text[0] == '[' && (n == 2 || text[n - 1] != ']')))
		return NULL;
	text += n;
	if (*text != ':')
		return text;
	if (text[1] < '0' || text[1] > '9')
		return NULL;
	port = strtol(text + 1, &end, 10);
	return port >= 1 && port <= 65535 ? end : NULL;
}

/* Plain http only for localhost; no userinfo; no {token} in the host part. */
static bool
is_safe_origin(const char *url)
{
	static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
	bool secure = strncmp(url, "https://", 8) == 0;
	const char *host = url + (secure ? 8 : 7);
	const char *rest;
	int i;

	if (!secure && strncmp(url, "http://", 7) != 0)
		return false;
	rest = skip_host(host);
	if (rest == NULL || strchr("/?#", *rest) == NULL)
		return false;
	for (i = 0; !secure && i < (int) lengthof(local); i++)
	{
		size_t n = strlen(local[i]);

		if (strncmp(host, local[i], n) == 0 && strchr(":/", host[n]) != NULL)
			return true;
	}
	return secure;
}

/* Masks user and password in the error for a refused URL. */
static bool
refuse_url(const char *name, const char *url)
{
	const char *at = strrchr(url, '@');
	const char *scheme = strstr(url, "://");

	if (at)
		GUC_check_errmsg("invalid value for parameter \"%s\": \"%.*s***%s\"",
						 name,
						 scheme && scheme < at ? (int) (scheme + 3 - url) : 0,
						 url,
						 at);
	return false;
}

/*
 * In mails the link is plain text and an HTML attribute: characters that could end either are refused.  Braces are only
 * for {token}, which must occur once.
 */
static bool
check_reset_url(char **newval, void **extra, GucSource source)
{
	const char *token = strstr(*newval, "{token}");

	if (is_plain(*newval) && is_safe_origin(*newval) && strpbrk(*newval, " \"'<>\\`") == NULL && token != NULL &&
		strchr(*newval, '{') == token && strchr(token + 7, '{') == NULL && strlen(*newval) <= 1024)
		return true;
	GUC_check_errhint("Use an https URL (http for localhost) that contains {token} once, such as "
					  "https://shop.example/reset?token={token}.");
	return refuse_url("djust_auth.reset_url", *newval);
}

static bool
check_databases(char **newval, void **extra, GucSource source)
{
	char *copy = pstrdup(*newval);
	List *names;
	bool good = SplitIdentifierString(copy, ',', &names) && list_length(names) <= 64;

	list_free(names);
	pfree(copy);
	if (!good)
		GUC_check_errhint("Use names of at most 64 databases, separated by commas, in double quotes where they "
						  "hold capitals or other signs.");
	return good;
}

static bool
check_smtp_url(char **newval, void **extra, GucSource source)
{
	const char *host = strncmp(*newval, "smtp://", 7) == 0  ? *newval + 7 :
					   strncmp(*newval, "smtps://", 8) == 0 ? *newval + 8 :
															  "";
	const char *rest = skip_host(host);

	if (**newval == '\0' || (rest != NULL && (*rest == '\0' || strcmp(rest, "/") == 0)))
		return true;
	GUC_check_errhint("Use smtp://host:port or smtps://host:port without user and password, or an empty value for "
					  "no mail.");
	return refuse_url("djust_auth.smtp_url", *newval);
}

/* Refuses here, not at the first mail, a sender that cannot be a header. */
static bool
check_mail_from(char **newval, void **extra, GucSource source)
{
	Mailbox mailbox;

	if (**newval == '\0' || mime_parse_mailbox(*newval, &mailbox))
		return true;
	GUC_check_errhint("Use an address, or a name and an address such as Shop <no-reply@shop.example>.");
	return false;
}

static bool
check_key_file(char **newval, void **extra, GucSource source)
{
	if (**newval != '\0')
		return true;
	GUC_check_errhint("Use a path; a relative one starts at the data directory.");
	return false;
}

/* Each has its variable, and an integer its RANGE_CHECK, under its own name. */
#define DEFINE_INT(name, description, boot, context, flags) \
	DefineCustomIntVariable("djust_auth." #name, \
							description, \
							NULL, \
							&setting_##name, \
							boot, \
							INT_MIN, \
							INT_MAX, \
							context, \
							flags, \
							check_##name, \
							NULL, \
							NULL)
#define DEFINE_STRING(name, description, boot, context, flags, check) \
	DefineCustomStringVariable( \
		"djust_auth." #name, description, NULL, &setting_##name, boot, context, flags, check, NULL, NULL)
#define DEFINE_BOOL(name, description, boot) \
	DefineCustomBoolVariable( \
		"djust_auth." #name, description, NULL, &setting_##name, boot, PGC_SUSET, 0, NULL, NULL, NULL)

static int
number_of_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 1024 ? 1024 : (int) n;
}

static void
define_passwords(void)
{
	DEFINE_INT(argon2_iterations, "Passes of Argon2id over its memory.", 2, PGC_SUSET, 0);
	DEFINE_INT(argon2_memory, "Memory of one Argon2id hash.", 19456, PGC_SUSET, GUC_UNIT_KB);
	DEFINE_INT(argon2_parallelism, "Lanes of one Argon2id hash.", 1, PGC_SUSET, 0);
	DEFINE_INT(hash_wait_timeout, "How long a caller waits for a free hash slot.", 5000, PGC_SUSET, GUC_UNIT_MS);
	DEFINE_INT(max_concurrent_hashes,
			   "Password hashes computed at the same time in the whole server.",
			   number_of_cpus(),
			   PGC_POSTMASTER,
			   0);
	DEFINE_INT(
		max_login_failures, "Consecutive failures after which each further attempt must wait.", 10, PGC_SUSET, 0);
	DEFINE_INT(password_min_length, "Least number of characters of a password.", 8, PGC_SUSET, 0);
}

static void
define_tokens(void)
{
	DEFINE_INT(access_token_lifetime, "Life of an access token.", 10 * MINUTE, PGC_SUSET, GUC_UNIT_S);
	DEFINE_STRING(audience, "Claim aud of access tokens (RFC 9068).", "djust_auth", PGC_SUSET, 0, check_claim);
	DEFINE_STRING(client_id, "Claim client_id of access tokens (RFC 9068).", "djust_auth", PGC_SUSET, 0, check_claim);
	DEFINE_STRING(issuer, "Claim iss of access tokens (RFC 9068).", "djust_auth", PGC_SUSET, 0, check_claim);
	DEFINE_STRING(jwt_role,
				  "Claim role of access tokens, which PostgREST impersonates; empty for none.",
				  "",
				  PGC_SUSET,
				  0,
				  check_role);
	DEFINE_STRING(key_file,
				  "File of the key that protects signing keys and tokens.",
				  "djust_auth.key",
				  PGC_POSTMASTER,
				  GUC_SUPERUSER_ONLY,
				  check_key_file);
	DEFINE_INT(
		refresh_reuse_grace, "How long a used refresh token still gets its successor.", 10, PGC_SUSET, GUC_UNIT_S);
	DEFINE_INT(
		refresh_token_lifetime, "Life of a refresh token, renewed at each use.", 2 * HOUR, PGC_SUSET, GUC_UNIT_S);
	DEFINE_INT(
		session_max_lifetime, "Life of a session, however often it is refreshed.", 12 * HOUR, PGC_SUSET, GUC_UNIT_S);
}

static void
define_http(void)
{
	DEFINE_STRING(client_address_header,
				  "HTTP header that carries the client's address; empty for none.",
				  "",
				  PGC_SUSET,
				  0,
				  check_header);
	DEFINE_BOOL(enforce_routes, "Let djust_pre_request refuse routes the profiles do not give.", false);
}

static void
define_worker(void)
{
	DEFINE_INT(audit_retention, "Age at which audit events are purged.", 90 * DAY, PGC_SUSET, GUC_UNIT_S);
	DEFINE_STRING(databases,
				  "Databases served by the background worker, separated by commas.",
				  "",
				  PGC_POSTMASTER,
				  0,
				  check_databases);
	DEFINE_STRING(mail_from, "Sender of mails: an address, or Name <address>.", "", PGC_SUSET, 0, check_mail_from);
	DEFINE_INT(mail_lease,
			   "How long a claimed mail is left to the mailer that claimed it.",
			   5 * MINUTE,
			   PGC_SUSET,
			   GUC_UNIT_S);
	DEFINE_INT(purge_interval, "Pause between two purges by the worker.", MINUTE, PGC_SUSET, GUC_UNIT_S);
	DEFINE_INT(reset_link_lifetime, "Life of a password reset link.", DAY, PGC_SUSET, GUC_UNIT_S);
	DEFINE_STRING(reset_url,
				  "Link in reset mails; {token} stands for the secret.",
				  "https://shop.example/reset?token={token}",
				  PGC_SUSET,
				  0,
				  check_reset_url);
	DEFINE_STRING(smtp_ca_file,
				  "Certificates the SMTP server's is verified with; empty for the system's.",
				  "",
				  PGC_SUSET,
				  GUC_SUPERUSER_ONLY,
				  check_plain);
	DEFINE_STRING(
		smtp_password_file, "File that holds the SMTP password.", "", PGC_SUSET, GUC_SUPERUSER_ONLY, check_plain);
	DEFINE_BOOL(smtp_require_tls, "Send no mail over a connection that is not encrypted.", true);
	DEFINE_STRING(smtp_url, "SMTP server mails are sent through.", "", PGC_SUSET, GUC_SUPERUSER_ONLY, check_smtp_url);
	DEFINE_STRING(smtp_user, "SMTP user name.", "", PGC_SUSET, GUC_SUPERUSER_ONLY, check_plain);
	DEFINE_STRING(worker_role,
				  "Role of the background worker; empty for the extension's owner.",
				  "",
				  PGC_POSTMASTER,
				  0,
				  check_role);
}

void
settings_init(void)
{
	define_passwords();
	define_tokens();
	define_http();
	define_worker();
	MarkGUCPrefixReserved("djust_auth");
}
