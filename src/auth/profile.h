/*
 * profile.h
 *		Profiles and rights.
 */
#ifndef DJUST_PROFILE_H
#define DJUST_PROFILE_H

#include "utils/uuid.h"

extern void profile_drop(const char *name);
extern void profile_add(const pg_uuid_t *user_id, const char *profile);
extern void profile_remove(const pg_uuid_t *user_id, const char *profile);
extern void profile_set_right(const char *profile, const char *route, const char *access);
/* user_id NULL: not logged in. */
extern char *profile_explain(const pg_uuid_t *user_id, const char *route, const char *access);

#endif
