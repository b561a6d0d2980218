// Kernels over tokens' rows, shared out over threads.
#include "table.h"

// Normalisation

struct norm_arguments {
    shoal_type input, type;
    const struct shoal_norm *shape;
    const void *x, *delta, *dout, *kept;
    const float *kept_rstd;
    void *sum, *normal, *out, *copy;
    float *rstd;
    bool accumulate;
};

static void norm_forward_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    shoal_kernels()->norm_forward(a->input, a->type, a->shape, a->x, a->delta, a->sum, a->normal, a->out, a->rstd, begin,
                                  end);
}

void shoal_norm_forward(shoal_type input, shoal_type type, const struct shoal_norm *shape, const void *x,
                        const void *delta, void *sum, void *normal, void *out, float *rstd) {
    struct norm_arguments a = {.input = input, .type = type, .shape = shape, .x = x, .delta = delta, .sum = sum,
                               .normal = normal, .out = out, .rstd = rstd};
    shoal_parallel(shape->rows, rows_per_thread(shape->columns), norm_forward_rows, &a);
}

static void norm_repeat_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    shoal_kernels()->norm_repeat(a->type, a->shape, a->kept, a->out, begin, end);
}

void shoal_norm_repeat(shoal_type type, const struct shoal_norm *shape, const void *normal, void *out) {
    struct norm_arguments a = {.type = type, .shape = shape, .kept = normal, .out = out};
    shoal_parallel(shape->rows, rows_per_thread(shape->columns), norm_repeat_rows, &a);
}

static void norm_backward_rows(size_t begin, size_t end, void *context) {
    const struct norm_arguments *a = context;
    shoal_kernels()->norm_backward(a->input, a->type, a->shape, a->dout, a->kept, a->kept_rstd, a->out, a->copy,
                                   a->accumulate, begin, end);
}

void shoal_norm_backward(shoal_type input, shoal_type type, const struct shoal_norm *shape, const void *dout,
                         const void *normal, const float *rstd, void *dx, void *copy, bool accumulate) {
    struct norm_arguments a = {.input = input, .type = type, .shape = shape, .dout = dout, .kept = normal,
                               .kept_rstd = rstd, .out = dx, .copy = copy, .accumulate = accumulate};
    shoal_parallel(shape->rows, rows_per_thread(shape->columns), norm_backward_rows, &a);
}

// Rotary position embedding

struct rotary_arguments {
    shoal_type type;
    void *x;
    const struct shoal_rotary *shape;
    float direction;
};

static void rotary_rows(size_t begin, size_t end, void *context) {
    const struct rotary_arguments *a = context;
    shoal_kernels()->rotary(a->type, a->x, a->shape, a->direction, begin, end);
}

static void rotary(shoal_type type, void *x, const struct shoal_rotary *shape, float direction) {
    struct rotary_arguments a = {type, x, shape, direction};
    shoal_parallel(shape->rows, rows_per_thread(shape->heads * shape->rotated), rotary_rows, &a);
}

void shoal_rotary_forward(shoal_type type, void *x, const struct shoal_rotary *shape) { rotary(type, x, shape, 1); }
void shoal_rotary_backward(shoal_type type, void *dx, const struct shoal_rotary *shape) { rotary(type, dx, shape, -1); }

// Activation functions

struct gate_arguments {
    shoal_type type;
    const struct shoal_gate *shape;
    const void *dout, *gate, *up;
    void *dgate, *dup, *out;
};

static void gate_forward_rows(size_t begin, size_t end, void *context) {
    const struct gate_arguments *a = context;
    shoal_kernels()->gate_forward(a->type, a->shape, a->gate, a->up, a->out, begin, end);
}

void shoal_gate_forward(shoal_type type, const struct shoal_gate *shape, const void *gate, const void *up, void *out) {
    struct gate_arguments a = {.type = type, .shape = shape, .gate = gate, .up = up, .out = out};
    shoal_parallel(shape->rows, rows_per_thread(4 * shape->columns), gate_forward_rows, &a);
}

static void gate_backward_rows(size_t begin, size_t end, void *context) {
    const struct gate_arguments *a = context;
    shoal_kernels()->gate_backward(a->type, a->shape, a->dout, a->gate, a->up, a->dgate, a->dup, a->out, begin, end);
}

void shoal_gate_backward(shoal_type type, const struct shoal_gate *shape, const void *dout, const void *gate,
                         const void *up, void *dgate, void *dup, void *out) {
    struct gate_arguments a = {type, shape, dout, gate, up, dgate, dup, out};
    shoal_parallel(shape->rows, rows_per_thread(4 * shape->columns), gate_backward_rows, &a);
}
