// The process's one pool of threads. A thread that waits for work spins for some microseconds, then sleeps, so that
// processes that share a machine do not burn each other's cores.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "table.h"

enum { threads_max = 256, spins = 1500 };

struct job {
    void (*body)(size_t begin, size_t end, void *context);
    void *context;
    size_t units, threads;
};

static _Atomic int limit = 0;
/// Set while a caller has the pool; others compute on their own thread meanwhile.
static atomic_flag taken = ATOMIC_FLAG_INIT;
/// Written by the caller that has the pool, read by the pool once `generation` has grown.
static struct job job;
static _Atomic unsigned generation = 0;
static _Atomic size_t unfinished = 0;
static size_t pool_size = 0;
static _Thread_local bool is_inside = false;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER, work_done = PTHREAD_COND_INITIALIZER;
static _Atomic size_t sleepers = 0;
static _Atomic bool is_caller_asleep = false;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_share(const struct job *job, size_t index) {
    const size_t begin = job->units * index / job->threads, end = job->units * (index + 1) / job->threads;
    if (begin < end) job->body(begin, end, job->context);
}

static void wait_for_work(unsigned seen) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load(&generation) != seen) return;
        pause_briefly();
    }
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&sleepers, 1);
    while (atomic_load(&generation) == seen) pthread_cond_wait(&work_came, &mutex);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&mutex);
}

struct start {
    size_t index;
    unsigned seen;
};

static struct start starts[threads_max];

static void *work(void *argument) {
    const size_t index = ((const struct start *)argument)->index;
    unsigned seen = ((const struct start *)argument)->seen;
    is_inside = true;
    for (;;) {
        wait_for_work(seen);
        seen++;
        if (index < job.threads) run_share(&job, index);
        // Every thread of the pool counts, so that none can still look at this job when the next one is written.
        if (atomic_fetch_sub(&unfinished, 1) == 1 && atomic_load(&is_caller_asleep)) {
            pthread_mutex_lock(&mutex);
            pthread_cond_signal(&work_done);
            pthread_mutex_unlock(&mutex);
        }
    }
    return NULL;
}

/// Makes the pool `wanted` threads large, the caller included, as far as the system gives them.
static void grow(size_t wanted) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // Signals are for the program's own threads.
    while (pool_size + 1 < wanted) {
        starts[pool_size] = (struct start){.index = pool_size + 1, .seen = atomic_load(&generation)};
        pthread_attr_t attributes;
        if (pthread_attr_init(&attributes) != 0) break;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        const int failure = pthread_create(&thread, &attributes, work, &starts[pool_size]);
        pthread_attr_destroy(&attributes);
        if (failure) break;
        pool_size++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wait_until_done(void) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load(&unfinished) == 0) return;
        pause_briefly();
    }
    pthread_mutex_lock(&mutex);
    atomic_store(&is_caller_asleep, true);
    while (atomic_load(&unfinished) > 0) pthread_cond_wait(&work_done, &mutex);
    atomic_store(&is_caller_asleep, false);
    pthread_mutex_unlock(&mutex);
}

void shoal_threads_limit(int threads) { atomic_store(&limit, threads > 0 ? threads : 0); }

int shoal_threads_available(void) {
    if (is_inside) return 1;
    const int wanted = atomic_load_explicit(&limit, memory_order_relaxed);
    if (wanted > 0) return wanted < threads_max ? wanted : threads_max;
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0) return 1;
    const int count = CPU_COUNT(&processors);
    return count < threads_max ? count : threads_max;
}

void shoal_parallel(size_t units, size_t grain, void (*body)(size_t, size_t, void *), void *context) {
    size_t threads = units < 2 * grain ? 1 : (size_t)shoal_threads_available();
    if (threads > units / grain) threads = units / grain;
    if (threads < 2 || atomic_flag_test_and_set(&taken)) {
        body(0, units, context);
        return;
    }
    grow(threads);
    if (threads > pool_size + 1) threads = pool_size + 1;
    job = (struct job){.body = body, .context = context, .units = units, .threads = threads};
    atomic_store(&unfinished, pool_size);
    atomic_fetch_add(&generation, 1);
    if (atomic_load(&sleepers) > 0) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&work_came);
        pthread_mutex_unlock(&mutex);
    }
    is_inside = true;
    run_share(&job, 0);
    is_inside = false;
    wait_until_done();
    atomic_flag_clear(&taken);
}
