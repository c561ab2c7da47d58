/*
 * relay.c
 *		Owns the connection to the SMTP server; the only file that knows
 *		libcurl.
 *
 * Threat: a relay that is not the one meant, credentials or a link told to it,
 * and a server that never answers.  Certificate and host name are always
 * verified; nothing around us (proxies in the environment, .netrc, other
 * protocols) has a say; no wait is longer than a blink before the caller is
 * asked.
 *
 * libcurl resolves, connects and logs in; the mail itself is spoken by
 * mailer.c.  libcurl's own upload blocks until the final answer has come, and
 * ends a mail that is given up half-way as if it were whole.
 */
#include "relay.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "bytes.h"
#include "message.h"

#define POLL_MS 40
#define CONNECT_S 15
#define REUSE_MS 20000
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * One connection a process.  Static, so that what meanwhile() leaves behind by longjmp is found and closed by the next
 * call.
 */
typedef struct Relay
{
	CURLM	   *multi;
	CURL	   *easy;
	curl_socket_t socket;
	char	   *made_for;		/* server and credentials */
	bool		kept;			/* no mail is half-way */
	int64_t		kept_at;
	const char *said;			/* the last command, while libcurl talks */
	int			code;			/* the answer to it, 0 for none yet */
	bool		logged_in;
	bool		offers_utf8;
} Relay;

static Relay relay = {.socket = CURL_SOCKET_BAD};

int64_t
relay_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static RelayResult
ask(Patience *patience)
{
	bool		wanted = patience->meanwhile(patience->arg);

	patience->asked_at = relay_clock();
	return !wanted ? RELAY_STOPPED : patience->asked_at >= patience->deadline ? RELAY_LATE : RELAY_OK;
}

/* For where a server keeps us busy without a pause. */
static RelayResult
ask_if_due(Patience *patience)
{
	return relay_clock() - patience->asked_at < POLL_MS ? RELAY_OK : ask(patience);
}

/* Signals wait while libcurl works: a thread it starts to resolve a name inherits that, and takes none of the server's. */
static void
hold_signals(sigset_t *before)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
release_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* The socket is shut first: else libcurl says QUIT and waits for the answer. */
void
relay_close(void)
{
	sigset_t	signals;
	size_t		n;

	hold_signals(&signals);
	if (relay.socket != CURL_SOCKET_BAD)
	{
		if (relay.kept)
			(void) curl_easy_send(relay.easy, "QUIT\r\n", 6, &n);
		shutdown(relay.socket, SHUT_RDWR);
	}
	if (relay.multi && relay.easy)
		curl_multi_remove_handle(relay.multi, relay.easy);
	curl_easy_cleanup(relay.easy);
	curl_multi_cleanup(relay.multi);
	if (relay.made_for)
	{
		bytes_wipe(relay.made_for, strlen(relay.made_for));
		free(relay.made_for);
	}
	memset(&relay, 0, sizeof(relay));
	relay.socket = CURL_SOCKET_BAD;
	release_signals(&signals);
}

void
relay_keep(void)
{
	relay.kept = true;
	relay.kept_at = relay_clock();
}

/* NULL when memory is short.  Settings hold no line feeds. */
static char *
describe(const MailerServer *server)
{
	const char *parts[] = {server->url, server->user, server->password, server->ca_file, server->require_tls ? "tls" : ""};
	Text		text = {NULL, 0, 0, false};
	size_t		i;

	for (i = 0; i < LENGTH(parts); i++)
		text.capacity += (parts[i] ? strlen(parts[i]) : 0) + 1;
	text.data = calloc(1, text.capacity + 1);
	for (i = 0; i < LENGTH(parts) && text.data; i++)
	{
		text_append(&text, parts[i] ? parts[i] : "");
		text_append(&text, "\n");
	}
	return text.data;
}

bool
relay_is_open(const MailerServer *server)
{
	char	   *wanted;
	bool		same;

	if (!relay.kept || relay_clock() - relay.kept_at > REUSE_MS || (wanted = describe(server)) == NULL)
		return false;
	same = strcmp(wanted, relay.made_for) == 0;
	bytes_wipe(wanted, strlen(wanted));
	free(wanted);
	return same;
}

bool
relay_offers_utf8(void)
{
	return relay.offers_utf8;
}

static bool
begins_with(const char *data, size_t n, const char *word)
{
	return n >= strlen(word) && strncasecmp(data, word, strlen(word)) == 0;
}

/* Follows libcurl's part of the dialogue: what was said last, what came back, what the server offers. */
static int
observe(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
	(void) easy;
	(void) arg;
	if (type == CURLINFO_HEADER_OUT)
	{
		relay.code = 0;
		if (begins_with(data, n, "EHLO") || begins_with(data, n, "HELO"))
		{
			relay.said = "EHLO";
			relay.offers_utf8 = false;
		}
		else if (begins_with(data, n, "STARTTLS"))
			relay.said = "STARTTLS";
		else if (begins_with(data, n, "AUTH "))
		{
			relay.said = "AUTH";
			relay.logged_in = true;
		}
	}
	else if (type == CURLINFO_HEADER_IN && n >= 4)
	{
		if (data[0] >= '2' && data[0] <= '5' && data[1] >= '0' && data[1] <= '9' && data[2] >= '0' && data[2] <= '9')
			relay.code = (data[0] - '0') * 100 + (data[1] - '0') * 10 + data[2] - '0';
		if (begins_with(data + 4, n - 4, "SMTPUTF8"))
			relay.offers_utf8 = true;
	}
	return 0;
}

/* False if any of it could not be set: then nothing is sent. */
static bool
configure(CURL *easy, const MailerServer *server)
{
	bool		good = true;

#define SET(option, value) (good = good && curl_easy_setopt(easy, option, value) == CURLE_OK)
	SET(CURLOPT_URL, server->url);
	SET(CURLOPT_CONNECT_ONLY, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
	SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L);	/* else giving up waits for the resolver's thread */
#endif
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long) (server->timeout_s < CONNECT_S ? server->timeout_s : CONNECT_S));
	SET(CURLOPT_USE_SSL, (long) (server->require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (server->ca_file && *server->ca_file)
	{
		SET(CURLOPT_CAINFO, server->ca_file);
		SET(CURLOPT_CAPATH, (char *) NULL);
	}
	if (server->user && *server->user)
	{
		SET(CURLOPT_USERNAME, server->user);
		SET(CURLOPT_PASSWORD, server->password ? server->password : "");
	}
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, observe);
#undef SET
	return good;
}

static RelayResult
refuse(RelayFault *fault, const char *reason, const char *detail)
{
	fault->reason = reason;
	fault->detail = detail;
	fault->code = 0;
	return RELAY_REFUSED;
}

static RelayResult
explain(RelayFault *fault, CURLcode result)
{
	static const struct
	{
		CURLcode	result;
		const char *reason;
	}			reasons[] = {
		{CURLE_COULDNT_RESOLVE_HOST, "could not find the address of the server"},
		{CURLE_COULDNT_CONNECT, "could not connect to the server"},
		{CURLE_OPERATION_TIMEDOUT, "the server took too long to connect"},
		{CURLE_USE_SSL_FAILED, "the server offers no STARTTLS, which djust_auth.smtp_require_tls demands"},
		{CURLE_LOGIN_DENIED, "the server offers no AUTH for djust_auth.smtp_user"},
		{CURLE_SSL_CONNECT_ERROR, "the TLS handshake with the server failed"},
		{CURLE_SSL_CACERT_BADFILE, "could not read the certificates in djust_auth.smtp_ca_file"},
		{CURLE_UNSUPPORTED_PROTOCOL, "djust_auth.smtp_url is malformed"},
		{CURLE_URL_MALFORMAT, "djust_auth.smtp_url is malformed"},
		{CURLE_RECV_ERROR, "the server closed the connection"},
		{CURLE_GOT_NOTHING, "the server closed the connection"},
	};
	long		verified = 0;
	size_t		i;

	if (result == CURLE_PEER_FAILED_VERIFICATION)
	{
		/* OpenSSL's X509_V_*: 10 is an expired certificate; before 2, it is libcurl that minds the name */
		curl_easy_getinfo(relay.easy, CURLINFO_SSL_VERIFYRESULT, &verified);
		return refuse(fault, "the certificate of the server ", verified < 2 || verified == 62 ? "is for another host name" :
					  verified == 10 ? "has expired" : "is not signed by a trusted authority");
	}
	if (relay.code >= 400 && result != CURLE_USE_SSL_FAILED)
	{
		refuse(fault, "", relay.said);
		fault->code = relay.code;
		return RELAY_REFUSED;
	}
	for (i = 0; i < LENGTH(reasons); i++)
		if (reasons[i].result == result)
			return refuse(fault, reasons[i].reason, "");
	return refuse(fault, "could not connect to the server: ", curl_easy_strerror(result));
}

static bool
start(const MailerServer *server)
{
	static bool initialised = false;
	sigset_t	signals;
	bool		good;

	hold_signals(&signals);
	initialised = initialised || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	relay.said = "the connection";
	relay.made_for = describe(server);
	relay.multi = curl_multi_init();
	relay.easy = curl_easy_init();
	good = initialised && relay.made_for && relay.multi && relay.easy && configure(relay.easy, server) &&
		curl_multi_add_handle(relay.multi, relay.easy) == CURLM_OK;
	release_signals(&signals);
	return good;
}

static CURLMcode
work(int *running)
{
	CURLMcode	status;
	sigset_t	signals;

	hold_signals(&signals);
	status = curl_multi_perform(relay.multi, running);
	release_signals(&signals);
	return status == CURLM_OK && *running ? curl_multi_poll(relay.multi, NULL, 0, POLL_MS, NULL) : status;
}

RelayResult
relay_open(const MailerServer *server, Patience *patience, RelayFault *fault)
{
	CURLcode	result = CURLE_OK;
	int			running = 1;
	int			left;
	CURLMsg    *done;

	relay_close();
	if (!start(server))
		return refuse(fault, "could not prepare the connection", "");
	while (running)
	{
		CURLMcode	status = work(&running);
		RelayResult answer = status == CURLM_OK ? ask(patience) :
			refuse(fault, "could not connect to the server: ", curl_multi_strerror(status));

		if (answer != RELAY_OK)
			return answer;
	}
	done = curl_multi_info_read(relay.multi, &left);
	if (done)
		result = done->data.result;
	if (result == CURLE_OK)
		result = curl_easy_getinfo(relay.easy, CURLINFO_ACTIVESOCKET, &relay.socket);
	if (result != CURLE_OK)
		return explain(fault, result);
	if (server->user && *server->user && !relay.logged_in)
		return refuse(fault, "the server offers no AUTH for djust_auth.smtp_user", "");
	return RELAY_OK;
}

static RelayResult
wait_for(Patience *patience, short events)
{
	struct pollfd waiting = {relay.socket, events, 0};

	(void) poll(&waiting, 1, POLL_MS);
	return ask(patience);
}

RelayResult
relay_send(Patience *patience, const char *bytes, size_t n)
{
	relay.kept = false;
	while (n > 0)
	{
		size_t		sent = 0;
		CURLcode	result = curl_easy_send(relay.easy, bytes, n, &sent);
		RelayResult answer = result == CURLE_OK ? ask_if_due(patience) :
			result == CURLE_AGAIN ? wait_for(patience, POLLOUT) : RELAY_CLOSED;

		if (answer != RELAY_OK)
			return answer;
		bytes += sent;
		n -= sent;
	}
	return RELAY_OK;
}

RelayResult
relay_receive(Patience *patience, char *bytes, size_t capacity, size_t *received)
{
	for (;;)
	{
		CURLcode	result = curl_easy_recv(relay.easy, bytes, capacity, received);
		RelayResult answer;

		if (result == CURLE_OK)
			return *received > 0 ? ask_if_due(patience) : RELAY_CLOSED;
		answer = result == CURLE_AGAIN ? wait_for(patience, POLLIN) : RELAY_CLOSED;
		if (answer != RELAY_OK)
			return answer;
	}
}

bool
relay_ascii_domain(const char *address, char *out, size_t capacity)
{
	const char *at = strchr(address, '@');
	char	   *domain = NULL;
	Text		text = {out, 0, capacity - 1, false};

	memset(out, 0, capacity);
#if LIBCURL_VERSION_NUM >= 0x075800
	if (at && !message_is_ascii(at))
	{
		CURLU	   *url = curl_url();

		if (url == NULL || curl_url_set(url, CURLUPART_HOST, at + 1, 0) != CURLUE_OK ||
			curl_url_get(url, CURLUPART_HOST, &domain, CURLU_PUNYCODE) != CURLUE_OK)
			domain = NULL;
		curl_url_cleanup(url);
	}
#endif
	text_append_bytes(&text, address, domain ? (size_t) (at + 1 - address) : strlen(address));
	text_append(&text, domain ? domain : "");
	curl_free(domain);
	return !text.full;
}
