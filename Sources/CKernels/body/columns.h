// Products with one number a column, sums of two matrices, and changes of type.

INLINE void scale_columns_rows(const shoal_type T, const void *x, size_t x_stride, const float *factors,
                               const float *bias, void *out, size_t out_stride, size_t C, size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
        for (size_t c = 0; c < C; c += LANES) {
            vfloat value = load_as(T, x, row * x_stride + c, C - c) * load_as(SHOAL_FLOAT32, factors, c, C - c);
            if (bias) value += load_as(SHOAL_FLOAT32, bias, c, C - c);
            store_as(T, out, row * out_stride + c, C - c, value);
        }
    }
}

static void LEVEL(scale_columns)(shoal_type type, const void *x, size_t x_stride, const float *factors,
                                 const float *bias, void *out, size_t out_stride, size_t C, size_t begin, size_t end) {
    FOR_TYPE(type, scale_columns_rows(T, x, x_stride, factors, bias, out, out_stride, C, begin, end));
}

/// sums (C) += Σ over rows of x · y
INLINE void column_products_all(const shoal_type T, const void *x, size_t x_stride, const void *y, size_t y_stride,
                                float *sums, size_t rows, size_t C) {
    for (size_t c = 0; c < C; c += LANES) {
        vfloat total = load_as(SHOAL_FLOAT32, sums, c, C - c);
        for (size_t row = 0; row < rows; row++) {
            vfloat value = load_as(T, x, row * x_stride + c, C - c);
            if (y) value *= load_as(T, y, row * y_stride + c, C - c);
            total += value;
        }
        store_as(SHOAL_FLOAT32, sums, c, C - c, total);
    }
}

static void LEVEL(column_products)(shoal_type type, const void *x, size_t x_stride, const void *y, size_t y_stride,
                                   float *sums, size_t rows, size_t C) {
    FOR_TYPE(type, column_products_all(T, x, x_stride, y, y_stride, sums, rows, C));
}

/// y (n) += factor · x (n)
static void LEVEL(add_values)(shoal_type y_type, void *y, shoal_type x_type, const void *x, size_t n, float factor) {
    for (size_t i = 0; i < n; i += LANES) {
        vfloat value = load_as(y_type, y, i, n - i) + factor * load_as(x_type, x, i, n - i);
        store_as(y_type, y, i, n - i, value);
    }
}

static void LEVEL(convert)(shoal_type from, const void *x, shoal_type to, void *out, size_t n, float factor) {
    for (size_t i = 0; i < n; i += LANES) {
        const vfloat value = load_as(from, x, i, n - i) * factor;
        if (to == SHOAL_BFLOAT16) {
            store_halves((uint16_t *)out + i, narrow_exactly(value), n - i);  // Checkpoints are converted by it.
        } else {
            store_as(to, out, i, n - i, value);
        }
    }
}
