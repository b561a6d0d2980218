#ifndef SHOAL_KERNEL_TABLE_H
#define SHOAL_KERNEL_TABLE_H
#include "CKernels.h"
#include "attention.h"
#include "products.h"

/// One level's entry points. Row-wise kernels get the rows they are to do; attention gets one
/// unit at a time.
struct kernel_table {
    int level;
    void (*axpy)(float a, const float *x, float *y, size_t n);
    void (*scale)(float *x, float a, size_t n);
    double (*dot)(const float *x, const float *y, size_t n);
    void (*exp)(const float *x, float *out, size_t n);
    void (*adamw_step)(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                       float beta2, float eps, float weight_decay, float bias1, float bias2);
    void (*norm_forward)(shoal_type input, shoal_type type, const struct shoal_norm *s, const void *x,
                         const void *delta, void *sum, void *normal, void *out, float *rstd, size_t begin, size_t end);
    void (*norm_repeat)(shoal_type type, const struct shoal_norm *s, const void *normal, void *out, size_t begin,
                        size_t end);
    void (*norm_backward)(shoal_type input, shoal_type type, const struct shoal_norm *s, const void *dout,
                          const void *normal, const float *rstd, void *dx, void *copy, bool accumulate, size_t begin,
                          size_t end);
    void (*rotary)(shoal_type type, void *x, const struct shoal_rotary *s, float direction, size_t begin, size_t end);
    void (*gate_forward)(shoal_type type, const struct shoal_gate *s, const void *gate, const void *up, void *out,
                         size_t begin, size_t end);
    void (*gate_backward)(shoal_type type, const struct shoal_gate *s, const void *dout, const void *gate,
                          const void *up, void *dgate, void *dup, void *out, size_t begin, size_t end);
    void (*scale_columns)(shoal_type type, const void *x, size_t x_stride, const float *factors, const float *bias,
                          void *out, size_t out_stride, size_t C, size_t begin, size_t end);
    void (*column_products)(shoal_type type, const void *x, size_t x_stride, const void *y, size_t y_stride,
                            float *sums, size_t rows, size_t C);
    void (*add_values)(shoal_type y_type, void *y, shoal_type x_type, const void *x, size_t n, float factor);
    void (*convert)(shoal_type from, const void *x, shoal_type to, void *out, size_t n, float factor);
    void (*vocabulary_block)(shoal_type type, const float *logits, void *weights, const int32_t *labels, size_t first,
                             size_t columns, float *highest, float *total, float *target, float *kept, size_t begin,
                             size_t end);
    void (*scale_rows)(float *x, const float *factors, size_t C, size_t begin, size_t end);
    void (*attention_forward)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*attention_backward)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*attention_backward_sum)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*cross_entropy)(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V, bool gradient,
                          float gradient_scale);
    void (*dropout)(shoal_type type, const void *x, void *out, size_t begin, size_t end, float probability,
                    uint64_t key, uint32_t stream, bool accumulate);
    void (*dequantise_int8)(const int8_t *values, const float *scales, shoal_type type, void *out, size_t C,
                            size_t begin, size_t end);
    void (*dequantise_nf4)(const struct shoal_nf4 *weight, shoal_type type, void *out, size_t C, size_t begin,
                           size_t end);
    struct product_form product_form;
    void (*pack_panels)(shoal_type type, const struct shoal_product_term *term, size_t columns, size_t first, size_t last,
                        float *values);
    void (*product_block)(const struct product_call *call, size_t first, size_t last, size_t row, size_t end,
                          float *scratch);
    void (*product_columns)(const struct product_call *call, size_t begin, size_t end);
    void (*flip_signs)(const float *x, const uint64_t *signs, float factor, float *out, size_t n);
    void (*hadamard)(float *x, size_t n);
    struct shoal_quantised (*quantise_uniform)(const float *x, float factor, int32_t limit, int32_t offset,
                                               uint16_t *symbols, size_t n);
    struct shoal_quantised (*quantise_levels)(const float *x, const float *thresholds, const float *levels,
                                              unsigned bits, uint16_t *symbols, size_t n);
    void (*dequantise_uniform)(const uint16_t *symbols, int32_t offset, float *out, size_t n);
    void (*quantise_int8)(const float *x, int8_t *values, float *scales, size_t n, size_t block);
    void (*dequantise_int8_blocks)(const int8_t *values, const float *scales, float *out, size_t n, size_t block);
    double (*mark_above)(const float *x, uint32_t threshold, uint16_t *symbols, size_t n);
    void (*ternary_values)(const uint16_t *symbols, float magnitude, float *out, size_t n);
    size_t (*rans_encode)(const uint16_t *symbols, size_t n, unsigned raw, const uint32_t *entries,
                          const uint32_t *reciprocals, uint32_t *states, uint16_t *words);
    size_t (*rans_decode)(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                          const uint16_t *words, size_t available);
    double (*squares)(const void *values, size_t n);
    bool (*add_updates)(const void *const *updates, const double *weights, size_t count, double *sum, size_t begin,
                        size_t end);
    void (*trellis_search)(const float *x, const uint32_t *starts, size_t steps, const float *columns, float *scores,
                           uint8_t *choices);
};

extern const struct kernel_table shoal_table_baseline;
#if defined(__x86_64__)
extern const struct kernel_table shoal_table_avx2;
extern const struct kernel_table shoal_table_avx512;
extern const struct kernel_table shoal_table_avx512bf16;
#endif

/// What NF4's codes mean.
extern const float shoal_nf4_value_table[16];
extern float shoal_nf4_map_table[256];

/// The table in use.
const struct kernel_table *shoal_kernels(void);

/// Calls `body` on ranges that cover 0..<units: on this thread, or shared out over the pool when there are at
/// least two times `grain` units. Ranges are contiguous.
void shoal_parallel(size_t units, size_t grain, void (*body)(size_t begin, size_t end, void *context), void *context);

/// Values below which a thread's start costs more than it saves.
enum { SHOAL_VALUES_PER_THREAD = 32768 };

/// Rows of C values that a thread should at least have.
static inline size_t rows_per_thread(size_t C) { return SHOAL_VALUES_PER_THREAD / (C ? C : 1) + 1; }

#endif
