// Interleaved range asymmetric numeral systems: 32 states in turn, 16-bit renormalisation, at most one word a symbol.

#if LANES == 16
static size_t LEVEL(rans_encode)(const uint16_t *symbols, size_t n, unsigned raw, const uint32_t *entries,
                                 const uint32_t *reciprocals, uint32_t *states, uint16_t *words) {
    const __m512i twelve = _mm512_set1_epi32(4095), rest = _mm512_set1_epi32((1 << raw) - 1);
    const __m512i wide = _mm512_set1_epi64(31);
    const __m128i scale = _mm_cvtsi32_si128((int)(SHOAL_RANS_TABLE_BITS + raw)), down = _mm_cvtsi32_si128((int)raw);
    const __m128i limit = _mm_cvtsi32_si128((int)(31 - SHOAL_RANS_TABLE_BITS - raw));
    size_t written = 0;
    __m512i x[2] = {_mm512_loadu_si512(states), _mm512_loadu_si512(states + 16)};
    for (size_t i = 0; i < n; i += SHOAL_RANS_LANES) {
        for (int part = 0; part < 2; part++) {
            __m512i symbol = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(symbols + i + 16 * part)));
            __m512i index = _mm512_srl_epi32(symbol, down);
            __m512i entry = _mm512_i32gather_epi32(index, entries, 4);
            __m512i reciprocal = _mm512_i32gather_epi32(index, reciprocals, 4);
            __m512i frequency = _mm512_and_si512(entry, twelve);
            __m512i state = x[part];
            __mmask16 full = _mm512_cmpge_epu32_mask(state, _mm512_sll_epi32(frequency, limit));
            _mm256_storeu_si256((__m256i *)(words + written),
                                _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(full, state)));
            written += (size_t)__builtin_popcount(full);
            state = _mm512_mask_srli_epi32(state, full, state, 16);
            // state / frequency, even and odd lanes apart.
            __m512i shift = _mm512_srli_epi32(entry, 24);
            __m512i even_shift = _mm512_add_epi64(_mm512_and_si512(shift, _mm512_set1_epi64(255)), wide);
            __m512i odd_shift = _mm512_add_epi64(_mm512_srli_epi64(shift, 32), wide);
            __m512i even = _mm512_srlv_epi64(_mm512_mul_epu32(state, reciprocal), even_shift);
            __m512i odd = _mm512_srlv_epi64(
                _mm512_mul_epu32(_mm512_srli_epi64(state, 32), _mm512_srli_epi64(reciprocal, 32)), odd_shift);
            __m512i quotient = _mm512_or_si512(even, _mm512_slli_epi64(odd, 32));
            __m512i remainder = _mm512_sub_epi32(state, _mm512_mullo_epi32(quotient, frequency));
            __m512i start = _mm512_and_si512(_mm512_srli_epi32(entry, 12), twelve);
            __m512i slot = _mm512_sll_epi32(_mm512_add_epi32(remainder, start), down);
            x[part] = _mm512_or_si512(_mm512_or_si512(_mm512_sll_epi32(quotient, scale), slot),
                                      _mm512_and_si512(symbol, rest));
        }
    }
    _mm512_storeu_si512(states, x[0]);
    _mm512_storeu_si512(states + 16, x[1]);
    return written;
}

static size_t LEVEL(rans_decode)(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                                 const uint16_t *words, size_t available) {
    const __m512i twelve = _mm512_set1_epi32(4095), rest = _mm512_set1_epi32((1 << raw) - 1);
    const __m512i low = _mm512_set1_epi32(SHOAL_RANS_LOW);
    const __m128i scale = _mm_cvtsi32_si128((int)(SHOAL_RANS_TABLE_BITS + raw)), down = _mm_cvtsi32_si128((int)raw);
    __m512i x[2] = {_mm512_loadu_si512(states), _mm512_loadu_si512(states + 16)};
    for (size_t i = n; i > 0; i -= SHOAL_RANS_LANES) {
        for (int part = 1; part >= 0; part--) {
            __m512i state = x[part];
            __m512i slot = _mm512_and_si512(_mm512_srl_epi32(state, down), twelve);
            __m512i entry = _mm512_i32gather_epi32(slot, slots, 4);
            __m512i symbol = _mm512_or_si512(_mm512_sll_epi32(_mm512_srli_epi32(entry, 24), down),
                                             _mm512_and_si512(state, rest));
            _mm256_storeu_si256((__m256i *)(symbols + i - SHOAL_RANS_LANES + 16 * part),
                                _mm512_cvtepi32_epi16(symbol));
            state = _mm512_add_epi32(
                _mm512_mullo_epi32(_mm512_and_si512(entry, twelve), _mm512_srl_epi32(state, scale)),
                _mm512_and_si512(_mm512_srli_epi32(entry, 12), twelve));
            const __mmask16 empty = _mm512_cmplt_epu32_mask(state, low);
            const size_t wanted = (size_t)__builtin_popcount(empty);
            if (wanted > available) return SIZE_MAX;
            available -= wanted;
            __m512i next = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(words + available)));
            next = _mm512_maskz_expand_epi32(empty, next);
            x[part] = _mm512_or_si512(_mm512_mask_slli_epi32(state, empty, state, 16), next);
        }
    }
    _mm512_storeu_si512(states, x[0]);
    _mm512_storeu_si512(states + 16, x[1]);
    return available;
}
#else
static size_t LEVEL(rans_encode)(const uint16_t *symbols, size_t n, unsigned raw, const uint32_t *entries,
                                 const uint32_t *reciprocals, uint32_t *states, uint16_t *words) {
    const uint32_t rest = (1u << raw) - 1;
    const unsigned scale = SHOAL_RANS_TABLE_BITS + raw;
    size_t written = 0;
    for (size_t i = 0; i < n; i += SHOAL_RANS_LANES) {
        for (size_t lane = 0; lane < SHOAL_RANS_LANES; lane++) {
            const uint32_t symbol = symbols[i + lane], entry = entries[symbol >> raw];
            const uint32_t frequency = entry & 4095;
            uint32_t state = states[lane];
            const bool full = state >= frequency << (31 - scale);
            words[written] = (uint16_t)state;
            written += full;
            state = full ? state >> 16 : state;
            const uint32_t quotient = (uint32_t)(((uint64_t)state * reciprocals[symbol >> raw]) >> (31 + (entry >> 24)));
            const uint32_t slot = state - quotient * frequency + ((entry >> 12) & 4095);
            states[lane] = (quotient << scale) | (slot << raw) | (symbol & rest);
        }
    }
    return written;
}

#if LANES == 8
/// Byte j is how many of the lanes before lane j a mask has: where each of its lanes finds its word.
#define RANS_PLACE(m, j) ((uint64_t)__builtin_popcount((m) & ((1u << j) - 1)) << (8 * j))
#define RANS_PLACES(m)                                                                                        \
    (RANS_PLACE(m, 1) | RANS_PLACE(m, 2) | RANS_PLACE(m, 3) | RANS_PLACE(m, 4) | RANS_PLACE(m, 5)             \
     | RANS_PLACE(m, 6) | RANS_PLACE(m, 7))
#define RANS_PLACES4(m) RANS_PLACES(m), RANS_PLACES(m + 1), RANS_PLACES(m + 2), RANS_PLACES(m + 3)
#define RANS_PLACES16(m) RANS_PLACES4(m), RANS_PLACES4(m + 4), RANS_PLACES4(m + 8), RANS_PLACES4(m + 12)
#define RANS_PLACES64(m) RANS_PLACES16(m), RANS_PLACES16(m + 16), RANS_PLACES16(m + 32), RANS_PLACES16(m + 48)
static const uint64_t rans_places[256] = {RANS_PLACES64(0u), RANS_PLACES64(64u), RANS_PLACES64(128u),
                                          RANS_PLACES64(192u)};

static size_t LEVEL(rans_decode)(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                                 const uint16_t *words, size_t available) {
    enum { parts = SHOAL_RANS_LANES / 8 };
    const __m256i twelve = _mm256_set1_epi32(4095), rest = _mm256_set1_epi32((1 << raw) - 1);
    const __m256i below = _mm256_set1_epi32(SHOAL_RANS_LOW - 1);
    const __m128i scale = _mm_cvtsi32_si128((int)(SHOAL_RANS_TABLE_BITS + raw)), down = _mm_cvtsi32_si128((int)raw);
    __m256i x[parts];
    for (int part = 0; part < parts; part++) x[part] = _mm256_loadu_si256((const __m256i *)(states + 8 * part));
    for (size_t i = n; i > 0; i -= SHOAL_RANS_LANES) {
        for (int part = parts - 1; part >= 0; part--) {
            __m256i state = x[part];
            const __m256i slot = _mm256_and_si256(_mm256_srl_epi32(state, down), twelve);
            const __m256i entry = _mm256_i32gather_epi32((const int *)slots, slot, 4);
            const __m256i symbol = _mm256_or_si256(_mm256_sll_epi32(_mm256_srli_epi32(entry, 24), down),
                                                   _mm256_and_si256(state, rest));
            const __m256i halves = _mm256_permute4x64_epi64(_mm256_packus_epi32(symbol, symbol), 0x08);
            _mm_storeu_si128((__m128i *)(symbols + i - SHOAL_RANS_LANES + 8 * part), _mm256_castsi256_si128(halves));
            state = _mm256_add_epi32(
                _mm256_mullo_epi32(_mm256_and_si256(entry, twelve), _mm256_srl_epi32(state, scale)),
                _mm256_and_si256(_mm256_srli_epi32(entry, 12), twelve));
            const __m256i empty = _mm256_cmpeq_epi32(_mm256_min_epu32(state, below), state);
            const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(empty));
            const size_t wanted = (size_t)__builtin_popcount(mask);
            if (wanted > available) return SIZE_MAX;
            available -= wanted;
            const __m256i place = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)rans_places[mask]));
            const __m256i next = _mm256_permutevar8x32_epi32(
                _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(words + available))), place);
            x[part] = _mm256_blendv_epi8(state, _mm256_or_si256(_mm256_slli_epi32(state, 16), next), empty);
        }
    }
    for (int part = 0; part < parts; part++) _mm256_storeu_si256((__m256i *)(states + 8 * part), x[part]);
    return available;
}
#else
static size_t LEVEL(rans_decode)(uint16_t *symbols, size_t n, unsigned raw, const uint32_t *slots, uint32_t *states,
                                 const uint16_t *words, size_t available) {
    const uint32_t rest = (1u << raw) - 1;
    const unsigned scale = SHOAL_RANS_TABLE_BITS + raw;
    for (size_t i = n; i > 0; i -= SHOAL_RANS_LANES) {
        uint16_t *group = symbols + i - SHOAL_RANS_LANES;
        const bool enough = available >= SHOAL_RANS_LANES;  // Whatever the states, this group cannot run out.
        for (size_t lane = SHOAL_RANS_LANES; lane-- > 0;) {
            uint32_t state = states[lane];
            const uint32_t entry = slots[(state >> raw) & 4095];
            group[lane] = (uint16_t)(((entry >> 24) << raw) | (state & rest));
            state = (entry & 4095) * (state >> scale) + ((entry >> 12) & 4095);
            const bool empty = state < SHOAL_RANS_LOW;
            if (!enough && empty && available == 0) return SIZE_MAX;
            available -= empty;
            states[lane] = empty ? (state << 16) | words[available] : state;
        }
    }
    return available;
}
#endif
#endif
