/*
 * compat.h
 *		The only place that looks at PG_VERSION_NUM.
 */
#ifndef DJUST_COMPAT_H
#define DJUST_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "djust_auth needs PostgreSQL 15 or later"
#endif

/* 18 records name and version of a module; earlier majors only its ABI. */
#if PG_VERSION_NUM >= 180000
#define DJUST_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "djust_auth", .version = DJUST_VERSION)
#else
#define DJUST_MODULE_MAGIC PG_MODULE_MAGIC
#endif


#endif
