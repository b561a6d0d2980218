// Two neighbouring bfloat16 in 32 bits, the first one low: what some processors multiply at twice the rate of float32.
// Like the processor, everything here takes numbers below the normal range for 0.

#ifdef BFLOAT16_PAIRS
enum { LEVEL(has_pairs) = true };

/// sum + both products of each lane's pairs, in float32.
INLINE vfloat add_pairs(vfloat sum, vfloat a, vfloat b) {
    return (vfloat)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}

/// 2 · LANES numbers in their order, as pairs of neighbours.
INLINE vfloat pairs_along(vfloat low, vfloat high) { return (vfloat)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }

typedef uint16_t vhalves __attribute__((ext_vector_type(32)));
typedef vhalves vhalves_anywhere __attribute__((aligned(2)));

/// Each lane's two numbers as a pair.
INLINE vfloat pairs_across(vfloat first, vfloat second) {
    const vhalves both = __builtin_bit_cast(vhalves, pairs_along(first, second));
    return __builtin_bit_cast(
        vfloat, __builtin_shufflevector(both, both, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9,
                                        25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
}

/// Two rows' values of the same column side by side: the first 16 columns, the last 16.
INLINE vhalves lower_pairs(vhalves even, vhalves odd) {
    return __builtin_shufflevector(even, odd, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10,
                                   42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47);
}
INLINE vhalves upper_pairs(vhalves even, vhalves odd) {
    return __builtin_shufflevector(even, odd, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25,
                                   57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
}
#else
enum { LEVEL(has_pairs) = false };
INLINE vfloat add_pairs(vfloat sum, vfloat a, vfloat b) { return sum + a * b; }
#endif

INLINE bool LEVEL(in_pairs)(shoal_type type) { return LEVEL(has_pairs) && type == SHOAL_BFLOAT16; }
