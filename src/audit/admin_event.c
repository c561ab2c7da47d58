/*
 * admin_event.c
 *		Owns the audit of administrators' changes of the extension's tables:
 *		which row changed, its old and new values.
 *
 * An event's detail has the members table, operation, rows (of the statement),
 * the columns that identify the row, and
 *		old, new	values; of an UPDATE only those that differ
 *		changed		names of changed columns whose values are not recorded
 *		personal	old and new values that are removed when the user is deleted
 *
 * Threats: a secret in the audit (secret columns, and columns an administrator
 * added, are only named); personal data that outlives its user (it is kept
 * under personal, which store_audit_forget() removes); a name that breaks out
 * of the JSON (all names and values are escaped).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "audit/admin_event.h"
#include "audit/audit.h"
#include "audit/row_change.h"
#include "server/json.h"
#include "tables/catalog.h"

typedef enum Grouping
{
	EVENT_PER_ROW, /* an event for each row, however many */
	EVENT_PER_ROW_OR_TRUNCATE, /* one event for a TRUNCATE of more than ADMIN_EVENT_MOST rows */
	EVENT_PER_ROW_OR_STATEMENT, /* one event for any statement over more rows than that */
	EVENT_PER_STATEMENT /* one event for each statement, even over one row */
} Grouping;

/*
 * One letter for each column, in order: k identifies the row, u and i are the event's user and session, v is recorded,
 * p is recorded as personal, e is personal and not recorded for deleted rows.  All others are secret.
 */
static const struct
{
	const char *columns;
	Grouping grouping;
	bool goes_with_user; /* a row deleted with its user is covered by the user's event */
	char store; /* letter of the column "store", which came after columns that an administrator may have added */
} tables[CATALOG_TABLES] = {
	[TABLE_CUSTOMER_USER] = {"uesvvvv", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_PROFILE] = {"kv", EVENT_PER_ROW},
	[TABLE_USER_PROFILE] = {"uk", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_PROFILE_RIGHT] = {"kkv", EVENT_PER_ROW},
	[TABLE_SESSION] = {"iuvvvvvsvppv", EVENT_PER_ROW_OR_TRUNCATE, true},
	[TABLE_SESSION_ENDED] = {"iv", EVENT_PER_ROW_OR_TRUNCATE},
	[TABLE_RESET_TOKEN] = {"suvv", EVENT_PER_ROW_OR_TRUNCATE, true},
	[TABLE_MAIL_TEMPLATE] = {"kkvvv", EVENT_PER_ROW, .store = 'k'},
	[TABLE_SIGNING_KEY] = {"kvsvvv", EVENT_PER_ROW},
	[TABLE_PASSWORD_BLOCKLIST] = {"s", EVENT_PER_STATEMENT},
	[TABLE_POLICY_EPOCH] = {"", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_MAIL_QUEUE] = {"kvusvvvvvsv", EVENT_PER_ROW_OR_TRUNCATE, true, 'v'},
	[TABLE_THROTTLE_LOCK] = {"kvvvv", EVENT_PER_ROW_OR_TRUNCATE},
	[TABLE_KEY_FILE] = {"vsv", EVENT_PER_ROW},
	[TABLE_HEARTBEAT] = {"vv", EVENT_PER_ROW},
	[TABLE_LEAVING_USER] = {"uvvsv", EVENT_PER_ROW},
	[TABLE_DECIDED_MOVE] = {"kvv", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_SESSION_CUTOFF] = {"vvv", EVENT_PER_ROW},
	[TABLE_PENDING_EMAIL] = {"kvuisssvvvvv", EVENT_PER_ROW_OR_TRUNCATE, true},
	[TABLE_EMAIL_LINK] = {"skvvv", EVENT_PER_ROW_OR_TRUNCATE},
	[TABLE_KNOWN_DEVICE] = {"suv", EVENT_PER_ROW_OR_TRUNCATE, true},
	[TABLE_PAGE_TEXT] = {"kkv", EVENT_PER_ROW},
	[TABLE_STORE] = {"kvvvv", EVENT_PER_ROW},
	[TABLE_USER_STORE] = {"uv", EVENT_PER_ROW_OR_STATEMENT, true},
	[TABLE_AUDIT_CHAIN] = {"k", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_AUDIT_SEAL] = {"kkvvvvvv", EVENT_PER_ROW_OR_STATEMENT},
	[TABLE_AUDIT_EVENT] = {"kkvuisss", EVENT_PER_ROW_OR_STATEMENT},
};

typedef struct EventParts
{
	StringInfoData keys;
	StringInfoData old;
	StringInfoData new;
	StringInfoData personal_old;
	StringInfoData personal_new;
	StringInfoData changed;
	pg_uuid_t *user_id; /* in the row; NULL if none */
	pg_uuid_t *sid;
} EventParts;

static const char *
operation_name(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" :
		   TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
		   TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" :
											"TRUNCATE";
}

static void
append_column(StringInfo out, TupleTableSlot *row, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column - 1);
	const char *name = NameStr(attribute->attname);
	bool is_null;
	Datum value = slot_getattr(row, column, &is_null);
	Oid function;
	bool is_varlena;

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

/* Appends nothing if there are no members. */
static void
append_nested(StringInfo out, const char *name, const char *brackets, const StringInfoData *members)
{
	if (members->len == 0)
		return;
	json_member(out, name);
	appendStringInfo(out, "%c%s%c", brackets[0], members->data, brackets[1]);
}

static bool
is_recorded(const RowChanges *changes, int column)
{
	return !(changes->old && changes->new) || row_changes_column(changes, column);
}

static void
append_values(StringInfo old, StringInfo new, const RowChanges *changes, int column)
{
	if (!is_recorded(changes, column))
		return;
	if (changes->old)
		append_column(old, changes->old, column);
	if (changes->new)
		append_column(new, changes->new, column);
}

/* Appends the name of a changed column, or of one that a new row has set. */
static void
append_changed(StringInfo out, const RowChanges *changes, int column)
{
	if (changes->new != NULL && is_recorded(changes, column) && (changes->old || !slot_attisnull(changes->new, column)))
		json_string(out, NULL, NameStr(TupleDescAttr(changes->new->tts_tupleDescriptor, column - 1)->attname));
}

/* The current id, or a deleted row's. */
static void
take_id(pg_uuid_t **id, EventParts *parts, const RowChanges *changes, int column)
{
	TupleTableSlot *row = changes->new ? changes->new : changes->old;
	bool is_null;
	Datum value = slot_getattr(row, column, &is_null);

	if (TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid != UUIDOID)
		return;
	if (!is_null)
		*id = DatumGetUUIDP(value);
	if (changes->old && changes->new)
		append_values(&parts->old, &parts->new, changes, column);
}

static void
append_parts(EventParts *parts, const RowChanges *changes, int column, char letter)
{
	switch (letter)
	{
		case 'u':
			take_id(&parts->user_id, parts, changes, column);
			break;
		case 'i':
			take_id(&parts->sid, parts, changes, column);
			break;
		case 'k':
			append_column(&parts->keys, changes->new ? changes->new : changes->old, column);
			if (changes->old && changes->new)
				append_values(&parts->old, &parts->new, changes, column);
			break;
		case 'v':
			append_values(&parts->old, &parts->new, changes, column);
			break;
		case 'p':
		case 'e':
			if (changes->new || (letter == 'p' && TRIGGER_FIRED_BY_DELETE(changes->trigger->tg_event)))
				append_values(&parts->personal_old, &parts->personal_new, changes, column);
			break;
		default:
			append_changed(&parts->changed, changes, column);
			break;
	}
}

static void
init_parts(EventParts *parts)
{
	memset(parts, 0, sizeof(*parts));
	initStringInfo(&parts->keys);
	initStringInfo(&parts->old);
	initStringInfo(&parts->new);
	initStringInfo(&parts->personal_old);
	initStringInfo(&parts->personal_new);
	initStringInfo(&parts->changed);
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
write_row(EventParts *parts, const RowChanges *changes)
{
	StringInfoData personal;
	StringInfoData out;

	begin_detail(&out, changes);
	if (parts->keys.len > 0)
		appendStringInfo(&out, ",%s", parts->keys.data);
	append_nested(&out, "old", "{}", &parts->old);
	append_nested(&out, "new", "{}", &parts->new);
	append_nested(&out, "changed", "[]", &parts->changed);
	initStringInfo(&personal);
	append_nested(&personal, "old", "{}", &parts->personal_old);
	append_nested(&personal, "new", "{}", &parts->personal_new);
	append_nested(&out, "personal", "{}", &personal);
	appendStringInfoChar(&out, '}');
	audit_event("administration", parts->user_id, parts->sid, out.data);
}

/* An UPDATE that changes nothing is not audited. */
static bool
is_unchanged(const EventParts *parts, const RowChanges *changes)
{
	return changes->old && changes->new && parts->old.len + parts->new.len + parts->changed.len == 0 &&
		   parts->personal_old.len + parts->personal_new.len == 0;
}

static bool
was_deleted_with_user(const EventParts *parts, const RowChanges *changes)
{
	UserRow user;

	return TRIGGER_FIRED_BY_DELETE(changes->trigger->tg_event) && parts->user_id &&
		   !catalog_user_by_id(parts->user_id, &user);
}

/* Columns that an administrator added are secret.  table is -1 for none of these. */
static char
letter_of(int table, const FormData_pg_attribute *attribute)
{
	const char *columns = table >= 0 && tables[table].columns ? tables[table].columns : "";

	if (attribute->attnum <= strlen(columns))
		return columns[attribute->attnum - 1];
	/* before 1.1 a column of this name is an administrator's own */
	if (table >= 0 && tables[table].store && strcmp(NameStr(attribute->attname), "store") == 0 &&
		catalog_has(TABLE_STORE))
		return tables[table].store;
	return 's';
}

static void
audit_row(const RowChanges *changes, int table)
{
	TupleDesc descriptor = RelationGetDescr(changes->trigger->tg_relation);
	bool goes_with_user = table >= 0 && tables[table].goes_with_user;
	EventParts parts;
	int column;

	init_parts(&parts);
	for (column = 1; column <= descriptor->natts; column++)
		if (!TupleDescAttr(descriptor, column - 1)->attisdropped)
			append_parts(&parts, changes, column, letter_of(table, TupleDescAttr(descriptor, column - 1)));
	if (!is_unchanged(&parts, changes) && !(goes_with_user && was_deleted_with_user(&parts, changes)))
		write_row(&parts, changes);
}

static void
audit_each(RowChanges *changes, int table)
{
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "djust_auth event", ALLOCSET_DEFAULT_SIZES);

	while (row_changes_next(changes))
	{
		/* the row itself lives in the caller's context until the next one */
		MemoryContext caller = MemoryContextSwitchTo(each);

		audit_row(changes, table);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(each);
	}
	MemoryContextDelete(each);
}

/* Columns that differ in any row of an UPDATE. */
static void
collect_changed(RowChanges *changes, bool *changed)
{
	TupleDesc descriptor = RelationGetDescr(changes->trigger->tg_relation);
	int column;

	while (row_changes_next(changes))
		for (column = 1; column <= descriptor->natts; column++)
			if (!changed[column - 1] && !TupleDescAttr(descriptor, column - 1)->attisdropped)
				changed[column - 1] = row_changes_column(changes, column);
}

static void
audit_sum(RowChanges *changes)
{
	TupleDesc descriptor = RelationGetDescr(changes->trigger->tg_relation);
	bool *changed = palloc0(descriptor->natts + 1);
	StringInfoData names;
	StringInfoData out;
	int i;

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
is_one_event(Grouping grouping, const RowChanges *changes)
{
	bool is_many = changes->count > ADMIN_EVENT_MOST;

	if (changes->count < 0 || grouping == EVENT_PER_STATEMENT)
		return true;
	return is_many &&
		   (grouping == EVENT_PER_ROW_OR_STATEMENT ||
			(grouping == EVENT_PER_ROW_OR_TRUNCATE && TRIGGER_FIRED_BY_TRUNCATE(changes->trigger->tg_event)));
}

void
admin_event_write(const TriggerData *trigger, int table)
{
	Grouping grouping = table >= 0 ? tables[table].grouping : EVENT_PER_ROW;
	RowChanges changes;

	row_changes_begin(&changes, trigger, grouping == EVENT_PER_ROW ? PG_INT64_MAX : ADMIN_EVENT_MOST);
	if (changes.count != 0 && is_one_event(grouping, &changes))
		audit_sum(&changes);
	else if (changes.count != 0)
		audit_each(&changes, table);
	row_changes_end(&changes);
}
