// Lanes are keys for scores and weights, channels for gradients. For each tile of keys, chunks of queries pass by:
// the tile's gradients are whole after the last chunk, the queries' gradients grow tile by tile.

/// One head of one block; panels are (rows, width). q comes times scale · log2 e, lse times log2 e.
struct LEVEL(head_gradient) {
    const struct shoal_attention_shape *shape;
    float *q, *dout, *dq, *k, *delta, *lse;
    float *kT, *vT;      ///< the tile's keys and values (width, tile)
    float *dk, *dv;      ///< the tile's gradients (tile, width)
    float *weights, *ds;  ///< of a chunk's queries (attention_chunk, tile)
    size_t width, keys, past, first;
};

/// delta = Σ over channels of dout · out, for one head's rows.
INLINE void prepare_deltas(shoal_type type, const void *out, size_t stride, size_t count, size_t D, const float *dout,
                           size_t width, float *delta) {
    float row[SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    for (size_t t = 0; t < count; t++) {
        LEVEL(load_panel)(type, value_at(out, type, t * stride), stride, 1, D, 1, row, width);
        vfloat products = 0;
        for (size_t c = 0; c < width; c += LANES) products += load(row + c) * load(dout + t * width + c);
        delta[t] = sum(products);
    }
}

/// Weights and score gradients of product_rows queries from `query`, in row `row` of the chunk.
INLINE void weigh_queries(const struct LEVEL(head_gradient) *h, size_t query, size_t row) {
    const size_t W = h->width, D = h->shape->head_size, tile = LEVEL(tile);
    float *weights = h->weights + row * tile, *ds = h->ds + row * tile;
    const size_t position = query + h->past;
    const size_t end = end_visible(h->shape, position + LEVEL(product_rows) - 1, h->keys);
    const size_t vectors = end <= h->first + LANES ? 1 : 2;
    LEVEL(product_of_rows)(vectors, h->q + query * W, W, h->kT, tile, D, weights, tile);
    LEVEL(product_of_rows)(vectors, h->dout + query * W, W, h->vT, tile, D, ds, tile);
    for (size_t j = 0; j < LEVEL(product_rows); j++) {
        const float lse = h->lse[query + j], delta = h->delta[query + j];
        const size_t from = first_visible(h->shape, position + j), to = end_visible(h->shape, position + j, h->keys);
        const bool masked = from > h->first || to < h->first + tile;
        for (size_t i = 0; i < 2; i++) {
            const size_t at = j * tile + i * LANES;
            if (i == vectors) {
                store(weights + at, (vfloat)0);
                store(ds + at, (vfloat)0);
                continue;
            }
            vfloat weight = power_of_two(load(weights + at) - lse);
            if (masked) {
                const vint key = lane_index() + (int32_t)(h->first + i * LANES);
                weight = key < (int32_t)from ? (vfloat)0 : weight;
                weight = key >= (int32_t)to ? (vfloat)0 : weight;
            }
            store(weights + at, weight);
            store(ds + at, weight * (load(ds + at) - delta));
        }
    }
}

/// One chunk of `count` queries (a multiple of product_rows) against the tile.
INLINE void see_queries(const struct LEVEL(head_gradient) *h, size_t query, size_t count) {
    const size_t W = h->width, tile = LEVEL(tile), rows = LEVEL(product_rows);
    for (size_t row = 0; row < count; row += rows) weigh_queries(h, query + row, row);
    for (size_t key = 0; key < tile; key += rows) {
        // Queries before a key do not see it.
        const size_t seen = h->shape->causal && h->first + key > h->past ? (h->first + key - h->past) / rows * rows : 0;
        const size_t skip = seen > query ? seen - query : 0;
        if (skip >= count) break;
        const float *weights = h->weights + skip * tile + key, *ds = h->ds + skip * tile + key;
        LEVEL(add_product_of_columns)(weights, tile, h->dout + (query + skip) * W, W, count - skip, h->dv + key * W, W, W);
        LEVEL(add_product_of_columns)(ds, tile, h->q + (query + skip) * W, W, count - skip, h->dk + key * W, W, W);
    }
    for (size_t row = 0; row < count; row += rows) {
        const size_t end = end_visible(h->shape, query + row + rows - 1 + h->past, h->keys);
        const size_t depth = end < h->first + tile ? end - h->first : tile;
        LEVEL(add_product_of_rows)(h->ds + row * tile, tile, h->k + h->first * W, W, depth, h->dq + (query + row) * W, W, W);
    }
}

/// The gradients of the tile's keys and values, and its share of the queries' gradients.
static void LEVEL(tile_gradient)(const struct LEVEL(head_gradient) *h) {
    const struct shoal_attention_shape *shape = h->shape;
    const size_t rows = LEVEL(product_rows), T = (shape->queries + rows - 1) / rows * rows;
    memset(h->dk, 0, LEVEL(tile) * h->width * sizeof(float));
    memset(h->dv, 0, LEVEL(tile) * h->width * sizeof(float));
    const size_t begin = shape->causal && h->first > h->past ? (h->first - h->past) / rows * rows : 0;
    size_t end = T;
    if (shape->window && h->first + LEVEL(tile) - 1 + shape->window < h->past + T) {
        const size_t last = h->first + LEVEL(tile) - 1 + shape->window;
        end = last < h->past ? 0 : (last - h->past + rows - 1) / rows * rows;
    }
    // Queries beyond the block's length are padding themselves.
    const size_t useful = (h->keys + rows - 1) / rows * rows;
    if (h->past == 0 && useful < end) end = useful;
    for (size_t query = begin; query < end; query += attention_chunk) {
        see_queries(h, query, end - query < attention_chunk ? end - query : attention_chunk);
    }
}

/// The tile's gradients: stored where one head has its key head for itself, else added to those of the heads before.
INLINE void keep_tile(const float *tile, float *sums, bool first, size_t values) {
    if (first) {
        memcpy(sums, tile, values * sizeof(float));
    } else {
        for (size_t i = 0; i < values; i += LANES) store(sums + i, load(sums + i) + load(tile + i));
    }
}

/// Everything of one head; dk and dv go to (or are added to) the sums (key_rows, width) of its key head.
static void LEVEL(head_backward)(const struct attention_call *call, size_t block, size_t head, bool first, float *slot,
                                 float *sums) {
    const struct shoal_attention_shape *shape = &call->shape;
    const shoal_type type = call->type;
    const size_t W = call->width, D = shape->head_size, T = shape->queries, H = shape->heads;
    const size_t key_head = head / (H / shape->key_heads), query_values = call->query_rows * W, tile = LEVEL(tile);
    float transposed[2][LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float gradients[2][LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float chunks[2][attention_chunk * LEVEL(tile)] __attribute__((aligned(64)));
    struct LEVEL(head_gradient) h = {
        .shape = shape, .q = slot, .dout = slot + query_values, .dq = slot + 2 * query_values,
        .delta = slot + 3 * query_values, .lse = slot + 3 * query_values + call->query_rows,
        .k = slot + call->query_rows * (3 * W + 2), .kT = transposed[0], .vT = transposed[1], .dk = gradients[0],
        .dv = gradients[1], .weights = chunks[0], .ds = chunks[1], .width = W, .keys = attention_keys(shape, block),
        .past = shape->keys - T};
    const size_t rest = call->query_rows - T, row = block * T;
    LEVEL(load_panel)(type, value_at(call->q, type, row * shape->query_stride + head * D), shape->query_stride, T, D,
                      shape->scale * 1.44269504088896341f, h.q, W);
    LEVEL(load_panel)(type, value_at(call->dout, type, row * shape->out_stride + head * D), shape->out_stride, T, D, 1,
                      h.dout, W);
    prepare_deltas(type, value_at(call->out, type, row * shape->out_stride + head * D), shape->out_stride, T, D, h.dout,
                   W, h.delta);
    for (size_t t = 0; t < call->query_rows; t++) {
        h.lse[t] = t < T ? call->lse[(block * H + head) * T + t] * 1.44269504088896341f : 1e30f;
    }
    memset(h.q + T * W, 0, rest * W * sizeof(float));
    memset(h.dout + T * W, 0, rest * W * sizeof(float));
    memset(h.delta + T, 0, rest * sizeof(float));
    memset(h.dq, 0, query_values * sizeof(float));
    const size_t key_row = block * shape->keys;
    const void *k = value_at(call->k, type, key_row * shape->key_stride + key_head * D);
    const void *v = value_at(call->v, type, key_row * shape->value_stride + key_head * D);
    for (h.first = 0; h.first < shape->keys; h.first += tile) {
        float *dk = sums + h.first * W, *dv = dk + call->key_rows * W;
        if (h.first >= h.keys) {
            memset(h.dk, 0, tile * W * sizeof(float));
            memset(h.dv, 0, tile * W * sizeof(float));
        } else {
            const size_t count = shape->keys - h.first < tile ? shape->keys - h.first : tile;
            float *rows = h.dv;  // Not in use yet.
            LEVEL(load_panel)(type, value_at(v, type, h.first * shape->value_stride), shape->value_stride, count, D, 1,
                              rows, W);
            memset(rows + count * W, 0, (tile - count) * W * sizeof(float));
            transpose(rows, W, tile, W, h.vT, tile);
            float *keys = h.k + h.first * W;
            LEVEL(load_panel)(type, value_at(k, type, h.first * shape->key_stride), shape->key_stride, count, D, 1,
                              keys, W);
            memset(keys + count * W, 0, (tile - count) * W * sizeof(float));
            transpose(keys, W, tile, W, h.kT, tile);
            LEVEL(tile_gradient)(&h);
        }
        keep_tile(h.dk, dk, first, tile * W);
        keep_tile(h.dv, dv, first, tile * W);
    }
    char *dq = (char *)call->dq + (row * shape->query_stride + head * D) * value_size(type);
    LEVEL(store_panel)(type, h.dq, W, T, D, shape->scale, dq, shape->query_stride);
}

/// dk and dv of `count` keys from `first`, of one key head.
static void LEVEL(store_key_gradients)(const struct attention_call *call, size_t block, size_t key_head, size_t first,
                                       size_t count, const float *dk, const float *dv) {
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t row = block * shape->keys + first, D = shape->head_size, size = value_size(call->type);
    char *to = (char *)call->dk + (row * shape->key_stride + key_head * D) * size;
    // dk is dsᵀ · q · scale; the panel of q has scale · log2 e.
    LEVEL(store_panel)(call->type, dk, call->width, count, D, 0.69314718055994531f, to, shape->key_stride);
    to = (char *)call->dv + (row * shape->value_stride + key_head * D) * size;
    LEVEL(store_panel)(call->type, dv, call->width, count, D, 1, to, shape->value_stride);
}

/// Units are (block, head) pairs where the call has room for their dk and dv, else (block, key head) pairs.
static void LEVEL(attention_backward)(const struct attention_call *call, size_t unit, size_t previous, float *slot) {
    (void)previous;
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t group = shape->heads / shape->key_heads, values = call->key_rows * call->width;
    if (call->partial) {
        LEVEL(head_backward)(call, unit / shape->heads, unit % shape->heads, true, slot,
                             call->partial + unit * 2 * values);
        return;
    }
    const size_t block = unit / shape->key_heads, key_head = unit % shape->key_heads;
    float *sums = slot + call->query_rows * (3 * call->width + 2) + values;
    for (size_t head = 0; head < group; head++) {
        LEVEL(head_backward)(call, block, key_head * group + head, head == 0, slot, sums);
    }
    LEVEL(store_key_gradients)(call, block, key_head, 0, shape->keys, sums, sums + values);
}

/// Units are (block, key head, chunk of keys) triples: sums their heads' gradients, in the heads' order.
static void LEVEL(attention_backward_sum)(const struct attention_call *call, size_t unit, size_t previous,
                                          float *slot) {
    (void)previous;
    (void)slot;
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t chunks = call->key_rows / attention_chunk, group = shape->heads / shape->key_heads;
    const size_t index = unit / chunks, first = unit % chunks * attention_chunk, values = call->key_rows * call->width;
    const size_t count = shape->keys - first < attention_chunk ? shape->keys - first : attention_chunk;
    float *dk = call->partial + index * group * 2 * values + first * call->width, *dv = dk + values;
    for (size_t head = 1; head < group; head++) {
        keep_tile(dk + head * 2 * values, dk, false, count * call->width);
        keep_tile(dv + head * 2 * values, dv, false, count * call->width);
    }
    LEVEL(store_key_gradients)(call, index / shape->key_heads, index % shape->key_heads, first, count, dk, dv);
}
