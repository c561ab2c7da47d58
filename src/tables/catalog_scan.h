/*
 * catalog_scan.h
 *		Index scans of the extension's tables; for catalog_*.c and
 *		session_revoke.c.
 */
#ifndef DJUST_CATALOG_SCAN_H
#define DJUST_CATALOG_SCAN_H

#include "access/genam.h"

#include "tables/catalog.h"

/* Numbered on from the tables. */
typedef enum CatalogIndex
{
	INDEX_CUSTOMER_USER_ID = CATALOG_TABLES,
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
	INDEX_HEARTBEAT, /* since 1.1, as all that follow */
	INDEX_SESSION_CUTOFF,
	INDEX_PAGE_TEXT,
	CATALOG_RELATIONS
} CatalogIndex;

extern Oid catalog_index(CatalogIndex index);

#define SCAN_COLUMNS 12 /* of the widest table */

/* A scan in progress, and the extension's columns of the row it is at. */
typedef struct Scan
{
	CatalogTable table;
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;
	Datum values[SCAN_COLUMNS];
	bool nulls[SCAN_COLUMNS];
} Scan;

/* Raises 55000 if the table's columns are not as the extension made them. */
extern void scan_open(Scan *scan, CatalogTable table, LOCKMODE mode);
/* key NULL: all rows; snapshot NULL: the latest. */
extern void scan_start(Scan *scan, CatalogIndex index, ScanKey key, Snapshot snapshot);
/* Opens the table and starts. */
extern void scan_begin(Scan *scan, CatalogTable table, CatalogIndex index, ScanKey key);
/* Reads the next row, which stays until the next call; false at the end. */
extern bool scan_next(Scan *scan);
extern void scan_end(Scan *scan);
/* The value of the text column of this name; NULL if it is null, or if the table has no such column. */
extern char *scan_text_named(const Scan *scan, const char *name);
/* Copies the first row; false if there is none. */
extern bool scan_row(Scan *scan, CatalogTable table, CatalogIndex index, ScanKey key);
/* Reads a row of the open table; raises if a NOT NULL column of the extension is null. */
extern void scan_values(Scan *scan, HeapTuple tuple);

extern void scan_text_key(ScanKey key, AttrNumber attribute, const char *value);
extern void scan_uuid_key(ScanKey key, AttrNumber attribute, const pg_uuid_t *value);
extern void scan_bytes_key(ScanKey key, AttrNumber attribute, const uint8_t *bytes, size_t size);
extern char *scan_text_or_null(const Scan *scan, AttrNumber attribute);

#endif
