// Kernels of update codecs.
#include <string.h>

#include "table.h"

void shoal_flip_signs(const float *x, const uint64_t *signs, float factor, float *out, size_t n) {
    shoal_kernels()->flip_signs(x, signs, factor, out, n);
}

void shoal_hadamard(float *x, size_t n) { shoal_kernels()->hadamard(x, n); }

struct shoal_quantised shoal_quantise_uniform(const float *x, float factor, int32_t limit, int32_t offset,
                                              uint16_t *symbols, size_t n) {
    return shoal_kernels()->quantise_uniform(x, factor, limit, offset, symbols, n);
}

void shoal_dequantise_uniform(const uint16_t *symbols, int32_t offset, float *out, size_t n) {
    shoal_kernels()->dequantise_uniform(symbols, offset, out, n);
}

struct shoal_quantised shoal_quantise_levels(const float *x, const float *thresholds, const float *levels,
                                             unsigned bits, uint16_t *symbols, size_t n) {
    return shoal_kernels()->quantise_levels(x, thresholds, levels, bits, symbols, n);
}

void shoal_dequantise_levels(const uint16_t *symbols, const float *levels, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = levels[symbols[i]];
}

void shoal_quantise_int8(const float *x, int8_t *values, float *scales, size_t n, size_t block) {
    shoal_kernels()->quantise_int8(x, values, scales, n, block);
}

void shoal_dequantise_int8_blocks(const int8_t *values, const float *scales, float *out, size_t n, size_t block) {
    shoal_kernels()->dequantise_int8_blocks(values, scales, out, n, block);
}

/// The magnitude's bits of one value: they order as the magnitudes do.
static uint32_t magnitude(const float *x, size_t i) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    return bits & 0x7FFFFFFFu;
}

/// Three digits of 11, 10 and 10 bits, the most significant first: each pass counts the digit of those values that
/// agree with all digits found before.
uint32_t shoal_magnitude_threshold(const float *x, size_t n, size_t k, size_t *above, size_t *equal) {
    // Two histograms in turn: neighbours often fall into one bin, and would wait for each other's store.
    static const unsigned shifts[3] = {20, 10, 0}, widths[3] = {11, 10, 10};
    uint32_t found = 0;
    size_t larger = 0, same = n;
    for (int pass = 0; pass < 3; pass++) {
        uint32_t counts[2][2048] = {{0}};
        const unsigned shift = shifts[pass], width = widths[pass];
        if (pass == 0) {
            for (size_t i = 0; i < n; i++) counts[i & 1][magnitude(x, i) >> shift]++;
        } else {
            const uint32_t wanted = found >> (shift + width);
            for (size_t i = 0; i < n; i++) {
                const uint32_t bits = magnitude(x, i);
                if (bits >> (shift + width) == wanted) counts[0][(bits >> shift) & ((1u << width) - 1)]++;
            }
        }
        for (uint32_t digit = 1u << width; digit-- > 0;) {
            same = (size_t)counts[0][digit] + counts[1][digit];
            if (larger + same >= k) {
                found |= digit << shift;
                break;
            }
            larger += same;
        }
    }
    *above = larger;
    *equal = same;
    return found;
}

double shoal_mark_above(const float *x, uint32_t threshold, uint16_t *symbols, size_t n) {
    return shoal_kernels()->mark_above(x, threshold, symbols, n);
}

void shoal_ternary_values(const uint16_t *symbols, float magnitude, float *out, size_t n) {
    shoal_kernels()->ternary_values(symbols, magnitude, out, n);
}

size_t shoal_rans_encode(const uint16_t *symbols, size_t n, unsigned raw, const uint32_t *entries,
                         const uint32_t *reciprocals, uint32_t *states, uint16_t *words) {
    return shoal_kernels()->rans_encode(symbols, n, raw, entries, reciprocals, states, words);
}

size_t shoal_rans_decode(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                         const uint16_t *words, size_t available) {
    return shoal_kernels()->rans_decode(symbols, n, raw, slots, states, words, available);
}
