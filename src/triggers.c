/*
 * triggers.c
 *		What keeps plain DML valid: constraint functions and triggers.
 *
 * Threat: a value in the tables that the verbs would trust.  Constraint
 * functions raise the reason themselves, so that the server does not print the
 * failing row, which might hold a password typed into the wrong column.  They
 * need no preloaded library: a dump must restore anywhere.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "account.h"
#include "audit.h"
#include "bytes.h"
#include "catalog.h"
#include "compat.h"
#include "message.h"
#include "normal.h"
#include "pwhash.h"
#include "route.h"
#include "session_revoke.h"
#include "shared.h"
#include "store.h"

PG_FUNCTION_INFO_V1(djust_email_is_valid);
PG_FUNCTION_INFO_V1(djust_password_hash_is_valid);
PG_FUNCTION_INFO_V1(djust_route_is_valid);
PG_FUNCTION_INFO_V1(djust_route_key);
PG_FUNCTION_INFO_V1(djust_event_is_valid);
PG_FUNCTION_INFO_V1(djust_mail_template_is_valid);
PG_FUNCTION_INFO_V1(djust_trigger_user_normalise);
PG_FUNCTION_INFO_V1(djust_trigger_blocklist_normalise);
PG_FUNCTION_INFO_V1(djust_trigger_user_changed);
PG_FUNCTION_INFO_V1(djust_trigger_user_profile_changed);
PG_FUNCTION_INFO_V1(djust_trigger_session_updated);
PG_FUNCTION_INFO_V1(djust_trigger_policy_changed);
PG_FUNCTION_INFO_V1(djust_trigger_audit_change);
PG_FUNCTION_INFO_V1(djust_trigger_keep_anonymous);
PG_FUNCTION_INFO_V1(djust_trigger_session_purge_at);

Datum
djust_email_is_valid(PG_FUNCTION_ARGS)
{
	text	   *email = PG_GETARG_TEXT_PP(0);
	const char *fault = email_fault(VARDATA_ANY(email), VARSIZE_ANY_EXHDR(email));

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid email address"),
				 errdetail("%s", fault)));
	PG_RETURN_BOOL(true);
}

Datum
djust_password_hash_is_valid(PG_FUNCTION_ARGS)
{
	text	   *hash = PG_GETARG_TEXT_PP(0);
	PwResult	result = pwhash_check(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash));

	if (result != PW_MATCH)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid password hash"),
				 result == PW_TOO_COSTLY ?
				 errdetail("Checking it would cost too much.") :
				 errdetail("It is not an Argon2, scrypt, PBKDF2, bcrypt or sha-crypt hash in a known spelling."),
				 errhint("To set a password in clear, call djust_auth.set_password().")));
	PG_RETURN_BOOL(true);
}

static void
parse_or_raise(text *route, RoutePath *path)
{
	RouteFault	fault = normal_pattern(VARDATA_ANY(route), VARSIZE_ANY_EXHDR(route), path);

	if (fault != ROUTE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid route pattern"),
				 errdetail("%s", route_fault_text(fault)),
				 errhint("Use a path such as /orders/{id} or /orders/**, or a code such as ORDER-200.")));
}

Datum
djust_route_is_valid(PG_FUNCTION_ARGS)
{
	RoutePath	path;

	parse_or_raise(PG_GETARG_TEXT_PP(0), &path);
	PG_RETURN_BOOL(true);
}

Datum
djust_route_key(PG_FUNCTION_ARGS)
{
	RoutePath	path;
	char	   *key = palloc(ROUTE_PATH_MAX);

	parse_or_raise(PG_GETARG_TEXT_PP(0), &path);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, route_canonical(&path, key)));
}

Datum
djust_event_is_valid(PG_FUNCTION_ARGS)
{
	text	   *event = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(audit_is_event(VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event)));
}

/* As it travels: in UTF-8. */
static char *
travelling(text *value)
{
	return normal_to_utf8(text_to_cstring(value), VARSIZE_ANY_EXHDR(value));
}

Datum
djust_mail_template_is_valid(PG_FUNCTION_ARGS)
{
	const char *fault = message_template_fault(travelling(PG_GETARG_TEXT_PP(0)), travelling(PG_GETARG_TEXT_PP(1)),
											   travelling(PG_GETARG_TEXT_PP(2)));

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("no mail can be made of this template: %s", fault)));
	PG_RETURN_BOOL(true);
}

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	return (TriggerData *) fcinfo->context;
}

Datum
djust_trigger_user_normalise(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	int			column = Anum_customer_user_email;
	bool		is_null;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(data->tg_relation), &is_null);
	Email		email;

	if (is_null)
		return PointerGetDatum(tuple);
	email = normal_email(VARDATA_ANY(DatumGetTextPP(value)), VARSIZE_ANY_EXHDR(DatumGetTextPP(value)));
	value = CStringGetTextDatum(email.text);
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, RelationGetDescr(data->tg_relation), 1, &column, &value, &is_null));
}

static bool
differs(TriggerData *data, int column)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	bool		old_null;
	bool		new_null;
	Datum		old_value = heap_getattr(data->tg_trigtuple, column, desc, &old_null);
	Datum		new_value = heap_getattr(data->tg_newtuple, column, desc, &new_null);
	Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);

	if (old_null || new_null)
		return old_null != new_null;
	if (attribute->attlen == -1)
		return strcmp(TextDatumGetCString(old_value), TextDatumGetCString(new_value)) != 0;
	return old_value != new_value;
}

static char *
address_in(TriggerData *data, HeapTuple tuple)
{
	bool		is_null;

	return TextDatumGetCString(heap_getattr(tuple, Anum_customer_user_email, RelationGetDescr(data->tg_relation), &is_null));
}

/*
 * Which sessions and links a change of a user ends, whoever made it.  The verbs that change a hash themselves (rehash at
 * login, change and reset of a password) end what they must.
 */
static void
user_updated(TriggerData *data, const pg_uuid_t *id)
{
	bool		email = differs(data, Anum_customer_user_email);
	bool		disabling = differs(data, Anum_customer_user_disabled_at);
	bool		password = differs(data, Anum_customer_user_password_hash) && !store_user_hash_is_own();
	bool		enabled = heap_attisnull(data->tg_newtuple, Anum_customer_user_disabled_at, NULL);

	if (!email && !disabling && !password)
		return;
	if (email && shared_loaded())
		account_email_changed(address_in(data, data->tg_trigtuple), address_in(data, data->tg_newtuple));
	if (password || (disabling && !enabled))
		store_session_delete_of(id, NULL);
	store_reset_delete_of(id);
	if (email || disabling)
		audit_event("administration", id, NULL,
					psprintf("{\"change\": \"%s\"}", email ? "email changed" : enabled ? "enabled" : "disabled"));
	if (password)
		audit_event("password_changed", id, NULL, NULL);
}

Datum
djust_trigger_user_changed(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	bool		is_null;
	Datum		value = heap_getattr(data->tg_trigtuple, Anum_customer_user_id, RelationGetDescr(data->tg_relation), &is_null);
	pg_uuid_t	id = *DatumGetUUIDP(value);

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		user_updated(data, &id);
	else
		audit_forget(&id);
	return PointerGetDatum(NULL);
}

static void
copy_profiles(TriggerData *data, HeapTuple tuple)
{
	bool		is_null;
	Datum		value = heap_getattr(tuple, Anum_user_profile_user_id, RelationGetDescr(data->tg_relation), &is_null);
	pg_uuid_t	id = *DatumGetUUIDP(value);

	store_user_lock(&id);
	store_session_copy_profiles(&id);
}

/*
 * Sessions carry a copy of their user's profiles.  The user's row is locked first: a login beside this one holds it
 * until its session can be seen, or waits and then reads the profiles as they are now.
 */
Datum
djust_trigger_user_profile_changed(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		store_session_clear_profiles();
	else
	{
		copy_profiles(data, data->tg_trigtuple);
		if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
			copy_profiles(data, data->tg_newtuple);
	}
	return PointerGetDatum(NULL);
}

/* The old version is fetched when the trigger fires, after the update. */
Datum
djust_trigger_session_updated(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);

	if (RelationGetRelid(data->tg_relation) != catalog_table(TABLE_SESSION) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || !TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as the trigger of its own table")));
	session_revoke_follow(data->tg_relation, data->tg_trigtuple, &data->tg_newtuple->t_self);
	return PointerGetDatum(NULL);
}

Datum
djust_trigger_policy_changed(PG_FUNCTION_ARGS)
{
	trigger_data(fcinfo);
	catalog_bump_epoch();
	return PointerGetDatum(NULL);
}

Datum
djust_trigger_keep_anonymous(PG_FUNCTION_ARGS)
{
	trigger_data(fcinfo);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("profile \"anonymous\" cannot be dropped or renamed"),
			 errhint("Remove its rights instead.")));
}

/* For sessions that are inserted, or whose end is moved, by other statements than the extension's own. */
Datum
djust_trigger_session_purge_at(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	int			column = Anum_session_purge_at;
	bool		is_null;
	Datum		expires_at;

	if (RelationGetRelid(data->tg_relation) != catalog_table(TABLE_SESSION) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event) || desc->natts < Natts_session ||
		TupleDescAttr(desc, Anum_session_expires_at - 1)->atttypid != TIMESTAMPTZOID ||
		TupleDescAttr(desc, Anum_session_purge_at - 1)->atttypid != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as the trigger of its own table")));
	expires_at = heap_getattr(tuple, Anum_session_expires_at, desc, &is_null);
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, desc, 1, &column, &expires_at, &is_null));
}

/*
 * What the audit tells of a changed row: keys, and nothing that is personal.  By number, for an administrator may have
 * added columns, of any name and type.
 */
static const struct
{
	CatalogTable table;
	AttrNumber	column;
	const char *name;			/* NULL: the user whom it concerns */
	bool		is_enum;
}			told[] = {
	{TABLE_CUSTOMER_USER, Anum_customer_user_id},
	{TABLE_USER_PROFILE, Anum_user_profile_user_id},
	{TABLE_USER_PROFILE, Anum_user_profile_profile, "profile"},
	{TABLE_PROFILE, Anum_profile_name, "name"},
	{TABLE_PROFILE_RIGHT, Anum_profile_right_profile, "profile"},
	{TABLE_PROFILE_RIGHT, Anum_profile_right_route, "route"},
	{TABLE_PROFILE_RIGHT, Anum_profile_right_access, "access", true},
};

static void
append_row(StringInfo out, Oid table, TupleTableSlot *slot, pg_uuid_t *user_id, bool *has_user)
{
	int			i;

	for (i = 0; i < lengthof(told); i++)
	{
		bool		is_null;
		Datum		value;

		if (catalog_table(told[i].table) != table)
			continue;
		value = slot_getattr(slot, told[i].column, &is_null);
		if (is_null)
			continue;
		if (told[i].name == NULL)
		{
			*user_id = *DatumGetUUIDP(value);
			*has_user = true;
			continue;
		}
		appendStringInfo(out, ", \"%s\": ", told[i].name);
		escape_json(out, told[i].is_enum ? DatumGetCString(DirectFunctionCall1(enum_out, value)) : TextDatumGetCString(value));
	}
}

/* One event a statement: how many rows, and which if it was one. */
Datum
djust_trigger_audit_change(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	Tuplestorestate *rows = data->tg_newtable ? data->tg_newtable : data->tg_oldtable;
	int64		count = rows ? tuplestore_tuple_count(rows) : 0;
	StringInfoData detail;
	pg_uuid_t	user_id;
	bool		has_user = false;

	if (rows && count == 0)
		return PointerGetDatum(NULL);
	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"table\": \"%s\", \"operation\": \"%s\"", RelationGetRelationName(data->tg_relation),
					 TRIGGER_FIRED_BY_INSERT(data->tg_event) ? "INSERT" : TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? "UPDATE" :
					 TRIGGER_FIRED_BY_DELETE(data->tg_event) ? "DELETE" : "TRUNCATE");
	if (rows)
		appendStringInfo(&detail, ", \"rows\": " INT64_FORMAT, count);
	if (count == 1)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);

		tuplestore_rescan(rows);
		if (tuplestore_gettupleslot(rows, true, false, slot))
			append_row(&detail, RelationGetRelid(data->tg_relation), slot, &user_id, &has_user);
		ExecDropSingleTupleTableSlot(slot);
	}
	appendStringInfoChar(&detail, '}');
	audit_event("administration", has_user ? &user_id : NULL, NULL, detail.data);
	return PointerGetDatum(NULL);
}

/* On another table the value might be no text: refused. */
Datum
djust_trigger_blocklist_normalise(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	int			column = Anum_password_blocklist_password;
	bool		is_null;
	Datum		value;
	text	   *entry;

	if (RelationGetRelid(data->tg_relation) != catalog_table(TABLE_PASSWORD_BLOCKLIST) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("blocklist_normalise() is a trigger function of djust_auth.password_blocklist only")));
	value = heap_getattr(tuple, column, RelationGetDescr(data->tg_relation), &is_null);
	if (is_null || TupleDescAttr(RelationGetDescr(data->tg_relation), column - 1)->atttypid != TEXTOID)
		return PointerGetDatum(tuple);
	entry = DatumGetTextPP(value);
	value = CStringGetTextDatum(normal_blocklist_entry(VARDATA_ANY(entry), VARSIZE_ANY_EXHDR(entry)));
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, RelationGetDescr(data->tg_relation), 1, &column, &value, &is_null));
}
