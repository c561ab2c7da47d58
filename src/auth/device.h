/*
 * device.h
 *		Devices that customers log in with.
 */
#ifndef DJUST_DEVICE_H
#define DJUST_DEVICE_H

#include "utils/uuid.h"

/* Notes that the user logs in now, and queues a notice if the device is a new one.  Does nothing unless asked to. */
extern void device_seen(const pg_uuid_t *user_id);

#endif
