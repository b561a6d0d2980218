// Matrix products: blocks of panels and rows, and the way of few rows that packs nothing.

/// Panels `first`..<last of rows `row`..<end. scratch: the packed panels, then one tile's packed rows.
static void LEVEL(product_block)(const struct product_call *call, size_t first, size_t last, size_t row, size_t end,
                                 float *scratch) {
    const struct shoal_product *product = &call->product;
    const shoal_type type = product->type;
    const size_t columns = LEVEL(panel_columns), count = product->count, value_bytes = type == SHOAL_FLOAT32 ? 4 : 2;
    const bool in_place = LEVEL(reads_rows_in_place)(product);
    struct LEVEL(tile_term) terms[SHOAL_PRODUCT_TERMS_MAX];
    float *panel = scratch;
    for (size_t t = 0; t < count; t++) {
        terms[t].steps = LEVEL(steps)(type, product->terms[t].inner);
        terms[t].b_bytes = product->terms[t].b_stride * value_bytes;
    }
    for (size_t p = first; p < last; p++) {
        const size_t rest = product->columns - p * columns, width = LEVEL(panel_width)(p * columns, product->columns);
        if (in_place && rest >= columns) continue;
        for (size_t t = 0; t < count; t++) {
            if (LEVEL(is_packed)(&product->terms[t])) {
                const size_t size = terms[t].steps * columns;
                LEVEL(fetch)(product->terms[t].b_panels->values + p * size, size);
                continue;
            }
            LEVEL(pack_right)(type, &product->terms[t], p * columns, rest < columns ? rest : columns, width, panel);
            panel += terms[t].steps * width;
        }
    }
    float *left = panel;
    for (size_t rows; row < end; row += rows) {
        rows = LEVEL(rows_at_once)(end - row);
        float *to = left;
        for (size_t t = 0; t < count; t++) {
            const struct shoal_product_term *term = &product->terms[t];
            if (LEVEL(reads_in_place)(type, term)) {
                terms[t].a = at(type, term->a, row * term->a_stride);
                terms[t].row_bytes = term->a_stride * value_bytes;
            } else {
                LEVEL(pack_left)(type, term, row, rows, to);
                terms[t].a = (const char *)to;
                terms[t].row_bytes = terms[t].steps * 4;
                to += rows * terms[t].steps;
            }
        }
        panel = scratch;
        for (size_t p = first; p < last; p++) {
            const size_t rest = product->columns - p * columns, vectors = rest > LANES ? 2 : 1;
            const enum panel_kind kind = in_place && rest >= columns ? ROWS_IN_PLACE : PACKED_PANEL;
            for (size_t t = 0; t < count; t++) {
                const struct shoal_product_term *term = &product->terms[t];
                if (kind == ROWS_IN_PLACE) {
                    terms[t].b = at(type, term->b, p * columns);
                } else if (LEVEL(is_packed)(term)) {
                    terms[t].b = (const char *)(term->b_panels->values + p * terms[t].steps * columns);
                } else {
                    terms[t].b = (const char *)panel;
                    panel += terms[t].steps * vectors * LANES;
                }
            }
            const struct LEVEL(tile_target) target = {product, row, p * columns};
#ifdef BFLOAT16_PAIRS
            if (LEVEL(in_pairs)(type)) {
                LEVEL(pair_tile)(kind, rows, vectors, &target, terms, count);
                continue;
            }
#endif
            LEVEL(float_tile)(kind, rows, vectors, &target, terms, count);
        }
    }
}

typedef vfloat vpairs_anywhere __attribute__((aligned(2)));

/// Σ a[i] · b[i] of two rows.
INLINE float LEVEL(row_product)(const shoal_type type, const void *a, const void *b, size_t n) {
    vfloat sums[4] = {0, 0, 0, 0};
    size_t i = 0;
#ifdef BFLOAT16_PAIRS
    if (type == SHOAL_BFLOAT16) {
        for (; i + 8 * LANES <= n; i += 8 * LANES) {
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                const size_t place = i / 2 + j * LANES;
                sums[j] = add_pairs(sums[j], ((const vpairs_anywhere *)((const char *)a + 4 * place))[0],
                                    ((const vpairs_anywhere *)((const char *)b + 4 * place))[0]);
            }
        }
    }
#endif
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
            sums[j] += load_as(type, a, i + j * LANES, LANES) * load_as(type, b, i + j * LANES, LANES);
        }
    }
    for (; i < n; i += LANES) sums[0] += load_as(type, a, i, n - i) * load_as(type, b, i, n - i);
    return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// Columns `begin`..<end of a product of few rows, both factors stored along K.
static void LEVEL(product_columns)(const struct product_call *call, size_t begin, size_t end) {
    const struct shoal_product *product = &call->product;
    const shoal_type type = product->type;
    for (size_t column = begin; column < end; column++) {
        for (size_t row = 0; row < product->rows; row++) {
            void *to = at_mutable(product->result_type, product->result, row * product->result_stride + column);
            vfloat value = product->accumulate ? load_as(product->result_type, to, 0, 1) : (vfloat)0;
            if (product->bias) value += product->bias[column];
            for (size_t t = 0; t < product->count; t++) {
                const struct shoal_product_term *term = &product->terms[t];
                const void *a = at(type, term->a, row * term->a_stride);
                const void *b = at(type, term->b, column * term->b_stride);
                FOR_TYPE(type, value += LEVEL(row_product)(T, a, b, term->inner));
            }
            store_as(product->result_type, to, 0, 1, value);
        }
    }
}
