// Trellis-coded quantisation: the search is a kernel, the way back and the decoder are sequential.
#include <string.h>

#include "table.h"

enum { states = SHOAL_TRELLIS_STATES, half = states / 2 };

void shoal_trellis_encode(const float *x, const uint32_t *starts, size_t steps, const float *columns, uint8_t *choices,
                          uint8_t *path) {
    float scores[2 * SHOAL_TRELLIS_STATES] __attribute__((aligned(64)));
    // Every path starts in state 0.
    for (int state = 0; state < states; state++) scores[state] = state == 0 ? 0 : -1e30f;
    shoal_kernels()->trellis_search(x, starts, steps, columns, scores, choices);
    uint32_t state = 0;
    for (uint32_t other = 1; other < states; other++) {
        if (scores[other] > scores[state]) state = other;
    }
    for (size_t i = steps; i-- > 0;) {
        const uint32_t lower = state % half;
        path[i] = (uint8_t)(state / half);
        // A bit for each pair of states: what one step kept lies in the cache together.
        state = 2 * lower + (choices[i * (half / 8) + lower / 8] >> (lower % 8) & 1u);
    }
}

void shoal_trellis_decode(const uint8_t *path, const uint32_t *starts, size_t steps, const float *rows, size_t width,
                          float *out) {
    uint32_t state = 0;
    for (size_t i = 0; i < steps; i++) {
        state = state / 2 + (path[i / 8] >> (i % 8) & 1u) * half;
        memcpy(out + starts[i], rows + state * width, (starts[i + 1] - starts[i]) * sizeof *out);
    }
}
