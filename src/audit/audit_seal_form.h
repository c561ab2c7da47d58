/*
 * audit_seal_form.h
 *		Encoding of seals.
 */
#ifndef DJUST_AUDIT_SEAL_FORM_H
#define DJUST_AUDIT_SEAL_FORM_H

#include "tables/store_seal.h"

/* An event's entry in a seal, and the MACs of seals and chains.  These raise 55000 without the key file. */
extern void audit_seal_member(const SealedEvent *event, uint8_t member[MEMBER_SIZE]);
extern void audit_seal_mac(const AuditSeal *seal, uint8_t mac[SHA256_SIZE]);
extern void audit_chain_mac(const AuditChain *chain, uint8_t mac[SHA256_SIZE]);
/* Identifies the key file without revealing its key. */
extern void audit_seal_key_id(uint8_t id[KEY_ID_SIZE]);
extern bool audit_chain_is_ours(const AuditChain *chain); /* claimed by key_id; see audit_chain_is_good */
extern bool audit_chain_is_good(const AuditChain *chain);

/* Offset of the personal digest in a member. */
#define MEMBER_PERSONAL (MEMBER_SIZE - 16)
extern EventKey audit_member_key(const uint8_t member[MEMBER_SIZE]);
extern bool audit_member_has_personal(const uint8_t member[MEMBER_SIZE]);

#endif
