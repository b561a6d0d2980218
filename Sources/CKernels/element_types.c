// Widening of half-size element types to float32, exact in both cases.
#include <string.h>

#include "CKernels.h"

void shoal_bfloat16_widen(const uint16_t *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}

/// Shifting the exponent and mantissa into place leaves the exponent too small by 112, which one multiplication by
/// 2^112 mends, subnormal numbers included; infinities and NaNs get the largest exponent.
void shoal_float16_widen(const uint16_t *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)(x[i] & 0x7FFF) << 13;
        float value;
        memcpy(&value, &bits, sizeof bits);
        value *= 0x1p112f;
        memcpy(&bits, &value, sizeof bits);
        if ((x[i] & 0x7C00) == 0x7C00) bits |= 0x7F800000u;
        bits |= (uint32_t)(x[i] & 0x8000) << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}
