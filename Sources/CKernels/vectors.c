// Kernels over whole vectors and matrices, shared out over threads.
#include <string.h>

#include "table.h"

/// Vectors are cut at multiples of this, so that cuts never change which values share a vector or a random block.
enum { chunk_values = 64 };
static const size_t chunks_per_thread = SHOAL_VALUES_PER_THREAD / chunk_values;

static size_t chunks(size_t n) { return (n + chunk_values - 1) / chunk_values; }
static size_t first_value(size_t chunk, size_t n) { return chunk * chunk_values < n ? chunk * chunk_values : n; }
static size_t bytes_of(shoal_type type) { return type == SHOAL_FLOAT32 ? 4 : 2; }

void shoal_axpy(float a, const float *x, float *y, size_t n) { shoal_kernels()->axpy(a, x, y, n); }
void shoal_scale(float *x, float a, size_t n) { shoal_kernels()->scale(x, a, n); }
double shoal_squared_norm(const float *x, size_t n) { return shoal_kernels()->dot(x, x, n); }
double shoal_dot(const float *x, const float *y, size_t n) { return shoal_kernels()->dot(x, y, n); }
void shoal_exp(const float *x, float *out, size_t n) { shoal_kernels()->exp(x, out, n); }

void shoal_add_transposed(const float *x, float *y, size_t rows, size_t C) {
    for (size_t c = 0; c < C; c++) {
        for (size_t r = 0; r < rows; r++) y[c * rows + r] += x[r * C + c];
    }
}

struct adamw {
    float *values;
    const float *gradient;
    float *m, *v;
    size_t n;
    float lr, beta1, beta2, eps, weight_decay, bias1, bias2;
};

static void adamw_chunks(size_t begin, size_t end, void *context) {
    const struct adamw *a = context;
    const size_t from = first_value(begin, a->n), count = first_value(end, a->n) - from;
    shoal_kernels()->adamw_step(a->values + from, a->gradient + from, a->m + from, a->v + from, count, a->lr, a->beta1,
                                a->beta2, a->eps, a->weight_decay, a->bias1, a->bias2);
}

void shoal_adamw_step(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                      float beta2, float eps, float weight_decay, float bias1, float bias2) {
    struct adamw a = {values, gradient, m, v, n, lr, beta1, beta2, eps, weight_decay, bias1, bias2};
    shoal_parallel(chunks(n), chunks_per_thread, adamw_chunks, &a);
}

struct conversion {
    shoal_type from, to;
    const void *x;
    void *out;
    size_t n;
    float factor;
};

static void convert_chunks(size_t begin, size_t end, void *context) {
    const struct conversion *a = context;
    const size_t from = first_value(begin, a->n), count = first_value(end, a->n) - from;
    shoal_kernels()->convert(a->from, (const char *)a->x + from * bytes_of(a->from), a->to,
                             (char *)a->out + from * bytes_of(a->to), count, a->factor);
}

void shoal_convert(shoal_type from, const void *x, shoal_type to, void *out, size_t n, float factor) {
    struct conversion a = {from, to, x, out, n, factor};
    shoal_parallel(chunks(n), chunks_per_thread, convert_chunks, &a);
}

static void add_chunks(size_t begin, size_t end, void *context) {
    const struct conversion *a = context;
    const size_t from = first_value(begin, a->n), count = first_value(end, a->n) - from;
    shoal_kernels()->add_values(a->to, (char *)a->out + from * bytes_of(a->to), a->from,
                                (const char *)a->x + from * bytes_of(a->from), count, 1);
}

void shoal_add_values(shoal_type y_type, void *y, shoal_type x_type, const void *x, size_t n) {
    struct conversion a = {x_type, y_type, x, y, n, 1};
    shoal_parallel(chunks(n), chunks_per_thread, add_chunks, &a);
}

struct columns {
    shoal_type type;
    const void *x;
    const float *factors, *bias;
    void *out;
    size_t C, x_stride, out_stride;
};

static void scale_columns_rows(size_t begin, size_t end, void *context) {
    const struct columns *a = context;
    shoal_kernels()->scale_columns(a->type, a->x, a->x_stride, a->factors, a->bias, a->out, a->out_stride, a->C, begin,
                                   end);
}

void shoal_scale_columns(shoal_type type, const void *x, size_t x_stride, const float *factors, const float *bias,
                         void *out, size_t out_stride, size_t rows, size_t C) {
    struct columns a = {type, x, factors, bias, out, C, x_stride, out_stride};
    shoal_parallel(rows, rows_per_thread(C), scale_columns_rows, &a);
}

void shoal_column_products(shoal_type type, const void *x, size_t x_stride, const void *y, size_t y_stride,
                           float *sums, size_t rows, size_t C) {
    shoal_kernels()->column_products(type, x, x_stride, y, y_stride, sums, rows, C);
}

static void scale_rows(size_t begin, size_t end, void *context) {
    const struct columns *a = context;
    shoal_kernels()->scale_rows(a->out, a->factors, a->C, begin, end);
}

void shoal_scale_rows(float *x, const float *factors, size_t rows, size_t C) {
    struct columns a = {.factors = factors, .out = x, .C = C};
    shoal_parallel(rows, rows_per_thread(C), scale_rows, &a);
}

void shoal_gather_rows(shoal_type type, const void *table, const int32_t *ids, float *out, size_t rows, size_t C,
                       float factor, bool accumulate) {
    for (size_t row = 0; row < rows; row++) {
        const char *from = (const char *)table + (size_t)ids[row] * C * bytes_of(type);
        if (accumulate) {
            shoal_kernels()->add_values(SHOAL_FLOAT32, out + row * C, type, from, C, factor);
        } else {
            shoal_kernels()->convert(type, from, SHOAL_FLOAT32, out + row * C, C, factor);
        }
    }
}

struct dropout {
    shoal_type type;
    const void *x;
    void *out;
    size_t n;
    float probability;
    uint64_t key;
    uint32_t stream;
    bool accumulate;
};

static void dropout_chunks(size_t begin, size_t end, void *context) {
    const struct dropout *a = context;
    shoal_kernels()->dropout(a->type, a->x, a->out, first_value(begin, a->n), first_value(end, a->n), a->probability,
                             a->key, a->stream, a->accumulate);
}

void shoal_dropout_forward(shoal_type type, const void *x, void *out, size_t n, float probability, uint64_t key,
                           uint32_t stream) {
    struct dropout a = {type, x, out, n, probability, key, stream, false};
    shoal_parallel(chunks(n), chunks_per_thread / 4, dropout_chunks, &a);
}

void shoal_dropout_backward(shoal_type type, const void *dout, void *dx, size_t n, float probability, uint64_t key,
                            uint32_t stream) {
    struct dropout a = {type, dout, dx, n, probability, key, stream, true};
    shoal_parallel(chunks(n), chunks_per_thread / 4, dropout_chunks, &a);
}
