// Aggregation's sums, and the gap code of sparse updates.
#include <stdatomic.h>
#include <string.h>

#include "table.h"

struct fold {
    const void *const *updates;
    const double *weights;
    size_t count;
    double *sum;
    _Atomic bool endless;
};

static void fold_range(size_t begin, size_t end, void *context) {
    struct fold *fold = context;
    if (!shoal_kernels()->add_updates(fold->updates, fold->weights, fold->count, fold->sum, begin, end)) {
        atomic_store(&fold->endless, true);
    }
}

double shoal_squares(const void *values, size_t n) { return shoal_kernels()->squares(values, n); }

bool shoal_add_updates(const void *const *updates, const double *weights, size_t count, double *sum, size_t n) {
    struct fold fold = {.updates = updates, .weights = weights, .count = count, .sum = sum, .endless = false};
    shoal_parallel(n, SHOAL_VALUES_PER_THREAD, fold_range, &fold);
    return !atomic_load(&fold.endless);
}

// Bits are taken from each byte's lowest on. After the last byte follow ones.

static uint64_t bits_at(const uint8_t *bytes, size_t size, uint64_t bit) {
    const uint64_t first = bit / 8;
    uint64_t word = UINT64_MAX;
    if (first + 8 <= size) {
        memcpy(&word, bytes + first, 8);
    } else if (first < size) {
        memcpy(&word, bytes + first, size - first);
    }
    // As on every machine Shoal runs on, a word's first byte is its lowest.
    return (word >> (bit % 8)) | ~(UINT64_MAX >> (bit % 8));
}

/// The unary part of a gap, 57 bits or more long: how many ones there are from `bit` on.
static uint64_t long_unary(const uint8_t *bytes, size_t size, uint64_t bit) {
    uint64_t ones = 0;
    while (bit + ones < 8 * (uint64_t)size) {
        const uint64_t word = bits_at(bytes, size, bit + ones);
        const unsigned run = word == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~word);
        if (run < 56) return ones + run;
        ones += 56;
    }
    return ones;
}

size_t shoal_gaps_read(const uint8_t *bytes, size_t size, unsigned rice, size_t n, struct shoal_gap_place *from,
                       uint32_t *values, size_t limit) {
    const uint64_t length = 8 * (uint64_t)size, low = (1ull << rice) - 1;
    uint64_t bit = from->bit, next = from->next;
    size_t written = 0;
    while (written < limit) {
        const uint64_t word = bits_at(bytes, size, bit);
        uint64_t ones = word == UINT64_MAX ? 64 : (uint64_t)__builtin_ctzll(~word), rest;
        if (ones + rice + 2 <= 56) {
            rest = word >> (ones + 1);
        } else {
            ones = long_unary(bytes, size, bit);
            rest = bits_at(bytes, size, bit + ones + 1);
        }
        const uint64_t end = bit + ones + 1 + rice + 1;
        if (end > length) {
            // The last byte is filled up with ones; anything else is cut short.
            const uint64_t left = length - bit;
            const bool filled = left < 8 && (left == 0 || ones >= left);
            if (!filled) return SIZE_MAX;
            break;
        }
        if (ones > n >> rice) return SIZE_MAX;
        const uint64_t place = next + (ones << rice) + (rest & low);
        if (place >= n) return SIZE_MAX;
        values[written++] = (uint32_t)(place << 1 | (rest >> rice & 1));
        next = place + 1;
        bit = end;
    }
    from->bit = bit;
    from->next = next;
    return written;
}

size_t shoal_gaps_write(const uint16_t *symbols, size_t n, unsigned rice, uint8_t *bytes) {
    uint64_t word = 0, gap = 0;
    unsigned held = 0;  // Bits in `word`, below 8 between values.
    uint8_t *out = bytes;
    for (size_t i = 0; i < n; i++) {
        uint64_t four;
        if (i + 4 <= n && (memcpy(&four, symbols + i, 8), four == 0)) {
            gap += 4;
            i += 3;
            continue;
        }
        if (symbols[i] == 0) {
            gap++;
            continue;
        }
        uint64_t ones = gap >> rice;
        for (; ones >= 32; ones -= 32) {
            word |= (uint64_t)UINT32_MAX << held;
            memcpy(out, &word, 4);
            out += 4;
            word >>= 32;
        }
        word |= ((1ull << ones) - 1) << held;
        held += (unsigned)ones + 1;
        for (; held >= 8; held -= 8, word >>= 8) *out++ = (uint8_t)word;
        word |= ((gap & ((1ull << rice) - 1)) | (uint64_t)(symbols[i] == 2) << rice) << held;
        held += rice + 1;
        for (; held >= 8; held -= 8, word >>= 8) *out++ = (uint8_t)word;
        gap = 0;
    }
    if (held > 0) *out++ = (uint8_t)(word | 0xFFu << held);
    return (size_t)(out - bytes);
}

void shoal_add_places(const uint32_t *values, size_t count, double amount, double *sum) {
    const double amounts[2] = {amount, -amount};
    for (size_t i = 0; i < count; i++) sum[values[i] >> 1] += amounts[values[i] & 1];
}
