/*
 * catalog.c
 *		Owns reading: the only file that opens a table.
 *
 * Index scans on object ids that are resolved once, no SPI, no plan, no
 * privilege checks.  A session is first looked for where it was last seen
 * (place.c), under the same snapshot as by its index.  Key columns of type text are COLLATE "C", as scan keys
 * are.  One relcache callback per backend serves all: it drops the ids and
 * counts the epoch that rights.c and keys.c compare their caches with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "bytes.h"
#include "catalog.h"
#include "compat.h"
#include "place.h"
#include "route.h"

#define SCHEMA "djust_auth"

typedef enum CatalogIndex
{
	INDEX_CUSTOMER_USER_ID,
	INDEX_CUSTOMER_USER_EMAIL,
	INDEX_PROFILE,
	INDEX_USER_PROFILE,
	INDEX_PROFILE_RIGHT,
	INDEX_SESSION_SID,
	INDEX_SESSION_USER,
	INDEX_RESET_TOKEN,
	INDEX_MAIL_TEMPLATE,
	INDEX_SIGNING_KEY,
	INDEX_PASSWORD_BLOCKLIST,
	INDEX_THROTTLE_LOCK,
	CATALOG_INDEXES
} CatalogIndex;

static const char *const table_names[] = {
	[TABLE_CUSTOMER_USER] = "customer_user",
	[TABLE_PROFILE] = "profile",
	[TABLE_USER_PROFILE] = "user_profile",
	[TABLE_PROFILE_RIGHT] = "profile_right",
	[TABLE_SESSION] = "session",
	[TABLE_RESET_TOKEN] = "reset_token",
	[TABLE_MAIL_TEMPLATE] = "mail_template",
	[TABLE_SIGNING_KEY] = "signing_key",
	[TABLE_PASSWORD_BLOCKLIST] = "password_blocklist",
	[TABLE_POLICY_EPOCH] = "policy_epoch",
	[TABLE_MAIL_QUEUE] = "mail_queue",
	[TABLE_THROTTLE_LOCK] = "throttle_lock",
	[TABLE_AUDIT_EVENT] = "audit_event",
};

static const char *const index_names[] = {
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
};

StaticAssertDecl(lengthof(table_names) == CATALOG_TABLES, "every table has a name");
StaticAssertDecl(lengthof(index_names) == CATALOG_INDEXES, "every index has a name");

typedef struct Ids
{
	bool		valid;
	Oid			tables[CATALOG_TABLES];
	Oid			indexes[CATALOG_INDEXES];
} Ids;

/* A scan in progress. */
typedef struct Scan
{
	Relation	relation;
	SysScanDesc scan;
} Scan;

static Ids	ids;
static uint64 epoch = 1;
static bool callback_registered = false;

/* Only flips flags: readers may be in the middle of what these lead to. */
static void
relation_changed(Datum arg, Oid relid)
{
	int			i;

	if (relid == InvalidOid || !ids.valid)
	{
		ids.valid = false;
		epoch++;
		return;
	}
	if (relid == ids.tables[TABLE_POLICY_EPOCH])
		epoch++;
	for (i = 0; i < CATALOG_TABLES; i++)
		if (relid == ids.tables[i])
			ids.valid = false;
	for (i = 0; i < CATALOG_INDEXES; i++)
		if (relid == ids.indexes[i])
			ids.valid = false;
}

static Oid
resolve(Oid schema, const char *name)
{
	Oid			id = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", SCHEMA, name),
				 errhint("Run CREATE EXTENSION djust_auth in this database.")));
	return id;
}

/* The callback is registered first, so that nothing is remembered that could change unseen. */
static void
resolve_all(void)
{
	Oid			schema;
	Ids			fresh;
	int			i;

	if (ids.valid)
		return;
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		callback_registered = true;
	}
	schema = get_namespace_oid(SCHEMA, true);
	for (i = 0; i < CATALOG_TABLES; i++)
		fresh.tables[i] = resolve(schema, table_names[i]);
	for (i = 0; i < CATALOG_INDEXES; i++)
		fresh.indexes[i] = resolve(schema, index_names[i]);
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

Oid
catalog_table(CatalogTable table)
{
	resolve_all();
	return ids.tables[table];
}

uint32
catalog_pages(CatalogTable table)
{
	Relation	relation = table_open(catalog_table(table), AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(relation);

	table_close(relation, AccessShareLock);
	return pages;
}

static bool
read_extension(FormData_pg_extension *row)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

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
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", SCHEMA)));
	return extension.extnamespace;
}

Oid
catalog_owner(void)
{
	FormData_pg_extension extension;

	return read_extension(&extension) ? extension.extowner : InvalidOid;
}

static Relation
open_table(CatalogTable table)
{
	resolve_all();
	return table_open(ids.tables[table], AccessShareLock);
}

/* Opening the table may have accepted invalidations; the ids just used are then gone, but the scan needs only the index's. */
static SysScanDesc
scan_index(Relation relation, CatalogIndex index, int nkeys, ScanKey keys)
{
	resolve_all();
	return systable_beginscan(relation, ids.indexes[index], true, NULL, nkeys, keys);
}

static void
begin_scan(Scan *scan, CatalogTable table, CatalogIndex index, int nkeys, ScanKey keys)
{
	scan->relation = open_table(table);
	scan->scan = scan_index(scan->relation, index, nkeys, keys);
}

static HeapTuple
next(Scan *scan)
{
	return systable_getnext(scan->scan);
}

static void
end_scan(Scan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

static void
text_key(ScanKey key, AttrNumber attribute, const char *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

static void
uuid_key(ScanKey key, AttrNumber attribute, const pg_uuid_t *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(value));
}

static char *
text_or_null(Datum value, bool is_null)
{
	return is_null ? NULL : TextDatumGetCString(value);
}

/* The first columns, which are ours: an administrator may have added others. */
static void
deform(HeapTuple tuple, Relation relation, int columns, Datum *values, bool *nulls)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	Datum	   *all;

	if (descriptor->natts == columns)
	{
		heap_deform_tuple(tuple, descriptor, values, nulls);
		return;
	}
	all = palloc(descriptor->natts * (sizeof(Datum) + sizeof(bool)));
	heap_deform_tuple(tuple, descriptor, all, (bool *) (all + descriptor->natts));
	memcpy(values, all, columns * sizeof(Datum));
	memcpy(nulls, all + descriptor->natts, columns * sizeof(bool));
	pfree(all);
}

static void
read_user(Scan *scan, HeapTuple tuple, UserRow *row)
{
	Datum		values[Natts_customer_user];
	bool		nulls[Natts_customer_user];
	text	   *hash;

	deform(tuple, scan->relation, lengthof(values), values, nulls);
	memset(row, 0, sizeof(*row));
	row->place = tuple->t_self;
	row->id = *DatumGetUUIDP(values[Anum_customer_user_id - 1]);
	row->email = TextDatumGetCString(values[Anum_customer_user_email - 1]);
	row->locale = text_or_null(values[Anum_customer_user_locale - 1], nulls[Anum_customer_user_locale - 1]);
	row->disabled = !nulls[Anum_customer_user_disabled_at - 1];
	if (nulls[Anum_customer_user_password_hash - 1])
		return;
	hash = DatumGetTextPP(values[Anum_customer_user_password_hash - 1]);
	if (VARSIZE_ANY_EXHDR(hash) > PWHASH_MAX)
		return;
	row->has_hash = true;
	row->hash_length = VARSIZE_ANY_EXHDR(hash);
	memcpy(row->hash, VARDATA_ANY(hash), row->hash_length);
}

static bool
one_user(CatalogIndex index, ScanKey key, UserRow *row)
{
	Scan		scan;
	HeapTuple	tuple;

	begin_scan(&scan, TABLE_CUSTOMER_USER, index, 1, key);
	tuple = next(&scan);
	if (HeapTupleIsValid(tuple))
		read_user(&scan, tuple, row);
	end_scan(&scan);
	return HeapTupleIsValid(tuple);
}

bool
catalog_user_by_email(const char *email, UserRow *row)
{
	ScanKeyData key;

	text_key(&key, Anum_customer_user_email, email);
	return one_user(INDEX_CUSTOMER_USER_EMAIL, &key, row);
}

bool
catalog_user_by_id(const pg_uuid_t *id, UserRow *row)
{
	ScanKeyData key;

	uuid_key(&key, Anum_customer_user_id, id);
	return one_user(INDEX_CUSTOMER_USER_ID, &key, row);
}

/* The lowest user is read whether it is needed or not: the number of scans is the same for every address. */
bool
catalog_user_from(const pg_uuid_t *id, UserRow *row)
{
	static const pg_uuid_t lowest = {{0}};
	ScanKeyData key;
	bool		wrapped;

	ScanKeyInit(&key, Anum_customer_user_id, BTGreaterEqualStrategyNumber, F_UUID_GE, UUIDPGetDatum(&lowest));
	wrapped = one_user(INDEX_CUSTOMER_USER_ID, &key, row);
	ScanKeyInit(&key, Anum_customer_user_id, BTGreaterEqualStrategyNumber, F_UUID_GE, UUIDPGetDatum(id));
	return one_user(INDEX_CUSTOMER_USER_ID, &key, row) || wrapped;
}

static void
read_session(HeapTuple tuple, const Datum *values, SessionRow *row)
{
	bytea	   *hash;

	row->place = tuple->t_self;
	row->sid = *DatumGetUUIDP(values[Anum_session_sid - 1]);
	row->user_id = *DatumGetUUIDP(values[Anum_session_user_id - 1]);
	row->created_at = DatumGetTimestampTz(values[Anum_session_created_at - 1]);
	row->refreshed_at = DatumGetTimestampTz(values[Anum_session_refreshed_at - 1]);
	row->expires_at = DatumGetTimestampTz(values[Anum_session_expires_at - 1]);
	row->access_expires_at = DatumGetTimestampTz(values[Anum_session_access_expires_at - 1]);
	row->generation = DatumGetInt32(values[Anum_session_generation - 1]);
	hash = DatumGetByteaPP(values[Anum_session_access_hash - 1]);
	memset(row->access_hash, 0, SHA256_SIZE);
	memcpy(row->access_hash, VARDATA_ANY(hash), Min(VARSIZE_ANY_EXHDR(hash), SHA256_SIZE));
	row->profiles = DatumGetArrayTypePCopy(values[Anum_session_profiles - 1]);
}

static SessionEntry *
read_entry(Scan *scan, HeapTuple tuple)
{
	SessionEntry *entry = palloc0(sizeof(SessionEntry));
	Datum		values[Natts_session];
	bool		nulls[Natts_session];

	deform(tuple, scan->relation, lengthof(values), values, nulls);
	read_session(tuple, values, &entry->session);
	entry->user_agent = text_or_null(values[Anum_session_user_agent - 1], nulls[Anum_session_user_agent - 1]);
	if (!nulls[Anum_session_client_address - 1])
		entry->client_address = DatumGetCString(DirectFunctionCall1(inet_out, values[Anum_session_client_address - 1]));
	return entry;
}

static void
read_session_tuple(Relation relation, HeapTuple tuple, SessionRow *row)
{
	Datum		values[Natts_session];
	bool		nulls[Natts_session];

	deform(tuple, relation, lengthof(values), values, nulls);
	read_session(tuple, values, row);
}

/* The place's row, if it is the session's and visible; tuple leads into the page, which stays pinned. */
static bool
visible_at(Relation relation, const pg_uuid_t *sid, const Place *place, HeapTuple tuple)
{
	Snapshot	snapshot = GetCatalogSnapshot(RelationGetRelid(relation));
	Page		page = BufferGetPage(place->buffer);
	ItemId		item;
	bool		visible = false;

	LockBuffer(place->buffer, BUFFER_LOCK_SHARE);
	item = PageGetItemId(page, place->line);
	if (place->line >= FirstOffsetNumber && place->line <= PageGetMaxOffsetNumber(page) && ItemIdIsNormal(item))
	{
		tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple->t_len = ItemIdGetLength(item);
		tuple->t_tableOid = RelationGetRelid(relation);
		ItemPointerSet(&tuple->t_self, place->block, place->line);
		visible = HeapTupleSatisfiesVisibility(tuple, snapshot, place->buffer);
	}
	LockBuffer(place->buffer, BUFFER_LOCK_UNLOCK);
	return visible && memcmp((char *) tuple->t_data + tuple->t_data->t_hoff, sid, UUID_LEN) == 0;
}

/*
 * Session ids are unique: the visible row that has this one is the one that the index leads to.  Serializable
 * transactions leave their marks on the way, so they take it.
 */
static bool
session_at_place(Relation relation, const pg_uuid_t *sid, SessionRow *row)
{
	HeapTupleData tuple;
	Place		place;
	bool		found;

	if (IsolationIsSerializable() || relation->rd_rel->relam != HEAP_TABLE_AM_OID || !place_find(sid, &place) ||
		!ReadRecentBuffer(CompatLocator(relation), MAIN_FORKNUM, place.block, place.buffer))
		return false;
	heap_page_prune_opt(relation, place.buffer);
	found = visible_at(relation, sid, &place, &tuple);
	if (found)
		read_session_tuple(relation, &tuple, row);
	ReleaseBuffer(place.buffer);
	return found;
}

static void
keep_place(const pg_uuid_t *sid, SysScanDesc scan, HeapTuple tuple)
{
	Place		place;

	if (!TTS_IS_BUFFERTUPLE(scan->slot))
		return;
	place.buffer = ((BufferHeapTupleTableSlot *) scan->slot)->buffer;
	place.block = ItemPointerGetBlockNumber(&tuple->t_self);
	place.line = ItemPointerGetOffsetNumber(&tuple->t_self);
	place.at = (uint16) ((char *) tuple->t_data - (char *) BufferGetPage(place.buffer));
	place_keep(sid, &place);
}

static bool
session_by_index(Relation relation, const pg_uuid_t *sid, SessionRow *row)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	uuid_key(&key, Anum_session_sid, sid);
	scan = scan_index(relation, INDEX_SESSION_SID, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		read_session_tuple(relation, tuple, row);
		keep_place(sid, scan, tuple);
	}
	systable_endscan(scan);
	return HeapTupleIsValid(tuple);
}

bool
catalog_session(const pg_uuid_t *sid, SessionRow *row)
{
	Relation	relation = open_table(TABLE_SESSION);
	bool		found = session_at_place(relation, sid, row) || session_by_index(relation, sid, row);

	table_close(relation, AccessShareLock);
	return found;
}

List *
catalog_sessions_of(const pg_uuid_t *user_id)
{
	List	   *sessions = NIL;
	ScanKeyData key;
	Scan		scan;
	HeapTuple	tuple;

	uuid_key(&key, Anum_session_user_id, user_id);
	begin_scan(&scan, TABLE_SESSION, INDEX_SESSION_USER, 1, &key);
	while (HeapTupleIsValid(tuple = next(&scan)))
		sessions = lappend(sessions, read_entry(&scan, tuple));
	end_scan(&scan);
	return sessions;
}

ArrayType *
catalog_profiles_of(const pg_uuid_t *user_id)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ScanKeyData key;
	Scan		scan;
	HeapTuple	tuple;

	uuid_key(&key, Anum_user_profile_user_id, user_id);
	begin_scan(&scan, TABLE_USER_PROFILE, INDEX_USER_PROFILE, 1, &key);
	while (HeapTupleIsValid(tuple = next(&scan)))
	{
		bool		is_null;
		Datum		profile = heap_getattr(tuple, Anum_user_profile_profile, RelationGetDescr(scan.relation), &is_null);

		state = accumArrayResult(state, profile, is_null, TEXTOID, CurrentMemoryContext);
	}
	end_scan(&scan);
	return DatumGetArrayTypeP(makeArrayResult(state, CurrentMemoryContext));
}

/* Is there a row with this text key?  The copy of the key is wiped: it may be a password. */
static bool
exists(CatalogTable table, CatalogIndex index, const char *value)
{
	ScanKeyData key;
	Scan		scan;
	bool		found;

	text_key(&key, 1, value);
	begin_scan(&scan, table, index, 1, &key);
	found = HeapTupleIsValid(next(&scan));
	end_scan(&scan);
	bytes_wipe(DatumGetPointer(key.sk_argument), VARSIZE_ANY(DatumGetPointer(key.sk_argument)));
	return found;
}

bool
catalog_profile_exists(const char *name)
{
	return exists(TABLE_PROFILE, INDEX_PROFILE, name);
}

bool
catalog_blocklisted(const char *password)
{
	return exists(TABLE_PASSWORD_BLOCKLIST, INDEX_PASSWORD_BLOCKLIST, password);
}

/* Label of the enum to number: labels are what the contract fixes, not object ids. */
static int
read_access(Oid value)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	int			access = RIGHT_NONE;
	const char *label;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", value);
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	if (strcmp(label, "write") == 0)
		access = RIGHT_WRITE;
	else if (strcmp(label, "read") == 0)
		access = RIGHT_READ;
	ReleaseSysCache(tuple);
	return access;
}

List *
catalog_rights_of(const char *profile)
{
	List	   *rights = NIL;
	ScanKeyData key;
	Scan		scan;
	HeapTuple	tuple;

	text_key(&key, Anum_profile_right_profile, profile);
	begin_scan(&scan, TABLE_PROFILE_RIGHT, INDEX_PROFILE_RIGHT, 1, &key);
	while (HeapTupleIsValid(tuple = next(&scan)))
	{
		Datum		values[Natts_profile_right];
		bool		nulls[Natts_profile_right];
		RightRow   *row = palloc(sizeof(RightRow));

		deform(tuple, scan.relation, lengthof(values), values, nulls);
		row->route = TextDatumGetCString(values[Anum_profile_right_route - 1]);
		row->access = read_access(DatumGetObjectId(values[Anum_profile_right_access - 1]));
		rights = lappend(rights, row);
	}
	end_scan(&scan);
	return rights;
}

static KeyRow *
read_key(Scan *scan, HeapTuple tuple)
{
	KeyRow	   *row = palloc(sizeof(KeyRow));
	Datum		values[Natts_signing_key];
	bool		nulls[Natts_signing_key];

	deform(tuple, scan->relation, lengthof(values), values, nulls);
	row->kid = TextDatumGetCString(values[Anum_signing_key_kid - 1]);
	row->algorithm = TextDatumGetCString(values[Anum_signing_key_algorithm - 1]);
	row->private_key = DatumGetByteaPCopy(values[Anum_signing_key_private_key - 1]);
	row->public_key = DatumGetByteaPCopy(values[Anum_signing_key_public_key - 1]);
	row->active = nulls[Anum_signing_key_verify_until - 1];
	row->created_at = DatumGetTimestampTz(values[Anum_signing_key_created_at - 1]);
	row->verify_until = row->active ? DT_NOEND : DatumGetTimestampTz(values[Anum_signing_key_verify_until - 1]);
	return row;
}

/* The active key first: it signed most tokens. */
List *
catalog_keys(void)
{
	List	   *keys = NIL;
	Scan		scan;
	HeapTuple	tuple;

	begin_scan(&scan, TABLE_SIGNING_KEY, INDEX_SIGNING_KEY, 0, NULL);
	while (HeapTupleIsValid(tuple = next(&scan)))
	{
		KeyRow	   *row = read_key(&scan, tuple);

		keys = row->active ? lcons(row, keys) : lappend(keys, row);
	}
	end_scan(&scan);
	return keys;
}

static void
bytes_key(ScanKey key, AttrNumber attribute, const uint8_t *bytes, size_t size)
{
	bytea	   *value = palloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), bytes, size);
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(value));
}

bool
catalog_reset_token(const uint8_t hash[SHA256_SIZE], pg_uuid_t *user_id, TimestampTz *expires_at)
{
	Datum		values[Natts_reset_token];
	bool		nulls[Natts_reset_token];
	ScanKeyData key;
	Scan		scan;
	HeapTuple	tuple;

	bytes_key(&key, Anum_reset_token_token_hash, hash, SHA256_SIZE);
	begin_scan(&scan, TABLE_RESET_TOKEN, INDEX_RESET_TOKEN, 1, &key);
	tuple = next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		deform(tuple, scan.relation, lengthof(values), values, nulls);
		*user_id = *DatumGetUUIDP(values[Anum_reset_token_user_id - 1]);
		*expires_at = DatumGetTimestampTz(values[Anum_reset_token_expires_at - 1]);
	}
	end_scan(&scan);
	return HeapTupleIsValid(tuple);
}

bool
catalog_lock(const uint8_t *tag, size_t size, int *failures, TimestampTz *allowed_at)
{
	Datum		values[Natts_throttle_lock];
	bool		nulls[Natts_throttle_lock];
	ScanKeyData key;
	Scan		scan;
	HeapTuple	tuple;

	bytes_key(&key, Anum_throttle_lock_tag, tag, size);
	begin_scan(&scan, TABLE_THROTTLE_LOCK, INDEX_THROTTLE_LOCK, 1, &key);
	tuple = next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		deform(tuple, scan.relation, lengthof(values), values, nulls);
		*failures = DatumGetInt32(values[Anum_throttle_lock_failures - 1]);
		*allowed_at = DatumGetTimestampTz(values[Anum_throttle_lock_allowed_at - 1]);
	}
	end_scan(&scan);
	return HeapTupleIsValid(tuple);
}

bool
catalog_template(const char *kind, const char *locale, TemplateRow *row)
{
	Datum		values[Natts_mail_template];
	bool		nulls[Natts_mail_template];
	ScanKeyData keys[2];
	Scan		scan;
	HeapTuple	tuple;

	text_key(&keys[0], Anum_mail_template_kind, kind);
	text_key(&keys[1], Anum_mail_template_locale, locale);
	begin_scan(&scan, TABLE_MAIL_TEMPLATE, INDEX_MAIL_TEMPLATE, 2, keys);
	tuple = next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		deform(tuple, scan.relation, lengthof(values), values, nulls);
		row->subject = TextDatumGetCString(values[Anum_mail_template_subject - 1]);
		row->body_text = TextDatumGetCString(values[Anum_mail_template_body_text - 1]);
		row->body_html = TextDatumGetCString(values[Anum_mail_template_body_html - 1]);
	}
	end_scan(&scan);
	return HeapTupleIsValid(tuple);
}
