/*
 * catalog.c
 *		Owns the object ids of the extension's tables and indexes, and the
 *		epoch that caches of their rows are valid for.  Also what is known of
 *		the extension itself: its schema, its owner, its members.
 *
 * The ids are resolved once.  One relcache callback per backend serves all: it
 * drops the ids and counts the epoch that rights.c and signing_key.c compare
 * their caches with.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_subscription_rel.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "tables/catalog_scan.h"

#define SCHEMA "djust_auth"
#define AUDIT_FUNCTION "audit_change"

static const char *const names[] = {
	[TABLE_CUSTOMER_USER] = "customer_user",
	[TABLE_PROFILE] = "profile",
	[TABLE_USER_PROFILE] = "user_profile",
	[TABLE_PROFILE_RIGHT] = "profile_right",
	[TABLE_SESSION] = "session",
	[TABLE_SESSION_ENDED] = "session_ended",
	[TABLE_RESET_TOKEN] = "reset_token",
	[TABLE_MAIL_TEMPLATE] = "mail_template",
	[TABLE_SIGNING_KEY] = "signing_key",
	[TABLE_PASSWORD_BLOCKLIST] = "password_blocklist",
	[TABLE_POLICY_EPOCH] = "policy_epoch",
	[TABLE_MAIL_QUEUE] = "mail_queue",
	[TABLE_THROTTLE_LOCK] = "throttle_lock",
	[TABLE_AUDIT_EVENT] = "audit_event",
	[TABLE_AUDIT_CHAIN] = "audit_chain",
	[TABLE_AUDIT_SEAL] = "audit_seal",
	[TABLE_KEY_FILE] = "key_file",
	[TABLE_HEARTBEAT] = "heartbeat",
	[TABLE_LEAVING_USER] = "leaving_user",
	[TABLE_DECIDED_MOVE] = "decided_move",
	[TABLE_SESSION_CUTOFF] = "session_cutoff",
	[TABLE_PENDING_EMAIL] = "pending_email",
	[TABLE_EMAIL_LINK] = "email_link",
	[TABLE_KNOWN_DEVICE] = "known_device",
	[TABLE_PAGE_TEXT] = "page_text",
	[TABLE_STORE] = "store",
	[TABLE_USER_STORE] = "user_store",
	[INDEX_CUSTOMER_USER_ID] = "customer_user_pkey",
	[INDEX_CUSTOMER_USER_EMAIL] = "customer_user_email_key",
	[INDEX_PROFILE] = "profile_pkey",
	[INDEX_USER_PROFILE] = "user_profile_pkey",
	[INDEX_PROFILE_RIGHT] = "profile_right_pkey",
	[INDEX_SESSION_SID] = "session_pkey",
	[INDEX_SESSION_USER] = "session_user_id_idx",
	[INDEX_RESET_TOKEN] = "reset_token_pkey",
	[INDEX_MAIL_TEMPLATE] = "mail_template_pkey",
	[INDEX_SIGNING_KEY] = "signing_key_pkey",
	[INDEX_PASSWORD_BLOCKLIST] = "password_blocklist_pkey",
	[INDEX_THROTTLE_LOCK] = "throttle_lock_pkey",
	[INDEX_KEY_FILE] = "key_file_pkey",
	[INDEX_HEARTBEAT] = "heartbeat_pkey",
	[INDEX_SESSION_CUTOFF] = "session_cutoff_pkey",
	[INDEX_PAGE_TEXT] = "page_text_pkey",
};

StaticAssertDecl(lengthof(names) == CATALOG_RELATIONS, "every table and index has a name");

typedef struct Ids
{
	bool valid;
	Oid relations[CATALOG_RELATIONS];
	Oid audit_function;
} Ids;

static Ids ids;
static uint64 epoch = 1;
static bool callback_registered = false;

/* Only sets flags; the cached data may be in use. */
static void
relation_changed(Datum arg, Oid relid)
{
	int i;

	if (relid == InvalidOid || !ids.valid)
	{
		ids.valid = false;
		epoch++;
		return;
	}
	if (relid == ids.relations[TABLE_POLICY_EPOCH])
		epoch++;
	for (i = 0; i < CATALOG_RELATIONS; i++)
		if (relid == ids.relations[i])
			ids.valid = false;
}

static bool
is_of_1_0(int relation)
{
	return relation < CATALOG_TABLES ? relation < TABLE_HEARTBEAT : relation < INDEX_HEARTBEAT;
}

/* InvalidOid for tables that schema 1.0 lacks; its update changes older tables, too, so that ids are resolved anew. */
static Oid
resolve(Oid schema, int relation)
{
	const char *name = names[relation];
	Oid id = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(id) && (is_of_1_0(relation) || !OidIsValid(schema)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", SCHEMA, name),
				 errhint("Run CREATE EXTENSION djust_auth in this database.")));
	return id;
}

/* Registers the callback first, so that no later change is missed; repeats the look-ups if the epoch changes. */
static void
resolve_all(void)
{
	uint64 begun;
	Oid schema;
	Ids fresh;
	int i;

	if (ids.valid)
		return;
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		callback_registered = true;
	}
	do
	{
		begun = epoch;
		schema = get_namespace_oid(SCHEMA, true);
		for (i = 0; i < CATALOG_RELATIONS; i++)
			fresh.relations[i] = resolve(schema, i);
		fresh.audit_function = GetSysCacheOid3(PROCNAMEARGSNSP,
											   Anum_pg_proc_oid,
											   CStringGetDatum(AUDIT_FUNCTION),
											   PointerGetDatum(buildoidvector(NULL, 0)),
											   ObjectIdGetDatum(schema));
	} while (begun != epoch);
	fresh.valid = true;
	ids = fresh;
}

uint64
catalog_epoch(void)
{
	resolve_all();
	return epoch;
}

void
catalog_bump_epoch(void)
{
	CacheInvalidateRelcacheByRelid(catalog_table(TABLE_POLICY_EPOCH));
}

static Oid
id_of(int relation)
{
	resolve_all();
	if (!OidIsValid(ids.relations[relation]))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schema of djust_auth is older than the library"),
				 errdetail("Relation \"%s.%s\" does not exist.", SCHEMA, names[relation]),
				 errhint("ALTER EXTENSION djust_auth UPDATE;")));
	return ids.relations[relation];
}

Oid
catalog_table(CatalogTable table)
{
	return id_of(table);
}

Relation
catalog_open(CatalogTable table, LOCKMODE mode)
{
	Relation relation = try_table_open(catalog_table(table), mode);

	/* if the extension was dropped since the id was looked up, the next look-up finds a new table, or raises */
	return relation ? relation : table_open(catalog_table(table), mode);
}

bool
catalog_is_table(Oid relation, CatalogTable *table)
{
	int i;

	resolve_all();
	for (i = 0; i < CATALOG_TABLES; i++)
		if (ids.relations[i] == relation)
		{
			*table = i;
			return true;
		}
	return false;
}

bool
catalog_is_member(Oid relation)
{
	Oid extension = getExtensionOfObject(RelationRelationId, relation);

	return OidIsValid(extension) && extension == get_extension_oid(SCHEMA, true);
}

Oid
catalog_audit_function(void)
{
	resolve_all();
	return ids.audit_function;
}

int64
catalog_copy_rows(Relation relation, Tuplestorestate *rows, int64 most)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	int64 count = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		if (count++ < most)
			tuplestore_puttupleslot(rows, slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	return count;
}

Oid
catalog_index(CatalogIndex index)
{
	return id_of(index);
}

bool
catalog_has(CatalogTable table)
{
	resolve_all();
	return OidIsValid(ids.relations[table]);
}

bool
catalog_is_subscribed(CatalogTable table, Oid *from)
{
	Relation relation = table_open(SubscriptionRelRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	int subscriptions = 0;

	ScanKeyInit(
		&key, Anum_pg_subscription_rel_srrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(catalog_table(table)));
	scan = systable_beginscan(relation, SubscriptionRelSrrelidSrsubidIndexId, true, NULL, 1, &key);
	*from = InvalidOid;
	for (; HeapTupleIsValid(tuple = systable_getnext(scan)); subscriptions++)
	{
		Form_pg_subscription_rel row = (Form_pg_subscription_rel) GETSTRUCT(tuple);

		*from = subscriptions == 0 && row->srsubstate == SUBREL_STATE_READY ? row->srsubid : InvalidOid;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return subscriptions > 0;
}

static bool
read_extension(FormData_pg_extension *row)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(SCHEMA));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		memcpy(row, GETSTRUCT(tuple), sizeof(*row));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

Oid
catalog_api_schema(void)
{
	FormData_pg_extension extension;

	if (!read_extension(&extension))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"%s\" does not exist", SCHEMA)));
	return extension.extnamespace;
}

/* DROP EXTENSION locks the extension before anything that belongs to it, so the two cannot wait for each other. */
Oid
catalog_lock_owner(void)
{
	FormData_pg_extension extension;
	Oid locked = InvalidOid;

	while (read_extension(&extension))
	{
		if (extension.oid == locked)
			return extension.extowner;
		locked = extension.oid;
		LockDatabaseObject(ExtensionRelationId, locked, 0, AccessShareLock);
	}
	return InvalidOid;
}
