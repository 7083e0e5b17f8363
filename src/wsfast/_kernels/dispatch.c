/* The one table of kernels in the process, and the choice among them.
 *
 * Invariant: wsf_kernel_active always points at a kernel that runs here; it
 * starts as the scalar one, which runs anywhere.
 */
#include "simd.h"

#define ADDRESS(isa) &wsf_kernel_##isa,

static const wsf_kernel *const compiled[] = {&wsf_kernel_scalar, WSF_VECTOR_KERNELS(ADDRESS)};

const wsf_kernel *wsf_kernel_active = &wsf_kernel_scalar;

const wsf_kernel *wsf_kernel_compiled(size_t index)
{
    return index < sizeof compiled / sizeof compiled[0] ? compiled[index] : NULL;
}

int wsf_kernel_runs(const wsf_kernel *kernel)
{
    return (kernel->required & ~wsf_cpu_features()) == 0;
}

const wsf_kernel *wsf_kernel_select(const char *name)
{
    const wsf_kernel *chosen = NULL;
    const wsf_kernel *kernel;
    size_t i;
    for (i = 0; (kernel = wsf_kernel_compiled(i)) != NULL; i++) {
        if ((name == NULL || strcmp(name, kernel->name) == 0) && wsf_kernel_runs(kernel)) {
            chosen = kernel;
        }
    }
    if (chosen != NULL) {
#if WSF_MSVC
        *(const wsf_kernel *volatile *)&wsf_kernel_active = chosen;
#else
        __atomic_store_n(&wsf_kernel_active, chosen, __ATOMIC_RELAXED);
#endif
    }
    return chosen;
}
