// Quantised weights' rows, shared out over threads.
#include "table.h"

struct dequantisation {
    const int8_t *values;
    const float *scales;
    const struct shoal_nf4 *nf4;
    shoal_type type;
    void *out;
    size_t C;
};

static void int8_rows(size_t begin, size_t end, void *context) {
    const struct dequantisation *a = context;
    shoal_kernels()->dequantise_int8(a->values, a->scales, a->type, a->out, a->C, begin, end);
}

void shoal_dequantise_int8(const int8_t *values, const float *scales, shoal_type type, void *out, size_t rows,
                           size_t C) {
    struct dequantisation a = {.values = values, .scales = scales, .type = type, .out = out, .C = C};
    shoal_parallel(rows, rows_per_thread(C), int8_rows, &a);
}

static void nf4_rows(size_t begin, size_t end, void *context) {
    const struct dequantisation *a = context;
    shoal_kernels()->dequantise_nf4(a->nf4, a->type, a->out, a->C, begin, end);
}

void shoal_dequantise_nf4(const struct shoal_nf4 *weight, shoal_type type, void *out, size_t rows, size_t C) {
    struct dequantisation a = {.nf4 = weight, .type = type, .out = out, .C = C};
    shoal_parallel(rows, rows_per_thread(C), nf4_rows, &a);
}
