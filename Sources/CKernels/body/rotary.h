/// Rows begin..<end; row r stands at position start + r mod T. direction 1 forward, −1 backward.
INLINE void rotary_rows(const shoal_type T, void *x, const struct shoal_rotary *s, float direction, size_t begin,
                        size_t end) {
    const size_t half = s->rotated / 2;
    for (size_t row = begin; row < end; row++) {
        const size_t position = s->start + row % s->length;
        const float *cosine = s->cosine + position * half, *sine = s->sine + position * half;
        for (size_t head = 0; head < s->heads; head++) {
            const size_t first = row * s->stride + head * s->head_size;
            for (size_t j = 0; j < half; j += LANES) {
                const size_t count = half - j;
                vfloat a = load_as(T, x, first + j, count), b = load_as(T, x, first + half + j, count);
                vfloat c = load_as(SHOAL_FLOAT32, cosine, j, count);
                vfloat turn = direction * load_as(SHOAL_FLOAT32, sine, j, count);
                store_as(T, x, first + j, count, a * c - b * turn);
                store_as(T, x, first + half + j, count, b * c + a * turn);
            }
        }
    }
}

static void LEVEL(rotary)(shoal_type type, void *x, const struct shoal_rotary *s, float direction, size_t begin,
                          size_t end) {
    FOR_TYPE(type, rotary_rows(T, x, s, direction, begin, end));
}
