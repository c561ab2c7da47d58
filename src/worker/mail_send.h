/*
 * mail_send.h
 *		Sending mails from the worker.
 */
#ifndef DJUST_MAIL_SEND_H
#define DJUST_MAIL_SEND_H

#include "datatype/timestamp.h"

#include "mailer/mailer.h"
#include "worker/worker_task.h"

/*
 * Sends one mail if one is due.  Sets *due to the time of the next call, 0 for at once.  poll is called while waiting
 * for the mail server; it does urgent work, and returns false if the worker must end.
 */
extern WorkerResult mail_send_run(MailerPoll poll, TimestampTz *due);

#endif
