#include "CBuiltIn.h"
void shoal_builtin_anchor(void) {}
