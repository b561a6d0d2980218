static void LEVEL(axpy)(float a, const float *x, float *y, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, load(y + i) + a * load(x + i));
    for (; i < n; i++) y[i] += a * x[i];
}

static void LEVEL(scale)(float *x, float a, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(x + i, a * load(x + i));
    for (; i < n; i++) x[i] *= a;
}

/// Eight double accumulators at every level: a float product is exact in double, so all levels agree bit for bit.
static double LEVEL(dot)(const float *x, const float *y, size_t n) {
    typedef double double8 __attribute__((ext_vector_type(8)));
    double8 total = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        double8 a = __builtin_convertvector((float8) * (const float8_anywhere *)(x + i), double8);
        double8 b = __builtin_convertvector((float8) * (const float8_anywhere *)(y + i), double8);
        total += a * b;
    }
    double rest = 0;
    for (; i < n; i++) rest += (double)x[i] * (double)y[i];
    double result = rest;
    for (int j = 0; j < 8; j++) result += total[j];
    return result;
}

static void LEVEL(exp_values)(const float *x, float *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(out + i, vexp(load(x + i)));
    if (i < n) store_first(out + i, vexp(load_first(x + i, n - i)), n - i);
}

INLINE vfloat square_root(vfloat x) { return __builtin_elementwise_sqrt(x); }

static void LEVEL(adamw_step)(float *values, const float *gradient, float *m, float *v, size_t n, float lr,
                              float beta1, float beta2, float eps, float weight_decay, float bias1, float bias2) {
    const float keep = 1 - lr * weight_decay, step = lr / bias1, root = 1 / sqrtf(bias2);
    for (size_t i = 0; i < n; i += LANES) {
        size_t count = n - i < LANES ? n - i : LANES;
        bool whole = count == LANES;
        vfloat g = whole ? load(gradient + i) : load_first(gradient + i, count);
        vfloat first = whole ? load(m + i) : load_first(m + i, count);
        vfloat second = whole ? load(v + i) : load_first(v + i, count);
        vfloat value = whole ? load(values + i) : load_first(values + i, count);
        first = beta1 * first + (1 - beta1) * g;
        second = beta2 * second + (1 - beta2) * (g * g);
        value = keep * value - step * (first / (square_root(second) * root + eps));
        if (whole) {
            store(m + i, first);
            store(v + i, second);
            store(values + i, value);
        } else {
            store_first(m + i, first, count);
            store_first(v + i, second, count);
            store_first(values + i, value, count);
        }
    }
}
