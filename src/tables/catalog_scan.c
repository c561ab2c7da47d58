/*
 * catalog_scan.c
 *		Owns index scans of the extension's tables, for catalog_*.c and
 *		session_revoke.c.
 *
 * Scans use object ids that are resolved once: no SPI, no plan, no privilege
 * checks.  Text key columns are COLLATE "C", as scan keys are.
 *
 * Threat: a datum of an unexpected type.  An administrator may drop, retype or
 * replace the extension's objects; following a null or an integer as a pointer
 * crashes the server.  A relation is read only if its columns are those listed
 * here, and a row only if its NOT NULL columns are set.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "server/compat.h"
#include "tables/catalog_scan.h"
#include "tables/datum.h"

#define NOT_NULL false
#define NULLABLE true

/* A column as the extension made it. */
typedef struct Column
{
	Oid type; /* ANYENUMOID: any enum */
	bool nullable;
} Column;

static const Column customer_user[] = {
	[Anum_customer_user_id - 1] = {UUIDOID, NOT_NULL},
	[Anum_customer_user_email - 1] = {TEXTOID, NOT_NULL},
	[Anum_customer_user_password_hash - 1] = {TEXTOID, NULLABLE},
	[Anum_customer_user_disabled_at - 1] = {TIMESTAMPTZOID, NULLABLE},
	[Anum_customer_user_created_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_customer_user_hash_replaced_at - 1] = {TIMESTAMPTZOID, NULLABLE},
	[Anum_customer_user_locale - 1] = {TEXTOID, NULLABLE},
};

static const Column profile[] = {
	[Anum_profile_name - 1] = {TEXTOID, NOT_NULL},
};

static const Column user_profile[] = {
	[Anum_user_profile_user_id - 1] = {UUIDOID, NOT_NULL},
	[Anum_user_profile_profile - 1] = {TEXTOID, NOT_NULL},
};

static const Column profile_right[] = {
	[Anum_profile_right_profile - 1] = {TEXTOID, NOT_NULL},
	[Anum_profile_right_route - 1] = {TEXTOID, NOT_NULL},
	[Anum_profile_right_access - 1] = {ANYENUMOID, NOT_NULL},
};

static const Column session[] = {
	[Anum_session_sid - 1] = {UUIDOID, NOT_NULL},
	[Anum_session_user_id - 1] = {UUIDOID, NOT_NULL},
	[Anum_session_created_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_session_refreshed_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_session_expires_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_session_access_expires_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_session_generation - 1] = {INT4OID, NOT_NULL},
	[Anum_session_access_hash - 1] = {BYTEAOID, NOT_NULL},
	[Anum_session_profiles - 1] = {TEXTARRAYOID, NOT_NULL},
	[Anum_session_client_address - 1] = {INETOID, NULLABLE},
	[Anum_session_user_agent - 1] = {TEXTOID, NULLABLE},
	[Anum_session_purge_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
};

static const Column session_ended[] = {
	[Anum_session_ended_sid - 1] = {UUIDOID, NOT_NULL},
	[Anum_session_ended_ended_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
};

static const Column reset_token[] = {
	[Anum_reset_token_token_hash - 1] = {BYTEAOID, NOT_NULL},
	[Anum_reset_token_user_id - 1] = {UUIDOID, NOT_NULL},
	[Anum_reset_token_created_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_reset_token_expires_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
};

static const Column mail_template[] = {
	[Anum_mail_template_kind - 1] = {TEXTOID, NOT_NULL},
	[Anum_mail_template_locale - 1] = {TEXTOID, NOT_NULL},
	[Anum_mail_template_subject - 1] = {TEXTOID, NOT_NULL},
	[Anum_mail_template_body_text - 1] = {TEXTOID, NOT_NULL},
	[Anum_mail_template_body_html - 1] = {TEXTOID, NOT_NULL},
};

static const Column signing_key[] = {
	[Anum_signing_key_kid - 1] = {TEXTOID, NOT_NULL},
	[Anum_signing_key_algorithm - 1] = {TEXTOID, NOT_NULL},
	[Anum_signing_key_private_key - 1] = {BYTEAOID, NOT_NULL},
	[Anum_signing_key_public_key - 1] = {BYTEAOID, NOT_NULL},
	[Anum_signing_key_created_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_signing_key_verify_until - 1] = {TIMESTAMPTZOID, NULLABLE},
	[Anum_signing_key_longest_token - 1] = {INT4OID, NOT_NULL},
};

static const Column password_blocklist[] = {
	[Anum_password_blocklist_password - 1] = {TEXTOID, NOT_NULL},
};

static const Column throttle_lock[] = {
	[Anum_throttle_lock_tag - 1] = {BYTEAOID, NOT_NULL},
	[Anum_throttle_lock_failures - 1] = {INT4OID, NOT_NULL},
	[Anum_throttle_lock_allowed_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_throttle_lock_saved_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_throttle_lock_user_id - 1] = {UUIDOID, NOT_NULL},
};

static const Column key_file[] = {
	[Anum_key_file_one - 1] = {BOOLOID, NOT_NULL},
	[Anum_key_file_check_value - 1] = {BYTEAOID, NOT_NULL},
	[Anum_key_file_database - 1] = {OIDOID, NOT_NULL},
};

static const Column heartbeat[] = {
	[Anum_heartbeat_one - 1] = {BOOLOID, NOT_NULL},
	[Anum_heartbeat_at - 1] = {TIMESTAMPTZOID, NOT_NULL},
};

static const Column page_text[] = {
	[Anum_page_text_key - 1] = {TEXTOID, NOT_NULL},
	[Anum_page_text_locale - 1] = {TEXTOID, NOT_NULL},
	[Anum_page_text_text - 1] = {TEXTOID, NOT_NULL},
};

static const Column session_cutoff[] = {
	[Anum_session_cutoff_one - 1] = {BOOLOID, NOT_NULL},
	[Anum_session_cutoff_created_before - 1] = {TIMESTAMPTZOID, NOT_NULL},
	[Anum_session_cutoff_purged - 1] = {BOOLOID, NOT_NULL},
};

StaticAssertDecl(lengthof(customer_user) == Natts_customer_user, "every column has its type");
StaticAssertDecl(lengthof(profile_right) == Natts_profile_right, "every column has its type");
StaticAssertDecl(lengthof(session) == Natts_session, "every column has its type");
StaticAssertDecl(lengthof(reset_token) == Natts_reset_token, "every column has its type");
StaticAssertDecl(lengthof(mail_template) == Natts_mail_template, "every column has its type");
StaticAssertDecl(lengthof(signing_key) == Natts_signing_key, "every column has its type");
StaticAssertDecl(lengthof(throttle_lock) == Natts_throttle_lock, "every column has its type");
StaticAssertDecl(lengthof(key_file) == Natts_key_file, "every column has its type");

#define COLUMNS(table) \
	{ \
		table, lengthof(table) \
	}

/* Tables read without SQL, and their first columns; an administrator may have added others. */
static const struct
{
	const Column *columns;
	int n;
} shapes[CATALOG_TABLES] = {
	[TABLE_CUSTOMER_USER] = COLUMNS(customer_user),
	[TABLE_PROFILE] = COLUMNS(profile),
	[TABLE_USER_PROFILE] = COLUMNS(user_profile),
	[TABLE_PROFILE_RIGHT] = COLUMNS(profile_right),
	[TABLE_SESSION] = COLUMNS(session),
	[TABLE_SESSION_ENDED] = COLUMNS(session_ended),
	[TABLE_RESET_TOKEN] = COLUMNS(reset_token),
	[TABLE_MAIL_TEMPLATE] = COLUMNS(mail_template),
	[TABLE_SIGNING_KEY] = COLUMNS(signing_key),
	[TABLE_PASSWORD_BLOCKLIST] = COLUMNS(password_blocklist),
	[TABLE_THROTTLE_LOCK] = COLUMNS(throttle_lock),
	[TABLE_KEY_FILE] = COLUMNS(key_file),
	[TABLE_HEARTBEAT] = COLUMNS(heartbeat),
	[TABLE_SESSION_CUTOFF] = COLUMNS(session_cutoff),
	[TABLE_PAGE_TEXT] = COLUMNS(page_text),
};

COMPAT_NORETURN static void
refuse_table(Relation relation, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("relation \"djust_auth.%s\" is not as the extension made it", RelationGetRelationName(relation)),
			 errdetail_internal("%s", detail),
			 errhint("Undo the change. Columns may be added; those of the extension must stay as they are.")));
}

/* A dropped column has no type. */
static bool
is_of_type(Form_pg_attribute attribute, Oid type)
{
	return attribute->atttypid == type ||
		   (type == ANYENUMOID && OidIsValid(attribute->atttypid) && type_is_enum(attribute->atttypid));
}

static void
check_columns(CatalogTable table, Relation relation)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	int i;

	if (relation->rd_rel->relkind != RELKIND_RELATION)
		refuse_table(relation, "It is not a table.");
	if (shapes[table].n == 0 || shapes[table].n > SCAN_COLUMNS)
		elog(ERROR, "the columns of table %d are not listed", (int) table);
	for (i = 0; i < shapes[table].n; i++)
		if (i >= descriptor->natts || !is_of_type(TupleDescAttr(descriptor, i), shapes[table].columns[i].type))
			refuse_table(relation, psprintf("Column number %d was dropped or has another type.", i + 1));
}

void
scan_open(Scan *scan, CatalogTable table, LOCKMODE mode)
{
	scan->table = table;
	scan->relation = catalog_open(table, mode);
	check_columns(table, scan->relation);
}

/* Opening the table may have invalidated the ids, but only the index's is still needed. */
void
scan_start(Scan *scan, CatalogIndex index, ScanKey key, Snapshot snapshot)
{
	scan->scan = systable_beginscan(scan->relation, catalog_index(index), true, snapshot, key ? 1 : 0, key);
	/*
	 * The index is not used under ignore_system_indexes, which any role can set when it connects: each look-up would
	 * read a whole table, and its time would show where the row is.
	 */
	if (scan->scan->irel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("djust_auth does not work without its indexes"),
				 errhint("Connect without ignore_system_indexes.")));
	if (scan->scan->irel->rd_index->indrelid != RelationGetRelid(scan->relation))
		refuse_table(scan->relation, "Its index belongs to another table.");
}

void
scan_begin(Scan *scan, CatalogTable table, CatalogIndex index, ScanKey key)
{
	scan_open(scan, table, AccessShareLock);
	scan_start(scan, index, key, NULL);
}

void
scan_values(Scan *scan, HeapTuple tuple)
{
	TupleDesc descriptor = RelationGetDescr(scan->relation);
	int i;

	scan->tuple = tuple;
	if (descriptor->natts <= SCAN_COLUMNS)
		heap_deform_tuple(tuple, descriptor, scan->values, scan->nulls);
	else
	{
		Datum *all = palloc(descriptor->natts * (sizeof(Datum) + sizeof(bool)));

		heap_deform_tuple(tuple, descriptor, all, (bool *) (all + descriptor->natts));
		memcpy(scan->values, all, sizeof(scan->values));
		memcpy(scan->nulls, all + descriptor->natts, sizeof(scan->nulls));
		pfree(all);
	}
	for (i = 0; i < shapes[scan->table].n; i++)
		if (scan->nulls[i] && !shapes[scan->table].columns[i].nullable)
			refuse_table(scan->relation,
						 psprintf("Column \"%s\" is null.", NameStr(TupleDescAttr(descriptor, i)->attname)));
}

bool
scan_next(Scan *scan)
{
	HeapTuple tuple = systable_getnext(scan->scan);

	if (HeapTupleIsValid(tuple))
		scan_values(scan, tuple);
	return HeapTupleIsValid(tuple);
}

void
scan_end(Scan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

bool
scan_row(Scan *scan, CatalogTable table, CatalogIndex index, ScanKey key)
{
	HeapTuple tuple;

	scan_begin(scan, table, index, key);
	tuple = systable_getnext(scan->scan);
	if (HeapTupleIsValid(tuple))
		scan_values(scan, heap_copytuple(tuple));
	scan_end(scan);
	return HeapTupleIsValid(tuple);
}

void
scan_text_key(ScanKey key, AttrNumber attribute, const char *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

void
scan_uuid_key(ScanKey key, AttrNumber attribute, const pg_uuid_t *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(value));
}

void
scan_bytes_key(ScanKey key, AttrNumber attribute, const uint8_t *bytes, size_t size)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_BYTEAEQ, bytes_datum(bytes, size));
}

char *
scan_text_or_null(const Scan *scan, AttrNumber attribute)
{
	return scan->nulls[attribute - 1] ? NULL : TextDatumGetCString(scan->values[attribute - 1]);
}

/* A column that came later stands behind those that an administrator had added. */
char *
scan_text_named(const Scan *scan, const char *name)
{
	AttrNumber column = get_attnum(RelationGetRelid(scan->relation), name);
	TupleDesc descriptor = RelationGetDescr(scan->relation);
	bool is_null = true;
	Datum value = (Datum) 0;

	if (AttributeNumberIsValid(column) && TupleDescAttr(descriptor, column - 1)->atttypid == TEXTOID)
		value = heap_getattr(scan->tuple, column, descriptor, &is_null);
	return is_null ? NULL : TextDatumGetCString(value);
}
