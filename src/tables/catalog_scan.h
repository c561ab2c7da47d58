/*
 * catalog_scan.h
 *		Index scans of the extension's tables; for catalog_*.c.
 */
#ifndef DJUST_CATALOG_SCAN_H
#define DJUST_CATALOG_SCAN_H

#include "access/genam.h"
#include "access/skey.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "tables/catalog.h"

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
	INDEX_KEY_FILE,
	CATALOG_INDEXES
} CatalogIndex;

extern Oid catalog_index(CatalogIndex index);

/* A scan in progress. */
typedef struct Scan
{
	Relation relation;
	SysScanDesc scan;
} Scan;

/* Raises 55000 if the table's columns are not as the extension made them. */
extern Relation scan_open_table(CatalogTable table);
extern Relation scan_open_locked(CatalogTable table, LOCKMODE mode);
extern SysScanDesc scan_of_index(Relation relation, CatalogIndex index, int nkeys, ScanKey keys);
extern SysScanDesc scan_of_all_versions(Relation relation, CatalogIndex index, int nkeys, ScanKey keys);
extern void scan_begin(Scan *scan, CatalogTable table, CatalogIndex index, int nkeys, ScanKey keys);
extern void scan_begin_dirty(Scan *scan, CatalogTable table, CatalogIndex index, ScanKey key, SnapshotData *snapshot);
extern HeapTuple scan_next(Scan *scan);
extern void scan_end(Scan *scan);
/* Values of the first row, copied; false if there is none. */
extern bool scan_row(CatalogTable table, CatalogIndex index, int nkeys, ScanKey keys, Datum *values, bool *nulls);
/* Keeps the table locked until the end of the transaction. */
extern void scan_end_locked(Scan *scan);
extern void scan_text_key(ScanKey key, AttrNumber attribute, const char *value);
extern void scan_uuid_key(ScanKey key, AttrNumber attribute, const pg_uuid_t *value);
extern char *scan_text_or_null(Datum value, bool is_null);
extern void scan_values(CatalogTable table, Relation relation, HeapTuple tuple, Datum *values, bool *nulls);
extern void scan_bytes_key(ScanKey key, AttrNumber attribute, const uint8_t *bytes, size_t size);

#endif
