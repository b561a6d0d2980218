// AVX-512 F, BW, VL and DQ.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)
#define LANES 16
#define LEVEL(name) name##_avx512
#include "body/all.h"
#pragma clang attribute pop
#endif
