// Vectors of LANES floats, their loads and stores, and the exponential.

#define INLINE static inline __attribute__((always_inline))

typedef float vfloat __attribute__((ext_vector_type(LANES)));
typedef int32_t vint __attribute__((ext_vector_type(LANES)));
typedef uint32_t vuint __attribute__((ext_vector_type(LANES)));
typedef vfloat vfloat_anywhere __attribute__((aligned(4)));
typedef float float8 __attribute__((ext_vector_type(8)));
typedef float8 float8_anywhere __attribute__((aligned(4)));
typedef float float4 __attribute__((ext_vector_type(4)));
typedef float4 float4_anywhere __attribute__((aligned(4)));

typedef uint16_t vhalf __attribute__((ext_vector_type(LANES)));
typedef vhalf vhalf_anywhere __attribute__((aligned(2)));

INLINE vfloat load(const float *p) { return *(const vfloat_anywhere *)p; }
INLINE void store(float *p, vfloat x) { *(vfloat_anywhere *)p = x; }

/// A bfloat16 is the upper half of a float.
INLINE vfloat widen(vhalf x) { return __builtin_bit_cast(vfloat, __builtin_convertvector(x, vuint) << 16); }

/// To the nearest bfloat16, ties to even; not-a-number stays so. The same bits at every level.
INLINE vhalf narrow_exactly(vfloat x) {
    vuint bits = __builtin_bit_cast(vuint, x);
    vuint rounded = bits + 0x7FFFu + ((bits >> 16) & 1u);
    rounded = (bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits | 0x400000u) : rounded;
    return __builtin_convertvector(rounded >> 16, vhalf);
}

/// The same in one instruction where there is one, which takes numbers below the normal range for 0.
INLINE vhalf narrow(vfloat x) {
#ifdef BFLOAT16_PAIRS
    return __builtin_bit_cast(vhalf, _mm512_cvtneps_pbh((__m512)x));
#else
    return narrow_exactly(x);
#endif
}

/// The first `count` < LANES values, the rest zero.
INLINE vfloat load_first(const float *p, size_t count) {
#if LANES == 16
    return (vfloat)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#else
    float values[LANES] = {0};
    for (size_t i = 0; i < count; i++) values[i] = p[i];
    return load(values);
#endif
}

INLINE void store_first(float *p, vfloat x, size_t count) {
#if LANES == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)x);
#else
    float values[LANES];
    store(values, x);
    for (size_t i = 0; i < count; i++) p[i] = values[i];
#endif
}

INLINE vhalf load_first_halves(const uint16_t *p, size_t count) {
#if LANES == 16
    return __builtin_bit_cast(vhalf, _mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p));
#else
    uint16_t values[LANES] = {0};
    for (size_t i = 0; i < count; i++) values[i] = p[i];
    return *(const vhalf_anywhere *)values;
#endif
}

INLINE void store_first_halves(uint16_t *p, vhalf x, size_t count) {
#if LANES == 16
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << count) - 1), __builtin_bit_cast(__m256i, x));
#else
    for (size_t i = 0; i < count; i++) p[i] = x[i];
#endif
}

/// `count` values of `type` from p[i], the rest of the vector zero.
INLINE vfloat load_as(shoal_type type, const void *p, size_t i, size_t count) {
    if (type == SHOAL_FLOAT32) {
        const float *values = (const float *)p + i;
        return count >= LANES ? load(values) : load_first(values, count);
    }
    const uint16_t *values = (const uint16_t *)p + i;
    return widen(count >= LANES ? *(const vhalf_anywhere *)values : load_first_halves(values, count));
}

INLINE void store_halves(uint16_t *p, vhalf x, size_t count) {
    if (count >= LANES) *(vhalf_anywhere *)p = x; else store_first_halves(p, x, count);
}

INLINE void store_as(shoal_type type, void *p, size_t i, size_t count, vfloat x) {
    if (type == SHOAL_BFLOAT16) {
        store_halves((uint16_t *)p + i, narrow(x), count);
    } else if (count >= LANES) {
        store((float *)p + i, x);
    } else {
        store_first((float *)p + i, x, count);
    }
}

/// The address of value i.
INLINE const void *at(shoal_type type, const void *p, size_t i) {
    return (const char *)p + i * (type == SHOAL_FLOAT32 ? 4 : 2);
}
INLINE void *at_mutable(shoal_type type, void *p, size_t i) { return (char *)p + i * (type == SHOAL_FLOAT32 ? 4 : 2); }

/// Runs `call` with T a constant, so that the compiler makes one loop for each element type.
#define FOR_TYPE(type, call)                                \
    do {                                                    \
        if ((type) == SHOAL_FLOAT32) {                      \
            const shoal_type T = SHOAL_FLOAT32;             \
            call;                                           \
        } else {                                            \
            const shoal_type T = SHOAL_BFLOAT16;            \
            call;                                           \
        }                                                   \
    } while (0)

INLINE float sum4(float4 x) { return (x.x + x.z) + (x.y + x.w); }
#if LANES == 4
INLINE float sum(vfloat x) { return sum4(x); }
#elif LANES == 8
INLINE float sum(vfloat x) { return sum4(x.lo + x.hi); }
#else
INLINE float sum(vfloat x) {
    float8 half = x.lo + x.hi;
    return sum4(half.lo + half.hi);
}
#endif

/// 1 / x to a float's precision for normal x of a normal reciprocal.
INLINE vfloat reciprocal(vfloat x) {
#if LANES == 16
    const vfloat near = (vfloat)_mm512_rcp14_ps((__m512)x);  // To 2^−14; a step of Newton's doubles the digits.
    return near + near * (1 - x * near);
#else
    return 1 / x;
#endif
}

INLINE vfloat maximum(vfloat a, vfloat b) { return a > b ? a : b; }
INLINE vfloat minimum(vfloat a, vfloat b) { return a < b ? a : b; }

INLINE float largest(vfloat x) {
    float values[LANES];
    store(values, x);
    float result = values[0];
    for (int i = 1; i < LANES; i++) result = values[i] > result ? values[i] : result;
    return result;
}

INLINE vint lane_index(void) {
    vint index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    return index;
}

/// e^x: x = n ln 2 + r with |r| ≤ ln 2 / 2, Taylor's series of e^r to the 7th power (remainder below 3e-9 of the
/// result), n added to the exponent. ln 2 comes in two parts so that n · (first part) is exact.
INLINE vfloat vexp(vfloat x) {
    const float lowest = -87.3f, highest = 88.0f, shift = 12582912.0f;  // shift = 1.5 · 2^23 rounds to an integer.
    vfloat clamped = minimum(maximum(x, (vfloat)lowest), (vfloat)highest);
    vfloat shifted = clamped * 1.44269504088896341f + shift;
    vfloat n = shifted - shift;
    vfloat r = clamped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vfloat p = (vfloat)(1.0f / 5040.0f);
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vuint power = (__builtin_convertvector(__builtin_convertvector(n, vint), vuint) + 127u) << 23;
    vfloat result = p * __builtin_bit_cast(vfloat, power);
    return x < lowest ? (vfloat)0.0f : result;
}

/// Swaps rows and columns of a 4 × 4 block.
INLINE void transpose4(const float *from, size_t from_stride, float *to, size_t to_stride) {
    float4 a = *(const float4_anywhere *)from, b = *(const float4_anywhere *)(from + from_stride);
    float4 c = *(const float4_anywhere *)(from + 2 * from_stride), d = *(const float4_anywhere *)(from + 3 * from_stride);
    float4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    float4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(float4_anywhere *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(float4_anywhere *)(to + to_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(float4_anywhere *)(to + 2 * to_stride) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(float4_anywhere *)(to + 3 * to_stride) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

#if LANES == 16
/// Swaps rows and columns of a 16 × 16 block: pairs of values, then of pairs, then of fours, then of eights change
/// places.
INLINE void transpose16(const float *from, size_t from_stride, float *to, size_t to_stride) {
    vfloat a[16], b[16];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i++) a[i] = load(from + i * from_stride);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i += 4) {  // a[i + j]: in each 128 bits, column 4 · lane + j of rows i..<i + 4.
        a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        a[i + 1] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        a[i + 2] = __builtin_shufflevector(b[i + 1], b[i + 3], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        a[i + 3] =
            __builtin_shufflevector(b[i + 1], b[i + 3], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
        const vfloat low = __builtin_shufflevector(a[j], a[4 + j], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        const vfloat high =
            __builtin_shufflevector(a[j], a[4 + j], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        const vfloat low2 =
            __builtin_shufflevector(a[8 + j], a[12 + j], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        const vfloat high2 =
            __builtin_shufflevector(a[8 + j], a[12 + j], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        // low: lanes 0 and 2 of rows 0..<4 and 4..<8; the order of fours is put right by the last exchange.
        store(to + j * to_stride, __builtin_shufflevector(low, low2, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
        store(to + (8 + j) * to_stride,
              __builtin_shufflevector(low, low2, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
        store(to + (4 + j) * to_stride,
              __builtin_shufflevector(high, high2, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
        store(to + (12 + j) * to_stride,
              __builtin_shufflevector(high, high2, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
    }
}
#endif

/// to[c][r] = from[r][c] for (rows, columns) of `from`.
INLINE void transpose(const float *from, size_t from_stride, size_t rows, size_t columns, float *to,
                      size_t to_stride) {
#if LANES == 16
    while (rows >= 16) {  // Blocks of 16 rows; the rest below.
        size_t c = 0;
        for (; c + 16 <= columns; c += 16) transpose16(from + c, from_stride, to + c * to_stride, to_stride);
        for (; c + 4 <= columns; c += 4) {
            for (size_t r = 0; r < 16; r += 4) {
                transpose4(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
            }
        }
        for (; c < columns; c++) {
            for (size_t r = 0; r < 16; r++) to[c * to_stride + r] = from[r * from_stride + c];
        }
        from += 16 * from_stride;
        to += 16;
        rows -= 16;
    }
#endif
    const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    for (size_t r = 0; r < whole_rows; r += 4) {
        for (size_t c = 0; c < whole_columns; c += 4) {
            transpose4(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        size_t c = r < whole_rows ? whole_columns : 0;
#pragma clang loop vectorize(disable)
        for (; c < columns; c++) to[c * to_stride + r] = from[r * from_stride + c];
    }
}
