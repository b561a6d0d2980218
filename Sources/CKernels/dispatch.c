// Picks a level once.
#include <stdatomic.h>

#include "table.h"

/// Chosen before main, changed by tests only; atomic, so that a change while a kernel runs elsewhere is no data race.
static _Atomic(const struct kernel_table *) chosen = &shoal_table_baseline;

const struct kernel_table *shoal_kernels(void) { return atomic_load_explicit(&chosen, memory_order_relaxed); }

int shoal_kernels_level(void) { return shoal_kernels()->level; }

int shoal_kernels_highest(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        return __builtin_cpu_supports("avx512bf16") ? SHOAL_KERNELS_AVX512_BFLOAT16 : SHOAL_KERNELS_AVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return SHOAL_KERNELS_AVX2;
#endif
    return SHOAL_KERNELS_BASELINE;
}

bool shoal_kernels_force(int wanted) {
    if (wanted < SHOAL_KERNELS_BASELINE || wanted > shoal_kernels_highest()) return false;
    const struct kernel_table *table = &shoal_table_baseline;
#if defined(__x86_64__)
    if (wanted == SHOAL_KERNELS_AVX2) table = &shoal_table_avx2;
    if (wanted == SHOAL_KERNELS_AVX512) table = &shoal_table_avx512;
    if (wanted == SHOAL_KERNELS_AVX512_BFLOAT16) table = &shoal_table_avx512bf16;
#endif
    atomic_store(&chosen, table);
    return true;
}

__attribute__((constructor)) static void choose_level(void) { shoal_kernels_force(shoal_kernels_highest()); }
