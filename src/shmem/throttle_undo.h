/*
 * throttle_undo.h
 *		Effects of the end of a transaction on the throttle.
 */
#ifndef DJUST_THROTTLE_UNDO_H
#define DJUST_THROTTLE_UNDO_H

#include "utils/uuid.h"

#include "crypto/account_tag.h"

/* An account's failures; or what is added to them if this subtransaction or one around it is rolled back. */
typedef struct ThrottleCount
{
	int failures;
	int64_t allowed_at; /* of the next attempt */
	pg_uuid_t user_id; /* owner of the account at that time */
} ThrottleCount;

/* The throttle's actions at the end of a transaction. */
typedef struct ThrottleUndoActions
{
	void (*put_back)(const AccountTag *tag, const ThrottleCount *what); /* also while it is being rolled back */
	void (*committed)(const AccountTag *tag);
	void (*prepared)(const AccountTag *tag, uint32_t transaction);
	void (*await_saved)(void); /* after committed, before the client gets its answer */
} ThrottleUndoActions;

extern void throttle_undo_init(const ThrottleUndoActions *actions);

/* An empty note, allocated before the action it undoes, so that no allocation can fail afterwards. */
extern ThrottleCount *throttle_undo_note(const AccountTag *tag);

/* Clears the tag's count if this subtransaction and all around it commit. */
extern void throttle_undo_clear_at_commit(const AccountTag *tag);

#endif
