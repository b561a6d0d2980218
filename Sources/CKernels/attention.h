// What attention's entry points hand to one level's kernels.
#ifndef SHOAL_ATTENTION_H
#define SHOAL_ATTENTION_H

#include "CKernels.h"

enum {
    attention_chunk = 64,         ///< queries (backward) or keys (forward) that one pass over a tile takes
    attention_unit_queries = 256,  ///< queries in a unit of the forward pass
    attention_part_queries = 512   ///< queries in a part of the backward pass
};

/// One call. A "unit" is what one thread does at a time; a "slot" is the scratch of the thread that does it.
struct attention_call {
    shoal_type type;
    const void *q, *k, *v, *out, *dout;
    void *result, *dq, *dk, *dv;
    const float *lse;
    float *lse_result;
    struct shoal_attention_shape shape;
    size_t width;                    ///< values in a panel's row: head_size rounded up, the rest zero
    size_t query_rows, key_rows;     ///< room in a panel: the longest block's tokens, rounded up to whole chunks
    size_t query_units;              ///< forward: units a head of the longest block
    size_t parts;                    ///< backward: parts that such a head's queries are done in
    /// Backward: NULL where a unit is a (block, key head) pair; else a unit is a (part, block, head) triple, and this
    /// has its dk and dv (block, head, part, 2, key_rows, width), to be summed over what shares a key head.
    float *partial;
};

#endif
