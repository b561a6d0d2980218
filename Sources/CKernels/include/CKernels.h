/// The loops that Swift cannot compile well for the running CPU, in three levels picked once at start:
/// the baseline of the platform, AVX2 with FMA, and AVX-512 (F, BW, VL, DQ).
///
/// All tensors are row-major float32. Letters: B blocks, T tokens a block, C channels, H heads, G key/value heads,
/// D head size, V vocabulary. Same inputs, level and thread count give the same bits; the thread count changes nothing
/// but speed, because threads share out whole rows or heads.
#ifndef SHOAL_KERNELS_H
#define SHOAL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What activations are stored as; the arithmetic is float32 always, and storing rounds to nearest even.
typedef enum { SHOAL_FLOAT32 = 0, SHOAL_BFLOAT16 = 1 } shoal_type;

// Levels

enum { SHOAL_KERNELS_BASELINE = 0, SHOAL_KERNELS_AVX2 = 1, SHOAL_KERNELS_AVX512 = 2 };

/// The level in use.
int shoal_kernels_level(void);
/// The highest level that this CPU and this build have.
int shoal_kernels_highest(void);
/// Uses `level` from now on, for tests; false (and no change) where the CPU lacks it. Not while kernels run.
bool shoal_kernels_force(int level);

// Threads

/// At most `threads` threads in every later kernel and oneDNN call, whatever thread calls; 0 means the runtime's own
/// choice. Needs libgomp (which oneDNN brings); without it everything runs on the calling thread.
void shoal_threads_limit(int threads);
/// Makes the limit hold on the calling thread. OpenMP's setting is per thread: call it before oneDNN.
void shoal_threads_apply(void);
/// Threads that a kernel called from this thread may use.
int shoal_threads_available(void);

// Vectors

/// y[i] += a · x[i]
void shoal_axpy(float a, const float *x, float *y, size_t n);
/// x[i] *= a
void shoal_scale(float *x, float a, size_t n);
/// Σ x[i]², summed in double precision in an order that depends on n alone.
double shoal_squared_norm(const float *x, size_t n);
/// Σ x[i] · y[i], summed like `shoal_squared_norm`.
double shoal_dot(const float *x, const float *y, size_t n);
/// out[i] = e^x[i], relative error below 1e-6; 0 below -87.3, and large but finite above 88.
void shoal_exp(const float *x, float *out, size_t n);
/// (rows, C) y[r][c] += bias[c]
void shoal_add_bias(float *y, const float *bias, size_t rows, size_t C);
/// (rows, C) → (C, rows): y[c][r] += x[r][c]
void shoal_add_transposed(const float *x, float *y, size_t rows, size_t C);
/// One step of Adam with decoupled weight decay (arXiv:1711.05101), as torch.optim.AdamW.
/// bias1 = 1 − beta1^t and bias2 = 1 − beta2^t at step t, counted from 1.
void shoal_adamw_step(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                      float beta2, float eps, float weight_decay, float bias1, float bias2);

// Embedding

/// (V, C) table, ids (rows) → out (rows, C). Ids must lie in 0..<V.
void shoal_gather_rows(const float *table, const int32_t *ids, float *out, size_t rows, size_t C);

// Root-mean-square normalisation (arXiv:1910.07467)

/// x (rows, C), weight (C) → out (rows, C) = x · rstd · weight and rstd (rows) = 1 / √(mean(x²) + eps).
void shoal_rmsnorm_forward(const float *x, const float *weight, float *out, float *rstd, size_t rows, size_t C,
                           float eps);
/// The same after a residual addition: sum (rows, C) += x (rows, C), then out and rstd from the sum.
void shoal_residual_rmsnorm_forward(const float *x, float *sum, const float *weight, float *out, float *rstd,
                                    size_t rows, size_t C, float eps);
/// out = x · rstd · weight again from a saved rstd.
void shoal_rmsnorm_repeat(const float *x, const float *weight, const float *rstd, float *out, size_t rows, size_t C);
/// dx (rows, C) (+)= the gradient through the normalisation; adds to dx when `accumulate`.
void shoal_rmsnorm_backward(const float *dout, const float *x, const float *weight, const float *rstd, float *dx,
                            size_t rows, size_t C, bool accumulate);

// Rotary position embedding (arXiv:2104.09864), halves as Hugging Face lays them out

/// x (B, T, H · D), in place: pairs (x[j], x[j + D/2]) turn by the angle of position `start + t`.
/// cosine and sine (positions, D/2).
void shoal_rotary_forward(float *x, const float *cosine, const float *sine, size_t B, size_t T, size_t H, size_t D,
                          size_t start);
/// The transposed (inverse) rotation, in place on a gradient.
void shoal_rotary_backward(float *dx, const float *cosine, const float *sine, size_t B, size_t T, size_t H, size_t D,
                           size_t start);

// Gated unit

/// out = silu(gate) · up, n values each.
void shoal_swiglu_forward(const float *gate, const float *up, float *out, size_t n);
/// dgate and dup from dout; `out` gets the forward result again (NULL: not wanted). dgate may be dout.
void shoal_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                           float *out, size_t n);

// Grouped-query attention, tiled with an online softmax: no (T, T) matrix (arXiv:2205.14135)

struct shoal_attention_shape {
    size_t blocks;      ///< B
    size_t queries;     ///< query tokens a block, T
    size_t keys;        ///< key tokens a block, at least `queries`; query i stands at position i + keys − queries
    size_t heads;       ///< H
    size_t key_heads;   ///< G, divides H
    size_t head_size;   ///< D, at most SHOAL_ATTENTION_MAX_HEAD_SIZE
    /// Values from one token's row to the next, of q, k, v and out (and of dq, dk, dv and dout); a row has its heads
    /// side by side.
    size_t query_stride, key_stride, value_stride, out_stride;
    size_t window;      ///< 0: none; else a query sees only keys less than this many positions before it
    bool causal;        ///< a query sees no key after it; if false, keys == queries
    /// (B), or NULL: keys at or beyond a block's length are hidden (padding on the right). With keys == queries,
    /// queries there are padding too: their out and dq are zero, and dk and dv get nothing from them.
    const int32_t *lengths;
    float scale;        ///< usually 1 / √D
};
enum { SHOAL_ATTENTION_MAX_HEAD_SIZE = 256 };

/// Values that `scratch` of a pass must have room for: O(T · D) a thread, and a head in some backward passes.
size_t shoal_attention_scratch(const struct shoal_attention_shape *shape, bool backward);
/// q (B, queries, H · D), k and v (B, keys, G · D) → out (B, queries, H · D), all of `type` and with the shape's
/// strides, and lse (B, H, queries), the logarithm of each softmax's denominator (NULL: not wanted; 1e30 where
/// a query sees nothing).
void shoal_attention_forward(shoal_type type, const void *q, const void *k, const void *v, void *out, float *lse,
                             float *scratch, const struct shoal_attention_shape *shape);
/// dq, dk, dv from dout and what the forward pass left. None of them may overlap an input.
void shoal_attention_backward(shoal_type type, const void *q, const void *k, const void *v, const void *out,
                              const float *lse, const void *dout, float *scratch, void *dq, void *dk, void *dv,
                              const struct shoal_attention_shape *shape);

// Softmax cross-entropy

/// logits (rows, V), labels (rows), negative labels counting nothing → losses (rows) in nats.
/// With `gradient`, logits become (softmax − one-hot) · gradient_scale in place (zero where the label is negative);
/// without it they keep their values.
void shoal_cross_entropy(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V, bool gradient,
                         float gradient_scale);

// Inverted dropout

/// out = x · mask / (1 − probability). The mask of element i comes from Philox4x32-10 (key; i, stream) alone.
void shoal_dropout_forward(const float *x, float *out, size_t n, float probability, uint64_t key, uint32_t stream);
/// dx += dout · mask / (1 − probability), the same mask.
void shoal_dropout_backward(const float *dout, float *dx, size_t n, float probability, uint64_t key, uint32_t stream);

#endif
