/* Masking and UTF-8 validation of wsfast, for other extensions: the C API.
 *
 *     if (wsfast_import() < 0) return NULL;             once, with the GIL
 *     wsfast_mask(bytes, bytes, n, key, offset);       then from any thread
 *
 * Compile with wsfast.get_include(); nothing is linked.  The functions run the kernel
 * that wsfast chose for this CPU (WSFAST_KERNEL), need no GIL and never raise.
 *
 * Common to all:
 *   - They read src[0, n), write dst[0, n), and not one byte outside; n may be 0.
 *   - No alignment is asked for.  dst is src, or the two do not overlap.
 *   - key is exactly 4 bytes, used from key[offset mod 4] on (RFC 6455 section 5.3):
 *     the offset of src[0] in the payload of its frame.
 *   - *pending is 0 before the first byte of a text.  It then holds the bytes of a
 *     sequence that src[0, n) left unfinished; pass it on with the next bytes.  A text
 *     is whole only if it is 0 again.  Its form is private.
 *
 * Invariant: within a version members are only added at the end of WsfastAPI, so what was
 * built against an older header goes on working.
 */
#ifndef WSFAST_H
#define WSFAST_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

#define WSFAST_API_VERSION 1
#define WSFAST_API_MODULE "wsfast._native.core"
#define WSFAST_API_CAPSULE "wsfast._native.core._c_api"

typedef struct WsfastAPI {
    uint32_t version; /* WSFAST_API_VERSION */
    uint32_t size;    /* sizeof(WsfastAPI) */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, uint64_t offset);
    size_t (*validate)(const uint8_t *src, size_t n, uint32_t *pending);
    size_t (*mask_validate)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key,
                            uint64_t offset, uint32_t *pending);
    unsigned (*pending_count)(uint32_t pending);
} WsfastAPI;

/* One a source file that includes this: each calls wsfast_import() itself. */
static const WsfastAPI *wsfast_api = NULL;

/* Import wsfast.  Return 0, or -1 with ImportError set: its compiled part is not
 * installed, or has another version of this API. */
static inline int wsfast_import(void)
{
    const WsfastAPI *api;
    PyObject *capsule, *module = PyImport_ImportModule(WSFAST_API_MODULE);
    if (module == NULL) {
        return -1;
    }
    capsule = PyObject_GetAttrString(module, "_c_api");
    Py_DECREF(module);
    if (capsule == NULL) {
        PyErr_SetString(PyExc_ImportError,
                        "the installed wsfast has no C API: install a later one");
        return -1;
    }
    api = (const WsfastAPI *)PyCapsule_GetPointer(capsule, WSFAST_API_CAPSULE);
    Py_DECREF(capsule); /* what it points to is static */
    if (api == NULL) {
        return -1;
    }
    if (api->version != WSFAST_API_VERSION || api->size < sizeof(WsfastAPI)) {
        PyErr_Format(PyExc_ImportError,
                     "this module was built with version %d of wsfast's C API (%zu bytes), the "
                     "installed wsfast has version %u (%u bytes): build it again, or install the "
                     "wsfast that it was built with",
                     WSFAST_API_VERSION, sizeof(WsfastAPI), (unsigned)api->version,
                     (unsigned)api->size);
        return -1;
    }
    wsfast_api = api;
    return 0;
}

/* dst[i] = src[i] ^ key[(offset + i) mod 4] */
static inline void wsfast_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key,
                               uint64_t offset)
{
    wsfast_api->mask(dst, src, n, key, offset);
}

/* Return n if src[0, n), after *pending, is well-formed UTF-8 or can still become so.
 * Else return the index of the first byte with which no well-formed text goes on: the
 * fault of close code 1007.  The ill-formed sequence then began wsfast_pending_count()
 * bytes before it, possibly before src[0], and *pending must not be passed on. */
static inline size_t wsfast_validate(const uint8_t *src, size_t n, uint32_t *pending)
{
    return wsfast_api->validate(src, n, pending);
}

/* Both in one pass: unmask, and validate what was unmasked.  All of dst is unmasked, also
 * after a fault. */
static inline size_t wsfast_mask_validate(uint8_t *dst, const uint8_t *src, size_t n,
                                          const uint8_t *key, uint64_t offset, uint32_t *pending)
{
    return wsfast_api->mask_validate(dst, src, n, key, offset, pending);
}

/* How many bytes, 0 to 3, *pending holds. */
static inline unsigned wsfast_pending_count(uint32_t pending)
{
    return wsfast_api->pending_count(pending);
}

#endif
