// Quantisers of update codecs. A level's arithmetic must not show in the bytes: no fused multiply-add.

typedef double double8_sums __attribute__((ext_vector_type(8)));

INLINE double total8(const double8_sums *sums) {
    double result = 0;
    for (int i = 0; i < 8; i++) result += (*sums)[i];
    return result;
}

/// Nearest whole number, ties to even, for |x| < 2^22.
INLINE vfloat nearest(vfloat x) {
#pragma clang fp contract(off)
    const float shift = 12582912.0f;  // 1.5 · 2^23
    return (x + shift) - shift;
}

/// Adds the products of eight values with their levels, and the levels' squares. Both are exact in double.
INLINE void add_products(const float *x, const float *levels, double8_sums *product, double8_sums *squares) {
    const double8_sums q = __builtin_convertvector((float8) * (const float8_anywhere *)levels, double8_sums);
    *product += q * __builtin_convertvector((float8) * (const float8_anywhere *)x, double8_sums);
    *squares += q * q;
}

/// Eight accumulators at every level, value i going to number i mod 8.
static struct shoal_quantised LEVEL(quantise_uniform)(const float *x, float factor, int32_t limit, int32_t offset,
                                                      uint16_t *symbols, size_t n) {
#pragma clang fp contract(off)
    const vfloat highest = (vfloat)(float)limit, lowest = -highest;
    double8_sums product = 0, squares = 0;
    for (size_t i = 0; i < n; i += 16) {
        float levels[16] __attribute__((aligned(64)));
        for (size_t j = 0; j < 16; j += LANES) {
            const vfloat level = nearest(minimum(maximum(load(x + i + j) * factor, lowest), highest));
            store(levels + j, level);
            const vint codes = __builtin_convertvector(level, vint) + offset;
            *(vhalf_anywhere *)(symbols + i + j) = __builtin_convertvector(codes, vhalf);
        }
        add_products(x + i, levels, &product, &squares);
        add_products(x + i + 8, levels + 8, &product, &squares);
    }
    return (struct shoal_quantised){total8(&product), total8(&squares)};
}

/// A binary search without branches, for sixteen values at a time.
static struct shoal_quantised LEVEL(quantise_levels)(const float *x, const float *thresholds, const float *levels,
                                                     unsigned bits, uint16_t *symbols, size_t n) {
    double8_sums product = 0, squares = 0;
    for (size_t i = 0; i < n; i += 16) {
        uint32_t index[16] = {0};
        for (uint32_t half = 1u << bits >> 1; half > 0; half >>= 1) {
            for (int j = 0; j < 16; j++) {
                const uint32_t isAbove = thresholds[index[j] + half - 1] < x[i + (size_t)j];
                index[j] += isAbove * half;
            }
        }
        float chosen[16];
        for (int j = 0; j < 16; j++) {
            chosen[j] = levels[index[j]];
            symbols[i + (size_t)j] = (uint16_t)index[j];
        }
        add_products(x + i, chosen, &product, &squares);
        add_products(x + i + 8, chosen + 8, &product, &squares);
    }
    return (struct shoal_quantised){total8(&product), total8(&squares)};
}

static void LEVEL(dequantise_uniform)(const uint16_t *symbols, int32_t offset, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (float)((int32_t)symbols[i] - offset);
}

static void LEVEL(quantise_int8)(const float *x, int8_t *values, float *scales, size_t n, size_t block) {
#pragma clang fp contract(off)
    typedef int8_t vbyte __attribute__((ext_vector_type(LANES)));
    typedef vbyte vbyte_anywhere __attribute__((aligned(1)));
    for (size_t begin = 0, b = 0; begin < n; begin += block, b++) {
        const size_t count = n - begin < block ? n - begin : block, whole = count / LANES * LANES;
        vuint best = 0;
        for (size_t i = 0; i < whole; i += LANES) {
            const vuint bits = __builtin_bit_cast(vuint, load(x + begin + i)) & 0x7FFFFFFFu;
            best = bits > best ? bits : best;
        }
        uint32_t peak = 0;
        for (int i = 0; i < LANES; i++) peak = best[i] > peak ? best[i] : peak;
        for (size_t i = whole; i < count; i++) {
            const uint32_t bits = __builtin_bit_cast(uint32_t, x[begin + i]) & 0x7FFFFFFFu;
            peak = bits > peak ? bits : peak;
        }
        const float scale = __builtin_bit_cast(float, peak) / 127;
        const float factor = scale >= 0x1p-120f ? 1 / scale : 0;  // Below it, a reciprocal would overflow.
        scales[b] = factor > 0 ? scale : 0;
        for (size_t i = 0; i < whole; i += LANES) {
            const vfloat level = nearest(minimum(maximum(load(x + begin + i) * factor, (vfloat)-127.0f), (vfloat)127.0f));
            *(vbyte_anywhere *)(values + begin + i) =
                __builtin_convertvector(__builtin_convertvector(level, vint), vbyte);
        }
        for (size_t i = whole; i < count; i++) {
            float level = x[begin + i] * factor;
            level = level > 127 ? 127 : level < -127 ? -127 : level;
            values[begin + i] = (int8_t)((level + 12582912.0f) - 12582912.0f);
        }
    }
}

static void LEVEL(dequantise_int8_blocks)(const int8_t *values, const float *scales, float *out, size_t n,
                                          size_t block) {
    for (size_t begin = 0, b = 0; begin < n; begin += block, b++) {
        const size_t end = n - begin < block ? n : begin + block;
        for (size_t i = begin; i < end; i++) out[i] = scales[b] * (float)values[i];
    }
}

static double LEVEL(mark_above)(const float *x, uint32_t threshold, uint16_t *symbols, size_t n) {
    typedef uint32_t uint8x __attribute__((ext_vector_type(8)));
    typedef uint16_t half8 __attribute__((ext_vector_type(8)));
    typedef half8 half8_anywhere __attribute__((aligned(2)));
    double8_sums sums = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const uint8x bits = __builtin_bit_cast(uint8x, (float8) * (const float8_anywhere *)(x + i));
        const uint8x magnitude = bits & 0x7FFFFFFFu;
        const uint8x kept = __builtin_bit_cast(uint8x, magnitude > threshold);
        *(half8_anywhere *)(symbols + i) = __builtin_convertvector(kept & (1u + (bits >> 31)), half8);
        sums += __builtin_convertvector(__builtin_bit_cast(float8, magnitude & kept), double8_sums);
    }
    double rest = 0;
    for (; i < n; i++) {
        const uint32_t bits = __builtin_bit_cast(uint32_t, x[i]), magnitude = bits & 0x7FFFFFFFu;
        const bool kept = magnitude > threshold;
        symbols[i] = kept ? (uint16_t)(1 + (bits >> 31)) : 0;
        if (kept) rest += (double)__builtin_bit_cast(float, magnitude);
    }
    return total8(&sums) + rest;
}

static void LEVEL(ternary_values)(const uint16_t *symbols, float magnitude, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        out[i] = symbols[i] == 0 ? 0 : symbols[i] == 1 ? magnitude : -magnitude;
    }
}
