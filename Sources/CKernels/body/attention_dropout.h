// Dropout of attention's weights. A counter stands for one query and eight keys in a row, two to a random word, so that
// the forward pass (lanes are queries) makes its masks where it needs them.

enum { dropout_keys = 8 };

/// A drop happens for random numbers below this; in 65536ths.
INLINE uint32_t dropout_threshold(const struct shoal_attention_shape *shape) {
    return (uint32_t)(shape->dropout_probability * 65536.0f + 0.5f);
}

/// What a kept weight is multiplied by: exact for the probability that the threshold stands for.
INLINE float dropout_factor(const struct shoal_attention_shape *shape) {
    return 65536.0f / (65536.0f - (float)dropout_threshold(shape));
}

/// For a vector of queries from `query` and the eight keys from `key`, a multiple of eight: 0 or `factor` for each.
/// `row` is block · H + head.
static void LEVEL(dropout_factors)(const struct shoal_attention_shape *shape, size_t row, size_t query, size_t key,
                                   vfloat factors[dropout_keys]) {
    const vuint queries = __builtin_convertvector(lane_index(), vuint) + (uint32_t)query;
    const struct LEVEL(words) random = LEVEL(philox_words)(queries, (uint32_t)(key / dropout_keys),
                                                           shape->dropout_stream, (uint32_t)row, shape->dropout_key);
    const uint32_t threshold = dropout_threshold(shape);
    const float factor = dropout_factor(shape);
    for (int j = 0; j < dropout_keys; j++) {
        const vuint number = j % 2 ? random.word[j / 2] >> 16 : random.word[j / 2] & 0xFFFFu;
        factors[j] = number >= threshold ? (vfloat)factor : (vfloat)0;
    }
}

/// The factors of `count` queries from `query` and a tile's keys from `key`, (count, tile); room for whole vectors of
/// queries.
static void LEVEL(tile_factors)(const struct shoal_attention_shape *shape, size_t row, size_t query, size_t count,
                                size_t key, float *factors) {
    const size_t tile = LEVEL(tile);
    for (size_t first = 0; first < count; first += LANES) {
        for (size_t group = 0; group < tile; group += dropout_keys) {
            vfloat columns[dropout_keys];
            LEVEL(dropout_factors)(shape, row, query + first, key + group, columns);
            for (size_t j = 0; j < dropout_keys; j++) {
                for (size_t lane = 0; lane < LANES; lane++) {
                    factors[(first + lane) * tile + group + j] = columns[j][lane];
                }
            }
        }
    }
}
