/*
 * replica.h
 *		How far behind a standby may be.
 */
#ifndef DJUST_REPLICA_H
#define DJUST_REPLICA_H

/* True on a standby that cannot rule out that it is further behind than djust_auth.max_replica_lag allows. */
extern bool replica_is_behind(void);

/* On the primary, in a transaction: its commit tells standbys the time, and waits for none of them. */
extern void replica_heartbeat(void);

#endif
