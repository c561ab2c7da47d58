/*
 * mail_send.c
 *		Owns sending mails from the worker: a mail is claimed, sent outside of
 *		any transaction, and the outcome recorded.
 *
 * Threats: a mail server that is slow, down or hostile.  While waiting for it,
 * the event queue is written and signals are served (poll); its replies are
 * neither stored nor logged.  The password is read for each mail from a file
 * that others may not read, and wiped.
 *
 * Only a crash between the server's acceptance and the commit that records it
 * makes a mail be sent twice, with the same Message-ID.
 */
#include "postgres.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "auth/mail_queue.h"
#include "mailer/mailer.h"
#include "server/secret.h"
#include "server/settings.h"
#include "tables/store_worker.h"
#include "text/bytes.h"
#include "worker/mail_send.h"

#define LIBRARY "djust_auth_mailer"
#define FUNCTION "djust_mailer_send"
#define PASSWORD_MAX 1024
#define SMTP_TIMEOUT_S 30
#define STEP_MS 250
#define LOCKED_PAUSE_MS 1000
#define RECORDINGS 5

typedef void (*Sender)(const MailerServer *server, const Message *message, MailerPoll poll, void *arg,
					   MailerOutcome *outcome);

typedef struct Delivery
{
	MailerPoll poll;
	MemoryContext context;
	ClaimedMail mail;
	bool found;
	bool waiting; /* other mails wait, until due */
	TimestampTz due;
	char *from;
	char *message_id;
	MailerOutcome outcome;
} Delivery;

static Sender sender = NULL;

/* Whether there is a mailer to load: make MAILER=no leaves it out. */
static bool
mailer_is_installed(void)
{
	char path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/" LIBRARY DLSUFFIX, pkglib_path);
	return sender != NULL || access(path, F_OK) == 0;
}

static bool
configured(void)
{
	static const char *told = NULL;
	const char *fault = NULL;

	if (*setting_smtp_url == '\0')
		return false;
	if (*setting_mail_from == '\0')
		fault = "djust_auth.mail_from is not set";
	else if (!mailer_is_installed())
		fault = "the library " LIBRARY " is not installed";
	if (fault && fault != told)
		ereport(LOG, (errmsg("djust_auth sends no mail: %s", fault)));
	told = fault;
	return fault == NULL;
}

/* Loads the mailer before a mail is claimed, so that none is lost if the library is missing. */
static void
load_task(void *arg)
{
	sender = (Sender) load_external_function("$libdir/" LIBRARY, FUNCTION, true, NULL);
}

static void
claim_task(void *arg)
{
	Delivery *delivery = arg;

	delivery->found = store_worker_claim_mail(delivery->context, &delivery->mail);
	if (delivery->found)
	{
		delivery->from = MemoryContextStrdup(delivery->context, mail_queue_sender());
		delivery->message_id =
			MemoryContextStrdup(delivery->context, mail_queue_message_id(delivery->mail.id, delivery->from));
	}
	else
		delivery->waiting = store_worker_mail_due(&delivery->due);
}

/* Reads the first line of the password file.  Returns NULL, or the file's fault. */
static const char *
read_password(char *password)
{
	const char *fault = NULL;
	ssize_t n = 0;
	int fd;

	password[0] = '\0';
	if (*setting_smtp_password_file == '\0')
		return NULL;
	fd = open(setting_smtp_password_file, O_RDONLY, 0);
	if (fd < 0)
		return "the password file could not be opened";
	if (!secret_file_is_private(fd))
		fault = "the password file must be a regular file that only its owner may read (0600, or 0640 if owned by "
				"root)";
	else if ((n = read(fd, password, PASSWORD_MAX)) < 0 || n == PASSWORD_MAX)
		fault = "the password file could not be read, or is too long";
	close(fd);
	password[fault ? 0 : n] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return fault;
}

/* The signal itself interrupts the wait. */
static void
interrupt_wait(void)
{
}

/* A signal from time to time, so that poll is called well within a second in every state of the transfer (mailer.h). */
static void
send_in_steps(Delivery *delivery, const MailerServer *server, const Message *message)
{
	static TimeoutId step = MAX_TIMEOUTS;

	if (step == MAX_TIMEOUTS)
		step = RegisterTimeout(USER_TIMEOUT, interrupt_wait);
	enable_timeout_every(step, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), STEP_MS), STEP_MS);
	sender(server, message, delivery->poll, NULL, &delivery->outcome);
	disable_timeout(step, false);
}

static void
send_claimed(Delivery *delivery)
{
	char password[PASSWORD_MAX + 1];
	const char *fault = read_password(password);
	MailerServer server = {
		.url = setting_smtp_url,
		.user = setting_smtp_user,
		.password = password,
		.ca_file = setting_smtp_ca_file,
		.timeout_s = Min(SMTP_TIMEOUT_S, setting_mail_lease),
		.require_tls = setting_smtp_require_tls,
	};
	Message message = {
		.from = delivery->from,
		.recipient = delivery->mail.recipient,
		.subject = delivery->mail.subject,
		.body_text = delivery->mail.body_text,
		.body_html = delivery->mail.body_html,
		.message_id = delivery->message_id,
		.date = (int64_t) time(NULL),
	};

	if (fault)
	{
		delivery->outcome.verdict = MAILER_TEMPORARY;
		strlcpy(delivery->outcome.reason, fault, sizeof(delivery->outcome.reason));
	}
	else
		send_in_steps(delivery, &server, &message);
	bytes_wipe(password, sizeof(password));
}

static void
record_task(void *arg)
{
	Delivery *delivery = arg;
	const MailerOutcome *outcome = &delivery->outcome;

	if (outcome->verdict == MAILER_SENT)
		store_worker_mail_sent(delivery->mail.id);
	else
		store_worker_mail_failed(delivery->mail.id, outcome->reason, outcome->verdict == MAILER_PERMANENT);
}

/* Logs neither address nor link: readers of the log may not see them. */
static void
log_failure(const Delivery *delivery)
{
	const MailerOutcome *outcome = &delivery->outcome;

	if (outcome->verdict != MAILER_SENT)
		ereport(LOG,
				(errmsg("djust_auth could not send mail " INT64_FORMAT "%s: %s",
						delivery->mail.id,
						outcome->verdict == MAILER_PERMANENT ? ", which is given up" : "",
						outcome->reason),
				 outcome->smtp_code ? errdetail("SMTP code %d.", outcome->smtp_code) : 0));
}

/*
 * Sends a mail and records the outcome.  A mail left unfinished when the worker must end is claimed again at its next
 * start.  Recording is retried, so that a row locked for a moment does not make the mail be sent twice.
 */
static WorkerResult
deliver(Delivery *delivery)
{
	WorkerResult result = WORKER_FAILED;
	int tries;

	send_claimed(delivery);
	if (delivery->outcome.verdict != MAILER_SENT && !delivery->poll(NULL))
		return WORKER_DONE;
	log_failure(delivery);
	for (tries = 0; tries < RECORDINGS && result == WORKER_FAILED; tries++)
		result = worker_task_run(record_task, delivery, "recording a mail");
	return result;
}

WorkerResult
mail_send_run(MailerPoll poll, TimestampTz *due)
{
	Delivery delivery = {.poll = poll};
	WorkerResult result = WORKER_DONE;

	*due = DT_NOEND;
	if (!configured())
		return WORKER_DONE;
	if (sender == NULL)
		result = worker_task_run(load_task, NULL, "loading the mailer");
	if (result != WORKER_DONE)
		return result;
	delivery.context = AllocSetContextCreate(CurrentMemoryContext, "djust_auth mail", ALLOCSET_DEFAULT_SIZES);
	result = worker_task_run(claim_task, &delivery, "claiming a mail");
	if (result == WORKER_DONE && delivery.found)
	{
		*due = 0;
		result = deliver(&delivery);
	}
	else if (mail_queue_is_unfinished())
		*due = 0;
	else if (delivery.waiting)
		*due = Max(delivery.due, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_PAUSE_MS));
	MemoryContextDelete(delivery.context);
	return result;
}
