// Products with one number a column, sums of two matrices, and changes of type.

INLINE void scale_columns_rows(const shoal_type T, const void *x, const float *factors, void *out, size_t C,
                               size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
        for (size_t c = 0; c < C; c += LANES) {
            vfloat value = load_as(T, x, row * C + c, C - c) * load_as(SHOAL_FLOAT32, factors, c, C - c);
            store_as(T, out, row * C + c, C - c, value);
        }
    }
}

static void LEVEL(scale_columns)(shoal_type type, const void *x, const float *factors, void *out, size_t C,
                                 size_t begin, size_t end) {
    FOR_TYPE(type, scale_columns_rows(T, x, factors, out, C, begin, end));
}

/// sums (C) += Σ over rows of x · y, for columns begin..<end in vectors.
INLINE void column_products_range(const shoal_type T, const void *x, const void *y, float *sums, size_t rows,
                                  size_t C, size_t begin, size_t end) {
    for (size_t c = begin * LANES; c < end * LANES && c < C; c += LANES) {
        vfloat total = load_as(SHOAL_FLOAT32, sums, c, C - c);
        for (size_t row = 0; row < rows; row++) {
            vfloat value = load_as(T, x, row * C + c, C - c);
            if (y) value *= load_as(T, y, row * C + c, C - c);
            total += value;
        }
        store_as(SHOAL_FLOAT32, sums, c, C - c, total);
    }
}

static void LEVEL(column_products)(shoal_type type, const void *x, const void *y, float *sums, size_t rows, size_t C) {
    FOR_TYPE(type, column_products_range(T, x, y, sums, rows, C, 0, (C + LANES - 1) / LANES));
}

/// y (n) += factor · x (n)
static void LEVEL(add_values)(shoal_type y_type, void *y, shoal_type x_type, const void *x, size_t n, float factor) {
    for (size_t i = 0; i < n; i += LANES) {
        vfloat value = load_as(y_type, y, i, n - i) + factor * load_as(x_type, x, i, n - i);
        store_as(y_type, y, i, n - i, value);
    }
}

static void LEVEL(convert)(shoal_type from, const void *x, shoal_type to, void *out, size_t n, float factor) {
    for (size_t i = 0; i < n; i += LANES) store_as(to, out, i, n - i, load_as(from, x, i, n - i) * factor);
}
