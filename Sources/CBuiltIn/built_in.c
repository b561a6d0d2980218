#include "CBuiltIn.h"

// #embed is C23; the package is C17, where clang takes it as an extension and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char config[] = {
#embed "files/config.json"
};
static const unsigned char tokenizer[] = {
#embed "files/tokenizer.json"
};
static const unsigned char model[] = {
#embed "files/model.safetensors"
};
static const unsigned char notes[] = {
#embed "files/notes.jsonl"
};
static const unsigned char demo[] = {
#embed "files/demo.yaml"
};

static const shoal_built_in_file files[] = {
    {"config.json", config, sizeof config},
    {"tokenizer.json", tokenizer, sizeof tokenizer},
    {"model.safetensors", model, sizeof model},
    {"notes.jsonl", notes, sizeof notes},
    {"demo.yaml", demo, sizeof demo},
};

size_t shoal_built_in_file_count(void) { return sizeof files / sizeof files[0]; }

shoal_built_in_file shoal_built_in_file_at(size_t index) { return files[index]; }
