// Softmax over a vocabulary that comes in blocks of columns, each seen once (the online softmax, arXiv:1805.02867).

/// A row's block of logits: raises the row's maximum where needed, and leaves e^(logit − maximum) in `weights`.
/// `kept` gets the factor by which what was summed under the old maximum shrinks.
static void LEVEL(vocabulary_block)(shoal_type type, const float *logits, void *weights, const int32_t *labels,
                                    size_t first, size_t columns, float *highest, float *total, float *target,
                                    float *kept, size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
        const float *values = logits + row * columns;
        vfloat best = (vfloat)highest[row];
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES) best = maximum(best, load(values + c));
        float peak = largest(best);
        for (; c < columns; c++) peak = values[c] > peak ? values[c] : peak;
        const int64_t label = (int64_t)labels[row] - (int64_t)first;
        if (label >= 0 && label < (int64_t)columns) target[row] = values[label];
        kept[row] = vexp((vfloat)(highest[row] - peak))[0];
        vfloat sums = 0;
        for (c = 0; c < columns; c += LANES) {
            const size_t count = columns - c;
            vfloat e = vexp(load_as(SHOAL_FLOAT32, values, c, count) - peak);
            if (count < LANES) e = lane_index() < (vint)(int32_t)count ? e : (vfloat)0;
            if (weights) {
                if (type == SHOAL_FLOAT32) store_as(SHOAL_FLOAT32, weights, row * columns + c, count, e);
                else store_as(SHOAL_BFLOAT16, weights, row * columns + c, count, e);
            }
            sums += e;
        }
        total[row] = total[row] * kept[row] + sum(sums);
        highest[row] = peak;
    }
}

/// x (rows, C): row r times factors[r].
static void LEVEL(scale_rows)(float *x, const float *factors, size_t C, size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
        if (factors[row] != 1) LEVEL(scale)(x + row * C, factors[row], C);
    }
}
