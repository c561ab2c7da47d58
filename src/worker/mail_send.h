/*
 * mail_send.h
 *		The worker's delivery of mails.
 */
#ifndef DJUST_MAIL_SEND_H
#define DJUST_MAIL_SEND_H

#include "datatype/timestamp.h"

#include "mailer/mailer.h"
#include "worker/worker_task.h"

/*
 * Sends one mail if one is due; *due becomes when to come again, 0 for at once.  poll is called while the mail server is
 * waited for: what must not wait, and false when the worker has to end.
 */
extern WorkerResult mail_send_run(MailerPoll poll, TimestampTz *due);

#endif
