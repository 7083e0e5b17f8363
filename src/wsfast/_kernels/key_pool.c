/* Masking keys out of buffered entropy; each thread has a pool of its own.
 *
 * Invariant: see key_pool.h.  Dropping all pools only increments a generation, which
 * each pool compares with the one in which it was filled.
 */
#include "key_pool.h"

#if defined(_WIN32) || defined(__wasi__)
#  define WSF_HAS_FORK 0
#else
#  define WSF_HAS_FORK 1
#  include <pthread.h>
#endif

#if WSF_MSVC
#  include <intrin.h>
#  define WSF_THREAD_LOCAL __declspec(thread)
#else
#  define WSF_THREAD_LOCAL __thread
#endif

typedef struct key_pool {
    uint8_t entropy[WSF_KEY_POOL_SIZE];
    size_t left;     /* bytes not handed out; those from the start on */
    long generation; /* in which it was filled */
} key_pool;

static WSF_THREAD_LOCAL key_pool pool;
static volatile long generation;

static long current_generation(void)
{
#if WSF_MSVC
    return generation;
#else
    return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
#endif
}

int wsf_key_take(uint8_t *key)
{
    uint8_t *entropy;
    if (pool.left == 0 || pool.generation != current_generation()) {
        return 0;
    }
    pool.left -= 4;
    entropy = pool.entropy + pool.left;
    memcpy(key, entropy, 4);
    memset(entropy, 0, 4);
    return 1;
}

void wsf_key_fill(const uint8_t *entropy)
{
    memcpy(pool.entropy, entropy, sizeof pool.entropy);
    pool.left = sizeof pool.entropy;
    pool.generation = current_generation();
}

void wsf_key_drop_all(void)
{
#if WSF_MSVC
    _InterlockedIncrement(&generation);
#else
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
#endif
}

int wsf_key_watch_forks(void)
{
#if WSF_HAS_FORK
    /* With the C library, which sees forks that Python doesn't.  Two interpreters at the same
     * time may both register, which only drops the pools twice.  (pthread_once would tie wheels
     * built here to glibc 2.34.) */
    static int watched;
    if (!__atomic_load_n(&watched, __ATOMIC_ACQUIRE)) {
        const int error = pthread_atfork(NULL, NULL, wsf_key_drop_all);
        if (error != 0) {
            return error;
        }
        __atomic_store_n(&watched, 1, __ATOMIC_RELEASE);
    }
#endif
    return 0;
}
