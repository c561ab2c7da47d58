/*
 * stored.h
 *		For the fuzzers of password hashes: what must hold for a hash that other code made of a password.
 */
#ifndef DJUST_FUZZ_STORED_H
#define DJUST_FUZZ_STORED_H

#include "fuzz.h"
#include "pwhash/pwhash.h"

/* Hashes are made of as much of a password as can match: an overlong one that were cut off would match, too. */
static inline Slice
start_of(Slice password)
{
	return take(&password, PWHASH_PASSWORD_MAX);
}

/* Stored was made of start_of(password): it matches unless more follows, and never with a bit changed in either. */
static inline void
check_stored(Slice stored, Slice password, const PwArena *arena)
{
	char *exact = copy_of(stored), *other = copy_of(password);
	size_t choice = choose(password, 1 << 16);
	size_t reads = pwhash_reads(stored);
	const char *scheme;

	stored.data = exact;
	assert(pwhash_fault(stored, &scheme) == PW_FAULT_NONE && reads > 0);
	assert(pwhash_verify(stored, password, arena) == (password.length > PWHASH_PASSWORD_MAX ? PW_MISMATCH : PW_MATCH));
	if (password.length > 0)
		other[choice % (password.length < reads ? password.length : reads)] ^= (char) (1 << choice % 8);
	else
		exact[stored.length - 2 - choice % 8] ^= 1;
	assert(pwhash_verify(stored, (Slice){other, password.length}, arena) != PW_MATCH);
	free(exact);
	free(other);
}

#endif
