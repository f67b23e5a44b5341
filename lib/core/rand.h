/* Randomness from the kernel. */
#ifndef CORE_RAND_H
#define CORE_RAND_H

#include "core/buf.h"

/* n unpredictable bytes (getrandom(2)); panics if the kernel has none. */
void rand_bytes(void *p, size_t n);
/* Uniform in [0, below); below > 0. */
uint64_t rand_below(uint64_t below);
/* n characters of [A-Za-z0-9] appended to out: passwords, identifiers. */
void rand_text(struct buf *out, size_t n);

#endif
