// Lanes are keys for scores and weights, channels for gradients. For each tile of keys, chunks of queries pass by:
// the tile's gradients are whole after the last chunk, the queries' gradients grow tile by tile.

/// A part of one head's queries against all its keys; lse comes times log2 e, dq, dk and ds are without scale.
struct LEVEL(head_gradient) {
    const struct shoal_attention_shape *shape;
    bool pairs;
    float *q, *dout;                        ///< panels in rows
    const float *q_columns, *dout_columns;  ///< the same in columns
    float *dq, *delta, *lse;                ///< (queries, width) and (queries)
    float *k;               ///< the tile's keys, a panel of columns
    float *kT, *vT;         ///< the tile's keys and values (steps of width, tile)
    float *dk, *dv;         ///< the tile's gradients (tile, width)
    float *weights, *ds;    ///< of a chunk's queries (attention_chunk, tile), in columns
    float *ds_rows;         ///< the same in rows
    float *dropout;         ///< the same chunk's factors (attention_chunk, tile); NULL: nothing is dropped
    size_t row;             ///< block · H + head
    size_t width, queries, keys;
    size_t past, first;  ///< positions of the first query and the tile's first key
};

/// delta = Σ over channels of dout · out, for one head's rows.
INLINE void prepare_deltas(shoal_type type, const void *dout, const void *out, size_t stride, size_t count, size_t D,
                           float *delta) {
    for (size_t t = 0; t < count; t++) {
        const void *a = at(type, dout, t * stride), *b = at(type, out, t * stride);
        prefetch_later(type, b, stride, D);
        vfloat products = 0;
        for (size_t c = 0; c < D; c += LANES) {
            const size_t some = D - c < LANES ? D - c : LANES;
            products += load_as(type, a, c, some) * load_as(type, b, c, some);
        }
        delta[t] = sum(products);
    }
}

/// A query's scores become its weights, and the gradients of its weights those of its scores.
INLINE void weigh_query(const struct LEVEL(head_gradient) *h, size_t query, size_t vectors, const float *factors,
                        vfloat weights[2], vfloat ds[2]) {
    const size_t position = query + h->past, tile = LEVEL(tile);
    const size_t from = first_visible(h->shape, position), to = end_visible(h->shape, position, h->keys);
    const bool masked = from > h->first || to < h->first + tile;
    const float factor = h->shape->scale * 1.44269504088896341f, lse = h->lse[query], delta = h->delta[query];
    for (size_t i = 0; i < 2; i++) {
        if (i == vectors) {
            weights[i] = ds[i] = 0;
            continue;
        }
        vfloat weight = power_of_two(weights[i] * factor - lse);
        if (masked) {
            const vint key = lane_index() + (int32_t)(h->first + i * LANES);
            weight = key < (int32_t)from ? (vfloat)0 : weight;
            weight = key >= (int32_t)to ? (vfloat)0 : weight;
        }
        if (factors) {
            const vfloat kept = load(factors + i * LANES);
            weights[i] = weight * kept;
            ds[i] = weight * (kept * ds[i] - delta);
        } else {
            weights[i] = weight;
            ds[i] = weight * (ds[i] - delta);
        }
    }
}

/// Weights and score gradients of product_rows queries from `query`, in row `row` of the chunk.
INLINE void weigh_queries(const bool pairs, const struct LEVEL(head_gradient) *h, size_t query, size_t row) {
    const size_t tile = LEVEL(tile), rows = LEVEL(product_rows), D = steps_of(pairs, h->shape->head_size);
    const size_t W = steps_of(pairs, h->width);
    const size_t end = end_visible(h->shape, query + h->past + rows - 1, h->keys);
    const size_t vectors = end <= h->first + LANES ? 1 : 2;
    float scores[LEVEL(product_rows) * LEVEL(tile)] __attribute__((aligned(64)));
    float slopes[LEVEL(product_rows) * LEVEL(tile)] __attribute__((aligned(64)));
    LEVEL(product_of_rows)(pairs, vectors, h->q + query * W, W, h->kT, tile, D, scores, tile);
    LEVEL(product_of_rows)(pairs, vectors, h->dout + query * W, W, h->vT, tile, D, slopes, tile);
    for (size_t j = 0; j < rows; j += 2) {
        vfloat weights[2][2], ds[2][2];
        for (size_t next = 0; next < 2; next++) {
            const size_t at = (j + next) * tile;
            for (size_t i = 0; i < 2; i++) weights[next][i] = load(scores + at + i * LANES);
            for (size_t i = 0; i < 2; i++) ds[next][i] = load(slopes + at + i * LANES);
            weigh_query(h, query + j + next, vectors, h->dropout ? h->dropout + row * tile + at : NULL, weights[next],
                        ds[next]);
#ifdef BFLOAT16_PAIRS
            if (pairs) store(h->ds_rows + (row * tile + at) / 2, pairs_along(ds[next][0], ds[next][1]));
#endif
        }
        const size_t at = steps_of(pairs, row + j) * tile;
        for (size_t i = 0; i < 2; i++) {
            store_tokens(pairs, h->weights + at + i * LANES, tile, weights[0][i], weights[1][i]);
            store_tokens(pairs, h->ds + at + i * LANES, tile, ds[0][i], ds[1][i]);
        }
    }
}

/// One chunk of `count` queries (a multiple of product_rows) against the tile.
INLINE void see_queries(const bool pairs, const struct LEVEL(head_gradient) *h, size_t query, size_t count) {
    const size_t W = h->width, tile = LEVEL(tile), rows = LEVEL(product_rows);
    if (h->dropout) LEVEL(tile_factors)(h->shape, h->row, query + h->past, count, h->first, h->dropout);
    for (size_t row = 0; row < count; row += rows) weigh_queries(pairs, h, query + row, row);
    for (size_t key = 0; key < tile; key += rows) {
        // Queries before a key do not see it.
        const size_t seen = h->shape->causal && h->first + key > h->past ? (h->first + key - h->past) / rows * rows : 0;
        const size_t skip = seen > query ? seen - query : 0;
        if (skip >= count) break;
        const size_t at = steps_of(pairs, skip) * tile + key, steps = steps_of(pairs, count - skip);
        const size_t from = steps_of(pairs, query + skip) * W;
        LEVEL(add_product_of_columns)(pairs, h->weights + at, tile, h->dout_columns + from, W, steps, h->dv + key * W,
                                      W, W);
        LEVEL(add_product_of_columns)(pairs, h->ds + at, tile, h->q_columns + from, W, steps, h->dk + key * W, W, W);
    }
    for (size_t row = 0; row < count; row += rows) {
        const size_t end = end_visible(h->shape, query + row + rows - 1 + h->past, h->keys);
        const size_t depth = end < h->first + tile ? end - h->first : tile;
        float *dq = h->dq + (query + row) * W;
        LEVEL(add_product_of_rows)(pairs, h->ds_rows + steps_of(pairs, row * tile), steps_of(pairs, tile), h->k, W,
                                   steps_of(pairs, depth), dq, W, W);
    }
}

/// The gradients of the tile's keys and values, and its share of the queries' gradients.
static void LEVEL(tile_gradient)(const struct LEVEL(head_gradient) *h) {
    const struct shoal_attention_shape *shape = h->shape;
    const size_t rows = LEVEL(product_rows), T = (h->queries + rows - 1) / rows * rows;
    memset(h->dk, 0, LEVEL(tile) * h->width * sizeof(float));
    memset(h->dv, 0, LEVEL(tile) * h->width * sizeof(float));
    const size_t begin = shape->causal && h->first > h->past ? (h->first - h->past) / rows * rows : 0;
    size_t end = T;
    if (shape->window && h->first + LEVEL(tile) - 1 + shape->window < h->past + T) {
        const size_t last = h->first + LEVEL(tile) - 1 + shape->window;
        end = last < h->past ? 0 : (last - h->past + rows - 1) / rows * rows;
    }
    for (size_t query = begin; query < end; query += attention_chunk) {
        const size_t count = end - query < attention_chunk ? end - query : attention_chunk;
        if (LEVEL(has_pairs) && h->pairs) {
            see_queries(true, h, query, count);
        } else {
            see_queries(false, h, query, count);
        }
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

/// The panels of the tile's keys and values, of one key head.
static void LEVEL(load_tile)(const struct attention_call *call, size_t block, size_t key_head,
                             const struct LEVEL(head_gradient) *h) {
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t W = h->width, D = shape->head_size, tile = LEVEL(tile), steps = steps_of(h->pairs, W);
    const size_t left = h->keys - h->first, keys = left < tile ? left : tile;
    const size_t row = (size_t)shape->key_starts[block] + h->first;
    float *panel = h->dv;  // Not in use yet.
    LEVEL(load_panel)(h->pairs, call->type, at(call->type, call->v, row * shape->value_stride + key_head * D),
                      shape->value_stride, keys, tile, D, panel, W);
    transpose(panel, steps, tile, steps, h->vT, tile);
    if (!h->pairs) panel = h->k;
    LEVEL(load_panel)(h->pairs, call->type, at(call->type, call->k, row * shape->key_stride + key_head * D),
                      shape->key_stride, keys, tile, D, panel, W);
    transpose(panel, steps, tile, steps, h->kT, tile);
    if (h->pairs) pair_tokens(panel, tile, h->k, W);
}

/// Everything of one part of a head; dk and dv go to (or are added to) the sums (2, key_rows, width) of its key head.
static void LEVEL(part_backward)(const struct attention_call *call, size_t block, size_t head, size_t part, bool first,
                                 float *slot, float *sums) {
    const struct shoal_attention_shape *shape = &call->shape;
    const shoal_type type = call->type;
    const size_t W = call->width, D = shape->head_size, H = shape->heads, tile = LEVEL(tile);
    const size_t T = rows_in(shape->query_starts, block), keys = rows_in(shape->key_starts, block);
    const size_t begin = part * attention_part_queries;
    if (begin >= T) {  // A longer block has this part.
        if (first) memset(sums, 0, keys * W * sizeof(float));
        if (first) memset(sums + call->key_rows * W, 0, keys * W * sizeof(float));
        return;
    }
    const size_t left = T - begin, count = left < attention_part_queries ? left : attention_part_queries;
    const size_t query_rows = padded_rows(count);
    const size_t values = query_rows * W;
    const bool pairs = LEVEL(in_pairs)(type);
    float transposed[2][LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float gradients[2][LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float chunks[3][attention_chunk * LEVEL(tile)] __attribute__((aligned(64)));
    struct LEVEL(head_gradient) h = {
        .shape = shape, .pairs = pairs, .q = slot, .dout = slot + values, .dq = slot + 2 * values,
        .q_columns = pairs ? slot + values / 2 : slot, .dout_columns = slot + values + (pairs ? values / 2 : 0),
        .delta = slot + 3 * values, .lse = slot + 3 * values + query_rows, .k = slot + query_rows * (3 * W + 2),
        .kT = transposed[0], .vT = transposed[1], .dk = gradients[0], .dv = gradients[1], .weights = chunks[0],
        .ds = chunks[1], .ds_rows = chunks[1] + (pairs ? attention_chunk * tile / 2 : 0),
        .dropout = shape->dropout_probability > 0 ? chunks[2] : NULL, .row = block * H + head, .width = W,
        .queries = count, .keys = keys, .past = keys - T + begin};
    const size_t row = (size_t)shape->query_starts[block] + begin;
    const void *dout = at(type, call->dout, row * shape->out_stride + head * D);
    LEVEL(load_panel)(pairs, type, at(type, call->q, row * shape->query_stride + head * D), shape->query_stride, count,
                      query_rows, D, h.q, W);
    LEVEL(load_panel)(pairs, type, dout, shape->out_stride, count, query_rows, D, h.dout, W);
    if (pairs) {
        pair_tokens(h.q, query_rows, slot + values / 2, W);
        pair_tokens(h.dout, query_rows, slot + values + values / 2, W);
    }
    memset(h.delta + count, 0, (query_rows - count) * sizeof(float));
    FOR_TYPE(type, prepare_deltas(T, dout, at(T, call->out, row * shape->out_stride + head * D), shape->out_stride,
                                  count, D, h.delta));
    const float *lse = call->lse + (size_t)shape->query_starts[block] * H + head * T + begin;
    for (size_t t = 0; t < query_rows; t++) h.lse[t] = t < count ? lse[t] * 1.44269504088896341f : 1e30f;
    memset(h.dq, 0, values * sizeof(float));
    const size_t seen = end_visible(shape, h.past + count - 1, keys);
    for (h.first = 0; h.first < keys; h.first += tile) {
        float *dk = sums + h.first * W, *dv = dk + call->key_rows * W;
        if (h.first >= seen || h.first + tile <= first_visible(shape, h.past)) {
            if (!first) continue;
            memset(dk, 0, tile * W * sizeof(float));
            memset(dv, 0, tile * W * sizeof(float));
            continue;
        }
        LEVEL(load_tile)(call, block, head / (H / shape->key_heads), &h);
        LEVEL(tile_gradient)(&h);
        keep_tile(h.dk, dk, first, tile * W);
        keep_tile(h.dv, dv, first, tile * W);
    }
    char *dq = (char *)call->dq + (row * shape->query_stride + head * D) * value_size(type);
    LEVEL(store_panel)(type, h.dq, W, count, D, shape->scale, dq, shape->query_stride);
}

/// dk and dv of `count` keys from `first`, of one key head.
static void LEVEL(store_key_gradients)(const struct attention_call *call, size_t block, size_t key_head, size_t first,
                                       size_t count, const float *dk, const float *dv) {
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t row = (size_t)shape->key_starts[block] + first, D = shape->head_size, size = value_size(call->type);
    char *to = (char *)call->dk + (row * shape->key_stride + key_head * D) * size;
    LEVEL(store_panel)(call->type, dk, call->width, count, D, shape->scale, to, shape->key_stride);
    to = (char *)call->dv + (row * shape->value_stride + key_head * D) * size;
    LEVEL(store_panel)(call->type, dv, call->width, count, D, 1, to, shape->value_stride);
}

/// Units are (part, block, head) triples where the call has room for their dk and dv, else (block, key head) pairs.
static void LEVEL(attention_backward)(const struct attention_call *call, size_t unit, size_t previous, float *slot) {
    (void)previous;
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t H = shape->heads, group = H / shape->key_heads, values = call->key_rows * call->width;
    if (call->partial) {
        // The last parts first: they see most keys, and threads then end together.
        const size_t index = unit % (shape->blocks * H), part = call->parts - 1 - unit / (shape->blocks * H);
        LEVEL(part_backward)(call, index / H, index % H, part, true, slot,
                             call->partial + (index * call->parts + part) * 2 * values);
        return;
    }
    const size_t block = unit / shape->key_heads, key_head = unit % shape->key_heads;
    const size_t query_rows = call->query_rows < attention_part_queries ? call->query_rows : attention_part_queries;
    float *sums = slot + query_rows * (3 * call->width + 2) + attention_chunk * call->width;
    for (size_t head = 0; head < group; head++) {
        for (size_t part = 0; part < call->parts; part++) {
            LEVEL(part_backward)(call, block, key_head * group + head, part, head + part == 0, slot, sums);
        }
    }
    LEVEL(store_key_gradients)(call, block, key_head, 0, rows_in(shape->key_starts, block), sums, sums + values);
}

/// Units are (block, key head, chunk of keys) triples: sums their heads' parts' gradients, in order.
static void LEVEL(attention_backward_sum)(const struct attention_call *call, size_t unit, size_t previous,
                                          float *slot) {
    (void)previous;
    (void)slot;
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t chunks = call->key_rows / attention_chunk, index = unit / chunks;
    const size_t first = unit % chunks * attention_chunk, values = call->key_rows * call->width;
    const size_t shares = shape->heads / shape->key_heads * call->parts;
    const size_t keys = rows_in(shape->key_starts, index / shape->key_heads);
    if (first >= keys) return;
    const size_t count = keys - first < attention_chunk ? keys - first : attention_chunk;
    float *dk = call->partial + index * shares * 2 * values + first * call->width, *dv = dk + values;
    for (size_t share = 1; share < shares; share++) {
        keep_tile(dk + share * 2 * values, dk, false, count * call->width);
        keep_tile(dv + share * 2 * values, dv, false, count * call->width);
    }
    LEVEL(store_key_gradients)(call, index / shape->key_heads, index % shape->key_heads, first, count, dk, dv);
}
