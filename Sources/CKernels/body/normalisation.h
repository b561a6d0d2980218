/// x (rows, C) → out (rows, C), rstd (rows). With `sum`, the input is sum + x and is left in `sum`.
static void LEVEL(rmsnorm_forward)(const float *x, float *sum_rows, const float *weight, float *out, float *rstd,
                                   size_t rows, size_t C, float eps) {
    for (size_t row = 0; row < rows; row++) {
        const float *input = x + row * C;
        if (sum_rows) {
            LEVEL(axpy)(1, input, sum_rows + row * C, C);
            input = sum_rows + row * C;
        }
        vfloat squares = 0;
        float rest = 0;
        size_t c = 0;
        for (; c + LANES <= C; c += LANES) squares += load(input + c) * load(input + c);
        for (; c < C; c++) rest += input[c] * input[c];
        rstd[row] = 1 / sqrtf((sum(squares) + rest) / (float)C + eps);
        float *result = out + row * C;
        for (c = 0; c + LANES <= C; c += LANES) store(result + c, load(input + c) * rstd[row] * load(weight + c));
        for (; c < C; c++) result[c] = input[c] * rstd[row] * weight[c];
    }
}

static void LEVEL(rmsnorm_repeat)(const float *x, const float *weight, const float *rstd, float *out, size_t rows,
                                  size_t C) {
    for (size_t row = 0; row < rows; row++) {
        const float *input = x + row * C;
        float *result = out + row * C;
        size_t c = 0;
        for (; c + LANES <= C; c += LANES) store(result + c, load(input + c) * rstd[row] * load(weight + c));
        for (; c < C; c++) result[c] = input[c] * rstd[row] * weight[c];
    }
}

/// dx = rstd · (g − x̂ · mean(g · x̂)) with g = dout · weight and x̂ = x · rstd.
static void LEVEL(rmsnorm_backward)(const float *dout, const float *x, const float *weight, const float *rstd,
                                    float *dx, size_t rows, size_t C, bool accumulate) {
    for (size_t row = 0; row < rows; row++) {
        const float *input = x + row * C, *g = dout + row * C;
        float *result = dx + row * C;
        vfloat products = 0;
        float rest = 0;
        size_t c = 0;
        for (; c + LANES <= C; c += LANES) products += load(g + c) * load(weight + c) * load(input + c);
        for (; c < C; c++) rest += g[c] * weight[c] * input[c];
        const float r = rstd[row];
        const float shared = (sum(products) + rest) / (float)C * r * r * r;
        for (c = 0; c + LANES <= C; c += LANES) {
            vfloat base = accumulate ? load(result + c) : (vfloat)0;
            store(result + c, base + (load(g + c) * load(weight + c) * r - load(input + c) * shared));
        }
        for (; c < C; c++) {
            float value = g[c] * weight[c] * r - input[c] * shared;
            result[c] = accumulate ? result[c] + value : value;
        }
    }
}
