/*
 * move.h
 *		Moving a customer to another shard.
 */
#ifndef DJUST_MOVE_H
#define DJUST_MOVE_H

#include "utils/uuid.h"

#include "tables/store.h"
#include "text/bytes.h"

/* A customer as another shard gets them. */
typedef struct MoveOffer
{
	bytea *sealed;
	int shard; /* that may open it */
	pg_uuid_t move;
} MoveOffer;

/* Removes the customer here and keeps them sealed for that shard, where they will have this address. */
extern void move_out(const pg_uuid_t *id, const char *email, int shard);
/* The same for the customer and the address of a live link about an address, which is used up; false for any other. */
extern bool move_by_link(Slice token, int shard, pg_uuid_t *id);
/* False if the customer is not leaving. */
extern bool move_offer(const pg_uuid_t *id, MoveOffer *offer);
/* Gives a leaving customer, whose move was refused, another one; false if nobody leaves by that move. */
extern bool move_redirect(const pg_uuid_t *id, const pg_uuid_t *move, const char *email, int shard);
/* Puts an offered customer into this shard; true if that has happened, now or before, false if the move was refused. */
extern bool move_in(const pg_uuid_t *id, const bytea *sealed);
/* Refuses a move for good; false if its customer is in already. */
extern bool move_refuse(const pg_uuid_t *move);
/* Forgets a customer who is on the other shard; false if nobody leaves by this move. */
extern bool move_done(const pg_uuid_t *id, const pg_uuid_t *move);
/* Puts a customer back whom the other shard has refused; false if nobody leaves by this move. */
extern bool move_back(const pg_uuid_t *id, const pg_uuid_t *move);

#endif
