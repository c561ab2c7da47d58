/*
 * compat.h
 *		The only file that looks at PG_VERSION_NUM.
 */
#ifndef DJUST_COMPAT_H
#define DJUST_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "djust_auth needs PostgreSQL 15 or later"
#endif

/* 18 records a module's name and version, earlier majors only its ABI. */
#if PG_VERSION_NUM >= 180000
#define DJUST_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "djust_auth", .version = DJUST_VERSION)
#else
#define DJUST_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 16 made callbacks of the JSON parser return a result, 17 changed how the lexer is allocated. */
#if PG_VERSION_NUM >= 160000
#define CompatJsonAction JsonParseErrorType
#define COMPAT_JSON_SUCCESS JSON_SUCCESS
#else
#define CompatJsonAction void
#define COMPAT_JSON_SUCCESS
#endif
#if PG_VERSION_NUM >= 170000
#define CompatMakeJsonLexContext(json, n, encoding) makeJsonLexContextCstringLen(NULL, json, n, encoding, true)
#else
#define CompatMakeJsonLexContext(json, n, encoding) makeJsonLexContextCstringLen(json, n, encoding, true)
#endif

/* 16 moved the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16 renamed rd_node. */
#if PG_VERSION_NUM >= 160000
#define CompatLocator(relation) ((relation)->rd_locator)
#else
#define CompatLocator(relation) ((relation)->rd_node)
#endif

/* 16 says which indexes an update concerns, not only whether any. */
#if PG_VERSION_NUM >= 160000
#define CompatIndexUpdate TU_UpdateIndexes
#define COMPAT_INDEX_NONE TU_None
#define COMPAT_INDEX_ALL TU_All
#define CompatInsertIndexTuples(result, slot, estate, update, wanted) \
	ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL, (wanted) == TU_Summarizing)
#else
#define CompatIndexUpdate bool
#define COMPAT_INDEX_NONE false
#define COMPAT_INDEX_ALL true
#define CompatInsertIndexTuples(result, slot, estate, update, wanted) \
	ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL)
#endif

/* 16 has one function for the owners of all kinds of objects. */
#if PG_VERSION_NUM >= 160000
#define CompatOwnsDatabase(database, role) object_ownercheck(DatabaseRelationId, database, role)
#else
#define CompatOwnsDatabase(database, role) pg_database_ownercheck(database, role)
#endif

/* 17 renamed ShmemVariableCache. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_OLDEST_CLOG_XID (TransamVariables->oldestClogXid)
#else
#define COMPAT_OLDEST_CLOG_XID (ShmemVariableCache->oldestClogXid)
#endif

/* 17 lets extensions name what they wait for. */
#if PG_VERSION_NUM >= 170000
#define CompatWaitEvent(name) WaitEventExtensionNew(name)
#else
#define CompatWaitEvent(name) PG_WAIT_EXTENSION
#endif

/* 18 wants it before the declaration, where our compilers accept the attribute, too. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_NORETURN pg_noreturn
#else
#define COMPAT_NORETURN __attribute__((noreturn))
#endif

#endif
