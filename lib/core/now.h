/* The two clocks. Durations come from now_mono_ms, dates from now_wall_us. */
#ifndef CORE_NOW_H
#define CORE_NOW_H

#include "core/base.h"

/* Milliseconds of the monotonic clock. */
uint64_t now_mono_ms(void);
/* Microseconds since the epoch. */
int64_t now_wall_us(void);
/* Seconds since the epoch. */
int64_t now_wall(void);

#endif
