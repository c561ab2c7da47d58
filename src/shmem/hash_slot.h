/*
 * hash_slot.h
 *		The right to hash a password now, and the memory to do it in.
 */
#ifndef DJUST_HASH_SLOT_H
#define DJUST_HASH_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "pwhash/pwhash.h"

struct LWLock;

extern size_t hashslot_size(void);
extern void hashslot_attach(struct LWLock *lock);

/*
 * Waits, interruptibly, for a slot; false after hash_wait_timeout.  A caller holds at most one and must give it back;
 * hashslot_abandon is for clean-up after ERROR or FATAL and harmless when none is held.
 */
extern bool hashslot_acquire(PwArena *arena);
extern void hashslot_release(void);
extern void hashslot_abandon(void);

#endif
