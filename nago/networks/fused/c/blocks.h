/* How the kernels work through a matrix: in blocks of groups of rows. */

#ifndef BLOCKS_H
#define BLOCKS_H

#include <stddef.h>

/* One function for each kind of x86 processor, chosen as the module is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 8
#define DISPATCHED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DISPATCHED
#endif
#define INLINED static inline __attribute__((always_inline))

enum { LANES = 16, WIDEST = 2048, BLOCK = 4096, FEWEST = 8 };
/* Floats of the longest vector; floats up to which rows are taken together; floats of a block, and
the fewest groups of rows that it has. */

typedef ptrdiff_t whole;

/* How a matrix is worked through: `together` rows are a group of `width` floats, and a block has
`most` rows, a multiple of them. */
typedef struct {
    whole rows, channels, together, width, most, blocks;
} Plan;

static inline Plan make_plan(whole rows, whole channels)
{
    whole a = channels, b = LANES;
    while (b) {
        whole rest = a % b;
        a = b;
        b = rest;
    }
    whole together = LANES / a;
    if (together * channels > WIDEST)
        together = 1;
    whole width = together * channels, groups = BLOCK / width;
    whole most = (groups < FEWEST ? FEWEST : groups) * together;
    return (Plan){rows, channels, together, width, most, (rows + most - 1) / most};
}

/* A part of a block: `groups` times `width` floats from `offset` on. A block has two: its groups,
and, at the end of the matrix, the rows that make no whole group. */
typedef struct {
    whole offset, groups, width, rows;
} Part;

static inline Part take_part(const Plan *plan, whole block, int rest)
{
    whole start = block * plan->most, rows = plan->rows - start;
    if (rows > plan->most)
        rows = plan->most;
    whole groups = rows / plan->together, whole_rows = groups * plan->together;
    if (!rest)
        return (Part){start * plan->channels, groups, plan->width, whole_rows};
    whole left = rows - whole_rows;
    return (Part){(start + whole_rows) * plan->channels, left, plan->channels, left};
}

/* Repeat the first `channels` values through a group's width. */
static inline void spread(float *values, const Plan *plan)
{
    for (whole i = plan->channels; i < plan->width; i++)
        values[i] = values[i - plan->channels];
}

/* Add the sums of a group's rows up into the first. */
static inline void fold(float *sums, whole channels, whole width)
{
    for (whole start = channels; start < width; start += channels)
        for (whole i = 0; i < channels; i++)
            sums[i] += sums[start + i];
}

static inline int run_by(const Plan *plan, int threads)
{
    return threads < plan->blocks ? threads : (int)plan->blocks;
}

#endif
