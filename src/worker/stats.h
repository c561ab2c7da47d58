/*
 * stats.h
 *		The result of stats().
 */
#ifndef DJUST_STATS_H
#define DJUST_STATS_H

/* A JSON object. */
extern char *stats_json(void);

#endif
