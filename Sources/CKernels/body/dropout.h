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

/// out (n) = or += x · mask / (1 − probability).
static void LEVEL(dropout)(const float *x, float *out, size_t n, float probability, uint64_t key, uint32_t stream,
                           bool accumulate) {
    const uint32_t threshold = (uint32_t)((double)probability * 4294967296.0);
    const float keep = 1 / (1 - probability);
    for (size_t chunk = 0; chunk < n; chunk += 64) {
        for (size_t part = 0; part < 16; part += LANES) {
            struct LEVEL(words) random = philox(chunk / 4 + part, key, stream);
            for (size_t word = 0; word < 4; word++) {
                const size_t e = chunk + word * 16 + part;
                if (e >= n) continue;
                const size_t count = n - e < LANES ? n - e : LANES;
                const bool whole = count == LANES;
                vfloat value = (whole ? load(x + e) : load_first(x + e, count)) * keep;
                value = random.word[word] >= threshold ? value : (vfloat)0;
                if (accumulate) value += whole ? load(out + e) : load_first(out + e, count);
                if (whole) store(out + e, value); else store_first(out + e, value, count);
            }
        }
    }
}
