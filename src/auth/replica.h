/*
 * replica.h
 *		How far behind a standby or a follower may be.
 */
#ifndef DJUST_REPLICA_H
#define DJUST_REPLICA_H

/* True where it cannot be ruled out that this server is further behind than djust_auth.max_replica_lag allows. */
extern bool replica_is_behind(void);

/* Between two heartbeats; 0: there is no limit. */
extern int replica_pause_ms(void);

/* Its commit tells standbys and followers the time, and waits for none of them. */
extern void replica_heartbeat(void);

#endif
