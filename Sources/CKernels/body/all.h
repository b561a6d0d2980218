// Every kernel, compiled once a level: the including file sets LANES (floats in a vector), LEVEL (a name's suffix) and
// the target's instructions.
#include "vector.h"
#include "bfloat16_pairs.h"
#include "elementwise.h"
#include "normalisation.h"
#include "rotary.h"
#include "gate.h"
#include "columns.h"
#include "philox.h"
#include "quantised.h"
#include "attention_panels.h"
#include "attention_products.h"
#include "attention_dropout.h"
#include "attention_forward.h"
#include "attention_backward.h"
#include "cross_entropy.h"
#include "vocabulary.h"
#include "dropout.h"
#include "product_tiles.h"
#include "product_packing.h"
#include "product_blocks.h"
#include "rotation.h"
#include "update_quantisers.h"
#include "rans.h"
#include "folding.h"
#include "trellis.h"

const struct kernel_table LEVEL(shoal_table) = {
    .level = LEVEL(has_pairs) ? SHOAL_KERNELS_AVX512_BFLOAT16
             : LANES == 16    ? SHOAL_KERNELS_AVX512
             : LANES == 8     ? SHOAL_KERNELS_AVX2
                              : SHOAL_KERNELS_BASELINE,
    .axpy = LEVEL(axpy),
    .scale = LEVEL(scale),
    .dot = LEVEL(dot),
    .exp = LEVEL(exp_values),
    .adamw_step = LEVEL(adamw_step),
    .norm_forward = LEVEL(norm_forward),
    .norm_repeat = LEVEL(norm_repeat),
    .norm_backward = LEVEL(norm_backward),
    .rotary = LEVEL(rotary),
    .gate_forward = LEVEL(gate_forward),
    .gate_backward = LEVEL(gate_backward),
    .scale_columns = LEVEL(scale_columns),
    .column_products = LEVEL(column_products),
    .add_values = LEVEL(add_values),
    .convert = LEVEL(convert),
    .vocabulary_block = LEVEL(vocabulary_block),
    .scale_rows = LEVEL(scale_rows),
    .attention_forward = LEVEL(attention_forward),
    .attention_backward = LEVEL(attention_backward),
    .attention_backward_sum = LEVEL(attention_backward_sum),
    .cross_entropy = LEVEL(cross_entropy),
    .dropout = LEVEL(dropout),
    .dequantise_int8 = LEVEL(dequantise_int8),
    .dequantise_nf4 = LEVEL(dequantise_nf4),
    .product_form = {LEVEL(tile_rows), LEVEL(panel_columns), LEVEL(has_pairs)},
    .pack_panels = LEVEL(pack_panels),
    .product_block = LEVEL(product_block),
    .product_columns = LEVEL(product_columns),
    .flip_signs = LEVEL(flip_signs),
    .hadamard = LEVEL(hadamard),
    .quantise_uniform = LEVEL(quantise_uniform),
    .quantise_levels = LEVEL(quantise_levels),
    .dequantise_uniform = LEVEL(dequantise_uniform),
    .quantise_int8 = LEVEL(quantise_int8),
    .dequantise_int8_blocks = LEVEL(dequantise_int8_blocks),
    .mark_above = LEVEL(mark_above),
    .ternary_values = LEVEL(ternary_values),
    .rans_encode = LEVEL(rans_encode),
    .rans_decode = LEVEL(rans_decode),
    .squares = LEVEL(squares),
    .add_updates = LEVEL(add_updates),
    .trellis_search = LEVEL(trellis_search),
};
