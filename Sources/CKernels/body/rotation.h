// Random signs and the fast Walsh–Hadamard transform.

static void LEVEL(flip_signs)(const float *x, const uint64_t *signs, float factor, float *out, size_t n) {
    const vuint bit = (vuint)1u << __builtin_convertvector(lane_index(), vuint);
    for (size_t i = 0; i < n; i += LANES) {
        const vuint word = (vuint)(uint32_t)(signs[i / 64] >> (i % 64));
        const vuint sign = (word & bit) != 0 ? (vuint)0x80000000u : (vuint)0u;
        store(out + i, __builtin_bit_cast(vfloat, __builtin_bit_cast(vuint, load(x + i) * factor) ^ sign));
    }
}

/// (a, b) → (a + b, a − b) for the values h apart inside a vector; `partner` has each pair swapped.
#define BUTTERFLY(x, h, partner)                                                                                 \
    do {                                                                                                         \
        const vint second = (lane_index() & (h)) != 0;                                                           \
        const vuint minus = second ? (vuint)0x80000000u : (vuint)0u;                                             \
        x = (partner) + __builtin_bit_cast(vfloat, __builtin_bit_cast(vuint, x) ^ minus);                        \
    } while (0)

/// All stages inside one vector.
INLINE vfloat hadamard_lanes(vfloat x) {
#if LANES == 4
    BUTTERFLY(x, 1, __builtin_shufflevector(x, x, 1, 0, 3, 2));
    BUTTERFLY(x, 2, __builtin_shufflevector(x, x, 2, 3, 0, 1));
#elif LANES == 8
    BUTTERFLY(x, 1, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6));
    BUTTERFLY(x, 2, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5));
    BUTTERFLY(x, 4, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
#else
    BUTTERFLY(x, 1, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
    BUTTERFLY(x, 2, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    BUTTERFLY(x, 4, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
    BUTTERFLY(x, 8, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
#endif
    return x;
}

/// Stages in ascending order at every level, so that every sum is formed in the same order.
static void LEVEL(hadamard)(float *x, size_t n) {
    size_t h = 1;
    if (n >= LANES) {
        for (size_t i = 0; i < n; i += LANES) store(x + i, hadamard_lanes(load(x + i)));
        h = LANES;
        for (; 4 * h <= n; h *= 4) {  // Two stages at a time.
            for (size_t i = 0; i < n; i += 4 * h) {
                for (size_t j = i; j < i + h; j += LANES) {
                    const vfloat a = load(x + j), b = load(x + j + h), c = load(x + j + 2 * h), d = load(x + j + 3 * h);
                    const vfloat ab = a + b, a_b = a - b, cd = c + d, c_d = c - d;
                    store(x + j, ab + cd);
                    store(x + j + h, a_b + c_d);
                    store(x + j + 2 * h, ab - cd);
                    store(x + j + 3 * h, a_b - c_d);
                }
            }
        }
    }
    for (; h < n; h *= 2) {
        for (size_t i = 0; i < n; i += 2 * h) {
            for (size_t j = i; j < i + h; j++) {
                const float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
        }
    }
}
#undef BUTTERFLY
