// Tiles of rows × two vectors that stay in registers while all of K passes by.
//
// A step is one k of float32 or, where the processor multiplies bfloat16 pairs, two neighbouring k in 32 bits. The right
// factor comes in panels (steps, columns of one vector or two), the left one in rows of steps.

enum {
    LEVEL(tile_rows) = LANES == 16 ? 12 : 6,  ///< with two vectors each, what the registers hold
    LEVEL(panel_columns) = 2 * LANES
};

typedef float float_anywhere __attribute__((aligned(2)));

/// How a tile finds its panel.
enum panel_kind { PACKED_PANEL, ROWS_IN_PLACE };

/// A term as a tile reads it: 32 bits a step of the left factor; of the right one a vector or two, packed one after
/// another, or rows where they lie.
struct LEVEL(tile_term) {
    const char *a;
    size_t row_bytes, steps;
    const char *b;
    /// Between rows that are read in place.
    size_t b_bytes;
};

/// Where a tile's sums go.
struct LEVEL(tile_target) {
    const struct shoal_product *product;
    size_t row, column;
};

/// The right factor's values of one step.
INLINE void LEVEL(load_step)(const bool pairs, const enum panel_kind kind, const size_t vectors, const char *from,
                             size_t row_bytes, vfloat b[2]) {
#ifdef BFLOAT16_PAIRS
    if (pairs && kind == ROWS_IN_PLACE) {
        const vhalves even = *(const vhalves_anywhere *)from, odd = *(const vhalves_anywhere *)(from + row_bytes);
        b[0] = __builtin_bit_cast(vfloat, lower_pairs(even, odd));
        b[1] = __builtin_bit_cast(vfloat, upper_pairs(even, odd));
        __builtin_prefetch(from + 16 * row_bytes);
        __builtin_prefetch(from + 17 * row_bytes);
        return;
    }
#endif
    (void)pairs;
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) b[v] = load((const float *)from + v * LANES);
    if (kind == ROWS_IN_PLACE) {
        __builtin_prefetch(from + 12 * row_bytes);
        if (LANES == 16) __builtin_prefetch(from + 12 * row_bytes + 64);
    }
}

/// Adds up all terms over one panel.
INLINE void LEVEL(tile_sums)(const bool pairs, const enum panel_kind kind, const size_t rows, const size_t vectors,
                             const struct LEVEL(tile_term) *terms, size_t count,
                             vfloat sums[LEVEL(tile_rows)][2]) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = 0;
    for (size_t t = 0; t < count; t++) {
        const size_t row_bytes = terms[t].row_bytes, b_bytes = terms[t].b_bytes;
        const size_t advance = kind == PACKED_PANEL ? vectors * LANES * 4 : pairs ? 2 * b_bytes : b_bytes;
        const char *a = terms[t].a, *a3 = a + 3 * row_bytes, *a6 = a + 6 * row_bytes, *a9 = a + 9 * row_bytes;
        const char *from = terms[t].b;
        for (size_t step = terms[t].steps; step > 0; step--) {
            vfloat b[2];
            LEVEL(load_step)(pairs, kind, vectors, from, b_bytes, b);
            from += advance;
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++) {
                const char *group = r < 3 ? a : r < 6 ? a3 : r < 9 ? a6 : a9;
                const vfloat value = *(const float_anywhere *)(group + r % 3 * row_bytes);
#pragma clang loop unroll(full)
                for (size_t v = 0; v < vectors; v++) {
                    sums[r][v] = pairs ? add_pairs(sums[r][v], value, b[v]) : sums[r][v] + value * b[v];
                }
            }
            a += 4;
            a3 += 4;
            a6 += 4;
            a9 += 4;
        }
    }
}

/// C = sums + bias, or C += sums.
INLINE void LEVEL(store_tile)(shoal_type type, const bool accumulate, const size_t rows, const size_t vectors,
                              const struct LEVEL(tile_target) *target, vfloat sums[LEVEL(tile_rows)][2]) {
    const struct shoal_product *product = target->product;
    const size_t width = product->columns - target->column;
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        if (v * LANES >= width) break;
        const size_t count = width - v * LANES, column = target->column + v * LANES;
        const vfloat bias = product->bias ? load_as(SHOAL_FLOAT32, product->bias, column, count) : (vfloat)0;
        char *to = at_mutable(type, product->result, target->row * product->result_stride + column);
        if (count >= LANES) {
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++) {
                const vfloat before = accumulate ? load_as(type, to, 0, LANES) : bias;
                store_as(type, to, 0, LANES, sums[r][v] + before);
                to = at_mutable(type, to, product->result_stride);
            }
        } else {
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++) {
                const vfloat before = accumulate ? load_as(type, to, 0, count) : bias;
                store_as(type, to, 0, count, sums[r][v] + before);
                to = at_mutable(type, to, product->result_stride);
            }
        }
    }
}

INLINE void LEVEL(whole_tile)(const bool pairs, const enum panel_kind kind, const size_t rows, const size_t vectors,
                              const struct LEVEL(tile_target) *target, const struct LEVEL(tile_term) *terms,
                              size_t count) {
    vfloat sums[LEVEL(tile_rows)][2];
    LEVEL(tile_sums)(pairs, kind, rows, vectors, terms, count, sums);
    const struct shoal_product *product = target->product;
    if (product->accumulate) {
        FOR_TYPE(product->result_type, LEVEL(store_tile)(T, true, rows, vectors, target, sums));
    } else {
        FOR_TYPE(product->result_type, LEVEL(store_tile)(T, false, rows, vectors, target, sums));
    }
}

/// The most rows that a tile does at once of so many.
INLINE size_t LEVEL(rows_at_once)(size_t rows) {
    if (rows >= LEVEL(tile_rows)) return LEVEL(tile_rows);
    if (rows >= 8 && LANES == 16) return 8;
    return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

#define TILE(count_of_rows)                                                                                        \
    if (rows == (count_of_rows)) {                                                                                 \
        if (kind == ROWS_IN_PLACE || vectors == 2) {                                                               \
            LEVEL(whole_tile)(pairs, kind, (count_of_rows), 2, target, terms, count);                              \
        } else {                                                                                                   \
            LEVEL(whole_tile)(pairs, kind, (count_of_rows), 1, target, terms, count);                              \
        }                                                                                                          \
        return;                                                                                                    \
    }

INLINE void LEVEL(any_tile)(const bool pairs, const enum panel_kind kind, size_t rows, size_t vectors,
                            const struct LEVEL(tile_target) *target, const struct LEVEL(tile_term) *terms,
                            size_t count) {
    TILE(LEVEL(tile_rows))
#if LANES == 16
    TILE(8)
#endif
    TILE(4)
    TILE(2)
    TILE(1)
}
#undef TILE

/// One tile: `rows` of ``rows_at_once`` by one vector or two of columns.
static void LEVEL(float_tile)(enum panel_kind kind, size_t rows, size_t vectors,
                              const struct LEVEL(tile_target) *target, const struct LEVEL(tile_term) *terms,
                              size_t count) {
    if (kind == PACKED_PANEL) {
        LEVEL(any_tile)(false, PACKED_PANEL, rows, vectors, target, terms, count);
    } else {
        LEVEL(any_tile)(false, ROWS_IN_PLACE, rows, vectors, target, terms, count);
    }
}

#ifdef BFLOAT16_PAIRS
static void LEVEL(pair_tile)(enum panel_kind kind, size_t rows, size_t vectors,
                             const struct LEVEL(tile_target) *target, const struct LEVEL(tile_term) *terms,
                             size_t count) {
    if (kind == PACKED_PANEL) {
        LEVEL(any_tile)(true, PACKED_PANEL, rows, vectors, target, terms, count);
    } else {
        LEVEL(any_tile)(true, ROWS_IN_PLACE, rows, vectors, target, terms, count);
    }
}
#endif
