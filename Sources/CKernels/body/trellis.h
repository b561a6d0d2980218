// The search of trellis-coded quantisation. A level's arithmetic must not show in the bytes: no fused multiply-add.

/// The values at even and at odd places of 2 · LANES floats.
INLINE void split_pairs(const float *x, vfloat *even, vfloat *odd) {
    const vfloat low = load(x), high = load(x + LANES);
#if LANES == 4
    *even = __builtin_shufflevector(low, high, 0, 2, 4, 6);
    *odd = __builtin_shufflevector(low, high, 1, 3, 5, 7);
#elif LANES == 8
    *even = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
    *odd = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    *even = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *odd = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#endif
}

/// A bit for each lane of a comparison, the first lane's lowest.
INLINE uint32_t lanes_set(vint x) {
#if LANES == 16
    return _mm512_movepi32_mask((__m512i)x);
#elif LANES == 8
    return (uint32_t)_mm256_movemask_ps((__m256)x);
#else
    const vint bits = x & (vint){1, 2, 4, 8};
    return (uint32_t)(bits[0] | bits[1] | bits[2] | bits[3]);
#endif
}

/// One step of Viterbi's algorithm: states q and q + half, with opposite rows, follow 2q and 2q + 1, of which the better
/// one is kept. A `count` that the compiler knows, at most 16, keeps the values in registers.
INLINE void trellis_step(const float *x, size_t count, const float *columns, const float *before, float *after,
                         uint8_t *choices) {
#pragma clang fp contract(off)
    enum { half = SHOAL_TRELLIS_STATES / 2, held = 16 };
    vfloat values[held];  // The stores below might change x, as far as the compiler knows.
    const size_t first = count < held ? count : held;
    for (size_t i = 0; i < first; i++) values[i] = (vfloat)x[i];
    for (size_t block = 0; block < half; block += 16) {
        uint32_t bits = 0;
        for (size_t part = 0; part < 16; part += LANES) {
            const size_t q = block + part;
            vfloat even, odd;
            split_pairs(before + 2 * q, &even, &odd);
            const vint isOdd = odd > even;
            const vfloat best = isOdd ? odd : even;
            bits |= lanes_set(isOdd) << part;
            vfloat gain = count > 0 ? load(columns + q) * values[0] : (vfloat)0;
            for (size_t i = 1; i < first; i++) gain += load(columns + i * half + q) * values[i];
            for (size_t i = held; i < count; i++) gain += load(columns + i * half + q) * x[i];
            store(after + q, best + gain);
            store(after + q + half, best - gain);
        }
        choices[block / 8] = (uint8_t)bits;
        choices[block / 8 + 1] = (uint8_t)(bits >> 8);
    }
}

/// All steps: the scores of the last one are left in `scores`, of which there are two sets.
static void LEVEL(trellis_search)(const float *x, const uint32_t *starts, size_t steps, const float *columns,
                                  float *scores, uint8_t *choices) {
    enum { states = SHOAL_TRELLIS_STATES, bytes = states / 16 };
    float *before = scores, *after = scores + states;
    for (size_t i = 0; i < steps; i++) {
        const float *values = x + starts[i];
        const size_t count = starts[i + 1] - starts[i];
        switch (count) {
#define STEP_OF(n) case n: trellis_step(values, n, columns, before, after, choices + i * bytes); break;
            STEP_OF(1) STEP_OF(2) STEP_OF(3) STEP_OF(4) STEP_OF(5) STEP_OF(6) STEP_OF(7) STEP_OF(8)
            STEP_OF(9) STEP_OF(10) STEP_OF(11) STEP_OF(12) STEP_OF(13) STEP_OF(14) STEP_OF(15) STEP_OF(16)
#undef STEP_OF
            default: trellis_step(values, count, columns, before, after, choices + i * bytes);
        }
        float *next = before;
        before = after;
        after = next;
    }
    if (before != scores) memcpy(scores, before, states * sizeof *scores);
}
