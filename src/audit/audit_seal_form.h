/*
 * audit_seal_form.h
 *		The form of seals.
 */
#ifndef DJUST_AUDIT_SEAL_FORM_H
#define DJUST_AUDIT_SEAL_FORM_H

#include "tables/store_seal.h"

/*
 * How an event stands in a seal; and what seals and chains are authenticated by.  These raise 55000 without the key
 * file.
 */
extern void audit_seal_member(const SealedEvent *event, uint8_t member[MEMBER_SIZE]);
extern void audit_seal_mac(const AuditSeal *seal, uint8_t mac[SHA256_SIZE]);
extern void audit_chain_mac(const AuditChain *chain, uint8_t mac[SHA256_SIZE]);
/* Says which key file it is, and nothing about the key. */
extern void audit_seal_key_id(uint8_t id[KEY_ID_SIZE]);
extern bool audit_chain_is_ours(const AuditChain *chain);	/* by its own word */
extern bool audit_chain_is_good(const AuditChain *chain);

/* Of a member. */
#define MEMBER_PERSONAL (MEMBER_SIZE - 16)
extern EventKey audit_member_key(const uint8_t member[MEMBER_SIZE]);
extern bool audit_member_has_personal(const uint8_t member[MEMBER_SIZE]);

#endif
