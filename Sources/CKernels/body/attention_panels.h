// What both passes of attention are made of: a head's rows as float32 panels, one matrix product, and 2^x.
// A panel's row has `width` values, whole cache lines; what lies beyond the head's size or the last token is zero, so
// no product has a remainder to do.

enum {
    LEVEL(tile) = 2 * LANES,                ///< queries (forward) or keys (backward) across two vectors
    LEVEL(product_rows) = LANES == 16 ? 8 : 4  ///< rows of a product at once: with two vectors, what registers hold
};

INLINE size_t value_size(shoal_type type) { return type == SHOAL_BFLOAT16 ? 2 : 4; }

/// rows · factor → panel (rows, width).
INLINE void load_rows(shoal_type type, const void *rows, size_t stride, size_t count, size_t D, float factor,
                      float *panel, size_t width) {
    const size_t whole = D / LANES * LANES;
    for (size_t row = 0; row < count; row++) {
        const void *from = at(type, rows, row * stride);
        float *to = panel + row * width;
        // Rows lie too far apart for the processor to foresee the next; beyond the last, the caller's next may lie.
        const uintptr_t later = (uintptr_t)from + 12 * stride * value_size(type);
        for (size_t byte = 0; byte < D * value_size(type); byte += 64) __builtin_prefetch((const void *)(later + byte));
        for (size_t c = 0; c < whole; c += LANES) store(to + c, load_as(type, from, c, LANES) * factor);
        if (whole == width) continue;
        for (size_t c = whole; c < width; c += LANES) store(to + c, (vfloat)0);
        float rest[LANES] = {0};
        memcpy(rest, at(type, from, whole), (D - whole) * value_size(type));
        const vfloat values = load_as(type, rest, 0, LANES) * factor;
        store_first(to + whole, values, D - whole);
    }
}

static void LEVEL(load_panel)(shoal_type type, const void *rows, size_t stride, size_t count, size_t D, float factor,
                              float *panel, size_t width) {
    if (type == SHOAL_BFLOAT16) {
        load_rows(SHOAL_BFLOAT16, rows, stride, count, D, factor, panel, width);
    } else {
        load_rows(SHOAL_FLOAT32, rows, stride, count, D, factor, panel, width);
    }
}

/// panel (rows, width) · factor → rows.
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
    if (type == SHOAL_BFLOAT16) {
        store_rows(SHOAL_BFLOAT16, panel, width, count, D, factor, rows, stride);
    } else {
        store_rows(SHOAL_FLOAT32, panel, width, count, D, factor, rows, stride);
    }
}

/// c (product_rows, vectors · LANES) = a (product_rows, depth) · b (depth, vectors · LANES), plus c unless `fresh`.
/// c stays in registers; a's numbers are broadcast.
INLINE void product(int vectors, const float *a, size_t a_row, size_t a_depth, const float *b, size_t b_stride,
                    size_t depth, float *c, size_t c_stride, bool fresh) {
    vfloat total[LEVEL(product_rows)][2];
    _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
        _Pragma("unroll") for (int i = 0; i < vectors; i++) {
            total[j][i] = fresh ? (vfloat)0 : load(c + (size_t)j * c_stride + i * LANES);
        }
    }
    for (size_t p = 0; p < depth; p++) {
        vfloat row[2];
        _Pragma("unroll") for (int i = 0; i < vectors; i++) row[i] = load(b + p * b_stride + i * LANES);
        _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
            const float number = a[(size_t)j * a_row + p * a_depth];
            _Pragma("unroll") for (int i = 0; i < vectors; i++) total[j][i] += number * row[i];
        }
    }
    _Pragma("unroll") for (int j = 0; j < LEVEL(product_rows); j++) {
        float *row = c + (size_t)j * c_stride;
        _Pragma("unroll") for (int i = 0; i < vectors; i++) store(row + i * LANES, total[j][i]);
    }
}

/// c = a · b with a's rows in memory; b and c across `vectors` (1 or 2).
static void LEVEL(product_of_rows)(size_t vectors, const float *a, size_t a_row, const float *b, size_t b_stride,
                                   size_t depth, float *c, size_t c_stride) {
    if (vectors == 2) {
        product(2, a, a_row, 1, b, b_stride, depth, c, c_stride, true);
    } else {
        product(1, a, a_row, 1, b, b_stride, depth, c, c_stride, true);
    }
}

/// c (product_rows, width) += a · b with a's rows in memory; width is a multiple of LANES.
static void LEVEL(add_product_of_rows)(const float *a, size_t a_row, const float *b, size_t b_stride, size_t depth,
                                       float *c, size_t c_stride, size_t width) {
    size_t i = 0;
    for (; i + 2 * LANES <= width; i += 2 * LANES) {
        product(2, a, a_row, 1, b + i, b_stride, depth, c + i, c_stride, false);
    }
    if (i < width) product(1, a, a_row, 1, b + i, b_stride, depth, c + i, c_stride, false);
}

/// c (product_rows, width) += aᵀ · b with a's columns in memory, (depth, product_rows) at a stride.
static void LEVEL(add_product_of_columns)(const float *a, size_t a_depth, const float *b, size_t b_stride,
                                          size_t depth, float *c, size_t c_stride, size_t width) {
    size_t i = 0;
    for (; i + 2 * LANES <= width; i += 2 * LANES) {
        product(2, a, 1, a_depth, b + i, b_stride, depth, c + i, c_stride, false);
    }
    if (i < width) product(1, a, 1, a_depth, b + i, b_stride, depth, c + i, c_stride, false);
}

/// 2^x for x ≤ 1, relative error below 2e-7; 0 below -126. NaN stays NaN.
/// x = n + r with |r| ≤ 1/2, a minimax polynomial of 2^r, n straight from the bits of the rounded number.
INLINE vfloat power_of_two(vfloat x) {
    const float lowest = -126.0f, shift = 12582912.0f;  // shift = 1.5 · 2^23 rounds to an integer.
    const vfloat clamped = (vfloat)lowest > x ? (vfloat)lowest : x;
    const vfloat shifted = clamped + shift;
    const vfloat r = clamped - (shifted - shift);
    vfloat p = r * 0.001326472731307149f + 0.009671512991189957f;
    p = p * r + 0.05550733581185341f;
    p = p * r + 0.24022242426872253f;
    p = p * r + 0.6931470036506653f;
    p = p * r + 1.0f;
    const vuint power = (__builtin_bit_cast(vuint, shifted) + 127u) << 23;
    const vfloat result = p * __builtin_bit_cast(vfloat, power);
    return x < lowest ? (vfloat)0 : result;
}

/// Keys that every query of a block may at most see.
INLINE size_t attention_keys(const struct shoal_attention_shape *shape, size_t block) {
    if (!shape->lengths) return shape->keys;
    const int32_t length = shape->lengths[block];
    return length <= 0 ? 0 : (size_t)length < shape->keys ? (size_t)length : shape->keys;
}

/// The first key that the query at `position` sees.
INLINE size_t first_visible(const struct shoal_attention_shape *shape, size_t position) {
    return shape->window && position + 1 > shape->window ? position + 1 - shape->window : 0;
}

/// One beyond the last key that the query at `position` sees, of a block's `keys`.
INLINE size_t end_visible(const struct shoal_attention_shape *shape, size_t position, size_t keys) {
    return shape->causal && position + 1 < keys ? position + 1 : keys;
}
