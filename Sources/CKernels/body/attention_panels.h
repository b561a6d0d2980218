// A head's rows as panels, what both passes of attention multiply.
//
// A product's step is one number of float32 or, with `pairs`, two neighbouring bfloat16 in 32 bits. Pairs lie along
// whatever is summed over, so there are two layouts: rows (tokens, steps of width), pairs of channels, for sums over
// channels; columns (steps of tokens, width), pairs of tokens, for sums over tokens. A float32 panel (tokens, width)
// is both. What lies beyond the head's size or the last token is zero, so no product has a remainder to do.

enum { LEVEL(tile) = 2 * LANES };  ///< queries (forward) or keys (backward) across two vectors

/// Steps of so many numbers.
INLINE size_t steps_of(bool pairs, size_t count) { return pairs ? (count + 1) / 2 : count; }

INLINE size_t value_size(shoal_type type) { return type == SHOAL_BFLOAT16 ? 2 : 4; }

/// Rows lie too far apart for the processor to foresee the next; beyond the last, the caller's next may lie.
INLINE void prefetch_later(shoal_type type, const void *row, size_t stride, size_t D) {
    const uintptr_t later = (uintptr_t)row + 12 * stride * value_size(type);
    for (size_t byte = 0; byte < D * value_size(type); byte += 64) __builtin_prefetch((const void *)(later + byte));
}

/// rows → panel (count, width), widened to float32.
INLINE void widen_rows(shoal_type type, const void *rows, size_t stride, size_t count, size_t D, float *panel,
                       size_t width) {
    const size_t whole = D / LANES * LANES;
    for (size_t row = 0; row < count; row++) {
        const void *from = at(type, rows, row * stride);
        float *to = panel + row * width;
        prefetch_later(type, from, stride, D);
        for (size_t c = 0; c < whole; c += LANES) store(to + c, load_as(type, from, c, LANES));
        if (whole == width) continue;
        for (size_t c = whole; c < width; c += LANES) store(to + c, (vfloat)0);
        float rest[LANES] = {0};
        memcpy(rest, at(type, from, whole), (D - whole) * value_size(type));
        store(to + whole, load_as(type, rest, 0, LANES));
    }
}

#ifdef BFLOAT16_PAIRS
/// rows → panel (count, width / 2) in pairs of channels.
INLINE void copy_rows(const uint16_t *rows, size_t stride, size_t count, size_t D, float *panel, size_t width) {
    const size_t whole = D / 32 * 32;
    for (size_t row = 0; row < count; row++) {
        const uint16_t *from = rows + row * stride;
        uint16_t *to = (uint16_t *)panel + row * width;
        prefetch_later(SHOAL_BFLOAT16, from, stride, D);
        for (size_t c = 0; c < whole; c += 32) *(vhalves_anywhere *)(to + c) = *(const vhalves_anywhere *)(from + c);
        if (whole == width) continue;
        memcpy(to + whole, from + whole, (D - whole) * 2);
        memset(to + D, 0, (width - D) * 2);
    }
}
#endif

/// `count` rows → the first rows of a panel of `padded`, in the layout of rows; the rest zero.
static void LEVEL(load_panel)(bool pairs, shoal_type type, const void *rows, size_t stride, size_t count, size_t padded,
                              size_t D, float *panel, size_t width) {
    const size_t steps = steps_of(pairs, width);
    memset(panel + count * steps, 0, (padded - count) * steps * sizeof(float));
#ifdef BFLOAT16_PAIRS
    if (pairs) {
        copy_rows(rows, stride, count, D, panel, width);
        return;
    }
#endif
    FOR_TYPE(type, widen_rows(T, rows, stride, count, D, panel, width));
}

/// A panel of rows in pairs → the same in columns; `count` is even.
INLINE void pair_tokens(const float *rows, size_t count, float *columns, size_t width) {
    for (size_t row = 0; row < count; row += 2) {
        const uint16_t *first = (const uint16_t *)rows + row * width, *second = first + width;
        float *to = columns + row / 2 * width;
        for (size_t c = 0; c < width; c += LANES) {
            const vuint low = __builtin_convertvector(*(const vhalf_anywhere *)(first + c), vuint);
            const vuint high = __builtin_convertvector(*(const vhalf_anywhere *)(second + c), vuint);
            store(to + c, __builtin_bit_cast(vfloat, low | high << 16));
        }
    }
}

/// panel (rows, width) of float32 · factor → rows.
INLINE void store_rows(shoal_type type, const float *panel, size_t width, size_t count, size_t D, float factor,
                       void *rows, size_t stride) {
    const size_t whole = D / LANES * LANES;
    for (size_t row = 0; row < count; row++) {
        const float *from = panel + row * width;
        char *to = (char *)rows + row * stride * value_size(type);
        for (size_t c = 0; c < whole; c += LANES) store_as(type, to, c, LANES, load(from + c) * factor);
        if (whole == D) continue;
        float rest[LANES];
        store_as(type, rest, 0, LANES, load(from + whole) * factor);
        memcpy(to + whole * value_size(type), rest, (D - whole) * value_size(type));
    }
}

static void LEVEL(store_panel)(shoal_type type, const float *panel, size_t width, size_t count, size_t D, float factor,
                               void *rows, size_t stride) {
    FOR_TYPE(type, store_rows(T, panel, width, count, D, factor, rows, stride));
}

/// Rows of a block, queries' or keys'.
INLINE size_t rows_in(const int32_t *starts, size_t block) { return (size_t)(starts[block + 1] - starts[block]); }

/// Rows of a panel that a product may read for so many tokens: it takes up to eight at a time.
INLINE size_t padded_rows(size_t count) { return (count + 7) / 8 * 8; }

/// The first key that the query at `position` sees.
INLINE size_t first_visible(const struct shoal_attention_shape *shape, size_t position) {
    return shape->window && position + 1 > shape->window ? position + 1 - shape->window : 0;
}

/// One beyond the last key that the query at `position` sees, of a block's `keys`.
INLINE size_t end_visible(const struct shoal_attention_shape *shape, size_t position, size_t keys) {
    return shape->causal && position + 1 < keys ? position + 1 : keys;
}
