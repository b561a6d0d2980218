// Philox4x32-10 (Salmon et al., SC 2011). Element e belongs to the counter 16 · (e / 64) + e mod 16, word (e / 16) mod
// 4, so that a vector's lanes are counters next to each other and the mask is the same at every level.

typedef uint64_t vuint64 __attribute__((ext_vector_type(LANES)));

/// The high word of `factor` · x; the low word is an ordinary product.
INLINE vuint multiply_high(uint32_t factor, vuint x) {
    vuint64 product = __builtin_convertvector(x, vuint64) * (uint64_t)factor;
    return __builtin_convertvector(product >> 32, vuint);
}

struct LEVEL(words) { vuint word[4]; };

INLINE struct LEVEL(words) philox(uint64_t block, uint64_t key, uint32_t stream) {
    vuint index = __builtin_convertvector(lane_index(), vuint);
    vuint c0 = (uint32_t)block + index, c1 = (uint32_t)(block >> 32), c2 = stream, c3 = 0;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        vuint high0 = multiply_high(0xD2511F53u, c0), low0 = c0 * 0xD2511F53u;
        vuint high1 = multiply_high(0xCD9E8D57u, c2), low1 = c2 * 0xCD9E8D57u;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct LEVEL(words)){{c0, c1, c2, c3}};
}

/// out = or += x · mask / (1 − probability), for elements begin..<end of the mask, begin a multiple of 64.
INLINE void dropout_range(const shoal_type T, const void *x, void *out, size_t begin, size_t end, float probability,
                          uint64_t key, uint32_t stream, bool accumulate) {
    const uint32_t threshold = (uint32_t)((double)probability * 4294967296.0);
    const float keep = 1 / (1 - probability);
    for (size_t chunk = begin; chunk < end; chunk += 64) {
        for (size_t part = 0; part < 16; part += LANES) {
            struct LEVEL(words) random = philox(chunk / 4 + part, key, stream);
            for (size_t word = 0; word < 4; word++) {
                const size_t e = chunk + word * 16 + part;
                if (e >= end) continue;
                vfloat value = load_as(T, x, e, end - e) * keep;
                value = random.word[word] >= threshold ? value : (vfloat)0;
                if (accumulate) value += load_as(T, out, e, end - e);
                store_as(T, out, e, end - e, value);
            }
        }
    }
}

static void LEVEL(dropout)(shoal_type type, const void *x, void *out, size_t begin, size_t end, float probability,
                           uint64_t key, uint32_t stream, bool accumulate) {
    FOR_TYPE(type, dropout_range(T, x, out, begin, end, probability, key, stream, accumulate));
}
