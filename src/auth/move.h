/*
 * move.h
 *		Moving a customer to another shard.
 */
#ifndef DJUST_MOVE_H
#define DJUST_MOVE_H

#include "utils/uuid.h"

#include "tables/store.h"

/* A customer as another shard gets them. */
typedef struct MoveOffer
{
	bytea *sealed;
	int shard; /* for which it is */
	int number; /* of this offer of this customer */
} MoveOffer;

/* Takes the customer out of this shard, for one of that address. */
extern void move_out(const pg_uuid_t *id, const char *email, int shard);
/* Offers a customer that has been taken out, anew; false if there is none. */
extern bool move_offer(const pg_uuid_t *id, MoveOffer *offer);
/* Puts an offered customer into this shard; false if they are there already. */
extern bool move_in(const pg_uuid_t *id, const bytea *sealed);
/* Forgets the customer, who is on the other shard; false if there was none. */
extern bool move_done(const pg_uuid_t *id);
/* Puts the customer back, whom the other shard refused, unless another offer has been made since. */
extern bool move_back(const pg_uuid_t *id, int number);

#endif
