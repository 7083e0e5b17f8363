/* What the capsule of wsfast.h points to.
 *
 * Invariant: calls go through the table of kernels each time, so that a kernel chosen
 * later serves modules that were imported earlier.
 */
#ifndef WSF_C_API_H
#define WSF_C_API_H

#include "dispatch.h"
#include "utf8_automaton.h"
#include "wsfast.h"

static void wsf_api_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key,
                         uint64_t offset)
{
    wsf_kernels()->mask(dst, src, n, wsf_key_at(key, offset));
}

static size_t wsf_api_validate(const uint8_t *src, size_t n, uint32_t *pending)
{
    return wsf_kernels()->validate(src, n, pending);
}

static size_t wsf_api_mask_validate(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key,
                                    uint64_t offset, uint32_t *pending)
{
    return wsf_kernels()->mask_validate(dst, src, n, wsf_key_at(key, offset), pending);
}

static unsigned wsf_api_pending_count(uint32_t pending)
{
    return wsf_pending_count(pending);
}

static const WsfastAPI wsf_api = {
    WSFAST_API_VERSION, sizeof(WsfastAPI),     wsf_api_mask,
    wsf_api_validate,   wsf_api_mask_validate, wsf_api_pending_count,
};

#endif
