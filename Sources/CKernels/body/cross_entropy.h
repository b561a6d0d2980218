static void LEVEL(cross_entropy)(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V,
                                 bool gradient, float gradient_scale) {
    for (size_t row = 0; row < rows; row++) {
        float *values = logits + row * V;
        if (labels[row] < 0) {
            losses[row] = 0;
            if (gradient) memset(values, 0, V * sizeof(float));
            continue;
        }
        size_t c = 0;
        float highest = values[0];
        if (V >= LANES) {
            vfloat best = load(values);
            for (c = LANES; c + LANES <= V; c += LANES) best = maximum(best, load(values + c));
            highest = largest(best);
        }
        for (; c < V; c++) highest = values[c] > highest ? values[c] : highest;
        const float target = values[labels[row]];
        vfloat totals = 0;
        float total = 0;
        for (c = 0; c + LANES <= V; c += LANES) {
            vfloat e = vexp(load(values + c) - highest);
            totals += e;
            if (gradient) store(values + c, e);
        }
        if (c < V) {
            vfloat e = vexp(load_first(values + c, V - c) - highest);
            for (size_t j = 0; j < V - c; j++) total += e[j];
            if (gradient) store_first(values + c, e, V - c);
        }
        total += sum(totals);
        losses[row] = logf(total) + (highest - target);
        if (!gradient) continue;
        LEVEL(scale)(values, gradient_scale / total, V);
        values[labels[row]] -= gradient_scale;
    }
}
