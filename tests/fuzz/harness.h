/* What the targets share that need a kernel: which one, where buffers stand, how they end.
 *
 * Invariant: the kernel that WSFAST_FUZZ_KERNEL names is the one that runs, or none does.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "../kernels/reference.h"

static const wsf_kernel *kernel;
static arena source, target;

static void expect(int holds, const char *member, const char *what)
{
    if (!holds) {
        fprintf(stderr, "kernel %s: %s: %s\n", kernel->name, member, what);
        abort();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("WSFAST_FUZZ_KERNEL");
    (void)argc;
    (void)argv;
    kernel = name != NULL ? wsf_kernel_select(name) : NULL;
    if (kernel == NULL) {
        fprintf(stderr, "WSFAST_FUZZ_KERNEL=%s: no such kernel runs here\n", name ? name : "");
        exit(2);
    }
    new_arena(&source);
    new_arena(&target);
    return 0;
}

/* A place for n bytes, at one end of the arena or the other, `how` bytes from it. */
static uint8_t *place(const arena *a, uint8_t how, size_t n)
{
    return how & 0x80 ? at_start(a, how & 63) : at_end(a, how & 63, n);
}

#endif
