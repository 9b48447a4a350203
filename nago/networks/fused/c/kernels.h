/* What a training step on the CPU does between its convolutions, in as few passes as it takes.

A tensor is a matrix of `rows` pixels by `channels`, float32, row by row: images with their
channels last. A batch norm is not applied where it stands: it gives its statistics, and whoever
takes its result, a merge, applies it while it reads. An "affine" is that norm as three rows of
channels: mean, scale and shift, for (x - mean) * scale + shift.

Rows are worked through in blocks, whose sums are added in the order of the blocks: however many
threads share them, the digits are the same. Few channels don't fill a vector, so rows are taken
together until they do. */

#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

#include "blocks.h"

/* All functions return 0, or -1 if there is no memory to work in. */

/* A batch norm: of what, and where to write what it finds. */
typedef struct {
    const float *x, *gamma, *beta;
    float epsilon, momentum;
    float *affine, *inverse, *running_mean, *running_variance;
    int64_t *counter;
    int threads;
} Norm;

/* A merge: the weighted sum of `number` inputs, each after its affine if it has one, and what is
below 0 set to 0 if it `rectifies`. With gates the weights are their sigmoids, else all `constant`.
For the backward pass `inputs` may be NULL where nobody asks for what is multiplied by them. */
typedef struct {
    whole number;
    const float **inputs, **affines, *gates;
    float constant;
    int rectifies, threads;
} Merge;

/* The gradients that a merge writes: of each input, added to what is there where `added` says so;
of each affine's scale and shift, likewise; of the gates, if it has any. */
typedef struct {
    float **inputs, **affines, *gates;
    void *const *added;
} Gradients;

/* Images of `height` by `breadth` pixels, and windows of `tall` by `broad` of them that don't
overlap; pixels that make no whole window are left out. */
typedef struct {
    whole images, height, breadth, channels, tall, broad;
} Windows;

int measure_norm(const Plan *plan, const Norm *norm);
int correct_gradient(const Plan *plan, float *gradient, const float *x, const float *affine,
                     const float *inverse, float *sums, int threads);
int merge_forward(const Plan *plan, const Merge *merge, float *result);
int merge_backward(const Plan *plan, const Merge *merge, float *gradient, const float *result,
                   const Gradients *gradients);
int shrink(const Windows *s, const float *x, float *result, int threads);
int shrink_backward(const Windows *s, const float *gradient, float *target, int added,
                    int threads);

#endif
