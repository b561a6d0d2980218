// Weighted sums of updates in double precision.

typedef double double8_sum __attribute__((ext_vector_type(8)));
typedef double8_sum double8_sum_anywhere __attribute__((aligned(8)));
typedef int32_t exponent8 __attribute__((ext_vector_type(8)));

static double LEVEL(squares)(const void *values, size_t n) {
    enum { WIDTH = 32 };  // Four vectors of sums, so that additions do not wait for each other.
    double8_sum sums[WIDTH / 8] = {0};
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        for (int part = 0; part < WIDTH / 8; part++) {
            float8 some;
            memcpy(&some, (const char *)values + 4 * i + 32 * part, sizeof some);
            const double8_sum wide = __builtin_convertvector(some, double8_sum);
            sums[part] += wide * wide;  // Exact, hence the same fused or not.
        }
    }
    const double8_sum folded = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double total = 0;
    for (int lane = 0; lane < 8; lane++) total += folded[lane];
    for (; i < n; i++) {
        float value;
        memcpy(&value, (const char *)values + 4 * i, sizeof value);
        total += (double)value * (double)value;
    }
    return total;
}

/// Values begin..<end of sum[i] += Σₖ weights[k] · updates[k][i], one k after the other. A sum stays in its register while
/// all updates pass, so that memory is read once. Returns whether all values are finite.
static bool LEVEL(add_updates)(const void *const *updates, const double *weights, size_t count, double *sum,
                               size_t begin, size_t end) {
#pragma STDC FP_CONTRACT OFF
    enum { WIDTH = 32 };  // Four vectors of sums.
    exponent8 endless = 0;
    size_t i = begin;
    for (; i + WIDTH <= end; i += WIDTH) {
        double8_sum sums[WIDTH / 8];
        for (int part = 0; part < WIDTH / 8; part++) sums[part] = *(const double8_sum_anywhere *)(sum + i + 8 * part);
        for (size_t k = 0; k < count; k++) {
            const double8_sum weight = weights[k];
            const char *update = (const char *)updates[k] + 4 * i;
            for (int part = 0; part < WIDTH / 8; part++) {
                float8 values;
                memcpy(&values, update + 32 * part, sizeof values);
                endless |= (__builtin_bit_cast(exponent8, values) & 0x7F800000) == 0x7F800000;
                const double8_sum product = weight * __builtin_convertvector(values, double8_sum);
                sums[part] += product;
            }
        }
        for (int part = 0; part < WIDTH / 8; part++) *(double8_sum_anywhere *)(sum + i + 8 * part) = sums[part];
    }
    bool finite = true;
    for (int lane = 0; lane < 8; lane++) finite &= endless[lane] == 0;
    for (; i < end; i++) {
        for (size_t k = 0; k < count; k++) {
            uint32_t bits;
            memcpy(&bits, (const char *)updates[k] + 4 * i, sizeof bits);
            finite &= (bits & 0x7F800000u) != 0x7F800000u;
            const double product = weights[k] * (double)__builtin_bit_cast(float, bits);
            sum[i] += product;
        }
    }
    return finite;
}
