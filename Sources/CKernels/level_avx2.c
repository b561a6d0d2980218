// AVX2 with fused multiply-add.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define LEVEL(name) name##_avx2
#include "body/all.h"
#pragma clang attribute pop
#endif
