#ifndef SHOAL_BUILT_IN_H
#define SHOAL_BUILT_IN_H

#include <stddef.h>

/// One file carried inside the program. The bytes live as long as the process.
typedef struct {
    const char *name;
    const unsigned char *bytes;
    /// Unit: bytes.
    size_t count;
} shoal_built_in_file;

/// How many files there are.
size_t shoal_built_in_file_count(void);

/// The file at `index`, which must be less than `shoal_built_in_file_count()`.
shoal_built_in_file shoal_built_in_file_at(size_t index);

#endif
