// Lanes are queries: scores, maxima and sums of a tile's queries are vectors, a key's or value's numbers are broadcast,
// and no step reduces across lanes, whatever the head size. Maxima are in powers of two: scores times scale · log2 e.

/// One tile of up to `vectors` · LANES queries of one head.
struct LEVEL(query_tile) {
    const float *k, *v;  ///< panels, k's in rows and v's in columns
    float *qT;           ///< (steps of width, vectors · LANES)
    float *outT;         ///< (width, vectors · LANES)
    size_t vectors, lanes, position;
    size_t row;  ///< block · H + head
    bool begun;  ///< whether any keys were seen
    vfloat highest[2], total[2];
};

/// Hides what each lane's query must not see in scores (count, vectors · LANES) of the keys from `first`.
INLINE void hide_keys(const struct LEVEL(query_tile) *t, const struct shoal_attention_shape *shape, size_t first,
                      size_t count, float *scores) {
    const size_t last = t->position + t->lanes - 1;
    const bool ahead = shape->causal && first + count > t->position + 1;
    const bool behind = first < first_visible(shape, last);
    if (!ahead && !behind) return;
    for (size_t i = 0; i < t->vectors; i++) {
        const vint position = lane_index() + (int32_t)(t->position + i * LANES);
        const vint oldest = behind ? position - (int32_t)shape->window : (vint)-1;
        // Up to the tile's first query, no key lies ahead.
        for (size_t j = behind || t->position < first ? 0 : t->position + 1 - first; j < count; j++) {
            const vint key = (vint)((int32_t)(first + j));
            float *score = scores + (j * t->vectors + i) * LANES;
            vfloat x = load(score);
            if (ahead) x = key > position ? (vfloat)-INFINITY : x;
            if (behind) x = key <= oldest ? (vfloat)-INFINITY : x;
            store(score, x);
        }
    }
}

/// One vector of the tile's queries: scores of `count` keys from `first` become weights, a panel of columns, and what
/// was summed before shrinks to match.
INLINE void weigh_keys(const bool pairs, struct LEVEL(query_tile) *t, const struct shoal_attention_shape *shape,
                       size_t i, size_t first, size_t count, float *scores) {
    const size_t stride = t->vectors * LANES;
    float *column = scores + i * LANES;
    const float factor = shape->scale * 1.44269504088896341f;
    vfloat score_max = -INFINITY, total = 0, factors[dropout_keys];
    for (size_t j = 0; j < count; j++) {
        const vfloat x = load(column + j * stride);
        score_max = score_max > x ? score_max : x;
    }
    const vfloat before = t->highest[i], now = score_max * factor, highest = before > now ? before : now;
    for (size_t j = 0; j < count; j += 2) {
        float *two = column + j * stride;
        vfloat weight = power_of_two(load(two) * factor - highest);
        vfloat next = j + 1 < count ? power_of_two(load(two + stride) * factor - highest) : (vfloat)0;
        total += weight;
        total += next;
        if (shape->dropout_probability > 0) {
            // After the sums: a dropped weight still counts in the softmax's denominator.
            const size_t k = j % dropout_keys;
            if (k == 0) LEVEL(dropout_factors)(shape, t->row, t->position + i * LANES, first + j, factors);
            weight *= factors[k];
            next *= factors[k + 1];
        }
        store_tokens(pairs, column + steps_of(pairs, j) * stride, stride, weight, next);
    }
    if (t->begun) {
        const vfloat correction = power_of_two(before - highest);
        t->total[i] *= correction;
        for (size_t d = 0; d < shape->head_size; d++) {
            float *sum = t->outT + d * stride + i * LANES;
            store(sum, load(sum) * correction);
        }
    }
    t->highest[i] = highest;
    t->total[i] += total;
}

/// The tile's queries against `count` keys from `first`.
INLINE void see_keys(const bool pairs, struct LEVEL(query_tile) *t, const struct shoal_attention_shape *shape,
                     size_t width, size_t first, size_t count) {
    const size_t stride = t->vectors * LANES, D = shape->head_size, rows = LEVEL(product_rows);
    float scores[attention_chunk * LEVEL(tile)] __attribute__((aligned(64)));
    // Beyond the diagonal, the first vector's queries see nothing.
    size_t both = count;
    if (shape->causal && t->vectors == 2) {
        const size_t seen = t->position + LANES > first ? (t->position + LANES - first + rows - 1) / rows * rows : 0;
        both = seen < count ? seen : count;
    }
    const size_t row = steps_of(pairs, width);
    for (size_t j = 0; j < count; j += rows) {
        const size_t skip = j < both ? 0 : LANES;
        LEVEL(product_of_rows)(pairs, skip ? 1 : t->vectors, t->k + (first + j) * row, row, t->qT + skip, stride,
                               steps_of(pairs, D), scores + j * stride + skip, stride);
    }
    hide_keys(t, shape, first, count, scores);
    if (both > 0) weigh_keys(pairs, t, shape, 0, first, both, scores);
    if (t->vectors == 2) weigh_keys(pairs, t, shape, 1, first, count, scores);
    t->begun = true;
    const size_t both_steps = steps_of(pairs, both), steps = steps_of(pairs, count);
    const float *v = t->v + steps_of(pairs, first) * width;
    for (size_t d = 0; d < D; d += rows) {
        float *outT = t->outT + d * stride;
        LEVEL(add_product_of_columns)(pairs, v + d, width, scores, stride, both_steps, outT, stride, stride);
        if (both == count) continue;
        LEVEL(add_product_of_columns)(pairs, v + both_steps * width + d, width, scores + both_steps * stride + LANES,
                                      stride, steps - both_steps, outT + LANES, stride, LANES);
    }
}

/// Units are (block, head, queries) triples. The slot has the panels of k and v, kept while the key head stays.
static void LEVEL(attention_forward)(const struct attention_call *call, size_t unit, size_t previous, float *slot) {
    const struct shoal_attention_shape *shape = &call->shape;
    const size_t H = shape->heads, D = shape->head_size, W = call->width;
    const size_t group = H / shape->key_heads, index = unit / call->query_units, block = index / H, head = index % H;
    const size_t T = rows_in(shape->query_starts, block), keys = rows_in(shape->key_starts, block), past = keys - T;
    const size_t first_row = (size_t)shape->query_starts[block];
    const bool pairs = LEVEL(in_pairs)(call->type);
    float rows[LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float qT[LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float outT[LEVEL(tile) * SHOAL_ATTENTION_MAX_HEAD_SIZE] __attribute__((aligned(64)));
    float *k = slot, *v = slot + call->key_rows * W;
    if (previous == SIZE_MAX || previous / call->query_units / group != index / group) {
        const size_t row = (size_t)shape->key_starts[block], offset = head / group * D, padded = padded_rows(keys);
        LEVEL(load_panel)(pairs, call->type, at(call->type, call->k, row * shape->key_stride + offset),
                          shape->key_stride, keys, padded, D, k, W);
        // In pairs, the panel of k leaves half of its room free.
        float *values = pairs ? v - call->key_rows * W / 2 : v;
        LEVEL(load_panel)(pairs, call->type, at(call->type, call->v, row * shape->value_stride + offset),
                          shape->value_stride, keys, padded, D, values, W);
        if (pairs) pair_tokens(values, padded, v, W);
    }
    // The last queries first: they see most, and threads then end together.
    const size_t begin = (call->query_units - 1 - unit % call->query_units) * attention_unit_queries;
    const size_t end = begin + attention_unit_queries < T ? begin + attention_unit_queries : T;
    for (size_t first = begin; first < end; first += LEVEL(tile)) {
        const size_t lanes = end - first < LEVEL(tile) ? end - first : LEVEL(tile), vectors = lanes > LANES ? 2 : 1;
        struct LEVEL(query_tile) t = {.k = k, .v = v, .qT = qT, .outT = outT, .vectors = vectors, .lanes = lanes,
            .position = past + first, .row = block * H + head, .highest = {-1e20f, -1e20f}};
        const size_t stride = vectors * LANES, row = first_row + first;
        LEVEL(load_panel)(pairs, call->type, at(call->type, call->q, row * shape->query_stride + head * D),
                          shape->query_stride, lanes, stride, D, rows, W);
        transpose(rows, steps_of(pairs, W), stride, steps_of(pairs, W), qT, stride);
        memset(outT, 0, W * stride * sizeof(float));
        const size_t last = end_visible(shape, t.position + lanes - 1, keys);
        size_t key = first_visible(shape, t.position) / 8 * 8;
        for (; key < last; key += attention_chunk) {
            const size_t count = last - key < attention_chunk ? last - key : attention_chunk;
            if (LEVEL(has_pairs) && pairs) {
                see_keys(true, &t, shape, W, key, count);
            } else {
                see_keys(false, &t, shape, W, key, count);
            }
        }
        for (size_t i = 0; i < vectors; i++) {
            const vfloat factor = 1 / t.total[i];
            for (size_t d = 0; d < D; d++) {
                float *sum = outT + d * stride + i * LANES;
                store(sum, load(sum) * factor);
            }
            const size_t count = lanes - i * LANES < LANES ? lanes - i * LANES : LANES;
            float *lse = call->lse_result ? call->lse_result + first_row * H + head * T + first + i * LANES : NULL;
            for (size_t lane = 0; lse && lane < count; lane++) {
                lse[lane] = t.highest[i][lane] * 0.69314718055994531f + logf(t.total[i][lane]);
            }
        }
        transpose(outT, stride, W, stride, rows, W);
        char *out = (char *)call->result + (row * shape->out_stride + head * D) * value_size(call->type);
        LEVEL(store_panel)(call->type, rows, W, lanes, D, 1, out, shape->out_stride);
    }
}
