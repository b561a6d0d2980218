// Lanes are keys: the gradients of a tile's keys and values grow in place, a query's numbers, its log-sum-exp and its
// delta are broadcast; only the queries' gradient needs the scores the other way round, from memory.

/// A head's queries and output gradients packed by blocks of 8 queries, (T / 8, D, 8) each, the rest of the last block
/// zero: broadcasts then come from adjacent addresses.
INLINE void pack_queries(const float *x, float *packed, size_t T, size_t stride, size_t D) {
    for (size_t block = 0; block < T; block += 8) {
        const size_t count = T - block < 8 ? T - block : 8;
        if (count < 8) memset(packed + block * D, 0, 8 * D * sizeof(float));
        transpose(x + block * stride, stride, count, D, packed + block * D, 8);
    }
}

/// delta (T) = Σ over channels of dout · out, and dq = 0, for one head.
INLINE void prepare_queries(const float *out, const float *dout, float *delta, float *dq, size_t T, size_t stride,
                            size_t D) {
    for (size_t t = 0; t < T; t++) {
        const float *o = out + t * stride, *g = dout + t * stride;
        float *target = dq + t * stride;
        vfloat products = 0;
        float8 products8 = 0;
        float rest = 0;
        size_t d = 0;
        for (; d + LANES <= D; d += LANES) {
            products += load(o + d) * load(g + d);
            store(target + d, (vfloat)0);
        }
        for (; d + 8 <= D; d += 8) {
            products8 += *(const float8_anywhere *)(o + d) * *(const float8_anywhere *)(g + d);
            *(float8_anywhere *)(target + d) = 0;
        }
        for (; d < D; d++) {
            rest += o[d] * g[d];
            target[d] = 0;
        }
        delta[t] = sum(products) + sum4(products8.lo + products8.hi) + rest;
    }
}

/// What one key tile works on; pointers are at the head's first channel.
struct LEVEL(key_tile) {
    const float *k, *q_packed, *dout_packed, *lse, *delta;
    float *dq, *tile;  ///< tile (D, 4, LANES): transposed keys, values and their gradients
    size_t D, T, query_stride, key_stride, first, keys;
    float scale;
};

/// dq[j][0 ..< width] += Σ over keys of ds[j][key] · k[key][0 ..< width], for `queries` rows.
#define QUERY_GRADIENT(name, type, unaligned)                                                                     \
    INLINE void name(const float *ds, const float *k, size_t keyStride, size_t keys, float *dq,                   \
                     size_t queryStride) {                                                                        \
        type total[8];                                                                                            \
        _Pragma("unroll") for (int j = 0; j < 8; j++) total[j] = *(const unaligned *)(dq + (size_t)j * queryStride); \
        for (size_t key = 0; key < keys; key++) {                                                                 \
            type row = *(const unaligned *)(k + key * keyStride);                                                 \
            _Pragma("unroll") for (int j = 0; j < 8; j++) total[j] += ds[(size_t)j * LANES + key] * row;          \
        }                                                                                                         \
        _Pragma("unroll") for (int j = 0; j < 8; j++) *(unaligned *)(dq + (size_t)j * queryStride) = total[j];    \
    }
QUERY_GRADIENT(query_gradient_lanes, vfloat, vfloat_anywhere)
QUERY_GRADIENT(query_gradient_8, float8, float8_anywhere)
QUERY_GRADIENT(query_gradient_4, float4, float4_anywhere)
#undef QUERY_GRADIENT

/// The same for any count of rows and channels, one number at a time.
INLINE void query_gradient_rest(const struct LEVEL(key_tile) *s, const float *ds, float *dq, size_t rows, size_t d) {
    const float *k = s->k + s->first * s->key_stride;
    for (size_t j = 0; j < rows; j++) {
        for (size_t c = d; c < s->D; c++) {
            float total = dq[j * s->query_stride + c];
            for (size_t key = 0; key < s->keys; key++) total += ds[j * LANES + key] * k[key * s->key_stride + c];
            dq[j * s->query_stride + c] = total;
        }
    }
}

/// 8 queries from `query` (fewer at the end) against the tile.
INLINE void backward_queries(const struct LEVEL(key_tile) *s, size_t query) {
    const float *q = s->q_packed + query * s->D, *g = s->dout_packed + query * s->D;
    const size_t rows = s->T - query < 8 ? s->T - query : 8;
    vfloat weights[8] = {0}, gradients[8] = {0};
    for (size_t d = 0; d < s->D; d++) {
        vfloat key = load(s->tile + d * 4 * LANES);
        _Pragma("unroll") for (int j = 0; j < 8; j++) weights[j] += q[d * 8 + (size_t)j] * key;
    }
    for (size_t d = 0; d < s->D; d++) {
        vfloat value = load(s->tile + (d * 4 + 1) * LANES);
        _Pragma("unroll") for (int j = 0; j < 8; j++) gradients[j] += g[d * 8 + (size_t)j] * value;
    }
    float lse[8], delta[8], ds[8 * LANES];
    for (size_t j = 0; j < 8; j++) {
        lse[j] = j < rows ? s->lse[query + j] : 1e30f;  // No weight for queries beyond the end.
        delta[j] = j < rows ? s->delta[query + j] : 0;
    }
    _Pragma("unroll") for (int j = 0; j < 8; j++) weights[j] = vexp(weights[j] * s->scale - lse[j]);
    if (query < s->first + LANES) {
        const vint key = lane_index() + (int32_t)s->first;
        _Pragma("unroll") for (int j = 0; j < 8; j++) {
            weights[j] = key > (int32_t)query + j ? (vfloat)0 : weights[j];
        }
    }
    _Pragma("unroll") for (int j = 0; j < 8; j++) {
        gradients[j] = weights[j] * (gradients[j] - delta[j]) * s->scale;
        store(ds + j * LANES, gradients[j]);
    }
    for (size_t d = 0; d < s->D; d++) {
        float *dk = s->tile + (d * 4 + 2) * LANES, *dv = dk + LANES;
        vfloat dk0 = load(dk), dk1 = 0, dv0 = load(dv), dv1 = 0;  // Two sums each: shorter chains of additions.
        _Pragma("unroll") for (int j = 0; j < 8; j += 2) {
            dk0 += q[d * 8 + (size_t)j] * gradients[j];
            dk1 += q[d * 8 + (size_t)j + 1] * gradients[j + 1];
            dv0 += g[d * 8 + (size_t)j] * weights[j];
            dv1 += g[d * 8 + (size_t)j + 1] * weights[j + 1];
        }
        store(dk, dk0 + dk1);
        store(dv, dv0 + dv1);
    }
    const float *k = s->k + s->first * s->key_stride;
    float *dq = s->dq + query * s->query_stride;
    size_t d = 0;
    if (rows == 8) {
        for (; d + LANES <= s->D; d += LANES) {
            query_gradient_lanes(ds, k + d, s->key_stride, s->keys, dq + d, s->query_stride);
        }
        for (; d + 8 <= s->D; d += 8) query_gradient_8(ds, k + d, s->key_stride, s->keys, dq + d, s->query_stride);
        for (; d + 4 <= s->D; d += 4) query_gradient_4(ds, k + d, s->key_stride, s->keys, dq + d, s->query_stride);
    }
    query_gradient_rest(s, ds, dq, rows, d);
}

/// Units are (block, key/value head) pairs. scratch: delta (B, H, T), then each head's packed queries and gradients.
static void LEVEL(attention_backward)(const float *q, const float *k, const float *v, const float *out,
                                      const float *lse, const float *dout, float *scratch, float *dq, float *dk,
                                      float *dv, const struct shoal_attention_shape *shape, size_t begin, size_t end) {
    const size_t D = shape->head_size, T = shape->queries, H = shape->heads, group = H / shape->key_heads;
    const size_t query_stride = H * D, key_stride = shape->key_heads * D, packed_size = (T + 7) / 8 * 8 * D;
    float tile[SHOAL_ATTENTION_MAX_HEAD_SIZE * 4 * LANES];
    for (size_t unit = begin; unit < end; unit++) {
        const size_t block = unit / shape->key_heads, key_head = unit % shape->key_heads;
        const size_t query_offset = block * T * query_stride + key_head * group * D;
        const size_t key_offset = block * T * key_stride + key_head * D;
        const size_t first_head = block * H + key_head * group;
        float *delta = scratch + first_head * T;
        float *packed = scratch + shape->blocks * H * T + first_head * 2 * packed_size;
        for (size_t head = 0; head < group; head++) {
            const size_t offset = query_offset + head * D;
            prepare_queries(out + offset, dout + offset, delta + head * T, dq + offset, T, query_stride, D);
            pack_queries(q + offset, packed + head * 2 * packed_size, T, query_stride, D);
            pack_queries(dout + offset, packed + (head * 2 + 1) * packed_size, T, query_stride, D);
        }
        struct LEVEL(key_tile) state = {.k = k + key_offset, .tile = tile, .D = D, .T = T,
            .query_stride = query_stride, .key_stride = key_stride, .scale = shape->scale};
        for (size_t first = 0; first < T; first += LANES) {
            state.first = first;
            state.keys = T - first < LANES ? T - first : LANES;
            memset(tile, 0, D * 4 * LANES * sizeof(float));
            const size_t row = key_offset + first * key_stride;
            transpose(k + row, key_stride, state.keys, D, tile, 4 * LANES);
            transpose(v + row, key_stride, state.keys, D, tile + LANES, 4 * LANES);
            for (size_t head = 0; head < group; head++) {
                state.q_packed = packed + head * 2 * packed_size;
                state.dout_packed = state.q_packed + packed_size;
                state.lse = lse + (first_head + head) * T;
                state.delta = delta + head * T;
                state.dq = dq + query_offset + head * D;
                for (size_t query = first / 8 * 8; query < T; query += 8) backward_queries(&state, query);
            }
            transpose(tile + 2 * LANES, 4 * LANES, D, state.keys, dk + row, key_stride);
            transpose(tile + 3 * LANES, 4 * LANES, D, state.keys, dv + row, key_stride);
        }
    }
}
