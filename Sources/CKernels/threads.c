// oneDNN's threads are libgomp's; the Swift toolchain has no OpenMP of its own. The functions are looked up in the
// running program, so nothing breaks where libgomp is absent, and one pool serves both.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "table.h"

static void (*set_num_threads)(int);
static int (*get_max_threads)(void);
static int (*get_thread_num)(void);
static int (*get_num_threads)(void);
static int (*in_parallel)(void);
static void (*gomp_parallel)(void (*)(void *), void *, unsigned, unsigned);

static _Atomic int limit = 0;
static _Thread_local int applied = 0;
static int initial = 1;

static void *symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

/// Runs before main: no thread sees half of it.
__attribute__((constructor)) static void find_openmp(void) {
    set_num_threads = (void (*)(int))symbol("omp_set_num_threads");
    get_max_threads = (int (*)(void))symbol("omp_get_max_threads");
    get_thread_num = (int (*)(void))symbol("omp_get_thread_num");
    get_num_threads = (int (*)(void))symbol("omp_get_num_threads");
    in_parallel = (int (*)(void))symbol("omp_in_parallel");
    gomp_parallel = (void (*)(void (*)(void *), void *, unsigned, unsigned))symbol("GOMP_parallel");
    if (!set_num_threads || !get_max_threads || !get_thread_num || !get_num_threads || !in_parallel) {
        gomp_parallel = NULL;
    }
    if (get_max_threads) initial = get_max_threads();
}

void shoal_threads_limit(int threads) { atomic_store(&limit, threads > 0 ? threads : 0); }

void shoal_threads_apply(void) {
    int wanted = atomic_load_explicit(&limit, memory_order_relaxed);
    if (wanted == applied || !set_num_threads) return;
    set_num_threads(wanted > 0 ? wanted : initial);
    applied = wanted;
}

int shoal_threads_available(void) {
    if (!gomp_parallel || in_parallel()) return 1;
    shoal_threads_apply();
    return get_max_threads();
}

struct region {
    size_t units;
    void (*body)(size_t begin, size_t end, void *context);
    void *context;
};

static void run_share(void *pointer) {
    const struct region *region = pointer;
    const size_t index = (size_t)get_thread_num(), count = (size_t)get_num_threads();
    const size_t begin = region->units * index / count, end = region->units * (index + 1) / count;
    if (begin < end) region->body(begin, end, region->context);
}

void shoal_parallel(size_t units, size_t grain, void (*body)(size_t, size_t, void *), void *context) {
    size_t threads = units < 2 * grain ? 1 : (size_t)shoal_threads_available();
    if (threads > units / grain) threads = units / grain;
    if (threads < 2) {
        body(0, units, context);
        return;
    }
    struct region region = {units, body, context};
    gomp_parallel(run_share, &region, (unsigned)threads, 0);
}
