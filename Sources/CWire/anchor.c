#include "CWire.h"
void shoal_wire_anchor(void) {}
