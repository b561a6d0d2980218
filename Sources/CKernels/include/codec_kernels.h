/// The loops of update codecs: rotation, quantising, choosing the largest values, entropy coding.
///
/// Every level gives the same bits: sums have one order and no product is fused with an addition, so that bytes do not
/// depend on the machine that wrote them. Everything but aggregation runs on the calling thread.
#ifndef SHOAL_CODEC_KERNELS_H
#define SHOAL_CODEC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Randomised Hadamard rotation

/// out[i] = ± factor · x[i], minus where bit i mod 64 of signs[i / 64] is set. n is a multiple of 64; out may be x.
void shoal_flip_signs(const float *x, const uint64_t *signs, float factor, float *out, size_t n);
/// x = H x with the Hadamard matrix of ±1 in Sylvester's order, not normalised; n is a power of two.
void shoal_hadamard(float *x, size_t n);

// Quantisers

/// What a quantiser did: q are the levels it chose.
struct shoal_quantised {
    double product;  ///< ⟨x, q⟩
    double squares;  ///< ⟨q, q⟩
};
/// q[i] = the whole number nearest to factor · x[i], ties to even, at most `limit` from 0; symbols[i] = q[i] + offset.
/// n is a multiple of 16, limit at most 2^20.
struct shoal_quantised shoal_quantise_uniform(const float *x, float factor, int32_t limit, int32_t offset,
                                              uint16_t *symbols, size_t n);
/// out[i] = symbols[i] − offset
void shoal_dequantise_uniform(const uint16_t *symbols, int32_t offset, float *out, size_t n);
/// symbols[i] = how many of the 2^bits − 1 ascending thresholds lie below x[i]; q[i] = levels[symbols[i]]. n is a
/// multiple of 16.
struct shoal_quantised shoal_quantise_levels(const float *x, const float *thresholds, const float *levels,
                                             unsigned bits, uint16_t *symbols, size_t n);
/// out[i] = levels[symbols[i]]
void shoal_dequantise_levels(const uint16_t *symbols, const float *levels, float *out, size_t n);
/// Each block of `block` values (the last may be shorter): scales[b] = largest magnitude / 127, values[i] = the whole
/// number nearest to x[i] / scales[b], ties to even; all zero where the scale is.
void shoal_quantise_int8(const float *x, int8_t *values, float *scales, size_t n, size_t block);
/// out[i] = scales[i / block] · values[i]
void shoal_dequantise_int8_blocks(const int8_t *values, const float *scales, float *out, size_t n, size_t block);

// The largest magnitudes

/// The magnitude of the k-th largest of n values by magnitude, 1 ≤ k ≤ n, as a float's bits without the sign.
/// `above` gets how many are larger, `equal` how many are just as large. No value may be not-a-number.
uint32_t shoal_magnitude_threshold(const float *x, size_t n, size_t k, size_t *above, size_t *equal);
/// symbols[i] = 0 where the magnitude's bits are at most `threshold`, else 1 for a positive value, 2 for a negative.
/// Returns the sum of the marked magnitudes, in an order that depends on n alone.
double shoal_mark_above(const float *x, uint32_t threshold, uint16_t *symbols, size_t n);
/// out[i] = 0, magnitude or −magnitude for the symbols 0, 1 and any other
void shoal_ternary_values(const uint16_t *symbols, float magnitude, float *out, size_t n);

// Range asymmetric numeral systems (arXiv:1311.2540) with static frequencies

enum {
    SHOAL_RANS_LANES = 32,       ///< coders that take turns, symbol i going to number i mod 32
    SHOAL_RANS_TABLE_BITS = 12,  ///< frequencies sum to 2^12
    SHOAL_RANS_LOW = 1 << 15     ///< a state lies in 2^15 ..< 2^31 between symbols, and starts at 2^15
};
/// Codes n symbols (a multiple of 32), after those of earlier calls with the same states. A symbol's low `raw` bits
/// (at most 3) are taken as uniform, the rest index `entries` (frequency | start << 12 | shift << 24, shift the
/// smallest with 2^shift ≥ frequency) and `reciprocals` (⌈2^(31 + shift) / frequency⌉). Frequencies are below 2^12.
/// Returns how many 16-bit words were written; there must be room for n + 16.
size_t shoal_rans_encode(const uint16_t *symbols, size_t n, unsigned raw, const uint32_t *entries,
                         const uint32_t *reciprocals, uint32_t *states, uint16_t *words);
/// Undoes the encoder's last call: takes words from the end of words[0 ..< available], of which 64 more bytes must be
/// readable. slots (2^12): frequency | place in the symbol's range << 12 | symbol << 24.
/// Returns how many words are left, or SIZE_MAX where there were too few.
size_t shoal_rans_decode(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                         const uint16_t *words, size_t available);

// Gaps between a sparse update's values, in Golomb's code with a power of two (Rice's)

/// Where a reader of gaps is; all zero at first.
struct shoal_gap_place {
    uint64_t bit;
    uint64_t next;  ///< the first place that is left
};
/// Writes a gap and a sign for each symbol that is not 0 (1 positive, 2 negative): the gap's high bits as so many ones
/// and a zero, its `rice` low bits, the sign (1: negative); lowest bits first, the last byte filled up with ones.
/// n is a multiple of 4. Returns the bytes written; room is needed for (k · (rice + 2) + n / 2^rice) / 8 + 8 of them,
/// k being the symbols written. rice is at most 31.
size_t shoal_gaps_write(const uint16_t *symbols, size_t n, unsigned rice, uint8_t *bytes);
/// Reads on: values[i] = place << 1 | negative, for at most `limit` values; n is at most 2^31. Returns how many there
/// were, fewer than `limit` at the end only; SIZE_MAX for bytes that no writer gives for n symbols.
size_t shoal_gaps_read(const uint8_t *bytes, size_t size, unsigned rice, size_t n, struct shoal_gap_place *from,
                       uint32_t *values, size_t limit);

// Trellis-coded quantisation (Marcellin and Fischer 1990) at a bit or less a step

enum {
    SHOAL_TRELLIS_STATES = 512  ///< state = the last nine bits, the newest one the highest
};
/// Finds the path from state 0 whose rows q make ⟨x, q⟩ largest, a bit a step: path[i] is 0 or 1. Step i covers
/// x[starts[i] ..< starts[i + 1]] with the first values of its new state's row; columns[j · 256 + s] is value j of state
/// s's row, and state s + 256 has the opposite one. `choices` has room for steps · 256 bytes.
void shoal_trellis_encode(const float *x, const uint32_t *starts, size_t steps, const float *columns, uint8_t *choices,
                          uint8_t *path);
/// Writes the rows along a path to out[starts[0] ..< starts[steps]]; bit i of `path`, lowest first, is step i's.
/// rows[s · width + j] is value j of state s's row.
void shoal_trellis_decode(const uint8_t *path, const uint32_t *starts, size_t steps, const float *rows, size_t width,
                          float *out);

// Aggregation

/// sum[v >> 1] += amount, or −amount where v is odd, for each value v in order.
void shoal_add_places(const uint32_t *values, size_t count, double amount, double *sum);
/// Σ values[i]² of n float32 values at any address, in double, in an order that depends on n alone: no sum of squared
/// float32 values overflows, so that the result is finite exactly where all values are.
double shoal_squares(const void *values, size_t n);
/// sum[i] += weights[k] · updates[k][i] for k = 0, 1, … in order; updates are float32 at any address, and no product is
/// fused with its addition. Shared out over the threads. Returns whether all values are finite.
bool shoal_add_updates(const void *const *updates, const double *weights, size_t count, double *sum, size_t n);

#endif
