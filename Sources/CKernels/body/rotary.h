INLINE void rotate4(float *x, size_t half, const float *cosine, const float *sine, float direction) {
    float4 first = *(float4_anywhere *)x, second = *(float4_anywhere *)(x + half);
    float4 c = *(const float4_anywhere *)cosine, s = direction * *(const float4_anywhere *)sine;
    *(float4_anywhere *)x = first * c - second * s;
    *(float4_anywhere *)(x + half) = second * c + first * s;
}

/// x (B · T, H · D), rows begin..<end; row r stands at position start + r mod T. direction 1 forward, −1 backward.
static void LEVEL(rotary)(float *x, const float *cosine, const float *sine, size_t begin, size_t end, size_t T,
                          size_t H, size_t D, size_t start, float direction) {
    const size_t half = D / 2;
    for (size_t row = begin; row < end; row++) {
        const size_t position = start + row % T;
        const float *c = cosine + position * half, *s = sine + position * half;
        for (size_t head = 0; head < H; head++) {
            float *first = x + (row * H + head) * D;
            size_t j = 0;
            for (; j + LANES <= half; j += LANES) {
                vfloat a = load(first + j), b = load(first + half + j), turn = direction * load(s + j);
                store(first + j, a * load(c + j) - b * turn);
                store(first + half + j, b * load(c + j) + a * turn);
            }
            for (; j + 4 <= half; j += 4) rotate4(first + j, half, c + j, s + j, direction);
            for (; j < half; j++) {
                float a = first[j], b = first[half + j], turn = direction * s[j];
                first[j] = a * c[j] - b * turn;
                first[half + j] = b * c[j] + a * turn;
            }
        }
    }
}
