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

#include "pwhash/pwcommon.h"
#include "pwhash/pwhash.h"
#include "pwhash/pwpolicy.h"
#include "server/shard.h"
#include "server/settings.h"
#include "text/mime.h"

/* With an empty SETTING the header defines what it declared: 18 has warnings on definitions without declarations. */
#undef DJUST_SETTINGS_H
#undef SETTING
#define SETTING
#include "server/settings.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400

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
RANGE_CHECK(invitation_lifetime, 1, 14 * DAY, "Use a time from 1s to 14d.")
RANGE_CHECK(mail_lease, 1, DAY, "Use a time from 1s to 1d.")
RANGE_CHECK(max_concurrent_hashes, 1, 1024, "Use 1 to 1024; more than the number of processors gains nothing.")
RANGE_CHECK(max_login_failures, 1, 100, "Use 1 to 100 failures; at 100 the password is suspended.")
RANGE_CHECK(max_sessions, 0, 10000, "Use 0 for no limit, or a number from 1 to 10000.")
RANGE_CHECK(password_min_length, 8, 128,
			"Use 8 to 128 characters; fewer than 8 would be weaker than the promised policy.")
RANGE_CHECK(purge_interval, 1, DAY, "Use a time from 1s to 1d.")
RANGE_CHECK(refresh_reuse_grace, 0, 10 * MINUTE, "Use a time from 0 to 10min.")
RANGE_CHECK(refresh_token_lifetime, 1, 365 * DAY, "Use a time from 1s to 365d.")
RANGE_CHECK(reset_link_lifetime, 1, DAY, "Use a time from 1s to 24h; a reset link never lives longer.")
RANGE_CHECK(session_max_lifetime, 1, 365 * DAY, "Use a time from 1s to 365d.")
RANGE_CHECK(shard, 0, SHARDS_MAX - 1, "Use a number from 0 to 4095.")

static bool
check_max_replica_lag(int *newval, void **extra, GucSource source)
{
	return *newval == 0 || in_range(*newval, 1000, HOUR * 1000, "Use 0 for no limit, or a time from 1s to 1h.");
}

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

bool
settings_is_base_url(const char *url)
{
	return is_plain(url) && is_safe_origin(url) && strpbrk(url, "?# \"'<>\\`{}") == NULL && strlen(url) <= 512;
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
bool
settings_is_link_url(const char *url)
{
	const char *token = strstr(url, "{token}");

	return is_plain(url) && is_safe_origin(url) && strpbrk(url, " \"'<>\\`") == NULL && token != NULL &&
		   strchr(url, '{') == token && strchr(token + 7, '{') == NULL && strlen(url) <= 1024;
}

static bool
check_link_url(const char *name, const char *url)
{
	if (settings_is_link_url(url))
		return true;
	GUC_check_errhint("Use an https URL (http for localhost) that contains {token} once, such as "
					  "https://shop.example/reset?token={token}.");
	return refuse_url(name, url);
}

static bool
check_reset_url(char **newval, void **extra, GucSource source)
{
	return check_link_url("djust_auth.reset_url", *newval);
}

static bool
check_confirm_url(char **newval, void **extra, GucSource source)
{
	return check_link_url("djust_auth.confirm_url", *newval);
}

static bool
check_api_url(char **newval, void **extra, GucSource source)
{
	if (**newval == '\0' || settings_is_base_url(*newval))
		return true;
	GUC_check_errhint("Use an https URL (http for localhost) without query and fragment, such as "
					  "https://shop.example/api, or an empty value for the issuer.");
	return refuse_url("djust_auth.api_url", *newval);
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

/* As many bytes as pwcommon.c looks at. */
static bool
check_password_context(char **newval, void **extra, GucSource source)
{
	if (is_plain(*newval) && strlen(*newval) <= PWCOMMON_LONGEST)
		return true;
	GUC_check_errhint("Use names of the shop, separated by commas, 1024 bytes at most.");
	return false;
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

static const struct config_enum_entry password_policies[] = {
	{"djust", PWPOLICY_DJUST, false},
	{"nist", PWPOLICY_NIST, false},
	{NULL, 0, false},
};

/* Each has its variable, and an integer its RANGE_CHECK, under its own name. */
#define DEFINE_INT_IN(context, name, boot, unit, description) \
	DefineCustomIntVariable("djust_auth." #name, \
							description, \
							NULL, \
							&setting_##name, \
							boot, \
							INT_MIN, \
							INT_MAX, \
							context, \
							unit, \
							check_##name, \
							NULL, \
							NULL)
#define DEFINE_STRING_IN(context, name, boot, check, flags, description) \
	DefineCustomStringVariable( \
		"djust_auth." #name, description, NULL, &setting_##name, boot, context, flags, check, NULL, NULL)
#define DEFINE_BOOL(name, boot, description) \
	DefineCustomBoolVariable( \
		"djust_auth." #name, description, NULL, &setting_##name, boot, PGC_SUSET, 0, NULL, NULL, NULL)

#define DEFINE_INT(name, boot, unit, description) DEFINE_INT_IN(PGC_SUSET, name, boot, unit, description)
#define DEFINE_STRING(name, boot, check, description) DEFINE_STRING_IN(PGC_SUSET, name, boot, check, 0, description)
#define DEFINE_HIDDEN(name, boot, check, description) \
	DEFINE_STRING_IN(PGC_SUSET, name, boot, check, GUC_SUPERUSER_ONLY, description)
#define DEFINE_AT_START(name, boot, check, flags, description) \
	DEFINE_STRING_IN(PGC_POSTMASTER, name, boot, check, flags, description)

static int
number_of_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 1024 ? 1024 : (int) n;
}

static void
define_passwords(void)
{
	DEFINE_INT(argon2_iterations, 2, 0, "Passes of Argon2id over its memory.");
	DEFINE_INT(argon2_memory, 19456, GUC_UNIT_KB, "Memory of one Argon2id hash.");
	DEFINE_INT(argon2_parallelism, 1, 0, "Lanes of one Argon2id hash.");
	DEFINE_INT(hash_wait_timeout, 5000, GUC_UNIT_MS, "How long a caller waits for a free hash slot.");
	DEFINE_INT_IN(PGC_POSTMASTER,
				  max_concurrent_hashes,
				  number_of_cpus(),
				  0,
				  "Password hashes computed at the same time in the whole server.");
	DEFINE_INT(max_login_failures, 10, 0, "Consecutive failures after which each further attempt must wait.");
	DEFINE_STRING(password_context, "", check_password_context, "Names of the shop, which make a password common.");
	DEFINE_INT(password_min_length, 8, 0, "Least number of characters of a password.");
	DefineCustomEnumVariable("djust_auth.password_policy",
							 "Rules of new passwords: djust, or nist, which asks for 15 characters of any kind.",
							 NULL,
							 &setting_password_policy,
							 PWPOLICY_DJUST,
							 password_policies,
							 PGC_SUSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
}

static void
define_tokens(void)
{
	DEFINE_INT(access_token_lifetime, 10 * MINUTE, GUC_UNIT_S, "Life of an access token.");
	DEFINE_STRING(audience, "djust_auth", check_claim, "Claim aud of access tokens (RFC 9068).");
	DEFINE_STRING(client_id, "djust_auth", check_claim, "Claim client_id of access tokens (RFC 9068).");
	DEFINE_STRING(issuer, "djust_auth", check_claim, "Claim iss of access tokens (RFC 9068).");
	DEFINE_STRING(
		jwt_role, "", check_role, "Claim role of access tokens, which PostgREST impersonates; empty for none.");
	DEFINE_AT_START(key_file,
					"djust_auth.key",
					check_key_file,
					GUC_SUPERUSER_ONLY,
					"File of the key that protects signing keys and tokens.");
	DEFINE_INT(refresh_reuse_grace, 10, GUC_UNIT_S, "How long a used refresh token still gets its successor.");
	DEFINE_INT(refresh_token_lifetime, 2 * HOUR, GUC_UNIT_S, "Life of a refresh token, renewed at each use.");
	DEFINE_INT(max_sessions, 0, 0, "Live sessions of a user: at a login beyond it the oldest ends; 0: no limit.");
	DEFINE_INT(session_max_lifetime, 12 * HOUR, GUC_UNIT_S, "Life of a session, however often it is refreshed.");
	DEFINE_BOOL(follower, false, "Profiles, rights, keys, store views, texts and blocklist come from another shard.");
	DEFINE_INT(max_replica_lag, 0, GUC_UNIT_MS, "How far behind a standby or follower may be that answers; 0: any.");
	DEFINE_INT(shard, 0, 0, "Number of this shard, in session ids and in the secrets of links.");
}

static void
define_http(void)
{
	DEFINE_STRING(
		api_url, "", check_api_url, "Address of PostgREST in the metadata of djust_metadata; empty for the issuer.");
	DEFINE_STRING(
		client_address_header, "", check_header, "HTTP header that carries the client's address; empty for none.");
	DEFINE_BOOL(enforce_routes, false, "Let djust_pre_request refuse routes the profiles do not give.");
	DEFINE_STRING(store_header, "", check_header, "HTTP header that names the store view; empty for none.");
}

static void
define_accounts(void)
{
	DEFINE_STRING(confirm_url,
				  "https://shop.example/confirm?token={token}",
				  check_confirm_url,
				  "Link in mails that confirm or put back an address; {token} stands for the secret.");
	DEFINE_INT(invitation_lifetime, 3 * DAY, GUC_UNIT_S, "Life of the link in an invitation.");
	DEFINE_BOOL(notify_new_device, false, "Mail a notice of a login with a new device.");
	DEFINE_INT(reset_link_lifetime, DAY, GUC_UNIT_S, "Life of a password reset link.");
	DEFINE_STRING(reset_url,
				  "https://shop.example/reset?token={token}",
				  check_reset_url,
				  "Link in reset mails and invitations; {token} stands for the secret.");
	DEFINE_BOOL(sign_up, false, "Let anybody make an account by djust_sign_up().");
	DEFINE_STRING(sign_up_profiles, "", check_plain, "Profiles of those who sign up, separated by commas.");
}

static void
define_worker(void)
{
	DEFINE_INT(audit_retention, 90 * DAY, GUC_UNIT_S, "Age at which audit events are purged.");
	DEFINE_AT_START(
		databases, "", check_databases, 0, "Databases served by the background worker, separated by commas.");
	DEFINE_STRING(mail_from, "", check_mail_from, "Sender of mails: an address, or Name <address>.");
	DEFINE_INT(mail_lease, 5 * MINUTE, GUC_UNIT_S, "How long a claimed mail is left to the mailer that claimed it.");
	DEFINE_INT(purge_interval, MINUTE, GUC_UNIT_S, "Pause between two purges by the worker.");
	DEFINE_HIDDEN(
		smtp_ca_file, "", check_plain, "Certificates the SMTP server's is verified with; empty for the system's.");
	DEFINE_HIDDEN(smtp_password_file, "", check_plain, "File that holds the SMTP password.");
	DEFINE_BOOL(smtp_require_tls, true, "Send no mail over a connection that is not encrypted.");
	DEFINE_HIDDEN(smtp_url, "", check_smtp_url, "SMTP server mails are sent through.");
	DEFINE_HIDDEN(smtp_user, "", check_plain, "SMTP user name.");
	DEFINE_AT_START(worker_role, "", check_role, 0, "Role of the background worker; empty for the extension's owner.");
}

void
settings_init(void)
{
	define_passwords();
	define_tokens();
	define_accounts();
	define_http();
	define_worker();
	MarkGUCPrefixReserved("djust_auth");
}
