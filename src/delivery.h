/*
 * delivery.h
 *		The worker's delivery of mails.
 */
#ifndef DJUST_DELIVERY_H
#define DJUST_DELIVERY_H

#include "worker.h"

/* Sends one mail if one is due; *due becomes when to come again, 0 for at once. */
extern WorkerResult delivery_run(TimestampTz *due);

#endif
