/*
 * triggers.c
 *		The effects of changes of the tables, made by any statement.
 *
 * Threat: a trigger function attached to a user's table, whose columns it would
 * take for ours, or whose changes it would audit as ours.  Before it reads any
 * row, each function compares the relation's oid, the event, the timing and the
 * level with those it is made for, and raises 39P01 for all others.
 *
 * Statements are handled as a whole.  Logical replication fires only row-level
 * triggers: those made for it are enabled only there.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "replication/logicalworker.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "api/args.h"
#include "audit/admin_event.h"
#include "audit/audit.h"
#include "audit/row_change.h"
#include "auth/account.h"
#include "server/encoding.h"
#include "server/import_hash.h"
#include "server/json.h"
#include "server/normalize.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "tables/catalog.h"
#include "tables/session_revoke.h"
#include "tables/store.h"

/* Events that a trigger function accepts. */
typedef struct Firing
{
	CatalogTable table;
	TriggerEvent when; /* level and timing; AFTER and STATEMENT have no bits */
	unsigned operations; /* a bit each */
} Firing;

#define INSERT (1u << TRIGGER_EVENT_INSERT)
#define UPDATE (1u << TRIGGER_EVENT_UPDATE)
#define DELETE (1u << TRIGGER_EVENT_DELETE)
#define TRUNCATE (1u << TRIGGER_EVENT_TRUNCATE)
#define AFTER_STATEMENT 0
#define AFTER_ROW TRIGGER_EVENT_ROW
#define BEFORE_STATEMENT TRIGGER_EVENT_BEFORE
#define BEFORE_ROW (TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW)
#define WHEN_BITS (TRIGGER_EVENT_ROW | TRIGGER_EVENT_TIMINGMASK)

static const Firing normalise_firings[] = {{TABLE_CUSTOMER_USER, BEFORE_ROW, INSERT | UPDATE}};
static const Firing blocklist_firings[] = {{TABLE_PASSWORD_BLOCKLIST, BEFORE_ROW, INSERT | UPDATE}};
static const Firing user_firings[] = {
	{TABLE_CUSTOMER_USER, AFTER_STATEMENT, UPDATE | DELETE},
	{TABLE_CUSTOMER_USER, AFTER_ROW, UPDATE | DELETE},
};
static const Firing user_profile_firings[] = {
	{TABLE_USER_PROFILE, AFTER_STATEMENT, INSERT | UPDATE | DELETE | TRUNCATE},
	{TABLE_USER_PROFILE, AFTER_ROW, INSERT | UPDATE | DELETE},
};
static const Firing session_firings[] = {{TABLE_SESSION, AFTER_ROW, UPDATE}};
static const Firing purge_at_firings[] = {{TABLE_SESSION, BEFORE_ROW, INSERT | UPDATE}};
static const Firing policy_firings[] = {
	{TABLE_PROFILE_RIGHT, AFTER_ROW, INSERT | UPDATE | DELETE},
	{TABLE_PROFILE_RIGHT, AFTER_STATEMENT, TRUNCATE},
	{TABLE_SIGNING_KEY, AFTER_ROW, INSERT | UPDATE | DELETE},
	{TABLE_SIGNING_KEY, AFTER_STATEMENT, TRUNCATE},
	{TABLE_KEY_FILE, AFTER_ROW, INSERT | UPDATE | DELETE},
	{TABLE_KEY_FILE, AFTER_STATEMENT, TRUNCATE},
	{TABLE_SESSION_CUTOFF, AFTER_ROW, INSERT | UPDATE | DELETE},
	{TABLE_SESSION_CUTOFF, AFTER_STATEMENT, TRUNCATE},
};
static const Firing profile_firings[] = {{TABLE_PROFILE, AFTER_ROW, UPDATE | DELETE}};
static const Firing store_firings[] = {{TABLE_STORE, AFTER_ROW, UPDATE | DELETE}};
#define BEFORE_ANY(table) \
	{ \
		table, BEFORE_STATEMENT, INSERT | UPDATE | DELETE | TRUNCATE \
	}
static const Firing follower_firings[] = {
	BEFORE_ANY(TABLE_PROFILE),
	BEFORE_ANY(TABLE_PROFILE_RIGHT),
	BEFORE_ANY(TABLE_SIGNING_KEY),
	BEFORE_ANY(TABLE_MAIL_TEMPLATE),
	BEFORE_ANY(TABLE_PASSWORD_BLOCKLIST),
	BEFORE_ANY(TABLE_HEARTBEAT),
	BEFORE_ANY(TABLE_STORE),
	BEFORE_ANY(TABLE_PAGE_TEXT),
};
static const Firing anonymous_firings[] = {
	{TABLE_PROFILE, BEFORE_ROW, UPDATE | DELETE},
	{TABLE_PROFILE, BEFORE_STATEMENT, TRUNCATE},
};

COMPAT_NORETURN static void
refuse_trigger(const char *relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 relation == NULL ?
				 errmsg("function must be called as a trigger") :
				 errmsg("trigger function of djust_auth is not for this event of table \"%s\"", relation),
			 errhint("Only the triggers that CREATE EXTENSION djust_auth made may call it.")));
}

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		refuse_trigger(NULL);
	return (TriggerData *) fcinfo->context;
}

static TriggerData *
fired_by(FunctionCallInfo fcinfo, const Firing *firings, int n)
{
	TriggerData *data = trigger_data(fcinfo);
	CatalogTable table;
	int i;

	if (catalog_is_table(RelationGetRelid(data->tg_relation), &table) &&
		((data->tg_event & WHEN_BITS) != AFTER_STATEMENT || row_changes_has_tables(data)))
		for (i = 0; i < n; i++)
			if (firings[i].table == table && firings[i].when == (data->tg_event & WHEN_BITS) &&
				(firings[i].operations & 1u << (data->tg_event & TRIGGER_EVENT_OPMASK)) != 0)
				return data;
	refuse_trigger(RelationGetRelationName(data->tg_relation));
}

#define FIRED_BY(firings) fired_by(fcinfo, firings, lengthof(firings))

static Datum
done(void)
{
	return PointerGetDatum(NULL);
}

static HeapTuple
new_row(const TriggerData *data)
{
	return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
}

/* A row of a BEFORE ROW trigger, with one column replaced. */
static HeapTuple
with_column(const TriggerData *data, HeapTuple row, int column, Datum value, bool is_null)
{
	return heap_modify_tuple_by_cols(row, RelationGetDescr(data->tg_relation), 1, &column, &value, &is_null);
}

/* A column of the new row of a BEFORE ROW trigger. */
static Datum
new_column(const TriggerData *data, AttrNumber column, Oid type, bool *is_null)
{
	return row_changes_value(
		TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newslot : data->tg_trigslot, column, type, is_null);
}

/* The row with a text column of the new row normalised. */
static HeapTuple
normalised(const TriggerData *data, HeapTuple row, AttrNumber column, const char *(*normal)(Slice))
{
	bool is_null;
	Datum value = new_column(data, column, TEXTOID, &is_null);
	const char *form;

	if (is_null)
		return row;
	form = normal(text_slice(DatumGetTextPP(value)));
	return with_column(data, row, column, form ? CStringGetTextDatum(form) : (Datum) 0, form == NULL);
}

SQL_FUNCTION(djust_trigger_user_normalise)
{
	const TriggerData *data = FIRED_BY(normalise_firings);
	HeapTuple row = normalised(data, new_row(data), Anum_customer_user_email, normalize_email);

	return PointerGetDatum(normalised(data, row, Anum_customer_user_password_hash, import_hash));
}

SQL_FUNCTION(djust_trigger_blocklist_normalise)
{
	const TriggerData *data = FIRED_BY(blocklist_firings);

	return PointerGetDatum(
		normalised(data, new_row(data), Anum_password_blocklist_password, normalize_blocklist_entry));
}

/* Adds a user to a set, which is NULL if empty. */
static void
collect(ArrayBuildState **users, Datum id)
{
	*users = accumArrayResult(*users, id, false, UUIDOID, CurrentMemoryContext);
}

static void
collect_column(ArrayBuildState **users, TupleTableSlot *row, AttrNumber column)
{
	bool is_null;
	Datum id = row_changes_value(row, column, UUIDOID, &is_null);

	if (!is_null)
		collect(users, id);
}

static ArrayType *
array_of(ArrayBuildState *users)
{
	return DatumGetArrayTypeP(makeArrayResult(users, CurrentMemoryContext));
}

/* Users whose sessions and reset links end because of a change. */
typedef struct Ended
{
	ArrayBuildState *sessions;
	ArrayBuildState *links;
} Ended;

static char *
address_in(TupleTableSlot *row)
{
	bool is_null;
	Datum address = row_changes_value(row, Anum_customer_user_email, TEXTOID, &is_null);

	return is_null ? "" : TextDatumGetCString(address);
}

/*
 * Adds the sessions and links that a change of a user ends.  Operations that change a hash themselves (rehash at login,
 * change and reset of a password) also end sessions and links themselves.
 */
static void
user_updated(const RowChanges *changes, Ended *ended)
{
	bool email = row_changes_column(changes, Anum_customer_user_email);
	bool disabling = row_changes_column(changes, Anum_customer_user_disabled_at);
	bool password = row_changes_column(changes, Anum_customer_user_password_hash) && !store_is_own_work();
	bool is_null;
	Datum id;

	if (!email && !disabling && !password)
		return;
	id = row_changes_value(changes->new, Anum_customer_user_id, UUIDOID, &is_null);
	/* an altered table may allow NULL; such a row has neither sessions nor links */
	if (is_null)
		return;
	if (email && preloaded())
		account_email_changed(DatumGetUUIDP(id), address_in(changes->old), address_in(changes->new));
	if (password || (disabling && !slot_attisnull(changes->new, Anum_customer_user_disabled_at)))
		collect(&ended->sessions, id);
	collect(&ended->links, id);
	if (password && changes->count <= ADMIN_EVENT_MOST)
		audit_event("password_changed", DatumGetUUIDP(id), NULL, NULL);
}

static void
users_updated(const TriggerData *data)
{
	Ended ended = {NULL};
	RowChanges changes;

	row_changes_begin(&changes, data, 0);
	while (row_changes_next(&changes))
		user_updated(&changes, &ended);
	row_changes_end(&changes);
	if (ended.sessions)
		store_session_delete_of_all(array_of(ended.sessions));
	if (ended.links)
		store_link_delete_of_all(array_of(ended.links));
}

static void
collect_users(const TriggerData *data, AttrNumber column, ArrayBuildState **users)
{
	RowChanges changes;

	row_changes_begin(&changes, data, 0);
	while (row_changes_next(&changes))
	{
		if (changes.old)
			collect_column(users, changes.old, column);
		if (changes.new)
			collect_column(users, changes.new, column);
	}
	row_changes_end(&changes);
}

/* Foreign keys do not cascade where only the row-level trigger fires. */
static void
users_removed(const TriggerData *data, ArrayType *ids)
{
	audit_forget(ids);
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
	{
		store_session_delete_of_all(ids);
		store_link_delete_of_all(ids);
	}
}

SQL_FUNCTION(djust_trigger_user_changed)
{
	TriggerData *data = FIRED_BY(user_firings);
	ArrayBuildState *removed = NULL;

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		users_updated(data);
		return done();
	}
	collect_users(data, Anum_customer_user_id, &removed);
	if (removed)
		users_removed(data, array_of(removed));
	return done();
}

/*
 * Sessions have a copy of their user's profiles.  Locks the users' rows first: a concurrent login holds its user's row
 * until its session is visible, or waits and then reads the new profiles.
 */
SQL_FUNCTION(djust_trigger_user_profile_changed)
{
	TriggerData *data = FIRED_BY(user_profile_firings);
	ArrayBuildState *users = NULL;
	ArrayType *ids;

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		store_session_clear_profiles();
		return done();
	}
	collect_users(data, Anum_user_profile_user_id, &users);
	if (users == NULL)
		return done();
	ids = array_of(users);
	if (store_user_lock_all(ids) > 0)
		store_session_copy_profiles(ids);
	return done();
}

/* The old version was read when the trigger fired, after the update. */
SQL_FUNCTION(djust_trigger_session_updated)
{
	TriggerData *data = FIRED_BY(session_firings);

	session_revoke_follow(data->tg_relation, data->tg_trigtuple, &data->tg_newtuple->t_self);
	return done();
}

SQL_FUNCTION(djust_trigger_policy_changed)
{
	FIRED_BY(policy_firings);
	catalog_bump_epoch();
	return done();
}

static const char *
text_in(TupleTableSlot *row, AttrNumber column)
{
	bool is_null;
	Datum value = row_changes_value(row, column, TEXTOID, &is_null);

	return is_null ? "" : TextDatumGetCString(value);
}

/* True if the name in this column was changed, or the row deleted (*after is NULL). */
static bool
name_changed(const TriggerData *data, AttrNumber column, const char **before, const char **after)
{
	*before = text_in(data->tg_trigslot, column);
	*after = TRIGGER_FIRED_BY_DELETE(data->tg_event) ? NULL : text_in(data->tg_newslot, column);
	return *after == NULL || strcmp(*before, *after) != 0;
}

/* There foreign keys do not cascade, and what users have is each shard's own. */
static bool
is_replicated_to_follower(void)
{
	return IsLogicalWorker() && setting_follower;
}

/* Triggers that audit do not fire under replication. */
static void
profile_follow(const char *before, const char *after)
{
	uint64 rows = store_user_profile_follow(before, after);
	StringInfoData detail;

	if (rows == 0)
		return;
	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "change", after ? "profile renamed by replication" : "profile dropped by replication");
	json_string(&detail, "profile", before);
	if (after)
		json_string(&detail, "new_profile", after);
	json_number(&detail, "users", (int64) rows);
	appendStringInfoChar(&detail, '}');
	audit_event("administration", NULL, NULL, detail.data);
}

SQL_FUNCTION(djust_trigger_profile_changed)
{
	const char *before;
	const char *after;

	if (name_changed(FIRED_BY(profile_firings), Anum_profile_name, &before, &after) && is_replicated_to_follower())
		profile_follow(before, after);
	return done();
}

SQL_FUNCTION(djust_trigger_store_changed)
{
	const char *before;
	const char *after;

	if (!name_changed(FIRED_BY(store_firings), Anum_store_name, &before, &after))
		return done();
	store_view_follow(before, after);
	/* on a follower the templates come by replication, too */
	if (after && !setting_follower)
		store_view_rename_templates(before, after);
	if (is_replicated_to_follower())
		store_view_follow_users(before, after);
	return done();
}

SQL_FUNCTION(djust_trigger_refuse_on_follower)
{
	const TriggerData *data = FIRED_BY(follower_firings);

	if (setting_follower)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" cannot be changed on a follower", RelationGetRelationName(data->tg_relation)),
				 errhint("djust_auth.follower is on: change it on the shard that this one follows.")));
	return done();
}

SQL_FUNCTION(djust_trigger_keep_anonymous)
{
	FIRED_BY(anonymous_firings);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("profile \"anonymous\" cannot be dropped or renamed"),
			 errhint("Remove its rights instead.")));
}

/* For sessions inserted, or whose expiry is changed, by statements other than the extension's own. */
SQL_FUNCTION(djust_trigger_session_purge_at)
{
	TriggerData *data = FIRED_BY(purge_at_firings);
	bool is_null;
	Datum expires_at;

	new_column(data, Anum_session_purge_at, TIMESTAMPTZOID, &is_null);
	expires_at = new_column(data, Anum_session_expires_at, TIMESTAMPTZOID, &is_null);
	return PointerGetDatum(is_null ? new_row(data) :
									 with_column(data, new_row(data), Anum_session_purge_at, expires_at, false));
}

/* A TRUNCATE is audited while the rows exist; that of the audit itself afterwards, or its event would go, too. */
static bool
is_audited_event(const TriggerData *data, int table)
{
	TriggerEvent when = data->tg_event & WHEN_BITS;

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		return when == (table == TABLE_AUDIT_EVENT ? AFTER_STATEMENT : BEFORE_STATEMENT);
	return when == AFTER_STATEMENT && row_changes_has_tables(data);
}

/* Fires on every table of the extension. */
SQL_FUNCTION(djust_trigger_audit_change)
{
	TriggerData *data = trigger_data(fcinfo);
	Oid relation = RelationGetRelid(data->tg_relation);
	CatalogTable known;
	int table = catalog_is_table(relation, &known) ? (int) known : -1;

	if (!is_audited_event(data, table) || (table < 0 && !catalog_is_member(relation)))
		refuse_trigger(RelationGetRelationName(data->tg_relation));
	if (!store_is_own_work())
		admin_event_write(data, table);
	return done();
}
