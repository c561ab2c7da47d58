/*
 * smtp.c
 *		Owns the transfer of mails to the SMTP server, and libcurl, which also
 *		encodes their bodies.
 *
 * Threats: a relay other than the intended one, credentials or a link sent to
 * it, a server that never answers, and a mail that is given up but arrives
 * truncated.  Certificate and host name are always verified; the environment
 * (proxies, .netrc, other protocols) has no influence.
 *
 * libcurl waits in short steps, after each of which poll_caller() is called;
 * libcurl itself calls it, too, but not while it connects (8.23).  For the
 * answer to the whole mail it waits on its own (7.88, as 8.21), and calls it
 * once a second and after a signal.  To give up, its sockets are shut
 * down: it ends at once, and cannot send the final dot.  Copies of the text in
 * its buffers are not wiped.
 */
#include "mailer/smtp.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/bytes.h"

#define CONNECT_S 15
#define REUSE_S 20
#define POLL_MS 50
#define ANSWER_LONGEST 1000 /* lines */
#define SOCKETS 8
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Body
{
	const char *rest;
	char last; /* last byte written */
} Body;

typedef struct Socket
{
	curl_socket_t fd;
	ino_t inode;
} Socket;

static struct
{
	CURLM *multi;
	CURL *easy;
	char *made_for; /* server and credentials */
	bool wants_login;
	bool kept; /* connected, with no mail in progress */
	Socket sockets[SOCKETS];
	size_t n_sockets;

	/* the mail */
	bool needs_utf8;
	struct curl_slist *recipients;
	struct curl_slist *headers;
	curl_mime *mime;
	Body bodies[2];
	MailerPoll poll;
	void *arg;
	long left_ms;
	SmtpTrace trace;
	int heard; /* lines, or messages of libcurl, since the last command */
	SmtpResult given_up; /* reason; SMTP_ACCEPTED: not given up */
} relay;

/* Callbacks of libcurl */

static bool
find_inode(curl_socket_t fd, ino_t *inode)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return false;
	*inode = status.st_ino;
	return S_ISSOCK(status.st_mode);
}

/*
 * Not by libcurl's callback: a socket whose connection was never made is closed without it (7.88), and its descriptor
 * may be another's by now.
 */
static void
forget_closed(void)
{
	size_t i = 0;
	ino_t inode;

	while (i < relay.n_sockets)
		if (find_inode(relay.sockets[i].fd, &inode) && inode == relay.sockets[i].inode)
			i++;
		else
			relay.sockets[i] = relay.sockets[--relay.n_sockets];
}

/* Opens at most SOCKETS, so that all can be shut down. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	Socket *own;

	forget_closed();
	if (relay.n_sockets == SOCKETS)
		return CURL_SOCKET_BAD;
	own = &relay.sockets[relay.n_sockets];
	own->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (own->fd != CURL_SOCKET_BAD && find_inode(own->fd, &own->inode))
		relay.n_sockets++;
	return own->fd;
}

static void
shut_sockets(int how)
{
	size_t i;

	forget_closed();
	for (i = 0; i < relay.n_sockets; i++)
		shutdown(relay.sockets[i].fd, how);
}

static void
abort_transfer(SmtpResult why)
{
	relay.given_up = why;
	shut_sockets(SHUT_RDWR);
}

static int
poll_caller(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	if (relay.poll && !relay.given_up && !relay.poll(relay.arg))
		abort_transfer(SMTP_STOPPED);
	return relay.given_up;
}

/* Converts every line end, CRLF, LF or CR, to CRLF. */
static size_t
read_body(char *buffer, size_t size, size_t count, void *arg)
{
	Body *body = arg;
	size_t n;

	for (n = 0; n < size * count && (*body->rest || body->last == '\r'); n++)
	{
		body->last = body->last == '\r' ? '\n' : *body->rest == '\n' ? '\r' : *body->rest;
		body->rest += *body->rest == body->last;
		buffer[n] = body->last;
	}
	return n;
}

/* libcurl would continue without a login, or without SMTPUTF8.  Until then the server has got only the sender. */
static bool
is_lacking(void)
{
	return (relay.wants_login && !relay.trace.logged_in) || (relay.needs_utf8 && !relay.trace.offers_utf8);
}

/* libcurl itself would read an endless answer forever, and wait long for an answer to QUIT. */
static int
observe(CURL *easy, curl_infotype type, char *line, size_t n, void *arg)
{
	if (type == CURLINFO_HEADER_OUT)
	{
		smtp_trace_said(&relay.trace, line, n);
		relay.heard = 0;
		if (relay.trace.over)
			shut_sockets(SHUT_RD);
		if (relay.trace.step == SMTP_MAIL && is_lacking())
			abort_transfer(SMTP_NO_UTF8);
	}
	else if (type == CURLINFO_HEADER_IN)
		smtp_trace_heard(&relay.trace, line, n);
	if ((type == CURLINFO_HEADER_IN || type == CURLINFO_TEXT) && ++relay.heard > ANSWER_LONGEST)
		abort_transfer(SMTP_LATE);
	return 0;
}

/* The connection */

static void
drop_mail(void)
{
	curl_multi_remove_handle(relay.multi, relay.easy);
	curl_slist_free_all(relay.recipients);
	curl_slist_free_all(relay.headers);
	curl_mime_free(relay.mime);
	relay.recipients = relay.headers = NULL;
	relay.mime = NULL;
	relay.poll = NULL;
}

/* With no mail in progress libcurl sends QUIT; the shutdown keeps it from waiting for the answer. */
static void
hang_up(void)
{
	shut_sockets(relay.kept ? SHUT_RD : SHUT_RDWR);
	drop_mail();
	curl_easy_cleanup(relay.easy);
	curl_multi_cleanup(relay.multi);
	if (relay.made_for)
	{
		bytes_wipe(relay.made_for, strlen(relay.made_for));
		free(relay.made_for);
	}
	relay.easy = NULL;
	relay.multi = NULL;
	relay.made_for = NULL;
	relay.kept = false;
}

/* NULL if out of memory.  Settings contain no line feeds. */
static char *
describe(const MailerServer *server)
{
	char *text;
	int n = asprintf(&text,
					 "%s\n%s\n%s\n%s\n%d",
					 server->url,
					 server->user ? server->user : "",
					 server->password ? server->password : "",
					 server->ca_file ? server->ca_file : "",
					 server->require_tls);

	return n < 0 ? NULL : text;
}

static bool
is_made_for(const MailerServer *server)
{
	char *wanted = describe(server);
	bool same = wanted && strcmp(wanted, relay.made_for) == 0;

	if (wanted)
		bytes_wipe(wanted, strlen(wanted));
	free(wanted);
	return same;
}

#define SET(option, value) (good = good && curl_easy_setopt(relay.easy, option, value) == CURLE_OK)

/* False if an option could not be set: then nothing is sent. */
static bool
configure(const MailerServer *server)
{
	bool good = true;

	SET(CURLOPT_URL, server->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
	SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L); /* otherwise giving up waits for the resolver's thread */
#endif
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long) (server->timeout_s < CONNECT_S ? server->timeout_s : CONNECT_S));
	SET(CURLOPT_MAXAGE_CONN, (long) REUSE_S);
	SET(CURLOPT_USE_SSL, (long) (server->require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (server->ca_file && *server->ca_file)
	{
		SET(CURLOPT_CAINFO, server->ca_file);
		SET(CURLOPT_CAPATH, (char *) NULL);
	}
	relay.wants_login = server->user && *server->user;
	if (relay.wants_login)
	{
		SET(CURLOPT_USERNAME, server->user);
		SET(CURLOPT_PASSWORD, server->password ? server->password : "");
	}
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, poll_caller);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, observe);
	return good;
}

static bool
add_part(const char *type, const char *text, Body *body)
{
	curl_mimepart *part = curl_mime_addpart(relay.mime);

	*body = (Body){text};
	return curl_mime_type(part, type) == CURLE_OK && curl_mime_encoder(part, "quoted-printable") == CURLE_OK &&
		   curl_mime_data_cb(part, -1, read_body, NULL, NULL, body) == CURLE_OK;
}

static bool
set_mail(const SmtpMail *mail)
{
	bool good;

	drop_mail();
	relay.needs_utf8 = mail->needs_utf8;
	relay.heard = 0;
	relay.given_up = SMTP_ACCEPTED;
	smtp_trace_begin(&relay.trace);
	relay.recipients = curl_slist_append(NULL, mail->recipient);
	relay.headers = curl_slist_append(NULL, "Content-Type: multipart/alternative");
	relay.mime = curl_mime_init(relay.easy);
	good = relay.recipients && relay.headers && curl_slist_append(relay.headers, mail->headers) &&
		   add_part("text/plain; charset=utf-8", mail->body_text, &relay.bodies[0]) &&
		   add_part("text/html; charset=utf-8", mail->body_html, &relay.bodies[1]);
	SET(CURLOPT_TIMEOUT_MS, relay.left_ms);
	SET(CURLOPT_MAIL_FROM, mail->from);
	SET(CURLOPT_MAIL_RCPT, relay.recipients);
	SET(CURLOPT_HTTPHEADER, relay.headers);
	SET(CURLOPT_MIMEPOST, relay.mime);
	return good;
}

#undef SET

static bool
prepare(const MailerServer *server, const SmtpMail *mail)
{
	static bool initialised = false;

	initialised = initialised || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!relay.kept || !is_made_for(server))
	{
		hang_up();
		relay.made_for = describe(server);
		relay.multi = curl_multi_init();
		relay.easy = curl_easy_init();
		if (!initialised || !relay.made_for || !relay.multi || !relay.easy || !configure(server))
			return false;
	}
	return set_mail(mail);
}

/* The transfer */

static SmtpResult
blame(SmtpAnswer *answer, const char *reason, const char *detail)
{
	answer->reason = reason;
	answer->detail = detail;
	return SMTP_FAULT;
}

/* Maps libcurl's error to a reason. */
static SmtpResult
explain(CURLcode result, SmtpAnswer *answer)
{
	static const struct
	{
		CURLcode result;
		const char *reason;
	} reasons[] = {
		{CURLE_COULDNT_RESOLVE_HOST, "could not find the address of the server"},
		{CURLE_COULDNT_CONNECT, "could not connect to the server"},
		{CURLE_USE_SSL_FAILED, "the server offers no STARTTLS, which djust_auth.smtp_require_tls demands"},
		{CURLE_LOGIN_DENIED, "the server offers no AUTH for djust_auth.smtp_user"},
		{CURLE_SSL_CONNECT_ERROR, "the TLS handshake with the server failed"},
		{CURLE_SSL_CACERT_BADFILE, "could not read the certificates in djust_auth.smtp_ca_file"},
		{CURLE_UNSUPPORTED_PROTOCOL, "djust_auth.smtp_url is malformed"},
		{CURLE_URL_MALFORMAT, "djust_auth.smtp_url is malformed"},
	};
	const SmtpTrace *trace = &relay.trace;
	long verified = 0;
	size_t i;

	if (result == CURLE_OPERATION_TIMEDOUT)
		return SMTP_LATE;
	if (result == CURLE_PEER_FAILED_VERIFICATION)
	{
		/* OpenSSL's X509_V_*: 10 is an expired certificate; below 2, libcurl rejected the host name */
		curl_easy_getinfo(relay.easy, CURLINFO_SSL_VERIFYRESULT, &verified);
		return blame(answer,
					 "the certificate of the server ",
					 verified < 2 || verified == 62 ? "is for another host name" :
					 verified == 10                 ? "has expired" :
													  "is not signed by a trusted authority");
	}
	if (trace->code >= 400 ? result != CURLE_USE_SSL_FAILED : trace->code > 0 && trace->step >= SMTP_MAIL)
		return SMTP_ANSWERED;
	for (i = 0; i < LENGTH(reasons); i++)
		if (reasons[i].result == result)
			return blame(answer, reasons[i].reason, "");
	if (result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR || result == CURLE_GOT_NOTHING)
		return SMTP_CLOSED;
	return blame(answer, "could not send the mail: ", curl_easy_strerror(result));
}

static SmtpResult
result_of(CURLcode result, SmtpAnswer *answer)
{
	if (result == CURLE_OK)
		return SMTP_ACCEPTED;
	if (relay.given_up == SMTP_NO_UTF8 && relay.wants_login && !relay.trace.logged_in)
		return blame(answer, "the server offers no AUTH for djust_auth.smtp_user", "");
	return relay.given_up ? relay.given_up : explain(result, answer);
}

/* A resolver thread of libcurl starts here, with all signals blocked, so that it runs none of the server's handlers. */
static CURLMcode
start_transfer(int *running)
{
	CURLMcode fault = curl_multi_add_handle(relay.multi, relay.easy);
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (fault == CURLM_OK)
		fault = curl_multi_perform(relay.multi, running);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return fault;
}

static SmtpResult
transfer(MailerPoll poll, void *arg, SmtpAnswer *answer)
{
	CURLMsg *message;
	SmtpResult result;
	curl_off_t taken_us = 0;
	int running = 0;
	CURLMcode fault = start_transfer(&running);

	relay.poll = poll;
	relay.arg = arg;
	while (fault == CURLM_OK && running > 0)
	{
		fault = curl_multi_poll(relay.multi, NULL, 0, POLL_MS, NULL);
		if (fault == CURLM_OK)
			fault = curl_multi_perform(relay.multi, &running);
		if (running > 0 && poll_caller(NULL, 0, 0, 0, 0))
			break;
	}
	message = curl_multi_info_read(relay.multi, &running);
	result = result_of(message ? message->data.result : CURLE_FAILED_INIT, answer);
	answer->trace = relay.trace;
	relay.kept = result == SMTP_ACCEPTED && !relay.given_up;
	curl_easy_getinfo(relay.easy, CURLINFO_TOTAL_TIME_T, &taken_us);
	relay.left_ms -= taken_us / 1000;
	return result;
}

/* A reused connection may have been closed by the server: then the mail is sent again over a new one. */
SmtpResult
smtp_send(const MailerServer *server, const SmtpMail *mail, MailerPoll poll, void *arg, SmtpAnswer *answer)
{
	SmtpResult result;
	bool again;

	relay.left_ms = server->timeout_s * 1000L;
	do
	{
		bool ready = prepare(server, mail);

		again = relay.kept;
		result = ready ? transfer(poll, arg, answer) : blame(answer, "could not prepare the connection", "");
		if (!relay.kept)
			hang_up();
		again = again && relay.left_ms > 0 && (result == SMTP_CLOSED || result == SMTP_ANSWERED) &&
				answer->trace.step <= SMTP_MAIL;
	} while (again);
	return result;
}
