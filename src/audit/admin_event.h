/*
 * admin_event.h
 *		Events administration for changes of the extension's tables.
 */
#ifndef DJUST_ADMIN_EVENT_H
#define DJUST_ADMIN_EVENT_H

#include "commands/trigger.h"

/* A statement over more users or assignments than this leaves one event with its count. */
#define ADMIN_EVENT_MOST 100

/*
 * The trigger is a statement's, on a table of ours; table: one of CatalogTable, or -1 where the library reads it
 * nowhere.
 */
extern void admin_event_tell(const TriggerData *trigger, int table);

#endif
