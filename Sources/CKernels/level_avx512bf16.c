// AVX-512 with products of bfloat16 pairs.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)
#define LANES 16
#define BFLOAT16_PAIRS 1
#define LEVEL(name) name##_avx512bf16
#include "body/all.h"
#pragma clang attribute pop
#endif
