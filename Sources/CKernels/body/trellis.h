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

/// One step of Viterbi's algorithm: states q and q + half, with opposite rows, follow 2q and 2q + 1, of which the better
/// one is kept.
static void LEVEL(trellis_step)(const float *x, size_t count, const float *columns, const float *before, float *after,
                                uint8_t *choices) {
#pragma clang fp contract(off)
    enum { half = SHOAL_TRELLIS_STATES / 2 };
    typedef uint8_t vbyte __attribute__((ext_vector_type(LANES)));
    typedef vbyte vbyte_anywhere __attribute__((aligned(1)));
    for (size_t q = 0; q < half; q += LANES) {
        vfloat even, odd;
        split_pairs(before + 2 * q, &even, &odd);
        const vint isOdd = odd > even;
        const vfloat best = isOdd ? odd : even;
        *(vbyte_anywhere *)(choices + q) = __builtin_convertvector(isOdd & 1, vbyte);
        vfloat gain = 0;
        for (size_t i = 0; i < count; i++) gain += load(columns + i * half + q) * x[i];
        store(after + q, best + gain);
        store(after + q + half, best - gain);
    }
}
