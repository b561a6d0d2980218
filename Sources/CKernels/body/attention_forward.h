// Lanes are queries: scores, maxima and sums of a tile's queries are vectors, a key's or value's numbers are broadcast,
// and no step reduces across lanes, whatever the head size.

enum { LEVEL(key_tile) = 64 };

/// Scores of `count` keys against LANES queries; qT (D, LANES).
INLINE void score_keys(int count, const float *qT, const float *keys, size_t stride, size_t D, vfloat *scores) {
    vfloat total[8];
    _Pragma("unroll") for (int j = 0; j < count; j++) total[j] = 0;
    for (size_t d = 0; d < D; d++) {
        vfloat q = load(qT + d * LANES);
        _Pragma("unroll") for (int j = 0; j < count; j++) total[j] += keys[(size_t)j * stride + d] * q;
    }
    for (int j = 0; j < count; j++) scores[j] = total[j];
}

/// outT (D, LANES) += Σ over keys of weight · value, for `count` channels from `d`.
INLINE void weigh_values(int count, const vfloat *weights, const float *values, size_t stride, size_t keys,
                         float *outT) {
    vfloat total[8];
    for (int j = 0; j < count; j++) total[j] = load(outT + j * LANES);
    for (size_t key = 0; key < keys; key++) {
        vfloat w = weights[key];
        _Pragma("unroll") for (int j = 0; j < count; j++) total[j] += values[key * stride + (size_t)j] * w;
    }
    for (int j = 0; j < count; j++) store(outT + j * LANES, total[j]);
}

/// One tile of up to LANES queries from `first` of one head. q, k, v and out point at the head's first channel.
static void LEVEL(attention_forward_tile)(const float *q, const float *k, const float *v, float *out, float *lse,
                                          const struct shoal_attention_shape *shape, size_t first) {
    const size_t D = shape->head_size, queryStride = shape->heads * D, keyStride = shape->key_heads * D;
    const size_t lanes = shape->queries - first < LANES ? shape->queries - first : LANES;
    const size_t past = shape->keys - shape->queries;
    float qT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES], outT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES];
    vfloat scores[LEVEL(key_tile)];
    if (lanes < LANES) memset(qT, 0, D * LANES * sizeof(float));
    transpose(q + first * queryStride, queryStride, lanes, D, qT, LANES);
    for (size_t d = 0; d < D; d++) {
        store(qT + d * LANES, load(qT + d * LANES) * shape->scale);
        store(outT + d * LANES, (vfloat)0);
    }
    const float hidden = -1e30f;
    vfloat highest = hidden, total = 0;
    const vint lastVisible = lane_index() + (int32_t)(past + first);
    const size_t keysVisible = past + first + lanes;
    for (size_t tile = 0; tile < keysVisible; tile += LEVEL(key_tile)) {
        const size_t count = keysVisible - tile < LEVEL(key_tile) ? keysVisible - tile : LEVEL(key_tile);
        size_t j = 0;
        for (; j + 8 <= count; j += 8) score_keys(8, qT, k + (tile + j) * keyStride, keyStride, D, scores + j);
        for (; j < count; j++) score_keys(1, qT, k + (tile + j) * keyStride, keyStride, D, scores + j);
        if (tile + count > past + first) {
            for (j = 0; j < count; j++) {
                scores[j] = (vint)((int32_t)(tile + j)) > lastVisible ? (vfloat)hidden : scores[j];
            }
        }
        vfloat before = highest;
        for (j = 0; j < count; j++) highest = maximum(highest, scores[j]);
        vfloat correction = vexp(before - highest);
        total *= correction;
        for (size_t d = 0; d < D && tile > 0; d++) store(outT + d * LANES, load(outT + d * LANES) * correction);
        for (j = 0; j < count; j++) {
            scores[j] = vexp(scores[j] - highest);
            total += scores[j];
        }
        const float *values = v + tile * keyStride;
        size_t d = 0;
        for (; d + 8 <= D; d += 8) weigh_values(8, scores, values + d, keyStride, count, outT + d * LANES);
        for (; d + 2 <= D; d += 2) weigh_values(2, scores, values + d, keyStride, count, outT + d * LANES);
        for (; d < D; d++) weigh_values(1, scores, values + d, keyStride, count, outT + d * LANES);
    }
    for (size_t d = 0; d < D; d++) store(outT + d * LANES, load(outT + d * LANES) / total);
    transpose(outT, LANES, D, lanes, out + first * queryStride, queryStride);
    if (!lse) return;
    for (size_t lane = 0; lane < lanes; lane++) lse[first + lane] = highest[lane] + logf(total[lane]);
}

/// Units are (block, head) pairs.
static void LEVEL(attention_forward)(const float *q, const float *k, const float *v, float *out, float *lse,
                                     const struct shoal_attention_shape *shape, size_t begin, size_t end) {
    const size_t D = shape->head_size, group = shape->heads / shape->key_heads;
    for (size_t unit = begin; unit < end; unit++) {
        const size_t block = unit / shape->heads, head = unit % shape->heads;
        const size_t queryOffset = block * shape->queries * shape->heads * D + head * D;
        const size_t keyOffset = block * shape->keys * shape->key_heads * D + head / group * D;
        for (size_t first = 0; first < shape->queries; first += LANES) {
            LEVEL(attention_forward_tile)(q + queryOffset, k + keyOffset, v + keyOffset, out + queryOffset,
                                          lse ? lse + unit * shape->queries : NULL, shape, first);
        }
    }
}
