// Shares attention's units out over threads, and says how much scratch they need.
#include <stdatomic.h>
#include <unistd.h>

#include "table.h"

/// Multiplications below which a thread's start costs more than it saves.
static const size_t work_per_thread = 1 << 18;

/// Threads that may work at once: a constant of the machine, whatever limit is set between asking for the scratch's
/// size and the call. Which thread does a unit never changes its result.
static size_t thread_bound(void) {
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (size_t)count;
}

static size_t rounded(size_t count, size_t multiple) { return (count + multiple - 1) / multiple * multiple; }
static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t longest(const int32_t *starts, size_t blocks) {
    size_t result = 0;
    for (size_t block = 0; block < blocks; block++) {
        const size_t count = (size_t)(starts[block + 1] - starts[block]);
        if (count > result) result = count;
    }
    return result;
}

static struct attention_call prepared(shoal_type type, const struct shoal_attention_shape *shape) {
    const size_t queries = longest(shape->query_starts, shape->blocks);
    const size_t keys = longest(shape->key_starts, shape->blocks);
    struct attention_call call = {
        .type = type,
        .shape = *shape,
        .width = rounded(shape->head_size, 16),
        .query_rows = rounded(queries, attention_chunk),
        .key_rows = rounded(keys, attention_chunk),
        .query_units = (queries + attention_unit_queries - 1) / attention_unit_queries,
        .parts = (queries + attention_part_queries - 1) / attention_part_queries,
    };
    if (shape->window >= keys) call.shape.window = 0;  // Hides nothing; sums with it must not overflow.
    return call;
}

// Forward

static size_t forward_slot(const struct attention_call *call) { return 2 * call->key_rows * call->width; }

static size_t forward_units(const struct attention_call *call) {
    return call->shape.blocks * call->shape.heads * call->query_units;
}

// Backward: whole groups of heads a unit where there are enough of them to keep every thread busy, else parts of single
// heads. Both add up the same numbers in the same order.

static bool backward_by_part(const struct attention_call *call) {
    const size_t groups = call->shape.blocks * call->shape.key_heads, threads = thread_bound();
    return groups < 4 * threads && groups % threads != 0;
}

static size_t backward_units(const struct attention_call *call) {
    return call->shape.blocks * (backward_by_part(call) ? call->shape.heads * call->parts : call->shape.key_heads);
}

static size_t backward_slot(const struct attention_call *call) {
    return smaller(call->query_rows, attention_part_queries) * (3 * call->width + 2) +
           (attention_chunk + 2 * call->key_rows) * call->width;
}

static size_t partial_values(const struct attention_call *call) {
    return backward_by_part(call) ? backward_units(call) * 2 * call->key_rows * call->width : 0;
}

size_t shoal_attention_scratch(const struct shoal_attention_shape *shape, bool backward) {
    const struct attention_call call = prepared(SHOAL_FLOAT32, shape);
    const size_t units = backward ? backward_units(&call) : forward_units(&call);
    const size_t slot = backward ? backward_slot(&call) : forward_slot(&call);
    return smaller(units, thread_bound()) * slot + (backward ? partial_values(&call) : 0) + 16;
}

// Sharing out

struct attention_share {
    const struct attention_call *call;
    void (*work)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    float *slots;
    size_t units, slot_values;
    _Atomic size_t next;
};

static void work_through(size_t begin, size_t end, void *context) {
    (void)end;
    struct attention_share *share = context;
    size_t previous = SIZE_MAX;
    for (;;) {
        const size_t unit = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
        if (unit >= share->units) return;
        share->work(share->call, unit, previous, share->slots + begin * share->slot_values);
        previous = unit;
    }
}

static void share_out(struct attention_share *share, size_t work) {
    const size_t bound = smaller(thread_bound(), share->units), wanted = work / work_per_thread + 1;
    shoal_parallel(smaller(bound, wanted), 1, work_through, share);
}

static size_t multiplications(const struct attention_call *call) {
    const struct shoal_attention_shape *shape = &call->shape;
    size_t pairs = 0;
    for (size_t block = 0; block < shape->blocks; block++) {
        pairs += (size_t)(shape->query_starts[block + 1] - shape->query_starts[block]) *
                 (size_t)(shape->key_starts[block + 1] - shape->key_starts[block]);
    }
    return pairs * shape->heads * shape->head_size;
}

/// Panels' rows then begin at cache lines.
static float *aligned(float *scratch) { return (float *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63); }

void shoal_attention_forward(shoal_type type, const void *q, const void *k, const void *v, void *out, float *lse,
                             float *scratch, const struct shoal_attention_shape *shape) {
    struct attention_call call = prepared(type, shape);
    call.q = q;
    call.k = k;
    call.v = v;
    call.result = out;
    call.lse_result = lse;
    struct attention_share share = {.call = &call, .work = shoal_kernels()->attention_forward,
                                    .slots = aligned(scratch), .units = forward_units(&call),
                                    .slot_values = forward_slot(&call)};
    share_out(&share, multiplications(&call));
}

void shoal_attention_backward(shoal_type type, const void *q, const void *k, const void *v, const void *out,
                              const float *lse, const void *dout, float *scratch, void *dq, void *dk, void *dv,
                              const struct shoal_attention_shape *shape) {
    struct attention_call call = prepared(type, shape);
    call.q = q;
    call.k = k;
    call.v = v;
    call.out = out;
    call.lse = lse;
    call.dout = dout;
    call.dq = dq;
    call.dk = dk;
    call.dv = dv;
    const struct kernel_table *table = shoal_kernels();
    float *slots = aligned(scratch);
    const size_t units = backward_units(&call), slot = backward_slot(&call);
    if (backward_by_part(&call)) call.partial = slots + smaller(units, thread_bound()) * slot;
    struct attention_share share = {.call = &call, .work = table->attention_backward, .slots = slots, .units = units,
                                    .slot_values = slot};
    share_out(&share, multiplications(&call));
    if (!call.partial) return;
    struct attention_share sums = {.call = &call, .work = table->attention_backward_sum, .slots = slots,
                                   .units = shape->blocks * shape->key_heads * (call.key_rows / attention_chunk)};
    share_out(&sums, multiplications(&call));
}
