/*
 * policy.h
 *		Profiles and rights.
 */
#ifndef DJUST_POLICY_H
#define DJUST_POLICY_H

#include "utils/uuid.h"

extern void policy_drop_profile(const char *name);
extern void policy_add_profile(const pg_uuid_t *user_id, const char *profile);
extern void policy_remove_profile(const pg_uuid_t *user_id, const char *profile);
extern void policy_set_right(const char *profile, const char *route, const char *access);
/* user_id NULL: not logged in. */
extern char *policy_explain(const pg_uuid_t *user_id, const char *route, const char *access);

#endif
