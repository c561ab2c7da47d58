/*
 * logmask.h
 *		Keeps secrets in calls out of the server log.
 */
#ifndef DJUST_LOGMASK_H
#define DJUST_LOGMASK_H

/* Installs the log hook; call only while the library is being preloaded. */
extern void logmask_init(void);

#endif
