/*
 * route_segment.h
 *		Is a segment of a path read in one way only?
 */
#ifndef DJUST_ROUTE_SEGMENT_H
#define DJUST_ROUTE_SEGMENT_H

#include "routes/route.h"

/* What is wrong with a percent-decoded segment; high: it has bytes beyond ASCII. */
extern RouteFault segment_fault(const char *text, size_t length, bool high);

/* The same for text that is no segment: only what is beyond ASCII is looked at. */
extern RouteFault segment_unicode_fault(const char *text, size_t length);

#endif
