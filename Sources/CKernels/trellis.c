// Trellis-coded quantisation: the search is a kernel, the way back and the decoder are sequential.
#include <string.h>

#include "table.h"

enum { states = SHOAL_TRELLIS_STATES, half = states / 2 };

void shoal_trellis_encode(const float *x, const uint32_t *starts, size_t steps, const float *columns, uint8_t *choices,
                          uint8_t *path) {
    float scores[2][SHOAL_TRELLIS_STATES];
    // Every path starts in state 0.
    for (int state = 0; state < states; state++) scores[0][state] = state == 0 ? 0 : -1e30f;
    const struct kernel_table *kernels = shoal_kernels();
    for (size_t i = 0; i < steps; i++) {
        kernels->trellis_step(x + starts[i], starts[i + 1] - starts[i], columns, scores[i % 2], scores[(i + 1) % 2],
                              choices + i * half);
    }
    const float *last = scores[steps % 2];
    uint32_t state = 0;
    for (uint32_t other = 1; other < states; other++) {
        if (last[other] > last[state]) state = other;
    }
    for (size_t i = steps; i-- > 0;) {
        const uint32_t lower = state % half;
        path[i] = (uint8_t)(state / half);
        state = 2 * lower + choices[i * half + lower];
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
