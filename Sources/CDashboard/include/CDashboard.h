#ifndef SHOAL_DASHBOARD_H
#define SHOAL_DASHBOARD_H

#include <stddef.h>

/// One part of the dashboard's page. The bytes live as long as the process.
typedef struct {
    const char *name;
    const unsigned char *bytes;
    /// Unit: bytes.
    size_t count;
} shoal_dashboard_file;

/// How many parts there are.
size_t shoal_dashboard_file_count(void);

/// The part at `index`, which must be less than `shoal_dashboard_file_count()`.
shoal_dashboard_file shoal_dashboard_file_at(size_t index);

#endif
