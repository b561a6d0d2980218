// Element e belongs to the counter 16 · (e / 64) + e mod 16, word (e / 16) mod
// 4, so that a vector's lanes are counters next to each other and the mask is the same at every level.

INLINE struct LEVEL(words) philox(uint64_t block, uint64_t key, uint32_t stream) {
    vuint index = __builtin_convertvector(lane_index(), vuint);
    return LEVEL(philox_words)((uint32_t)block + index, (uint32_t)(block >> 32), stream, 0, key);
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
