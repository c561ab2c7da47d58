/*
 * profile.c
 *		Owns the administration of profiles and rights.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "auth/profile.h"
#include "auth/rights.h"
#include "http/answer.h"
#include "tables/catalog.h"
#include "tables/store.h"

void
profile_drop(const char *name)
{
	if (store_profile_delete(name) == 0)
		answer_raise_unknown_profile(name);
}

static void
require_both(const pg_uuid_t *user_id, const char *profile)
{
	UserRow user;

	if (!catalog_user_by_id(user_id, &user))
		answer_raise_unknown_user(user_id);
	if (!catalog_profile_exists(profile))
		answer_raise_unknown_profile(profile);
}

void
profile_add(const pg_uuid_t *user_id, const char *profile)
{
	require_both(user_id, profile);
	store_user_profile_insert(user_id, profile);
}

void
profile_remove(const pg_uuid_t *user_id, const char *profile)
{
	require_both(user_id, profile);
	store_user_profile_delete(user_id, profile);
}

void
profile_set_right(const char *profile, const char *route, const char *access)
{
	if (!catalog_profile_exists(profile))
		answer_raise_unknown_profile(profile);
	store_right_set(profile, route, access);
}

static const char *
right_name(RouteRight right)
{
	return right == RIGHT_WRITE ? "write" : right == RIGHT_READ ? "read" : "none";
}

static void
describe(StringInfo out, List *decisions, RouteRight needed)
{
	const Decision *best = NULL;
	ListCell *cell;

	foreach(cell, decisions)
	{
		const Decision *decision = lfirst(cell);

		if (best == NULL || decision->right > best->right)
			best = decision;
	}
	if (best == NULL)
		appendStringInfoString(out, "denied: no pattern of the user's profiles matches");
	else
		appendStringInfo(out,
						 "%s: profile %s gives %s by pattern %s",
						 best->right >= needed ? "allowed" : "denied",
						 best->profile,
						 right_name(best->right),
						 best->pattern);
	foreach(cell, decisions)
	{
		const Decision *decision = lfirst(cell);

		if (decision != best)
			appendStringInfo(out,
							 "; profile %s gives %s by pattern %s",
							 decision->profile,
							 right_name(decision->right),
							 decision->pattern);
	}
}

char *
profile_explain(const pg_uuid_t *user_id, const char *route, const char *access)
{
	RouteRight needed = rights_needed(slice_of(access));
	ArrayType *profiles = NULL;
	StringInfoData out;
	RouteFault fault;
	List *decisions;
	UserRow user;

	initStringInfo(&out);
	if (user_id)
	{
		if (!catalog_user_by_id(user_id, &user))
			answer_raise_unknown_user(user_id);
		if (user.disabled)
			return "denied: the user is disabled";
		profiles = catalog_profiles_of(user_id);
	}
	decisions = rights_explain(profiles, slice_of(route), &fault);
	if (fault != ROUTE_OK)
		appendStringInfo(&out, "denied: %s", route_fault_text(fault));
	else
		describe(&out, decisions, needed);
	return out.data;
}
