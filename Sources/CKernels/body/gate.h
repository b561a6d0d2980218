// Activation functions, alone or times a second factor.

/// tanh from the exponential of a negative number, so that nothing overflows.
INLINE vfloat vtanh(vfloat x) {
    vfloat size = x < 0 ? -x : x;
    vfloat e = vexp(-2 * size);
    vfloat result = (1 - e) * reciprocal(1 + e);
    // For small x the difference 1 − e cancels; x − x³/3 + 2x⁵/15 is exact to a float's precision below 0.04.
    vfloat square = x * x;
    vfloat series = size * (1 - square * (1.0f / 3.0f - square * (2.0f / 15.0f)));
    result = size < 0.04f ? series : result;
    return x < 0 ? -result : result;
}

/// The error function's complement for x ≥ 0 (Abramowitz & Stegun 7.1.26, absolute error 1.5e-7), given e^(−x²).
INLINE vfloat verfc(vfloat x, vfloat exponential) {
    vfloat t = reciprocal(1 + 0.3275911f * x);
    vfloat p = (vfloat)1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    return p * t * exponential;
}

/// The function's value, and its slope where wanted.
INLINE vfloat activate(const enum shoal_activation kind, vfloat x, vfloat *slope) {
    switch (kind) {
    case SHOAL_SILU: {
        vfloat s = reciprocal(1 + vexp(-x));
        vfloat value = x * s;
        if (slope) *slope = s + value * (1 - s);
        return value;
    }
    case SHOAL_GELU: {
        vfloat size = x < 0 ? -x : x;
        vfloat density = vexp(-0.5f * x * x);
        vfloat tail = 0.5f * verfc(size * 0.70710678118654752f, density);
        vfloat below = x < 0 ? tail : 1 - tail;
        if (slope) *slope = below + x * density * 0.39894228040143268f;
        return x * below;
    }
    case SHOAL_GELU_TANH: {
        const float a = 0.79788456080286536f, b = 0.044715f;
        // Beyond ±10 the tangent is ±1, and the cube of a large x would overflow.
        vfloat z = minimum(maximum(x, (vfloat)-10), (vfloat)10);
        vfloat t = vtanh(a * z * (1 + b * z * z));
        if (slope) *slope = 0.5f * (1 + t) + 0.5f * z * (1 - t * t) * a * (1 + 3 * b * z * z);
        return 0.5f * x * (1 + t);
    }
    case SHOAL_RELU:
        if (slope) *slope = x > 0 ? (vfloat)1 : (vfloat)0;
        return x > 0 ? x : (vfloat)0;
    case SHOAL_TANH: {
        vfloat t = vtanh(x);
        if (slope) *slope = 1 - t * t;
        return t;
    }
    }
    return x;
}

INLINE void gate_forward_rows(const shoal_type T, const enum shoal_activation kind, const struct shoal_gate *s,
                              const void *gate, const void *up, void *out, size_t begin, size_t end) {
    const size_t C = s->columns;
    for (size_t row = begin; row < end; row++) {
        for (size_t c = 0; c < C; c += LANES) {
            vfloat value = activate(kind, load_as(T, gate, row * s->stride + c, C - c), NULL);
            if (up) value *= load_as(T, up, row * s->stride + c, C - c);
            store_as(T, out, row * C + c, C - c, value);
        }
    }
}

INLINE void gate_backward_rows(const shoal_type T, const enum shoal_activation kind, const struct shoal_gate *s,
                               const void *dout, const void *gate, const void *up, void *dgate, void *dup, void *out,
                               size_t begin, size_t end) {
    const size_t C = s->columns;
    for (size_t row = begin; row < end; row++) {
        for (size_t c = 0; c < C; c += LANES) {
            const size_t count = C - c, place = row * s->stride + c;
            vfloat slope, d = load_as(T, dout, row * C + c, count);
            vfloat value = activate(kind, load_as(T, gate, place, count), &slope);
            if (up) {
                vfloat u = load_as(T, up, place, count);
                store_as(T, dup, place, count, d * value);
                d *= u;
                value *= u;
            }
            store_as(T, dgate, place, count, d * slope);
            if (out) store_as(T, out, row * C + c, count, value);
        }
    }
}

#define FOR_ACTIVATION(type, kind, call)                                                                          \
    switch (kind) {                                                                                               \
    case SHOAL_SILU: { const enum shoal_activation K = SHOAL_SILU; FOR_TYPE(type, call); break; }                 \
    case SHOAL_GELU: { const enum shoal_activation K = SHOAL_GELU; FOR_TYPE(type, call); break; }                 \
    case SHOAL_GELU_TANH: { const enum shoal_activation K = SHOAL_GELU_TANH; FOR_TYPE(type, call); break; }       \
    case SHOAL_RELU: { const enum shoal_activation K = SHOAL_RELU; FOR_TYPE(type, call); break; }                 \
    case SHOAL_TANH: { const enum shoal_activation K = SHOAL_TANH; FOR_TYPE(type, call); break; }                 \
    }

static void LEVEL(gate_forward)(shoal_type type, const struct shoal_gate *s, const void *gate, const void *up,
                                void *out, size_t begin, size_t end) {
    FOR_ACTIVATION(type, s->activation, gate_forward_rows(T, K, s, gate, up, out, begin, end));
}

static void LEVEL(gate_backward)(shoal_type type, const struct shoal_gate *s, const void *dout, const void *gate,
                                 const void *up, void *dgate, void *dup, void *out, size_t begin, size_t end) {
    FOR_ACTIVATION(type, s->activation, gate_backward_rows(T, K, s, dout, gate, up, dgate, dup, out, begin, end));
}
