/*
 * route_segment.h
 *		Detects path segments that can be read in more than one way.
 */
#ifndef DJUST_ROUTE_SEGMENT_H
#define DJUST_ROUTE_SEGMENT_H

#include "routes/route.h"

/* Fault of a percent-decoded segment; high: it has non-ASCII bytes. */
extern RouteFault segment_fault(Slice text, bool high);

/* The same for text that is not a segment: checks only non-ASCII characters. */
extern RouteFault segment_unicode_fault(Slice text);

#endif
