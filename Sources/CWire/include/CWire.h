// The generated code of proto/shoal.proto; proto/generate.sh writes it.
#include "shoal.pb-c.h"
