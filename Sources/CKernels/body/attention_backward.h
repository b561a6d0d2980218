// Lanes are keys: the gradients of a tile's keys and values grow in place, a query's numbers, its log-sum-exp and its
// delta are broadcast; only the queries' gradient needs the scores the other way round, from memory.

/// One key tile's working set, (D, LANES) each.
struct LEVEL(key_tile_state) {
    float kT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES], vT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES];
    float dkT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES], dvT[SHOAL_ATTENTION_MAX_HEAD_SIZE * LANES];
};

/// dq[j][0 ..< width] += Σ over keys of ds[j][key] · k[key][0 ..< width], for `queries` rows.
#define QUERY_GRADIENT(name, type, unaligned, width)                                                              \
    INLINE void name(int queries, const float *ds, const float *k, size_t keyStride, size_t keys, float *dq,      \
                     size_t queryStride) {                                                                        \
        type total[8];                                                                                            \
        for (int j = 0; j < queries; j++) total[j] = *(const unaligned *)(dq + (size_t)j * queryStride);          \
        for (size_t key = 0; key < keys; key++) {                                                                 \
            type row = *(const unaligned *)(k + key * keyStride);                                                 \
            for (int j = 0; j < queries; j++) total[j] += ds[j * LANES + (int)key] * row;                         \
        }                                                                                                         \
        for (int j = 0; j < queries; j++) *(unaligned *)(dq + (size_t)j * queryStride) = total[j];                \
    }
QUERY_GRADIENT(query_gradient_lanes, vfloat, vfloat_anywhere, LANES)
QUERY_GRADIENT(query_gradient_8, float8, float8_anywhere, 8)
QUERY_GRADIENT(query_gradient_4, float4, float4_anywhere, 4)
QUERY_GRADIENT(query_gradient_1, float, float, 1)
#undef QUERY_GRADIENT

/// `count` queries from `query` of one head against the key tile at `tile`. Pointers are at the head's first channel.
INLINE void backward_queries(int count, const float *q, const float *k, const float *dout, const float *lse,
                             const float *delta, float *dq, const struct shoal_attention_shape *shape, size_t query,
                             size_t tile, size_t keys, struct LEVEL(key_tile_state) *state) {
    const size_t D = shape->head_size, queryStride = shape->heads * D, keyStride = shape->key_heads * D;
    const float *queries = q + query * queryStride, *gradients = dout + query * queryStride;
    vfloat weights[8], scoreGradients[8];
    for (int j = 0; j < count; j++) weights[j] = scoreGradients[j] = 0;
    for (size_t d = 0; d < D; d++) {
        vfloat key = load(state->kT + d * LANES);
        for (int j = 0; j < count; j++) weights[j] += queries[(size_t)j * queryStride + d] * key;
    }
    for (size_t d = 0; d < D; d++) {
        vfloat value = load(state->vT + d * LANES);
        for (int j = 0; j < count; j++) scoreGradients[j] += gradients[(size_t)j * queryStride + d] * value;
    }
    float stored[8 * LANES];
    for (int j = 0; j < count; j++) {
        vfloat p = vexp(weights[j] * shape->scale - lse[query + (size_t)j]);
        if (query + (size_t)j < tile + LANES) {
            p = lane_index() + (int32_t)tile > (int32_t)(query + (size_t)j) ? (vfloat)0 : p;
        }
        weights[j] = p;
        scoreGradients[j] = p * (scoreGradients[j] - delta[query + (size_t)j]) * shape->scale;
        store(stored + j * LANES, scoreGradients[j]);
    }
    for (size_t d = 0; d < D; d++) {
        vfloat dv = load(state->dvT + d * LANES), dk = load(state->dkT + d * LANES);
        for (int j = 0; j < count; j++) {
            dv += gradients[(size_t)j * queryStride + d] * weights[j];
            dk += queries[(size_t)j * queryStride + d] * scoreGradients[j];
        }
        store(state->dvT + d * LANES, dv);
        store(state->dkT + d * LANES, dk);
    }
    const float *rows = k + tile * keyStride;
    float *target = dq + query * queryStride;
    size_t d = 0;
    for (; d + LANES <= D; d += LANES) {
        query_gradient_lanes(count, stored, rows + d, keyStride, keys, target + d, queryStride);
    }
    for (; d + 8 <= D; d += 8) query_gradient_8(count, stored, rows + d, keyStride, keys, target + d, queryStride);
    for (; d + 4 <= D; d += 4) query_gradient_4(count, stored, rows + d, keyStride, keys, target + d, queryStride);
    for (; d < D; d++) query_gradient_1(count, stored, rows + d, keyStride, keys, target + d, queryStride);
}

/// delta (T) = Σ over channels of dout · out, and dq = 0, for one head.
INLINE void prepare_queries(const float *out, const float *dout, float *delta, float *dq, size_t T, size_t stride,
                            size_t D) {
    for (size_t t = 0; t < T; t++) {
        const float *o = out + t * stride, *g = dout + t * stride;
        vfloat products = 0;
        float rest = 0;
        size_t d = 0;
        for (; d + LANES <= D; d += LANES) products += load(o + d) * load(g + d);
        for (; d < D; d++) rest += o[d] * g[d];
        delta[t] = sum(products) + rest;
        for (d = 0; d < D; d++) dq[t * stride + d] = 0;
    }
}

/// One key tile of one key/value head, over all query heads of its group.
static void LEVEL(attention_backward_tile)(const float *q, const float *k, const float *v, const float *lse,
                                           const float *dout, const float *delta, float *dq, float *dk, float *dv,
                                           const struct shoal_attention_shape *shape, size_t tile) {
    const size_t D = shape->head_size, T = shape->queries, keyStride = shape->key_heads * D;
    const size_t group = shape->heads / shape->key_heads, keys = T - tile < LANES ? T - tile : LANES;
    struct LEVEL(key_tile_state) state;
    for (size_t d = 0; d < D; d++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            state.kT[d * LANES + lane] = lane < keys ? k[(tile + lane) * keyStride + d] : 0;
            state.vT[d * LANES + lane] = lane < keys ? v[(tile + lane) * keyStride + d] : 0;
        }
        store(state.dkT + d * LANES, (vfloat)0);
        store(state.dvT + d * LANES, (vfloat)0);
    }
    for (size_t head = 0; head < group; head++) {
        const size_t channel = head * D, row = head * T;
        size_t query = tile;
        for (; query + 8 <= T; query += 8) {
            backward_queries(8, q + channel, k, dout + channel, lse + row, delta + row, dq + channel, shape, query,
                             tile, keys, &state);
        }
        for (; query < T; query++) {
            backward_queries(1, q + channel, k, dout + channel, lse + row, delta + row, dq + channel, shape, query,
                             tile, keys, &state);
        }
    }
    for (size_t d = 0; d < D; d++) {
        for (size_t lane = 0; lane < keys; lane++) {
            dk[(tile + lane) * keyStride + d] = state.dkT[d * LANES + lane];
            dv[(tile + lane) * keyStride + d] = state.dvT[d * LANES + lane];
        }
    }
}

/// Units are (block, key/value head) pairs.
static void LEVEL(attention_backward)(const float *q, const float *k, const float *v, const float *out,
                                      const float *lse, const float *dout, float *delta, float *dq, float *dk,
                                      float *dv, const struct shoal_attention_shape *shape, size_t begin, size_t end) {
    const size_t D = shape->head_size, T = shape->queries, group = shape->heads / shape->key_heads;
    for (size_t unit = begin; unit < end; unit++) {
        const size_t block = unit / shape->key_heads, keyHead = unit % shape->key_heads;
        const size_t queryOffset = (block * T * shape->heads + keyHead * group) * D;
        const size_t keyOffset = (block * T * shape->key_heads + keyHead) * D;
        const size_t row = (block * shape->heads + keyHead * group) * T;
        for (size_t head = 0; head < group; head++) {
            const size_t offset = queryOffset + head * D;
            prepare_queries(out + offset, dout + offset, delta + row + head * T, dq + offset, T, shape->heads * D, D);
        }
        for (size_t tile = 0; tile < T; tile += LANES) {
            LEVEL(attention_backward_tile)(q + queryOffset, k + keyOffset, v + keyOffset, lse + row,
                                           dout + queryOffset, delta + row, dq + queryOffset, dk + keyOffset,
                                           dv + keyOffset, shape, tile);
        }
    }
}
