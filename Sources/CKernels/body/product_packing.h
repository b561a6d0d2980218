// Lays a product's factors out as tiles read them: panels of the right one, rows of the left one.

INLINE size_t LEVEL(steps)(shoal_type type, size_t inner) { return LEVEL(in_pairs)(type) ? (inner + 1) / 2 : inner; }

/// One step's pair for row or column `index`; the second of the last one may be missing.
INLINE uint32_t pair_at(const uint16_t *from, size_t along, size_t inner, size_t step) {
    const uint32_t low = from[2 * step * along];
    return 2 * step + 1 < inner ? low | (uint32_t)from[(2 * step + 1) * along] << 16 : low;
}

/// from (rows, columns) → to (columns, width) in float32; what lies beyond `rows` is left.
INLINE void LEVEL(pack_transposed)(shoal_type type, const void *from, size_t stride, size_t rows, size_t columns,
                                   float *to, size_t width) {
    if (type == SHOAL_FLOAT32) {
        transpose(from, stride, rows, columns, to, width);
        return;
    }
    enum { block_columns = 4 * LANES };
    float block[2 * LANES * block_columns];
    for (size_t c = 0; c < columns; c += block_columns) {
        const size_t count = columns - c < block_columns ? columns - c : block_columns;
        for (size_t r = 0; r < rows; r++) {
            for (size_t i = 0; i < count; i += LANES) {
                store(block + r * block_columns + i, load_as(type, at(type, from, r * stride + c), i, count - i));
            }
        }
        transpose(block, block_columns, rows, count, to + c * width, width);
    }
}

#ifdef BFLOAT16_PAIRS
/// from (rows, inner) → to (steps, width).
INLINE void LEVEL(pack_pairs_transposed)(const uint16_t *from, size_t stride, size_t rows, size_t inner, uint32_t *to,
                                         size_t width) {
    const size_t whole = stride % 2 == 0 ? inner / 2 : 0;
    transpose((const float *)from, stride / 2, rows, whole, (float *)to, width);
    for (size_t step = whole; step < (inner + 1) / 2; step++) {
        for (size_t r = 0; r < rows; r++) to[step * width + r] = pair_at(from + r * stride, 1, inner, step);
    }
}

/// from (inner, columns) → to (steps, width).
INLINE void LEVEL(pack_pairs)(const uint16_t *from, size_t stride, size_t inner, size_t columns, uint32_t *to,
                              size_t width) {
    for (size_t step = 0; step < (inner + 1) / 2; step++, to += width) {
        const uint16_t *first = from + 2 * step * stride, *second = first + stride;
        __builtin_prefetch(first + 16 * stride);  // Rows lie too far apart for the processor to foresee the next.
        __builtin_prefetch(second + 16 * stride);
        uint16_t edge[2][32] = {{0}};
        if (columns < 32 || 2 * step + 1 >= inner) {
            memcpy(edge[0], first, columns * 2);
            if (2 * step + 1 < inner) memcpy(edge[1], second, columns * 2);
            first = edge[0];
            second = edge[1];
        }
        const vhalves even = *(const vhalves_anywhere *)first, odd = *(const vhalves_anywhere *)second;
        *(vhalves_anywhere *)to = lower_pairs(even, odd);
        if (width > LANES) *(vhalves_anywhere *)(to + LANES) = upper_pairs(even, odd);
    }
}
#endif

/// Columns `first`..<first + columns of a term's right factor → panel (steps, width), zero beyond the columns.
INLINE void LEVEL(pack_right)(shoal_type type, const struct shoal_product_term *term, size_t first, size_t columns,
                              size_t width, float *panel) {
    const void *b = at(type, term->b, first * (term->b_transposed ? term->b_stride : 1));
    if (term->b_transposed && columns < width) {
        memset(panel, 0, LEVEL(steps)(type, term->inner) * width * sizeof(float));
    }
#ifdef BFLOAT16_PAIRS
    if (LEVEL(in_pairs)(type)) {
        if (term->b_transposed) {
            LEVEL(pack_pairs_transposed)(b, term->b_stride, columns, term->inner, (uint32_t *)panel, width);
        } else {
            LEVEL(pack_pairs)(b, term->b_stride, term->inner, columns, (uint32_t *)panel, width);
        }
        return;
    }
#endif
    if (term->b_transposed) {
        LEVEL(pack_transposed)(type, b, term->b_stride, columns, term->inner, panel, width);
        return;
    }
    for (size_t k = 0; k < term->inner; k++) {
        for (size_t c = 0; c < width; c += LANES) {
            const vfloat none = 0;
            store(panel + k * width + c,
                  c < columns ? load_as(type, at(type, b, k * term->b_stride), c, columns - c) : none);
        }
    }
}

/// Width of the panel at column `first` of `columns`.
INLINE size_t LEVEL(panel_width)(size_t first, size_t columns) {
    return columns - first > LANES ? LEVEL(panel_columns) : LANES;
}

/// Panels `first`..<last of a whole right factor; each begins where it would were all of them of full width.
static void LEVEL(pack_panels)(shoal_type type, const struct shoal_product_term *term, size_t columns, size_t first,
                               size_t last, float *values) {
    const size_t full = LEVEL(panel_columns);
    for (size_t p = first; p < last; p++) {
        const size_t rest = columns - p * full;
        LEVEL(pack_right)(type, term, p * full, rest < full ? rest : full, LEVEL(panel_width)(p * full, columns),
                          values + p * LEVEL(steps)(type, term->inner) * full);
    }
}

/// Whether a term's right factor was packed before, as this level does it.
INLINE bool LEVEL(is_packed)(const struct shoal_product_term *term) {
    return term->b_panels && term->b_panels->table == &LEVEL(shoal_table);
}

/// Asks for a packed panel: the first rows would otherwise wait for each of its lines.
INLINE void LEVEL(fetch)(const float *panel, size_t count) {
    for (size_t i = 0; i < count; i += 16) __builtin_prefetch(panel + i, 0, 2);
}

/// Whether so few rows are multiplied that reading whole panels where they lie is cheaper than packing them.
INLINE bool LEVEL(reads_rows_in_place)(const struct shoal_product *product) {
    if (product->rows > 2 * LEVEL(tile_rows)) return false;
    for (size_t t = 0; t < product->count; t++) {
        const struct shoal_product_term *term = &product->terms[t];
        if (term->b_transposed || (LEVEL(in_pairs)(product->type) ? term->inner % 2 != 0 : product->type != SHOAL_FLOAT32)) {
            return false;
        }
    }
    return true;
}

/// Whether tiles read a term's left factor where it lies.
INLINE bool LEVEL(reads_in_place)(shoal_type type, const struct shoal_product_term *term) {
    if (term->a_transposed) return false;
    return LEVEL(in_pairs)(type) ? term->inner % 2 == 0 : type == SHOAL_FLOAT32;
}

/// `rows` rows from `row` on of a term's left factor → to (rows, steps).
INLINE void LEVEL(pack_left)(shoal_type type, const struct shoal_product_term *term, size_t row, size_t rows,
                             float *to) {
    const size_t steps = LEVEL(steps)(type, term->inner), stride = term->a_stride;
    const void *a = at(type, term->a, row * (term->a_transposed ? 1 : stride));
    const size_t along = term->a_transposed ? stride : 1, across = term->a_transposed ? 1 : stride;
    if (LEVEL(in_pairs)(type)) {
        for (size_t step = 0; step < steps; step++) {
            for (size_t r = 0; r < rows; r++) {
                ((uint32_t *)to)[r * steps + step] = pair_at((const uint16_t *)a + r * across, along, term->inner, step);
            }
        }
    } else if (!term->a_transposed) {
        for (size_t r = 0; r < rows; r++, a = at(type, a, stride), to += steps) {
            size_t k = 0;
            for (; k + LANES <= steps; k += LANES) store(to + k, load_as(type, a, k, LANES));
            if (k < steps) store_first(to + k, load_as(type, a, k, steps - k), steps - k);
        }
    } else {
        enum { block = 2 * LANES };
        for (size_t k = 0; k < steps; k += block, a = at(type, a, block * stride)) {
            LEVEL(pack_transposed)(type, a, stride, steps - k < block ? steps - k : block, rows, to + k, steps);
        }
    }
}
