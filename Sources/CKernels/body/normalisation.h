// Root-mean-square and layer normalisation. `IN` is the type of x and `sum`, T of everything between layers.

INLINE void normalise_row(const shoal_type IN, const shoal_type T, const struct shoal_norm *s, const void *x,
                          const void *delta, void *sum_row, void *normal, void *out, float *rstd) {
    const size_t C = s->columns;
    vfloat total = 0, squares = 0;
    for (size_t c = 0; c < C; c += LANES) {
        vfloat value = load_as(IN, x, c, C - c);
        if (delta) value += load_as(T, delta, c, C - c);
        if (sum_row) {
            store_as(IN, sum_row, c, C - c, value);
            value = load_as(IN, sum_row, c, C - c);
        }
        total += value;
        squares += value * value;
    }
    // Where the sum was stored, what it was rounded to is what gets normalised.
    const void *input = sum_row ? sum_row : x;
    if (sum_row) delta = NULL;
    float mean = 0;
    if (s->centred) {
        // In two passes: a mean far from 0 would cancel in E[x²] − E[x]².
        mean = sum(total) / (float)C;
        squares = 0;
        for (size_t c = 0; c < C; c += LANES) {
            vfloat value = load_as(IN, input, c, C - c);
            if (delta) value += load_as(T, delta, c, C - c);
            value -= mean;
            if (C - c < LANES) value = lane_index() < (vint)(int32_t)(C - c) ? value : (vfloat)0;
            squares += value * value;
        }
    }
    const float r = 1 / sqrtf(sum(squares) / (float)C + s->epsilon);
    *rstd = r;
    for (size_t c = 0; c < C; c += LANES) {
        vfloat value = load_as(IN, input, c, C - c);
        if (delta) value += load_as(T, delta, c, C - c);
        value = (value - mean) * r;
        // Rounded whether it is kept or not, so that norm_repeat gives the same bits.
        if (T == SHOAL_BFLOAT16) value = widen(narrow(value));
        if (normal) store_as(T, normal, c, C - c, value);
        value *= load_as(SHOAL_FLOAT32, s->weight, c, C - c);
        if (s->bias) value += load_as(SHOAL_FLOAT32, s->bias, c, C - c);
        store_as(T, out, c, C - c, value);
    }
}

INLINE void normalise_rows(const shoal_type IN, const shoal_type T, const struct shoal_norm *s, const void *x,
                           const void *delta, void *sum_rows, void *normal, void *out, float *rstd, size_t begin,
                           size_t end) {
    for (size_t row = begin; row < end; row++) {
        const size_t token = row / s->groups, column = row % s->groups * s->columns;
        const size_t from = token * s->x_stride + column, to = token * s->out_stride + column;
        normalise_row(IN, T, s, at(IN, x, from), delta ? at(T, delta, row * s->columns) : NULL,
                      sum_rows ? at_mutable(IN, sum_rows, row * s->columns) : NULL,
                      normal ? at_mutable(T, normal, row * s->columns) : NULL, at_mutable(T, out, to), rstd + row);
    }
}

static void LEVEL(norm_forward)(shoal_type input, shoal_type type, const struct shoal_norm *s, const void *x,
                                const void *delta, void *sum_rows, void *normal, void *out, float *rstd, size_t begin,
                                size_t end) {
    if (input == type) {
        FOR_TYPE(type, normalise_rows(T, T, s, x, delta, sum_rows, normal, out, rstd, begin, end));
    } else {
        FOR_TYPE(type, normalise_rows(SHOAL_FLOAT32, T, s, x, delta, sum_rows, normal, out, rstd, begin, end));
    }
}

INLINE void repeat_rows(const shoal_type T, const struct shoal_norm *s, const void *normal, void *out, size_t begin,
                        size_t end) {
    const size_t C = s->columns;
    for (size_t row = begin; row < end; row++) {
        const void *from = at(T, normal, row * C);
        void *to = at_mutable(T, out, row / s->groups * s->out_stride + row % s->groups * C);
        for (size_t c = 0; c < C; c += LANES) {
            vfloat value = load_as(T, from, c, C - c) * load_as(SHOAL_FLOAT32, s->weight, c, C - c);
            if (s->bias) value += load_as(SHOAL_FLOAT32, s->bias, c, C - c);
            store_as(T, to, c, C - c, value);
        }
    }
}

static void LEVEL(norm_repeat)(shoal_type type, const struct shoal_norm *s, const void *normal, void *out,
                               size_t begin, size_t end) {
    FOR_TYPE(type, repeat_rows(T, s, normal, out, begin, end));
}

/// dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)) with g = dout · weight; the first mean only when centred.
INLINE void norm_backward_rows(const shoal_type IN, const shoal_type T, const struct shoal_norm *s, const void *dout,
                               const void *normal, const float *rstd, void *dx, void *copy, bool accumulate,
                               size_t begin, size_t end) {
    const size_t C = s->columns;
    for (size_t row = begin; row < end; row++) {
        const size_t token = row / s->groups, column = row % s->groups * C;
        const void *g = at(T, dout, token * s->out_stride + column), *n = at(T, normal, row * C);
        void *result = at_mutable(IN, dx, token * s->x_stride + column);
        vfloat total = 0, products = 0;
        for (size_t c = 0; c < C; c += LANES) {
            vfloat weighted = load_as(T, g, c, C - c) * load_as(SHOAL_FLOAT32, s->weight, c, C - c);
            total += weighted;
            products += weighted * load_as(T, n, c, C - c);
        }
        const float shared = sum(products) / (float)C, mean = s->centred ? sum(total) / (float)C : 0;
        for (size_t c = 0; c < C; c += LANES) {
            vfloat weighted = load_as(T, g, c, C - c) * load_as(SHOAL_FLOAT32, s->weight, c, C - c);
            vfloat value = rstd[row] * (weighted - mean - load_as(T, n, c, C - c) * shared);
            if (accumulate) value += load_as(IN, result, c, C - c);
            store_as(IN, result, c, C - c, value);
            if (copy) store_as(T, copy, row * C + c, C - c, value);
        }
    }
}

static void LEVEL(norm_backward)(shoal_type input, shoal_type type, const struct shoal_norm *s, const void *dout,
                                 const void *normal, const float *rstd, void *dx, void *copy, bool accumulate,
                                 size_t begin, size_t end) {
    if (input == type) {
        FOR_TYPE(type, norm_backward_rows(T, T, s, dout, normal, rstd, dx, copy, accumulate, begin, end));
    } else {
        FOR_TYPE(type, norm_backward_rows(SHOAL_FLOAT32, T, s, dout, normal, rstd, dx, copy, accumulate, begin, end));
    }
}
