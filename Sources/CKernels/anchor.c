#include "CKernels.h"
void shoal_kernels_anchor(void) {}
