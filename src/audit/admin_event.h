/*
 * admin_event.h
 *		Audits changes of the extension's tables as events "administration".
 */
#ifndef DJUST_ADMIN_EVENT_H
#define DJUST_ADMIN_EVENT_H

#include "commands/trigger.h"

/* A statement that changes more users or assignments than this writes one event with their number. */
#define ADMIN_EVENT_MOST 100

/* For statement-level triggers.  table is a CatalogTable, or -1 for a table that the library does not read. */
extern void admin_event_write(const TriggerData *trigger, int table);

#endif
