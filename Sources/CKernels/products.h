#ifndef SHOAL_PRODUCTS_H
#define SHOAL_PRODUCTS_H
#include "CKernels.h"

/// A product and how its result is divided.
struct product_call {
    struct shoal_product product;
    /// Panels that are packed together; they stay in the second-level cache.
    size_t group;
};

/// Stands before the panels of a packed factor, 64 bytes.
struct shoal_panels {
    /// Whose tiles read them.
    const struct kernel_table *table;
    _Alignas(64) float values[];
};

/// What a level packs and how large its tiles are.
struct product_form {
    /// Rows of a tile, columns of a panel.
    size_t tile_rows, panel_columns;
    /// Whether two bfloat16 make one step.
    bool pairs;
};

#endif
