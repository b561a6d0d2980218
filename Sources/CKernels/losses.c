// Softmax cross-entropy, its rows shared out over threads.
#include "table.h"

struct loss_arguments {
    float *logits, *losses;
    const int32_t *labels;
    size_t V;
    float gradient_scale;
    bool gradient;
};

static void cross_entropy_rows(size_t begin, size_t end, void *context) {
    const struct loss_arguments *a = context;
    shoal_kernels()->cross_entropy(a->logits + begin * a->V, a->labels + begin, a->losses + begin, end - begin, a->V,
                                   a->gradient, a->gradient_scale);
}

void shoal_cross_entropy(float *logits, const int32_t *labels, float *losses, size_t rows, size_t V, bool gradient,
                         float gradient_scale) {
    struct loss_arguments a = {logits, losses, labels, V, gradient_scale, gradient};
    shoal_parallel(rows, rows_per_thread(V), cross_entropy_rows, &a);
}

struct vocabulary_arguments {
    shoal_type type;
    const float *logits;
    void *weights;
    const int32_t *labels;
    size_t first, columns;
    float *highest, *total, *target, *kept;
};

static void vocabulary_rows(size_t begin, size_t end, void *context) {
    const struct vocabulary_arguments *a = context;
    shoal_kernels()->vocabulary_block(a->type, a->logits, a->weights, a->labels, a->first, a->columns, a->highest,
                                      a->total, a->target, a->kept, begin, end);
}

void shoal_vocabulary_block(shoal_type type, const float *logits, void *weights, const int32_t *labels, size_t first,
                            size_t rows, size_t columns, float *highest, float *total, float *target, float *kept) {
    struct vocabulary_arguments a = {type, logits, weights, labels, first, columns, highest, total, target, kept};
    shoal_parallel(rows, rows_per_thread(columns), vocabulary_rows, &a);
}
