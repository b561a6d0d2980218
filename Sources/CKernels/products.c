// Shares matrix products out over threads: groups of packed panels, and rows where there are few panels.
#include "products.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "table.h"

enum {
    group_bytes = 320 << 10,
    few_rows = 4,                 ///< up to here packing costs more than it gives
    work_per_thread = 1 << 20,    ///< multiplications (of steps) below which a thread's start costs more than it saves
    units_per_thread = 4
};

// Each thread's memory for packed panels, kept for the next product.

static _Thread_local struct {
    float *values;
    size_t bytes;
} scratch;
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void make_scratch_key(void) {
    if (pthread_key_create(&scratch_key, free) != 0) abort();
}

static float *scratch_of(size_t values) {
    const size_t bytes = (values * sizeof(float) + 63) / 64 * 64;
    if (bytes <= scratch.bytes) return scratch.values;
    pthread_once(&scratch_once, make_scratch_key);
    free(scratch.values);
    scratch.values = aligned_alloc(64, bytes);
    if (!scratch.values) abort();  // As every allocation of the program's.
    scratch.bytes = bytes;
    pthread_setspecific(scratch_key, scratch.values);
    return scratch.values;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t divided_up(size_t a, size_t b) { return (a + b - 1) / b; }

/// Steps of all terms together.
static size_t steps_of(const struct shoal_product *product, bool pairs) {
    size_t steps = 0;
    for (size_t t = 0; t < product->count; t++) {
        const size_t inner = product->terms[t].inner;
        steps += pairs && product->type == SHOAL_BFLOAT16 ? (inner + 1) / 2 : inner;
    }
    return steps;
}

// Few rows: nothing is packed.

static bool reads_rows(const struct shoal_product *product) {
    if (product->rows > few_rows) return false;
    for (size_t t = 0; t < product->count; t++) {
        if (product->terms[t].a_transposed || !product->terms[t].b_transposed) return false;
    }
    return true;
}

static void some_columns(size_t begin, size_t end, void *context) {
    shoal_kernels()->product_columns(context, begin, end);
}

// Many rows: units of panel groups × row blocks, dealt out one after another.

struct product_share {
    struct product_call call;
    const struct kernel_table *table;
    size_t panels, groups, row_blocks, steps;
    _Atomic size_t next;
};

static void work_through(size_t begin, size_t end, void *context) {
    (void)begin;
    (void)end;
    struct product_share *share = context;
    const struct product_form form = share->table->product_form;
    const size_t rows = share->call.product.rows, tiles = divided_up(rows, form.tile_rows);
    float *values = scratch_of(share->steps * (share->call.group * form.panel_columns + form.tile_rows));
    for (;;) {
        const size_t unit = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
        if (unit >= share->groups * share->row_blocks) return;
        const size_t first = unit % share->groups * share->call.group, block = unit / share->groups;
        const size_t row = tiles * block / share->row_blocks * form.tile_rows;
        const size_t last_row = smaller(tiles * (block + 1) / share->row_blocks * form.tile_rows, rows);
        share->table->product_block(&share->call, first, smaller(first + share->call.group, share->panels), row, last_row,
                                    values);
    }
}

// Packing once.

size_t shoal_panels_bytes(shoal_type type, size_t inner, size_t columns) {
    const struct product_form form = shoal_kernels()->product_form;
    const struct shoal_product_term term = {.inner = inner};
    const struct shoal_product product = {.type = type, .terms = &term, .count = 1};
    const size_t panels = divided_up(columns, form.panel_columns);
    return sizeof(struct shoal_panels) + steps_of(&product, form.pairs) * panels * form.panel_columns * sizeof(float);
}

struct packing {
    shoal_type type;
    const struct shoal_product_term *term;
    size_t columns;
    struct shoal_panels *panels;
};

static void some_panels(size_t begin, size_t end, void *context) {
    const struct packing *packing = context;
    packing->panels->table->pack_panels(packing->type, packing->term, packing->columns, begin, end,
                                        packing->panels->values);
}

void shoal_pack(shoal_type type, const struct shoal_product_term *term, size_t columns, struct shoal_panels *panels) {
    panels->table = shoal_kernels();
    struct packing packing = {type, term, columns, panels};
    shoal_parallel(divided_up(columns, panels->table->product_form.panel_columns), 4, some_panels, &packing);
}

void shoal_multiply(const struct shoal_product *product) {
    if (product->rows == 0 || product->columns == 0) return;
    const struct kernel_table *table = shoal_kernels();
    struct product_share share = {.call = {.product = *product}, .table = table};
    const struct product_form form = table->product_form;
    share.steps = steps_of(product, form.pairs);
    if (reads_rows(product)) {
        const size_t work = share.steps * product->rows;
        shoal_parallel(product->columns, work_per_thread / (work ? work : 1) + 1, some_columns, &share.call);
        return;
    }
    share.panels = divided_up(product->columns, form.panel_columns);
    const size_t panel_bytes = share.steps * form.panel_columns * sizeof(float);
    const size_t most = smaller(share.panels, panel_bytes < group_bytes ? group_bytes / (panel_bytes ? panel_bytes : 1) : 1);
    const size_t work = product->rows * product->columns * share.steps / work_per_thread;
    const size_t threads = smaller((size_t)shoal_threads_available(), work ? work : 1);
    const size_t wanted = threads > 1 ? threads * units_per_thread : 1;
    share.call.group = smaller(most, divided_up(share.panels, wanted));
    share.groups = divided_up(share.panels, share.call.group);
    share.row_blocks = 1;
    if (share.groups < threads * 2 && threads > 1) {
        share.row_blocks = smaller(divided_up(wanted, share.groups), divided_up(product->rows, 4 * form.tile_rows));
    }
    shoal_parallel(threads, 1, work_through, &share);
}
