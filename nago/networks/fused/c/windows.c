/* Means over windows of pixels, and their gradients. */

#include "kernels.h"

#include <stdlib.h>
#include <string.h>

DISPATCHED static void shrink_rows(const Windows *s, const float *restrict x,
                                   float *restrict result, float *restrict sums)
{
    whole step = s->breadth * s->channels, across = s->breadth / s->broad;
    float share = 1.0f / (s->tall * s->broad);
    for (whole i = 0; i < step; i++)
        sums[i] = x[i];
    for (whole row = 1; row < s->tall; row++)
        for (whole i = 0; i < step; i++)
            sums[i] += x[row * step + i];
    for (whole place = 0; place < across; place++) {
        const float *restrict first = sums + place * s->broad * s->channels;
        float *restrict y = result + place * s->channels;
        for (whole i = 0; i < s->channels; i++)
            y[i] = first[i];
        for (whole column = 1; column < s->broad; column++)
            for (whole i = 0; i < s->channels; i++)
                y[i] += first[column * s->channels + i];
    }
    for (whole i = 0; i < across * s->channels; i++)
        result[i] *= share;
}

DISPATCHED static void spread_row(const Windows *s, const float *restrict gradient,
                                  float *restrict target, float *restrict parts, int added)
{
    whole step = s->breadth * s->channels, across = s->breadth / s->broad;
    float share = 1.0f / (s->tall * s->broad);
    memset(parts, 0, step * sizeof(float));
    for (whole place = 0; place < across; place++)
        for (whole column = 0; column < s->broad; column++) {
            const float *restrict d = gradient + place * s->channels;
            float *restrict y = parts + (place * s->broad + column) * s->channels;
            for (whole i = 0; i < s->channels; i++)
                y[i] = d[i] * share;
        }
    for (whole row = 0; row < s->tall; row++)
        if (added)
            for (whole i = 0; i < step; i++)
                target[row * step + i] += parts[i];
        else
            memcpy(target + row * step, parts, step * sizeof(float));
}

int shrink(const Windows *s, const float *x, float *result, int threads)
{
    whole step = s->breadth * s->channels, own = s->breadth / s->broad * s->channels;
    whole down = s->height / s->tall;
    if (threads > s->images)
        threads = (int)s->images;
    float *memory = malloc(threads * step * sizeof(float));
    if (!memory)
        return -1;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        for (whole image = thread; image < s->images; image += threads)
            for (whole row = 0; row < down; row++)
                shrink_rows(s, x + (image * s->height + row * s->tall) * step,
                            result + (image * down + row) * own, memory + thread * step);
    free(memory);
    return 0;
}

int shrink_backward(const Windows *s, const float *gradient, float *target, int added, int threads)
{
    whole step = s->breadth * s->channels, own = s->breadth / s->broad * s->channels;
    whole down = s->height / s->tall, left = s->height - down * s->tall;
    if (threads > s->images)
        threads = (int)s->images;
    float *memory = malloc(threads * step * sizeof(float));
    if (!memory)
        return -1;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        for (whole image = thread; image < s->images; image += threads) {
            float *first = target + image * s->height * step;
            for (whole row = 0; row < down; row++)
                spread_row(s, gradient + (image * down + row) * own, first + row * s->tall * step,
                           memory + thread * step, added);
            if (!added)
                memset(first + down * s->tall * step, 0, left * step * sizeof(float));
        }
    free(memory);
    return 0;
}
