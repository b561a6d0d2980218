// The platform's baseline: SSE2 on x86-64, NEON on arm64.
#include <math.h>
#include <string.h>

#include "table.h"

#define LANES 4
#define LEVEL(name) name##_baseline
#include "body/all.h"
