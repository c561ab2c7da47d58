/*
 * mail_send.h
 *		The worker's delivery of mails.
 */
#ifndef DJUST_MAIL_SEND_H
#define DJUST_MAIL_SEND_H

#include "worker/worker.h"

/* Sends one mail if one is due; *due becomes when to come again, 0 for at once. */
extern WorkerResult mail_send_run(TimestampTz *due);

#endif
