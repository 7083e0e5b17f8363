/* Masking keys out of buffered entropy: one system call for many frames.
 *
 * RFC 6455 section 5.3: a masking key must be unpredictable, and a new one chosen for
 * each frame.
 *
 * Invariant: each byte of entropy is handed out once, and wiped; what was buffered
 * before a fork is never handed out in the child.
 */
#ifndef WSF_KEY_POOL_H
#define WSF_KEY_POOL_H

#include "config.h"

#define WSF_KEY_POOL_SIZE 1024 /* 256 keys */

/* Take 4 bytes out of this thread's pool into key.  Return 0 if it is empty. */
int wsf_key_take(uint8_t *key);

/* Fill this thread's pool with WSF_KEY_POOL_SIZE of entropy. */
void wsf_key_fill(const uint8_t *entropy);

/* Make the pools of all threads empty, as is done in the child of a fork. */
void wsf_key_drop_all(void);

/* From now on do so in the child of every fork(), in C too.  May be called again.
 * Return 0, or an error number. */
int wsf_key_watch_forks(void);

#endif
