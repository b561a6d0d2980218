// Picks a level once, and shares kernels' rows out over threads.
#include <stdatomic.h>
#include <string.h>

#include "table.h"

/// Chosen before main, changed by tests only; atomic, so that a change while a kernel runs elsewhere is no data race.
static _Atomic(const struct kernel_table *) chosen = &shoal_table_baseline;

const struct kernel_table *shoal_kernels(void) { return atomic_load_explicit(&chosen, memory_order_relaxed); }

static const struct kernel_table *current(void) { return shoal_kernels(); }

int shoal_kernels_level(void) { return current()->level; }

int shoal_kernels_highest(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        return SHOAL_KERNELS_AVX512;
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
#endif
    atomic_store(&chosen, table);
    return true;
}

__attribute__((constructor)) static void choose_level(void) { shoal_kernels_force(shoal_kernels_highest()); }

/// Values below which a thread's start costs more than it saves.
static const size_t values_per_thread = 32768;

static size_t rows_per_thread(size_t C) { return values_per_thread / (C ? C : 1) + 1; }

/// Vectors are cut at multiples of this, so that cuts never change which values share a vector or a random block.
enum { chunk_values = 64 };

static size_t chunks(size_t n) { return (n + chunk_values - 1) / chunk_values; }
static size_t chunk_count(size_t begin, size_t end, size_t n) {
    return (end * chunk_values < n ? end * chunk_values : n) - begin * chunk_values;
}
static const size_t chunks_per_thread = values_per_thread / chunk_values;

// Vectors

void shoal_axpy(float a, const float *x, float *y, size_t n) { current()->axpy(a, x, y, n); }
void shoal_scale(float *x, float a, size_t n) { current()->scale(x, a, n); }
double shoal_squared_norm(const float *x, size_t n) { return current()->dot(x, x, n); }
double shoal_dot(const float *x, const float *y, size_t n) { return current()->dot(x, y, n); }
void shoal_exp(const float *x, float *out, size_t n) { current()->exp(x, out, n); }
void shoal_add_bias(float *y, const float *bias, size_t rows, size_t C) { current()->add_bias(y, bias, rows, C); }

void shoal_add_transposed(const float *x, float *y, size_t rows, size_t C) {
    for (size_t c = 0; c < C; c++) {
        for (size_t r = 0; r < rows; r++) y[c * rows + r] += x[r * C + c];
    }
}

void shoal_adamw_step(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                      float beta2, float eps, float weight_decay, float bias1, float bias2) {
    current()->adamw_step(values, gradient, m, v, n, lr, beta1, beta2, eps, weight_decay, bias1, bias2);
}

void shoal_gather_rows(const float *source, const int32_t *ids, float *out, size_t rows, size_t C) {
    for (size_t row = 0; row < rows; row++) memcpy(out + row * C, source + (size_t)ids[row] * C, C * sizeof(float));
}

// Normalisation

struct norm_arguments {
    const float *dout, *x, *weight, *saved_rstd;
    float *sum, *out, *rstd;
    size_t C;
    float eps;
    bool accumulate;
};

static void norm_forward_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    const size_t offset = begin * a->C;
    current()->rmsnorm_forward(a->x + offset, a->sum ? a->sum + offset : NULL, a->weight, a->out + offset,
                           a->rstd + begin, end - begin, a->C, a->eps);
}

void shoal_rmsnorm_forward(const float *x, const float *weight, float *out, float *rstd, size_t rows, size_t C,
                           float eps) {
    struct norm_arguments a = {.x = x, .weight = weight, .out = out, .rstd = rstd, .C = C, .eps = eps};
    shoal_parallel(rows, rows_per_thread(C), norm_forward_rows, &a);
}

void shoal_residual_rmsnorm_forward(const float *x, float *sum, const float *weight, float *out, float *rstd,
                                    size_t rows, size_t C, float eps) {
    struct norm_arguments a = {.x = x, .sum = sum, .weight = weight, .out = out, .rstd = rstd, .C = C, .eps = eps};
    shoal_parallel(rows, rows_per_thread(C), norm_forward_rows, &a);
}

static void norm_repeat_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    const size_t offset = begin * a->C;
    current()->rmsnorm_repeat(a->x + offset, a->weight, a->saved_rstd + begin, a->out + offset, end - begin, a->C);
}

void shoal_rmsnorm_repeat(const float *x, const float *weight, const float *rstd, float *out, size_t rows, size_t C) {
    struct norm_arguments a = {.x = x, .weight = weight, .saved_rstd = rstd, .out = out, .C = C};
    shoal_parallel(rows, rows_per_thread(C), norm_repeat_rows, &a);
}

static void norm_backward_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    const size_t offset = begin * a->C;
    current()->rmsnorm_backward(a->dout + offset, a->x + offset, a->weight, a->saved_rstd + begin, a->out + offset,
                            end - begin, a->C, a->accumulate);
}

void shoal_rmsnorm_backward(const float *dout, const float *x, const float *weight, const float *rstd, float *dx,
                            size_t rows, size_t C, bool accumulate) {
    struct norm_arguments a = {
        .dout = dout, .x = x, .weight = weight, .saved_rstd = rstd, .out = dx, .C = C, .accumulate = accumulate};
    shoal_parallel(rows, rows_per_thread(C), norm_backward_rows, &a);
}

// Rotary position embedding

struct rotary_arguments {
    float *x;
    const float *cosine, *sine;
    size_t T, H, D, start;
    float direction;
};

static void rotary_rows(size_t begin, size_t end, void *context) {
    const struct rotary_arguments *a = context;
    current()->rotary(a->x, a->cosine, a->sine, begin, end, a->T, a->H, a->D, a->start, a->direction);
}

void shoal_rotary_forward(float *x, const float *cosine, const float *sine, size_t B, size_t T, size_t H, size_t D,
                          size_t start) {
    struct rotary_arguments a = {x, cosine, sine, T, H, D, start, 1};
    shoal_parallel(B * T, rows_per_thread(H * D), rotary_rows, &a);
}

void shoal_rotary_backward(float *dx, const float *cosine, const float *sine, size_t B, size_t T, size_t H, size_t D,
                           size_t start) {
    struct rotary_arguments a = {dx, cosine, sine, T, H, D, start, -1};
    shoal_parallel(B * T, rows_per_thread(H * D), rotary_rows, &a);
}

// Gated unit

struct swiglu_arguments {
    const float *dout, *gate, *up;
    float *dgate, *dup, *out;
    size_t n;
};

static void swiglu_forward_chunks(size_t begin, size_t end, void *context) {
    const struct swiglu_arguments *a = context;
    const size_t offset = begin * chunk_values;
    current()->swiglu_forward(a->gate + offset, a->up + offset, a->out + offset, chunk_count(begin, end, a->n));
}

void shoal_swiglu_forward(const float *gate, const float *up, float *out, size_t n) {
    struct swiglu_arguments a = {.gate = gate, .up = up, .out = out, .n = n};
    shoal_parallel(chunks(n), chunks_per_thread / 4, swiglu_forward_chunks, &a);
}

static void swiglu_backward_chunks(size_t begin, size_t end, void *context) {
    const struct swiglu_arguments *a = context;
    const size_t offset = begin * chunk_values;
    current()->swiglu_backward(a->dout + offset, a->gate + offset, a->up + offset, a->dgate + offset, a->dup + offset,
                           a->out ? a->out + offset : NULL, chunk_count(begin, end, a->n));
}

void shoal_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                           float *out, size_t n) {
    struct swiglu_arguments a = {dout, gate, up, dgate, dup, out, n};
    shoal_parallel(chunks(n), chunks_per_thread / 4, swiglu_backward_chunks, &a);
}

// Softmax cross-entropy

struct loss_arguments {
    float *logits, *losses;
    const int32_t *labels;
    size_t V;
    float gradient_scale;
    bool gradient;
};

static void cross_entropy_rows(size_t begin, size_t end, void *context) {
    const struct loss_arguments *a = context;
    current()->cross_entropy(a->logits + begin * a->V, a->labels + begin, a->losses + begin, end - begin, a->V,
                         a->gradient, a->gradient_scale);
}

void shoal_cross_entropy(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V, bool gradient,
                         float gradient_scale) {
    struct loss_arguments a = {logits, losses, labels, V, gradient_scale, gradient};
    shoal_parallel(rows, rows_per_thread(V), cross_entropy_rows, &a);
}

// Inverted dropout

void shoal_dropout_forward(const float *x, float *out, size_t n, float probability, uint64_t key, uint32_t stream) {
    current()->dropout(x, out, n, probability, key, stream, false);
}

void shoal_dropout_backward(const float *dout, float *dx, size_t n, float probability, uint64_t key,
                            uint32_t stream) {
    current()->dropout(dout, dx, n, probability, key, stream, true);
}
