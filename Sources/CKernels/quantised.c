// Quantised weights' rows, shared out over threads.
#include "table.h"

/// QLoRA's appendix E gives these sixteen numbers.
const float shoal_nf4_value_table[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

float shoal_nf4_map_table[256];

/// Exponent e has 2^(6 + e) fractions, the middles of equal parts of 0.1 to 1; with both signs, zero and one: 256 numbers.
/// Runs before main.
__attribute__((constructor)) static void make_map(void) {
    double power = 1e-6;
    int position = 128;
    for (int parts = 1; parts <= 64; parts *= 2, power *= 10) {
        for (int part = 0; part < parts; part++, position++) {
            const float value = (float)(power * (0.1 + 0.9 * (part + 0.5) / parts));
            shoal_nf4_map_table[position] = value;
            shoal_nf4_map_table[254 - position] = -value;
        }
    }
    shoal_nf4_map_table[127] = 0;
    shoal_nf4_map_table[255] = 1;
}

const float *shoal_nf4_values(void) { return shoal_nf4_value_table; }
const float *shoal_nf4_map(void) { return shoal_nf4_map_table; }

struct dequantisation {
    const int8_t *values;
    const float *scales;
    const struct shoal_nf4 *nf4;
    shoal_type type;
    void *out;
    size_t C;
};

static void int8_rows(size_t begin, size_t end, void *context) {
    const struct dequantisation *a = context;
    shoal_kernels()->dequantise_int8(a->values, a->scales, a->type, a->out, a->C, begin, end);
}

void shoal_dequantise_int8(const int8_t *values, const float *scales, shoal_type type, void *out, size_t rows,
                           size_t C) {
    struct dequantisation a = {.values = values, .scales = scales, .type = type, .out = out, .C = C};
    shoal_parallel(rows, rows_per_thread(C), int8_rows, &a);
}

static void nf4_rows(size_t begin, size_t end, void *context) {
    const struct dequantisation *a = context;
    shoal_kernels()->dequantise_nf4(a->nf4, a->type, a->out, a->C, begin, end);
}

void shoal_dequantise_nf4(const struct shoal_nf4 *weight, shoal_type type, void *out, size_t rows, size_t C) {
    struct dequantisation a = {.nf4 = weight, .type = type, .out = out, .C = C};
    shoal_parallel(rows, rows_per_thread(C), nf4_rows, &a);
}
