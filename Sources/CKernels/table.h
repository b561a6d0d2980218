#ifndef SHOAL_KERNEL_TABLE_H
#define SHOAL_KERNEL_TABLE_H
#include "CKernels.h"
#include "attention.h"

/// One level's entry points. Row-wise kernels get the rows they are to do; attention gets one
/// unit at a time.
struct kernel_table {
    int level;
    void (*axpy)(float a, const float *x, float *y, size_t n);
    void (*scale)(float *x, float a, size_t n);
    double (*dot)(const float *x, const float *y, size_t n);
    void (*exp)(const float *x, float *out, size_t n);
    void (*add_bias)(float *y, const float *bias, size_t rows, size_t C);
    void (*adamw_step)(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                       float beta2, float eps, float weight_decay, float bias1, float bias2);
    void (*rmsnorm_forward)(const float *x, float *sum, const float *weight, float *out, float *rstd, size_t rows,
                            size_t C, float eps);
    void (*rmsnorm_repeat)(const float *x, const float *weight, const float *rstd, float *out, size_t rows, size_t C);
    void (*rmsnorm_backward)(const float *dout, const float *x, const float *weight, const float *rstd, float *dx,
                             size_t rows, size_t C, bool accumulate);
    void (*rotary)(float *x, const float *cosine, const float *sine, size_t begin, size_t end, size_t T, size_t H,
                   size_t D, size_t start, float direction);
    void (*swiglu_forward)(const float *gate, const float *up, float *out, size_t n);
    void (*swiglu_backward)(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                            float *out, size_t n);
    void (*attention_forward)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*attention_backward)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*attention_backward_sum)(const struct attention_call *call, size_t unit, size_t previous, float *slot);
    void (*cross_entropy)(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V, bool gradient,
                          float gradient_scale);
    void (*dropout)(const float *x, float *out, size_t n, float probability, uint64_t key, uint32_t stream,
                    bool accumulate);
};

extern const struct kernel_table shoal_table_baseline;
#if defined(__x86_64__)
extern const struct kernel_table shoal_table_avx2;
extern const struct kernel_table shoal_table_avx512;
#endif

/// The table of the level in use.
const struct kernel_table *shoal_kernels(void);

/// Calls `body` on ranges that cover 0..<units: on this thread, or shared out over libgomp's pool when there are at
/// least two times `grain` units. Ranges are contiguous.
void shoal_parallel(size_t units, size_t grain, void (*body)(size_t begin, size_t end, void *context), void *context);

#endif
