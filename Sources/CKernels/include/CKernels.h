/// The loops that Swift cannot compile well for the running CPU, in four levels picked once at start:
/// the baseline of the platform, AVX2 with FMA, AVX-512 (F, BW, VL, DQ), and that with products of bfloat16 pairs.
///
/// All tensors are row-major. Activations are float32 or bfloat16 (`shoal_type` says which) and every sum is float32;
/// small vectors (norm weights, biases) are float32. Letters: B blocks, T tokens a block, C channels, H heads, G key/value heads,
/// D head size, V vocabulary. Same inputs, level and thread count give the same bits; the thread count changes nothing
/// but speed, because threads share out whole rows or heads.
#ifndef SHOAL_KERNELS_H
#define SHOAL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How an activation's values are stored.
typedef enum { SHOAL_FLOAT32 = 0, SHOAL_BFLOAT16 = 1 } shoal_type;

// Levels

enum {
    SHOAL_KERNELS_BASELINE = 0,
    SHOAL_KERNELS_AVX2 = 1,
    SHOAL_KERNELS_AVX512 = 2,
    SHOAL_KERNELS_AVX512_BFLOAT16 = 3
};

/// The level in use.
int shoal_kernels_level(void);
/// The highest level that this CPU and this build have.
int shoal_kernels_highest(void);
/// Uses `level` from now on, for tests; false (and no change) where the CPU lacks it. Not while kernels run.
bool shoal_kernels_force(int level);

// Threads

/// At most `threads` threads in every later kernel, whatever thread calls; 0 means one for each processor that the
/// process may use. The threads are one pool of the process: while one caller has it, others compute alone.
void shoal_threads_limit(int threads);
/// Threads that a kernel called from this thread may use.
int shoal_threads_available(void);

// Matrix products

enum { SHOAL_PRODUCT_TERMS_MAX = 8 };

/// One term A · B of a sum: A (rows, inner), B (inner, columns). A factor that is `transposed` is stored the other way
/// round. Strides lie between stored rows. Unit: values.
struct shoal_product_term {
    const void *a;
    size_t a_stride;
    bool a_transposed;
    const void *b;
    size_t b_stride;
    bool b_transposed;
    size_t inner;
    /// All of B from `shoal_pack`, or NULL.
    const struct shoal_panels *b_panels;
};

/// C (rows, columns) = Σ terms + bias, or C += Σ terms. All factors are of `type`; sums are float32 and are rounded once.
struct shoal_product {
    shoal_type type;
    const struct shoal_product_term *terms;
    /// At most SHOAL_PRODUCT_TERMS_MAX.
    size_t count;
    size_t rows, columns;
    shoal_type result_type;
    void *result;
    size_t result_stride;
    bool accumulate;
    /// (columns) or NULL.
    const float *bias;
};

/// The order in which a value's terms are added depends on the level alone.
void shoal_multiply(const struct shoal_product *product);

/// A right factor laid out once as the tiles of one level read it; products at another level leave it aside.
struct shoal_panels;
/// What `shoal_pack` writes for a factor B (inner, columns), as the level in use would. Unit: bytes.
size_t shoal_panels_bytes(shoal_type type, size_t inner, size_t columns);
/// Packs a term's B, of `columns` columns. panels: `shoal_panels_bytes`, aligned to 64.
void shoal_pack(shoal_type type, const struct shoal_product_term *term, size_t columns, struct shoal_panels *panels);

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
/// y[i] += x[i]
void shoal_add_values(shoal_type y_type, void *y, shoal_type x_type, const void *x, size_t n);
/// out[i] = factor · x[i] in another type. Narrowing rounds to nearest, ties to even.
void shoal_convert(shoal_type from, const void *x, shoal_type to, void *out, size_t n, float factor);
/// (rows, C) out[r][c] = x[r][c] · factors[c] + bias[c]; bias may be NULL, out may be x; strides are between rows.
void shoal_scale_columns(shoal_type type, const void *x, size_t x_stride, const float *factors, const float *bias,
                         void *out, size_t out_stride, size_t rows, size_t C);
/// (rows, C) sums[c] += Σ over rows of x[r][c] · y[r][c], or of x alone where y is NULL.
void shoal_column_products(shoal_type type, const void *x, size_t x_stride, const void *y, size_t y_stride,
                           float *sums, size_t rows, size_t C);
/// (rows, C) x[r][c] *= factors[r]
void shoal_scale_rows(float *x, const float *factors, size_t rows, size_t C);
/// (rows, C) → (C, rows): y[c][r] += x[r][c]
void shoal_add_transposed(const float *x, float *y, size_t rows, size_t C);
/// One step of Adam with decoupled weight decay (arXiv:1711.05101), as torch.optim.AdamW.
/// bias1 = 1 − beta1^t and bias2 = 1 − beta2^t at step t, counted from 1.
void shoal_adamw_step(float *values, const float *gradient, float *m, float *v, size_t n, float lr, float beta1,
                      float beta2, float eps, float weight_decay, float bias1, float bias2);

// Embedding

/// (V, C) table, ids (rows) → out (rows, C) = or += table[id] · factor. Ids must lie in 0..<V.
void shoal_gather_rows(shoal_type type, const void *table, const int32_t *ids, float *out, size_t rows, size_t C,
                       float factor, bool accumulate);

// Root-mean-square normalisation (arXiv:1910.07467) and layer normalisation (arXiv:1607.06450)

struct shoal_norm {
    size_t rows;          ///< normalised rows: tokens · groups
    size_t columns;       ///< C, values in each
    size_t groups;        ///< normalised rows side by side in a token's row (heads), usually 1
    size_t x_stride;      ///< between tokens' rows of x and dx
    size_t out_stride;    ///< between tokens' rows of out and dout
    bool centred;         ///< layer normalisation: the mean is taken off first
    float epsilon;
    const float *weight;  ///< (C)
    const float *bias;    ///< (C) or NULL
};
/// With v = x + delta: normal = (v − mean) / √(variance + ε), rounded to `type`, out = normal · weight + bias.
/// x and sum have type `input` (float32 or `type`), all else `type`; delta, sum, normal are (rows, C) without gaps and
/// may be NULL; sum gets v and may be x; rstd (rows) gets 1 / √(variance + ε).
void shoal_norm_forward(shoal_type input, shoal_type type, const struct shoal_norm *shape, const void *x,
                        const void *delta, void *sum, void *normal, void *out, float *rstd);
/// out once more, the same bits, from a kept `normal`.
void shoal_norm_repeat(shoal_type type, const struct shoal_norm *shape, const void *normal, void *out);
/// dx = (or, accumulating, +=) the gradient of v; dx has type `input`. `copy` (rows, C), of `type`, gets the result
/// too (NULL: not wanted).
void shoal_norm_backward(shoal_type input, shoal_type type, const struct shoal_norm *shape, const void *dout,
                         const void *normal, const float *rstd, void *dx, void *copy, bool accumulate);

// Rotary position embedding (arXiv:2104.09864), halves as Hugging Face lays them out

struct shoal_rotary {
    size_t rows;          ///< B · T
    size_t length;        ///< T; row r stands at position start + r mod T
    size_t start;
    size_t heads;
    size_t head_size;
    size_t rotated;       ///< values of a head that turn: its first ones; even
    size_t stride;        ///< between rows
    const float *cosine;  ///< (positions, rotated / 2)
    const float *sine;
};
/// In place: pairs (x[j], x[j + rotated / 2]) of each head turn by their position's angle.
void shoal_rotary_forward(shoal_type type, void *x, const struct shoal_rotary *shape);
/// The inverse rotation, in place on a gradient.
void shoal_rotary_backward(shoal_type type, void *dx, const struct shoal_rotary *shape);

// Activation functions and gated units

enum shoal_activation { SHOAL_SILU, SHOAL_GELU, SHOAL_GELU_TANH, SHOAL_RELU, SHOAL_TANH };
struct shoal_gate {
    enum shoal_activation activation;
    size_t rows, columns;
    size_t stride;  ///< between rows of gate, up, dgate and dup; dout and out have no gaps
};
/// out = activation(gate) · up, or activation(gate) alone where up is NULL.
void shoal_gate_forward(shoal_type type, const struct shoal_gate *shape, const void *gate, const void *up, void *out);
/// dgate and dup (NULL where up is) from dout; `out` gets the forward result again (NULL: not wanted).
void shoal_gate_backward(shoal_type type, const struct shoal_gate *shape, const void *dout, const void *gate,
                         const void *up, void *dgate, void *dup, void *out);

// Grouped-query attention, tiled with an online softmax: no (T, T) matrix (arXiv:2205.14135)

struct shoal_attention_shape {
    size_t blocks;      ///< B
    /// (B + 1): the rows at which each block's queries and keys begin, and how many rows there are. Blocks may differ
    /// in length. With K keys and T ≤ K queries in a block, query i stands at position i + K − T.
    const int32_t *query_starts, *key_starts;
    size_t heads;       ///< H
    size_t key_heads;   ///< G, divides H
    size_t head_size;   ///< D, at most SHOAL_ATTENTION_MAX_HEAD_SIZE
    /// Values from one token's row to the next, of q, k, v and out (and of dq, dk, dv and dout); a row has its heads
    /// side by side.
    size_t query_stride, key_stride, value_stride, out_stride;
    size_t window;      ///< 0: none; else a query sees only keys less than this many positions before it
    bool causal;        ///< a query sees no key after it
    float scale;        ///< positive, usually 1 / √D
    /// Inverted dropout of the softmax's weights; 0: none. The mask of a weight comes from Philox4x32-10 (key; block,
    /// head, query, key, stream) alone.
    float dropout_probability;
    uint32_t dropout_stream;
    uint64_t dropout_key;
};
enum { SHOAL_ATTENTION_MAX_HEAD_SIZE = 256 };

/// Values that `scratch` of a pass must have room for: O(longest block · D) a thread, and a head in some backward
/// passes.
size_t shoal_attention_scratch(const struct shoal_attention_shape *shape, bool backward);
/// q (queries, H · D), k and v (keys, G · D) → out (queries, H · D), all of `type` and with the shape's strides, and
/// lse, the logarithm of each softmax's denominator, block by block (H, T) (NULL: not wanted).
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

// The same over a large vocabulary, one block of its columns after another; the logits never exist together

/// The running state of each row before the first block: highest −1e30, total 0, target 0.
/// logits (rows, columns) of the words from `first` → weights (rows, columns) = e^(logit − highest) in `type` (NULL:
/// not wanted); highest, total and target are brought up to date; kept (rows) = e^(old highest − new highest).
void shoal_vocabulary_block(shoal_type type, const float *logits, void *weights, const int32_t *labels, size_t first,
                            size_t rows, size_t columns, float *highest, float *total, float *target, float *kept);

// Inverted dropout

/// out = x · mask / (1 − probability). The mask of element i comes from Philox4x32-10 (key; i, stream) alone.
void shoal_dropout_forward(shoal_type type, const void *x, void *out, size_t n, float probability, uint64_t key,
                           uint32_t stream);
/// dx += dout · mask / (1 − probability), the same mask.
void shoal_dropout_backward(shoal_type type, const void *dout, void *dx, size_t n, float probability, uint64_t key,
                            uint32_t stream);

// Quantised weights

/// (rows, C) out[r][c] = scales[r] · values[r][c]
void shoal_dequantise_int8(const int8_t *values, const float *scales, shoal_type type, void *out, size_t rows,
                           size_t C);

enum {
    SHOAL_NF4_BLOCK = 64,   ///< values that share an absolute maximum; a row's last block may be shorter
    SHOAL_NF4_SCALES = 256  ///< absolute maxima that share a scale
};

/// A matrix (rows, C) of 4-bit NormalFloats with doubly quantised absolute maxima (QLoRA, arXiv:2305.14314): in block b,
/// values[code] · (map[absmax[b]] · scales[b / 256] + offset), blocks counted row after row.
struct shoal_nf4 {
    const uint8_t *codes;   ///< (rows, ⌈C / 2⌉), two a byte, the earlier value in the upper half
    const uint8_t *absmax;  ///< (rows, ⌈C / 64⌉)
    const float *scales;    ///< (⌈rows · ⌈C / 64⌉ / 256⌉)
    float offset;
};

/// (16) What the codes mean: quantiles of the normal distribution, ascending from −1 to 1 with an exact zero at 7.
const float *shoal_nf4_values(void);
/// (256) What the absolute maxima's codes mean, ascending from about −1 to 1: signs, decimal exponents and linear
/// fractions of varying length (dynamic tree quantisation, arXiv:1511.04561; bitsandbytes' signed 8-bit map).
const float *shoal_nf4_map(void);

void shoal_dequantise_nf4(const struct shoal_nf4 *weight, shoal_type type, void *out, size_t rows, size_t C);

#include "codec_kernels.h"

#endif
