// Every kernel, compiled once a level: the including file sets LANES (floats in a vector), LEVEL (a name's suffix) and
// the target's instructions.
#include "vector.h"
#include "elementwise.h"
#include "normalisation.h"
#include "rotary.h"
#include "swiglu.h"
#include "attention_panels.h"
#include "attention_forward.h"
#include "attention_backward.h"
#include "cross_entropy.h"
#include "dropout.h"

const struct kernel_table LEVEL(shoal_table) = {
    .level = LANES == 16 ? SHOAL_KERNELS_AVX512 : LANES == 8 ? SHOAL_KERNELS_AVX2 : SHOAL_KERNELS_BASELINE,
    .axpy = LEVEL(axpy),
    .scale = LEVEL(scale),
    .dot = LEVEL(dot),
    .exp = LEVEL(exp_values),
    .add_bias = LEVEL(add_bias),
    .adamw_step = LEVEL(adamw_step),
    .rmsnorm_forward = LEVEL(rmsnorm_forward),
    .rmsnorm_repeat = LEVEL(rmsnorm_repeat),
    .rmsnorm_backward = LEVEL(rmsnorm_backward),
    .rotary = LEVEL(rotary),
    .swiglu_forward = LEVEL(swiglu_forward),
    .swiglu_backward = LEVEL(swiglu_backward),
    .attention_forward = LEVEL(attention_forward),
    .attention_backward = LEVEL(attention_backward),
    .attention_backward_sum = LEVEL(attention_backward_sum),
    .cross_entropy = LEVEL(cross_entropy),
    .dropout = LEVEL(dropout),
};
