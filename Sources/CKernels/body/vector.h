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

/// To the nearest bfloat16, ties to even; not-a-number stays so.
INLINE vhalf narrow(vfloat x) {
    vuint bits = __builtin_bit_cast(vuint, x);
    vuint rounded = bits + 0x7FFFu + ((bits >> 16) & 1u);
    rounded = (bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits | 0x400000u) : rounded;
    return __builtin_convertvector(rounded >> 16, vhalf);
}

/// The first `count` < LANES values, the rest zero.
INLINE vfloat load_first(const float *p, size_t count) {
    float values[LANES] = {0};
    for (size_t i = 0; i < count; i++) values[i] = p[i];
    return load(values);
}

INLINE void store_first(float *p, vfloat x, size_t count) {
    float values[LANES];
    store(values, x);
    for (size_t i = 0; i < count; i++) p[i] = values[i];
}

/// `count` values of `type` from p[i], the rest of the vector zero.
INLINE vfloat load_as(shoal_type type, const void *p, size_t i, size_t count) {
    if (type == SHOAL_FLOAT32) {
        const float *values = (const float *)p + i;
        return count >= LANES ? load(values) : load_first(values, count);
    }
    const uint16_t *values = (const uint16_t *)p + i;
    if (count >= LANES) return widen(*(const vhalf_anywhere *)values);
    uint16_t some[LANES] = {0};
    for (size_t j = 0; j < count; j++) some[j] = values[j];
    return widen(*(const vhalf_anywhere *)some);
}

INLINE void store_as(shoal_type type, void *p, size_t i, size_t count, vfloat x) {
    if (type == SHOAL_FLOAT32) {
        float *values = (float *)p + i;
        if (count >= LANES) store(values, x); else store_first(values, x, count);
        return;
    }
    uint16_t *values = (uint16_t *)p + i;
    vhalf halves = narrow(x);
    if (count >= LANES) {
        *(vhalf_anywhere *)values = halves;
        return;
    }
    for (size_t j = 0; j < count; j++) values[j] = halves[j];
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

/// to[c][r] = from[r][c] for (rows, columns) of `from`.
INLINE void transpose(const float *from, size_t from_stride, size_t rows, size_t columns, float *to,
                      size_t to_stride) {
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
