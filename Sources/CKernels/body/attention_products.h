// Attention's products, of panels in either layout and of what both passes compute between them, and 2^x.

enum { LEVEL(product_rows) = LANES == 16 ? 8 : 4 };  ///< rows at once: with two vectors, what registers hold

/// sum + a · b, step by step.
INLINE vfloat add_steps(const bool pairs, vfloat sum, vfloat a, vfloat b) {
    return pairs ? add_pairs(sum, a, b) : sum + a * b;
}

/// Two neighbouring tokens' numbers → a panel of columns: a step of pairs, or one after the other.
INLINE void store_tokens(const bool pairs, float *to, size_t stride, vfloat first, vfloat second) {
#ifdef BFLOAT16_PAIRS
    if (pairs) {
        store(to, pairs_across(first, second));
        return;
    }
#endif
    store(to, first);
    store(to + stride, second);
}

/// c (product_rows, vectors · LANES) = a (product_rows, steps) · b (steps, vectors · LANES), plus c unless `fresh`.
/// c stays in registers; a's steps are broadcast.
INLINE void product(const bool pairs, int vectors, const float *a, size_t a_row, size_t a_step, const float *b,
                    size_t b_stride, size_t steps, float *c, size_t c_stride, bool fresh) {
    vfloat total[LEVEL(product_rows)][2];
    _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
        _Pragma("unroll") for (int i = 0; i < vectors; i++) {
            total[j][i] = fresh ? (vfloat)0 : load(c + (size_t)j * c_stride + i * LANES);
        }
    }
    for (size_t p = 0; p < steps; p++) {
        vfloat row[2];
        _Pragma("unroll") for (int i = 0; i < vectors; i++) row[i] = load(b + p * b_stride + i * LANES);
        _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
            const vfloat step = a[(size_t)j * a_row + p * a_step];
            _Pragma("unroll") for (int i = 0; i < vectors; i++) {
                total[j][i] = add_steps(pairs, total[j][i], step, row[i]);
            }
        }
    }
    _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
        float *row = c + (size_t)j * c_stride;
        _Pragma("unroll") for (int i = 0; i < vectors; i++) store(row + i * LANES, total[j][i]);
    }
}

/// c = a · b with a in rows; b and c across `vectors` (1 or 2).
INLINE void any_product_of_rows(const bool pairs, size_t vectors, const float *a, size_t a_row, const float *b,
                                size_t b_stride, size_t steps, float *c, size_t c_stride) {
    if (vectors == 2) {
        product(pairs, 2, a, a_row, 1, b, b_stride, steps, c, c_stride, true);
    } else {
        product(pairs, 1, a, a_row, 1, b, b_stride, steps, c, c_stride, true);
    }
}

/// c (product_rows, width) += a · b; width is a multiple of LANES.
INLINE void any_product(const bool pairs, const float *a, size_t a_row, size_t a_step, const float *b, size_t b_stride,
                        size_t steps, float *c, size_t c_stride, size_t width) {
    size_t i = 0;
    for (; i + 2 * LANES <= width; i += 2 * LANES) {
        product(pairs, 2, a, a_row, a_step, b + i, b_stride, steps, c + i, c_stride, false);
    }
    if (i < width) product(pairs, 1, a, a_row, a_step, b + i, b_stride, steps, c + i, c_stride, false);
}

static void LEVEL(product_of_rows)(bool pairs, size_t vectors, const float *a, size_t a_row, const float *b,
                                   size_t b_stride, size_t steps, float *c, size_t c_stride) {
    if (LEVEL(has_pairs) && pairs) {
        any_product_of_rows(true, vectors, a, a_row, b, b_stride, steps, c, c_stride);
    } else {
        any_product_of_rows(false, vectors, a, a_row, b, b_stride, steps, c, c_stride);
    }
}

/// With a in rows.
static void LEVEL(add_product_of_rows)(bool pairs, const float *a, size_t a_row, const float *b, size_t b_stride,
                                       size_t steps, float *c, size_t c_stride, size_t width) {
    if (LEVEL(has_pairs) && pairs) {
        any_product(true, a, a_row, 1, b, b_stride, steps, c, c_stride, width);
    } else {
        any_product(false, a, a_row, 1, b, b_stride, steps, c, c_stride, width);
    }
}

/// With a in columns, (steps, product_rows) at a stride.
static void LEVEL(add_product_of_columns)(bool pairs, const float *a, size_t a_step, const float *b, size_t b_stride,
                                          size_t steps, float *c, size_t c_stride, size_t width) {
    if (LEVEL(has_pairs) && pairs) {
        any_product(true, a, 1, a_step, b, b_stride, steps, c, c_stride, width);
    } else {
        any_product(false, a, 1, a_step, b, b_stride, steps, c, c_stride, width);
    }
}

/// 2^r for |r| ≤ 1/2, a minimax polynomial.
INLINE vfloat power_of_fraction(vfloat r) {
    vfloat p = r * 0.001326472731307149f + 0.009671512991189957f;
    p = p * r + 0.05550733581185341f;
    p = p * r + 0.24022242426872253f;
    p = p * r + 0.6931470036506653f;
    return p * r + 1.0f;
}

/// 2^x for x ≤ 1, relative error below 2e-7; 0 below -126. NaN stays NaN. x = n + r with |r| ≤ 1/2.
INLINE vfloat power_of_two(vfloat x) {
    const float lowest = -126.0f;
#if LANES == 16
    const __mmask16 kept = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(lowest), _CMP_NLT_UQ);
    const vfloat n = (vfloat)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT);
    return (vfloat)_mm512_maskz_scalef_ps(kept, (__m512)power_of_fraction(x - n), (__m512)n);
#else
    const float shift = 12582912.0f;  // 1.5 · 2^23 rounds to an integer, n straight from its bits.
    const vfloat clamped = (vfloat)lowest > x ? (vfloat)lowest : x;
    const vfloat shifted = clamped + shift;
    const vfloat p = power_of_fraction(clamped - (shifted - shift));
    const vuint power = (__builtin_bit_cast(vuint, shifted) + 127u) << 23;
    const vfloat result = p * __builtin_bit_cast(vfloat, power);
    return x < lowest ? (vfloat)0 : result;
#endif
}
