// Quantised weights' rows as float32 or bfloat16.

INLINE void int8_rows(const shoal_type T, const int8_t *values, const float *scales, void *out, size_t C,
                      size_t begin, size_t end) {
    typedef int8_t vbyte __attribute__((ext_vector_type(LANES)));
    typedef vbyte vbyte_anywhere __attribute__((aligned(1)));
    for (size_t row = begin; row < end; row++) {
        const int8_t *x = values + row * C;
        const vfloat scale = (vfloat)scales[row];
        size_t c = 0;
        for (; c + LANES <= C; c += LANES) {
            vfloat wide = __builtin_convertvector(*(const vbyte_anywhere *)(x + c), vfloat);
            store_as(T, out, row * C + c, LANES, wide * scale);
        }
        if (c == C) continue;
        float rest[LANES] = {0};
        for (size_t i = c; i < C; i++) rest[i - c] = (float)x[i];
        store_as(T, out, row * C + c, C - c, load(rest) * scale);
    }
}

static void LEVEL(dequantise_int8)(const int8_t *values, const float *scales, shoal_type type, void *out, size_t C,
                                   size_t begin, size_t end) {
    FOR_TYPE(type, int8_rows(T, values, scales, out, C, begin, end));
}

#if LANES > 4
typedef uint8_t bytes32 __attribute__((ext_vector_type(32)));
typedef uint8_t bytes16 __attribute__((ext_vector_type(16)));
typedef bytes16 bytes16_anywhere __attribute__((aligned(1)));

/// The 32 codes of 16 bytes, upper halves first.
INLINE bytes32 unpacked(const uint8_t *packed) {
    bytes16 pairs = *(const bytes16_anywhere *)packed;
    bytes16 upper = pairs >> 4, lower = pairs & 15;
    return __builtin_shufflevector(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25,
                                   10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#endif

/// out[i] = table[code i] for the 32 codes of 16 bytes.
INLINE void look_up_floats(const float *table, const uint8_t *packed, float *out) {
#if LANES > 4
    const bytes32 codes = unpacked(packed);
#endif
#if LANES == 16
    const __m512 all = _mm512_loadu_ps(table);
    _mm512_storeu_ps(out, _mm512_permutexvar_ps(_mm512_cvtepu8_epi32((__m128i)codes.lo), all));
    _mm512_storeu_ps(out + 16, _mm512_permutexvar_ps(_mm512_cvtepu8_epi32((__m128i)codes.hi), all));
#elif LANES == 8
    const __m256 low = _mm256_loadu_ps(table), high = _mm256_loadu_ps(table + 8);
    const __m128i parts[2] = {(__m128i)codes.lo, (__m128i)codes.hi};
    for (int i = 0; i < 4; i++) {
        const __m128i part = i % 2 == 0 ? parts[i / 2] : _mm_unpackhi_epi64(parts[i / 2], parts[i / 2]);
        const __m256i index = _mm256_cvtepu8_epi32(part);
        const __m256 isHigh = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));  // The code's top bit as the sign.
        _mm256_storeu_ps(out + 8 * i, _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, index),
                                                       _mm256_permutevar8x32_ps(high, index), isHigh));
    }
#else
    for (int i = 0; i < 16; i++) {
        out[2 * i] = table[packed[i] >> 4];
        out[2 * i + 1] = table[packed[i] & 15];
    }
#endif
}

/// The same of 16-bit values.
INLINE void look_up_halves(const uint16_t *table, const uint8_t *packed, uint16_t *out) {
#if LANES > 4
    const bytes32 codes = unpacked(packed);
#endif
#if LANES == 16
    const __m512i all = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)table));
    _mm512_storeu_si512(out, _mm512_permutexvar_epi16(_mm512_cvtepu8_epi16((__m256i)codes), all));
#elif LANES == 8
    // Lower and upper bytes of the sixteen values, looked up apart.
    const bytes32 both = *(const bytes32 *)__builtin_assume_aligned(table, 32);
    const __m128i lower = (__m128i)both.even, upper = (__m128i)both.odd;
    const __m128i parts[2] = {(__m128i)codes.lo, (__m128i)codes.hi};
    for (int i = 0; i < 2; i++) {
        const __m128i low = _mm_shuffle_epi8(lower, parts[i]), high = _mm_shuffle_epi8(upper, parts[i]);
        _mm_storeu_si128((__m128i *)(out + 16 * i), _mm_unpacklo_epi8(low, high));
        _mm_storeu_si128((__m128i *)(out + 16 * i + 8), _mm_unpackhi_epi8(low, high));
    }
#else
    for (int i = 0; i < 16; i++) {
        out[2 * i] = table[packed[i] >> 4];
        out[2 * i + 1] = table[packed[i] & 15];
    }
#endif
}

/// A block's sixteen possible results are made first, in the result's type; its values are then looked up.
INLINE void nf4_rows(const shoal_type T, const struct shoal_nf4 *w, void *out, size_t C, size_t begin, size_t end) {
    const size_t blocks = (C + SHOAL_NF4_BLOCK - 1) / SHOAL_NF4_BLOCK;
    for (size_t row = begin; row < end; row++) {
        const uint8_t *codes = w->codes + row * ((C + 1) / 2);
        for (size_t b = 0; b < blocks; b++) {
            const size_t index = row * blocks + b, first = b * SHOAL_NF4_BLOCK;
            const size_t count = C - first < SHOAL_NF4_BLOCK ? C - first : SHOAL_NF4_BLOCK;
            // In double the product is exact, so that fused arithmetic gives the same bits.
            const float absmax = (float)((double)shoal_nf4_map_table[w->absmax[index]] *
                                             (double)w->scales[index / SHOAL_NF4_SCALES] +
                                         (double)w->offset);
            float table[16] __attribute__((aligned(64)));
            uint16_t halves[16] __attribute__((aligned(32)));
            for (int i = 0; i < 16; i += LANES) {
                const vfloat values = load(shoal_nf4_value_table + i) * absmax;
                store_as(SHOAL_FLOAT32, table, (size_t)i, LANES, values);
                if (T == SHOAL_BFLOAT16) store_as(SHOAL_BFLOAT16, halves, (size_t)i, LANES, values);
            }
            size_t c = first;
            const size_t end_of_block = first + count;
            for (; c + 32 <= end_of_block; c += 32) {
                if (T == SHOAL_FLOAT32) look_up_floats(table, codes + c / 2, (float *)out + row * C + c);
                else look_up_halves(halves, codes + c / 2, (uint16_t *)out + row * C + c);
            }
            for (; c < end_of_block; c++) {
                const int code = c % 2 == 0 ? codes[c / 2] >> 4 : codes[c / 2] & 15;
                if (T == SHOAL_FLOAT32) ((float *)out)[row * C + c] = table[code];
                else ((uint16_t *)out)[row * C + c] = halves[code];
            }
        }
    }
}

static void LEVEL(dequantise_nf4)(const struct shoal_nf4 *weight, shoal_type type, void *out, size_t C, size_t begin,
                                  size_t end) {
    FOR_TYPE(type, nf4_rows(T, weight, out, C, begin, end));
}
