/*
 * hash_slot.h
 *		Slots for password hashing, with the memory for it.
 */
#ifndef DJUST_HASH_SLOT_H
#define DJUST_HASH_SLOT_H

#include "pwhash/pwhash.h"

struct LWLock;

extern size_t hash_slot_size(void);
extern void hash_slot_attach(struct LWLock *lock);

/*
 * Waits, interruptibly, for a slot; false after hash_wait_timeout.  A caller holds at most one and must release it.
 * hash_slot_abandon is for clean-up after ERROR or FATAL; a no-op if none is held.
 */
extern bool hash_slot_acquire(PwArena *arena);
extern void hash_slot_release(void);
extern void hash_slot_abandon(void);

/* How many callers in the whole server hash, and wait. */
extern void hash_slot_count(int *running, int *waiting);

#endif
