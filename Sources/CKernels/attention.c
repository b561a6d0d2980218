// Attention over (block, head) units, shared out over threads.
#include <stdlib.h>
#include "table.h"
size_t shoal_attention_scratch(const struct shoal_attention_shape *s, bool backward) {
    size_t rounded = (s->queries + 7) / 8 * 8;
    return backward ? s->blocks * s->heads * (s->queries + 2 * rounded * s->head_size) : 0;
}
static float *widened(shoal_type type, const void *x, size_t rows, size_t stride, size_t width) {
    float *out = malloc(rows * width * 4);
    for (size_t r = 0; r < rows; r++) shoal_kernels()->convert(type, (const char *)x + r * stride * (type ? 2 : 4), SHOAL_FLOAT32, out + r * width, width, 1);
    return out;
}
static void put(shoal_type type, void *x, size_t rows, size_t stride, size_t width, float *from) {
    for (size_t r = 0; r < rows; r++) shoal_kernels()->convert(SHOAL_FLOAT32, from + r * width, type, (char *)x + r * stride * (type ? 2 : 4), width, 1);
    free(from);
}
void shoal_attention_forward(shoal_type type, const void *q, const void *k, const void *v, void *out, float *lse, float *scratch, const struct shoal_attention_shape *s) {
    size_t qw = s->heads * s->head_size, kw = s->key_heads * s->head_size, Q = s->blocks * s->queries, K = s->blocks * s->keys;
    float *a = widened(type, q, Q, s->query_stride, qw), *b = widened(type, k, K, s->key_stride, kw), *c = widened(type, v, K, s->value_stride, kw), *o = malloc(Q * qw * 4);
    shoal_kernels()->attention_forward(a, b, c, o, lse, s, 0, s->blocks * s->heads);
    put(type, out, Q, s->out_stride, qw, o); free(a); free(b); free(c);
}
void shoal_attention_backward(shoal_type type, const void *q, const void *k, const void *v, const void *out, const float *lse, const void *dout, float *scratch, void *dq, void *dk, void *dv, const struct shoal_attention_shape *s) {
    size_t qw = s->heads * s->head_size, kw = s->key_heads * s->head_size, Q = s->blocks * s->queries, K = s->blocks * s->keys;
    float *a = widened(type, q, Q, s->query_stride, qw), *b = widened(type, k, K, s->key_stride, kw), *c = widened(type, v, K, s->value_stride, kw), *o = widened(type, out, Q, s->out_stride, qw), *g = widened(type, dout, Q, s->out_stride, qw);
    float *x = malloc(Q * qw * 4), *y = malloc(K * kw * 4), *z = malloc(K * kw * 4);
    shoal_kernels()->attention_backward(a, b, c, o, lse, g, scratch, x, y, z, s, 0, s->blocks * s->key_heads);
    put(type, dq, Q, s->query_stride, qw, x); put(type, dk, K, s->key_stride, kw, y); put(type, dv, K, s->value_stride, kw, z);
    free(a); free(b); free(c); free(o); free(g);
}
