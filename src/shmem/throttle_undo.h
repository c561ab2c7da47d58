/*
 * throttle_undo.h
 *		What the end of a transaction does to the throttle.
 */
#ifndef DJUST_THROTTLE_UNDO_H
#define DJUST_THROTTLE_UNDO_H

#include "utils/uuid.h"

#include "crypto/account_tag.h"

/* Added to the tag's count if this subtransaction, or one around it, is rolled back. */
typedef struct ThrottleUndo
{
	int			failures;
	int64_t		allowed_at;
	pg_uuid_t	user_id;		/* whose account it was when the note was taken */
} ThrottleUndo;

/* What the throttle does at the end of a transaction. */
typedef struct ThrottleUndoActions
{
	void		(*put_back) (const AccountTag *tag, const ThrottleUndo *what);	/* also while it is being rolled back */
	void		(*committed) (const AccountTag *tag);
	void		(*prepared) (const AccountTag *tag, uint32_t transaction);
	void		(*settle) (void);	/* after committed, before the caller is answered */
} ThrottleUndoActions;

extern void throttle_undo_init(const ThrottleUndoActions *actions);

/* Of nothing yet: taken before something is done, so that nothing can fail between that and its note. */
extern ThrottleUndo *throttle_undo_note(const AccountTag *tag);

/* The tag's count is cleared if this subtransaction, and all around it, commit. */
extern void throttle_undo_clear_at_commit(const AccountTag *tag);

#endif
