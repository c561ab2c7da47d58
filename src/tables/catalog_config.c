/*
 * catalog_config.c
 *		Owns reading what administrators configure: profiles and their rights,
 *		the password blocklist, mail templates, signing keys, and the rows of
 *		key_file, heartbeat and session_cutoff.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "routes/route_trie.h"
#include "server/encoding.h"
#include "tables/catalog_scan.h"
#include "tables/datum.h"
#include "text/bytes.h"
#include "text/language.h"

/* True if a row with this text key exists.  Wipes its copy of the key, which may be a password. */
static bool
row_exists(CatalogTable table, CatalogIndex index, const char *value)
{
	ScanKeyData key;
	Scan scan;
	bool found;

	scan_text_key(&key, 1, value);
	scan_begin(&scan, table, index, &key);
	found = scan_next(&scan);
	scan_end(&scan);
	bytes_wipe(DatumGetPointer(key.sk_argument), VARSIZE_ANY(DatumGetPointer(key.sk_argument)));
	return found;
}

bool
catalog_profile_exists(const char *name)
{
	return row_exists(TABLE_PROFILE, INDEX_PROFILE, name);
}

bool
catalog_blocklisted(const char *password)
{
	return row_exists(TABLE_PASSWORD_BLOCKLIST, INDEX_PASSWORD_BLOCKLIST, password);
}

/* The order is that of bytes: if the first entry from the prefix on does not begin with it, none does. */
bool
catalog_blocklist_begins(const char *prefix)
{
	ScanKeyData key;
	Scan scan;
	bool begins = false;

	scan_text_key(&key, 1, prefix);
	ScanKeyInit(&key, 1, BTGreaterEqualStrategyNumber, F_TEXT_GE, key.sk_argument);
	scan_begin(&scan, TABLE_PASSWORD_BLOCKLIST, INDEX_PASSWORD_BLOCKLIST, &key);
	if (scan_next(&scan))
		begins = slice_begins(text_slice(DatumGetTextPP(scan.values[Anum_password_blocklist_password - 1])), prefix);
	scan_end(&scan);
	bytes_wipe(DatumGetPointer(key.sk_argument), VARSIZE_ANY(DatumGetPointer(key.sk_argument)));
	return begins;
}

/* Maps the enum's label: the contract fixes labels, not object ids. */
static int
read_access(Oid value)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	int access = RIGHT_NONE;
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
	List *rights = NIL;
	ScanKeyData key;
	Scan scan;

	scan_text_key(&key, Anum_profile_right_profile, profile);
	scan_begin(&scan, TABLE_PROFILE_RIGHT, INDEX_PROFILE_RIGHT, &key);
	while (scan_next(&scan))
	{
		RightRow *row = palloc(sizeof(RightRow));

		row->route = TextDatumGetCString(scan.values[Anum_profile_right_route - 1]);
		row->access = read_access(DatumGetObjectId(scan.values[Anum_profile_right_access - 1]));
		rights = lappend(rights, row);
	}
	scan_end(&scan);
	return rights;
}

static KeyRow *
read_signing_key(const Scan *scan)
{
	KeyRow *row = palloc(sizeof(KeyRow));
	const Datum *values = scan->values;

	row->kid = TextDatumGetCString(values[Anum_signing_key_kid - 1]);
	row->algorithm = TextDatumGetCString(values[Anum_signing_key_algorithm - 1]);
	row->private_key = DatumGetByteaPCopy(values[Anum_signing_key_private_key - 1]);
	row->public_key = DatumGetByteaPCopy(values[Anum_signing_key_public_key - 1]);
	row->active = scan->nulls[Anum_signing_key_verify_until - 1];
	row->created_at = DatumGetTimestampTz(values[Anum_signing_key_created_at - 1]);
	row->longest_token = DatumGetInt32(values[Anum_signing_key_longest_token - 1]);
	row->verify_until = row->active ? DT_NOEND : DatumGetTimestampTz(values[Anum_signing_key_verify_until - 1]);
	return row;
}

/* Lists the active key first: it signed most tokens. */
List *
catalog_keys(void)
{
	List *keys = NIL;
	Scan scan;

	scan_begin(&scan, TABLE_SIGNING_KEY, INDEX_SIGNING_KEY, NULL);
	while (scan_next(&scan))
	{
		KeyRow *row = read_signing_key(&scan);

		keys = row->active ? lcons(row, keys) : lappend(keys, row);
	}
	scan_end(&scan);
	return keys;
}

bool
catalog_known_key_file(KnownKeyFile *known)
{
	Scan scan;

	if (!scan_row(&scan, TABLE_KEY_FILE, INDEX_KEY_FILE, NULL))
		return false;
	known->database = DatumGetObjectId(scan.values[Anum_key_file_database - 1]);
	datum_bytes(scan.values[Anum_key_file_check_value - 1], known->check_value, SHA256_SIZE);
	return true;
}

bool
catalog_heartbeat(TimestampTz *at)
{
	Scan scan;

	if (!scan_row(&scan, TABLE_HEARTBEAT, INDEX_HEARTBEAT, NULL))
		return false;
	*at = DatumGetTimestampTz(scan.values[Anum_heartbeat_at - 1]);
	return true;
}

bool
catalog_session_cutoff(TimestampTz *created_before, bool *purged)
{
	Scan scan;

	if (!catalog_has(TABLE_SESSION_CUTOFF) || !scan_row(&scan, TABLE_SESSION_CUTOFF, INDEX_SESSION_CUTOFF, NULL))
		return false;
	*created_before = DatumGetTimestampTz(scan.values[Anum_session_cutoff_created_before - 1]);
	*purged = DatumGetBool(scan.values[Anum_session_cutoff_purged - 1]);
	return true;
}

/* -1 if the template is another store view's. */
static int
template_fit(const Scan *scan, const char *locale, const char *store)
{
	const char *offered = TextDatumGetCString(scan->values[Anum_mail_template_locale - 1]);
	/* before 1.1 such a column is an administrator's own */
	const char *view = catalog_has(TABLE_STORE) ? scan_text_named(scan, "store") : NULL;
	int fit = language_fit(slice_of(offered), slice_of(locale));

	if (view == NULL || *view == '\0' || fit < 0)
		return fit;
	return strcmp(view, store) == 0 ? fit + (int) strlen(locale) + 1 : -1;
}

bool
catalog_template(const char *kind, const char *locale, const char *store, TemplateRow *row)
{
	ScanKeyData key;
	Scan scan;
	int best = -1;

	scan_text_key(&key, Anum_mail_template_kind, kind);
	scan_begin(&scan, TABLE_MAIL_TEMPLATE, INDEX_MAIL_TEMPLATE, &key);
	while (scan_next(&scan))
	{
		int fit = template_fit(&scan, locale, store);

		if (fit <= best)
			continue;
		best = fit;
		row->subject = TextDatumGetCString(scan.values[Anum_mail_template_subject - 1]);
		row->body_text = TextDatumGetCString(scan.values[Anum_mail_template_body_text - 1]);
		row->body_html = TextDatumGetCString(scan.values[Anum_mail_template_body_html - 1]);
	}
	scan_end(&scan);
	return best >= 0;
}

List *
catalog_page_texts(void)
{
	List *rows = NIL;
	Scan scan;

	if (!catalog_has(TABLE_PAGE_TEXT))
		return NIL;
	scan_begin(&scan, TABLE_PAGE_TEXT, INDEX_PAGE_TEXT, NULL);
	while (scan_next(&scan))
	{
		PageTextRow *row = palloc(sizeof(PageTextRow));

		row->key = TextDatumGetCString(scan.values[Anum_page_text_key - 1]);
		row->locale = TextDatumGetCString(scan.values[Anum_page_text_locale - 1]);
		row->text = TextDatumGetCString(scan.values[Anum_page_text_text - 1]);
		rows = lappend(rows, row);
	}
	scan_end(&scan);
	return rows;
}
