#ifndef AMPHORA_CZLIB_H
#define AMPHORA_CZLIB_H

#include <zlib.h>

// deflateInit2 and inflateInit are macros that pass the header's version and the struct's size; Swift does not see
// function-like macros.
static inline int amphora_deflate_init2(z_streamp stream, int level, int window_bits, int memory_level) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}
static inline int amphora_inflate_init(z_streamp stream) { return inflateInit(stream); }

#endif
