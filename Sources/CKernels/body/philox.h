// Philox4x32-10 (Salmon et al., SC 2011): four random words for each lane's counter.

typedef uint64_t vuint64 __attribute__((ext_vector_type(LANES)));

/// The high word of `factor` · x; the low word is an ordinary product.
INLINE vuint multiply_high(uint32_t factor, vuint x) {
    vuint64 product = __builtin_convertvector(x, vuint64) * (uint64_t)factor;
    return __builtin_convertvector(product >> 32, vuint);
}

struct LEVEL(words) { vuint word[4]; };

static struct LEVEL(words) LEVEL(philox_words)(vuint c0, uint32_t second, uint32_t third, uint32_t fourth,
                                               uint64_t key) {
    vuint c1 = second, c2 = third, c3 = fourth;
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
