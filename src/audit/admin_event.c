/*
 * admin_event.c
 *		Owns the events that tell an administrator's changes of the extension's
 *		tables: which row, what was there, what is there now.
 *
 * An event's detail has the members table, operation, rows (of the statement),
 * the columns that tell which row it is, and
 *		old, new	values: of an UPDATE only those that differ
 *		changed		columns of which only that is told
 *		personal	old and new values that go when the user is deleted
 *
 * Threats: a secret in the audit (columns of secrets, and those an
 * administrator has added, are named and never told); what is erased with a
 * user living on in the audit (it stands under personal, which
 * store_audit_forget() takes away); a name that breaks out of the JSON (all
 * names and values are escaped).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "audit/admin_event.h"
#include "audit/audit.h"
#include "audit/row_change.h"
#include "server/json.h"
#include "tables/catalog.h"

typedef enum Many
{
	MANY_EACH,					/* each row is told, however many there are */
	MANY_TRUNCATED,				/* a TRUNCATE of many leaves one event with its count */
	MANY_SUMMED,				/* every statement over many does */
	MANY_NEVER_EACH				/* every statement, over one row, too */
} Many;

/*
 * One letter a column, in order: k tells which row it is, u and i are the user and the session of the event, v has a
 * value that is told, p a personal one, e one that is not told of a row that goes, s a secret.  Columns beyond these
 * are secrets.
 */
static const struct
{
	const char *columns;
	Many		many;
	bool		goes_with_user; /* rows that a user's deletion takes along are told by the user's event */
}			tables[CATALOG_TABLES] = {
	[TABLE_CUSTOMER_USER] = {"uesvvvv", MANY_SUMMED},
	[TABLE_PROFILE] = {"kv", MANY_EACH},
	[TABLE_USER_PROFILE] = {"uk", MANY_SUMMED},
	[TABLE_PROFILE_RIGHT] = {"kkv", MANY_EACH},
	[TABLE_SESSION] = {"iuvvvvvsvppv", MANY_TRUNCATED, true},
	[TABLE_SESSION_ENDED] = {"iv", MANY_TRUNCATED},
	[TABLE_RESET_TOKEN] = {"suvv", MANY_TRUNCATED, true},
	[TABLE_MAIL_TEMPLATE] = {"kkvvv", MANY_EACH},
	[TABLE_SIGNING_KEY] = {"kvsvvv", MANY_EACH},
	[TABLE_PASSWORD_BLOCKLIST] = {"s", MANY_NEVER_EACH},
	[TABLE_POLICY_EPOCH] = {"", MANY_SUMMED},
	[TABLE_MAIL_QUEUE] = {"kvusvvvvvsv", MANY_TRUNCATED, true},
	[TABLE_THROTTLE_LOCK] = {"kvvvv", MANY_TRUNCATED},
	[TABLE_KEY_FILE] = {"vsv", MANY_EACH},
	[TABLE_AUDIT_CHAIN] = {"k", MANY_SUMMED},
	[TABLE_AUDIT_SEAL] = {"kkvvvvvv", MANY_SUMMED},
	[TABLE_AUDIT_EVENT] = {"kkvuisss", MANY_SUMMED},
};

typedef struct Telling
{
	StringInfoData keys;
	StringInfoData old;
	StringInfoData new;
	StringInfoData personal_old;
	StringInfoData personal_new;
	StringInfoData changed;
	pg_uuid_t	user_id;
	pg_uuid_t	sid;
	bool		has_user;
	bool		has_sid;
} Telling;

static const char *
operation_name(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" : TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

static void
append_value(StringInfo out, Form_pg_attribute attribute, Datum value, bool is_null)
{
	const char *name = NameStr(attribute->attname);
	Oid			function;
	bool		is_varlena;

	if (is_null)
		json_string(out, name, NULL);
	else if (attribute->atttypid == TIMESTAMPTZOID)
		json_time(out, name, DatumGetTimestampTz(value));
	else if (attribute->atttypid == INT4OID)
		json_number(out, name, DatumGetInt32(value));
	else if (attribute->atttypid == INT8OID)
		json_number(out, name, DatumGetInt64(value));
	else
	{
		getTypeOutputInfo(attribute->atttypid, &function, &is_varlena);
		json_string(out, name, OidOutputFunctionCall(function, value));
	}
}

static void
append_column(StringInfo out, TupleTableSlot *row, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column - 1);
	bool		is_null;
	Datum		value = slot_getattr(row, column, &is_null);

	append_value(out, attribute, value, is_null);
}

/* Nothing where there are no members or elements. */
static void
append_nested(StringInfo out, const char *name, const char *brackets, const StringInfoData *members)
{
	if (members->len == 0)
		return;
	json_member(out, name);
	appendStringInfo(out, "%c%s%c", brackets[0], members->data, brackets[1]);
}

static bool
is_told(const RowChanges *changes, int column)
{
	return !(changes->old && changes->new) || row_changes_column(changes, column);
}

static void
tell_values(StringInfo old, StringInfo new, const RowChanges *changes, int column)
{
	if (!is_told(changes, column))
		return;
	if (changes->old)
		append_column(old, changes->old, column);
	if (changes->new)
		append_column(new, changes->new, column);
}

/* Of a new row, that there is a value. */
static void
tell_change(StringInfo out, const RowChanges *changes, int column)
{
	if (changes->new && is_told(changes, column) && (changes->old || !slot_attisnull(changes->new, column)))
		json_string(out, NULL, NameStr(TupleDescAttr(changes->new->tts_tupleDescriptor, column - 1)->attname));
}

/* The one the row has now, or had. */
static void
tell_id(pg_uuid_t *id, bool *has_id, Telling *telling, const RowChanges *changes, int column)
{
	TupleTableSlot *row = changes->new ? changes->new : changes->old;
	bool		is_null;
	Datum		value = slot_getattr(row, column, &is_null);

	if (TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid != UUIDOID)
		return;
	*has_id = !is_null;
	if (!is_null)
		*id = *DatumGetUUIDP(value);
	if (changes->old && changes->new)
		tell_values(&telling->old, &telling->new, changes, column);
}

static void
tell_column(Telling *telling, const RowChanges *changes, int column, char letter)
{
	switch (letter)
	{
		case 'u':
			tell_id(&telling->user_id, &telling->has_user, telling, changes, column);
			break;
		case 'i':
			tell_id(&telling->sid, &telling->has_sid, telling, changes, column);
			break;
		case 'k':
			append_column(&telling->keys, changes->new ? changes->new : changes->old, column);
			if (changes->old && changes->new)
				tell_values(&telling->old, &telling->new, changes, column);
			break;
		case 'v':
			tell_values(&telling->old, &telling->new, changes, column);
			break;
		case 'p':
		case 'e':
			if (changes->new || (letter == 'p' && TRIGGER_FIRED_BY_DELETE(changes->trigger->tg_event)))
				tell_values(&telling->personal_old, &telling->personal_new, changes, column);
			break;
		default:
			tell_change(&telling->changed, changes, column);
			break;
	}
}

static TupleDesc
descriptor_of(const RowChanges *changes)
{
	return RelationGetDescr(changes->trigger->tg_relation);
}

static void
begin_telling(Telling *telling)
{
	memset(telling, 0, sizeof(*telling));
	initStringInfo(&telling->keys);
	initStringInfo(&telling->old);
	initStringInfo(&telling->new);
	initStringInfo(&telling->personal_old);
	initStringInfo(&telling->personal_new);
	initStringInfo(&telling->changed);
}

static void
begin_detail(StringInfo out, const RowChanges *changes)
{
	initStringInfo(out);
	appendStringInfoChar(out, '{');
	json_string(out, "table", RelationGetRelationName(changes->trigger->tg_relation));
	json_string(out, "operation", operation_name(changes->trigger->tg_event));
	if (changes->count >= 0)
		json_number(out, "rows", changes->count);
}

static void
write_row(Telling *telling, const RowChanges *changes)
{
	StringInfoData personal;
	StringInfoData out;

	begin_detail(&out, changes);
	if (telling->keys.len > 0)
		appendStringInfo(&out, ",%s", telling->keys.data);
	append_nested(&out, "old", "{}", &telling->old);
	append_nested(&out, "new", "{}", &telling->new);
	append_nested(&out, "changed", "[]", &telling->changed);
	initStringInfo(&personal);
	append_nested(&personal, "old", "{}", &telling->personal_old);
	append_nested(&personal, "new", "{}", &telling->personal_new);
	append_nested(&out, "personal", "{}", &personal);
	appendStringInfoChar(&out, '}');
	audit_event("administration", telling->has_user ? &telling->user_id : NULL, telling->has_sid ? &telling->sid : NULL,
				out.data);
}

/* An UPDATE that changes nothing is none. */
static bool
says_nothing(const Telling *telling, const RowChanges *changes)
{
	return changes->old && changes->new &&
		telling->old.len + telling->new.len + telling->changed.len == 0 &&
		telling->personal_old.len + telling->personal_new.len == 0;
}

static bool
went_with_user(const Telling *telling, const RowChanges *changes)
{
	UserRow		user;

	return TRIGGER_FIRED_BY_DELETE(changes->trigger->tg_event) && telling->has_user &&
		!catalog_user_by_id(&telling->user_id, &user);
}

static void
tell_row(const RowChanges *changes, const char *columns, bool goes_with_user)
{
	TupleDesc	descriptor = descriptor_of(changes);
	int			known = strlen(columns);
	Telling		telling;
	int			column;

	begin_telling(&telling);
	for (column = 1; column <= descriptor->natts; column++)
		if (!TupleDescAttr(descriptor, column - 1)->attisdropped)
			tell_column(&telling, changes, column, column <= known ? columns[column - 1] : 's');
	if (!says_nothing(&telling, changes) && !(goes_with_user && went_with_user(&telling, changes)))
		write_row(&telling, changes);
}

static void
tell_each(RowChanges *changes, const char *columns, bool goes_with_user)
{
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "djust_auth event", ALLOCSET_DEFAULT_SIZES);

	while (row_changes_next(changes))
	{
		/* the row itself lives in the caller's context until the next one */
		MemoryContext caller = MemoryContextSwitchTo(each);

		tell_row(changes, columns, goes_with_user);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(each);
	}
	MemoryContextDelete(each);
}

/* Columns that differ in any row of an UPDATE. */
static void
collect_changed(RowChanges *changes, bool *changed)
{
	TupleDesc	descriptor = descriptor_of(changes);
	int			column;

	while (row_changes_next(changes))
		for (column = 1; column <= descriptor->natts; column++)
			if (!changed[column - 1] && !TupleDescAttr(descriptor, column - 1)->attisdropped)
				changed[column - 1] = row_changes_column(changes, column);
}

static void
tell_sum(RowChanges *changes)
{
	TupleDesc	descriptor = descriptor_of(changes);
	bool	   *changed = palloc0(descriptor->natts + 1);
	StringInfoData names;
	StringInfoData out;
	int			i;

	initStringInfo(&names);
	if (changes->old && changes->new)
	{
		collect_changed(changes, changed);
		for (i = 0; i < descriptor->natts; i++)
			if (changed[i])
				json_string(&names, NULL, NameStr(TupleDescAttr(descriptor, i)->attname));
		if (names.len == 0)
			return;
	}
	begin_detail(&out, changes);
	append_nested(&out, "changed", "[]", &names);
	appendStringInfoChar(&out, '}');
	audit_event("administration", NULL, NULL, out.data);
}

static bool
is_summed(Many many, const RowChanges *changes)
{
	bool		is_many = changes->count > ADMIN_EVENT_MOST;

	if (changes->count < 0 || many == MANY_NEVER_EACH)
		return true;
	return is_many &&
		(many == MANY_SUMMED || (many == MANY_TRUNCATED && TRIGGER_FIRED_BY_TRUNCATE(changes->trigger->tg_event)));
}

void
admin_event_tell(const TriggerData *trigger, int table)
{
	const char *columns = table >= 0 && tables[table].columns ? tables[table].columns : "";
	Many		many = table >= 0 ? tables[table].many : MANY_EACH;
	RowChanges	changes;

	row_changes_begin(&changes, trigger, many == MANY_EACH ? PG_INT64_MAX : ADMIN_EVENT_MOST);
	if (changes.count != 0 && is_summed(many, &changes))
		tell_sum(&changes);
	else if (changes.count != 0)
		tell_each(&changes, columns, table >= 0 && tables[table].goes_with_user);
	row_changes_end(&changes);
}
