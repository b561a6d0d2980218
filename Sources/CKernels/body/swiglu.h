static void LEVEL(swiglu_forward)(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i += LANES) {
        size_t count = n - i < LANES ? n - i : LANES;
        bool whole = count == LANES;
        vfloat g = whole ? load(gate + i) : load_first(gate + i, count);
        vfloat u = whole ? load(up + i) : load_first(up + i, count);
        vfloat result = g * u / (1 + vexp(-g));
        if (whole) store(out + i, result); else store_first(out + i, result, count);
    }
}

/// With s = σ(gate): d silu = s (1 + gate (1 − s)).
static void LEVEL(swiglu_backward)(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                                   float *out, size_t n) {
    for (size_t i = 0; i < n; i += LANES) {
        size_t count = n - i < LANES ? n - i : LANES;
        bool whole = count == LANES;
        vfloat d = whole ? load(dout + i) : load_first(dout + i, count);
        vfloat g = whole ? load(gate + i) : load_first(gate + i, count);
        vfloat u = whole ? load(up + i) : load_first(up + i, count);
        vfloat s = 1 / (1 + vexp(-g));
        vfloat silu = g * s;
        vfloat gateGradient = d * u * (s + silu * (1 - s)), upGradient = d * silu;
        if (whole) {
            store(dgate + i, gateGradient);
            store(dup + i, upGradient);
            if (out) store(out + i, silu * u);
        } else {
            store_first(dgate + i, gateGradient, count);
            store_first(dup + i, upGradient, count);
            if (out) store_first(out + i, silu * u, count);
        }
    }
}
