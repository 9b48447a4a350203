/* What a training step on the CPU does between its convolutions, in as few passes as it takes.

A tensor is a matrix of `rows` pixels by `channels`, float32, row by row: images with their channels
last. A batch norm is not applied where it stands: it gives its statistics, and whoever takes its
result, a merge, applies it while it reads. An "affine" is that norm as three rows of channels: mean,
scale and shift, for (x - mean) * scale + shift.

Rows are worked through in blocks, whose sums are added in the order of the blocks: however many
threads share them, the digits are the same. Few channels don't fill a vector, so rows are taken
together until they do. Pointers come from Python as numbers; nothing here knows of torch. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

typedef Py_ssize_t whole;

/* How a matrix is worked through: `together` rows are a group of `width` floats, and a block has
`most` rows, a multiple of them. */
typedef struct {
    whole rows, channels, together, width, most, blocks;
} Plan;

static Plan make_plan(whole rows, whole channels)
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

static Part take_part(const Plan *plan, whole block, int rest)
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
static void spread(float *values, const Plan *plan)
{
    for (whole i = plan->channels; i < plan->width; i++)
        values[i] = values[i - plan->channels];
}

/* Add the sums of a group's rows up into the first. */
static void fold(float *sums, whole channels, whole width)
{
    for (whole start = channels; start < width; start += channels)
        for (whole i = 0; i < channels; i++)
            sums[i] += sums[start + i];
}

static int run_by(const Plan *plan, int threads)
{
    return threads < plan->blocks ? threads : (int)plan->blocks;
}

/* ---- statistics of a batch norm ---- */

DISPATCHED static void sum_part(const float *restrict x, float *restrict sums, whole groups, whole width)
{
    for (whole g = 0; g < groups; g++, x += width)
        for (whole i = 0; i < width; i++)
            sums[i] += x[i];
}

DISPATCHED static void square_part(const float *restrict x, const float *restrict mean,
                                   float *restrict sums, whole groups, whole width)
{
    for (whole g = 0; g < groups; g++, x += width)
        for (whole i = 0; i < width; i++) {
            float distance = x[i] - mean[i];
            sums[i] += distance * distance;
        }
}

/* Write a block's means, and its sums of squared distances from them. */
static void measure_block(const Plan *plan, const float *x, whole block, float *means, float *squares,
                          float *sums, float *centres)
{
    whole channels = plan->channels, rows = 0;
    memset(means, 0, channels * sizeof(float));
    memset(squares, 0, channels * sizeof(float));
    for (int rest = 0; rest < 2; rest++) {
        Part part = take_part(plan, block, rest);
        if (!part.groups)
            continue;
        memset(sums, 0, part.width * sizeof(float));
        sum_part(x + part.offset, sums, part.groups, part.width);
        fold(sums, channels, part.width);
        for (whole i = 0; i < channels; i++)
            means[i] += sums[i];
        rows += part.rows;
    }
    for (whole i = 0; i < channels; i++)
        means[i] /= rows;
    memcpy(centres, means, channels * sizeof(float));
    spread(centres, plan);
    for (int rest = 0; rest < 2; rest++) {
        Part part = take_part(plan, block, rest);
        if (!part.groups)
            continue;
        memset(sums, 0, part.width * sizeof(float));
        square_part(x + part.offset, centres, sums, part.groups, part.width);
        fold(sums, channels, part.width);
        for (whole i = 0; i < channels; i++)
            squares[i] += sums[i];
    }
}

/* What Python gives for a batch norm. */
typedef struct {
    const float *x, *gamma, *beta;
    float epsilon, momentum;
    float *affine, *inverse, *running_mean, *running_variance;
    int64_t *counter;
    int threads;
} Norm;

/* Join the means and squares of the blocks, by Chan, Golub and LeVeque: no difference of large sums. */
static void join_blocks(const Plan *plan, const float *means, const float *squares, double *mean,
                        double *square)
{
    whole channels = plan->channels, seen = 0;
    memset(mean, 0, channels * sizeof(double));
    memset(square, 0, channels * sizeof(double));
    for (whole block = 0; block < plan->blocks; block++) {
        whole left = plan->rows - seen, rows = left < plan->most ? left : plan->most;
        double share = (double)rows / (seen + rows), between = share * seen;
        for (whole i = 0; i < channels; i++) {
            double distance = means[block * channels + i] - mean[i];
            mean[i] += distance * share;
            square[i] += squares[block * channels + i] + distance * distance * between;
        }
        seen += rows;
    }
}

static int measure_norm(const Plan *plan, const Norm *norm)
{
    whole channels = plan->channels, width = plan->width, part = plan->blocks * channels;
    int threads = run_by(plan, norm->threads);
    char *memory = malloc(2 * channels * sizeof(double)
                          + (2 * part + 2 * threads * width) * sizeof(float));
    if (!memory)
        return -1;
    double *mean = (double *)memory, *square = mean + channels;
    float *means = (float *)(square + channels), *squares = means + part, *own = squares + part;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        for (whole block = thread; block < plan->blocks; block += threads)
            measure_block(plan, norm->x, block, means + block * channels, squares + block * channels,
                          own + 2 * thread * width, own + (2 * thread + 1) * width);
    join_blocks(plan, means, squares, mean, square);
    for (whole i = 0; i < channels; i++) {
        double unbiased = square[i] / (plan->rows - 1);
        norm->inverse[i] = (float)(1 / sqrt(square[i] / plan->rows + norm->epsilon));
        norm->affine[i] = (float)mean[i];
        norm->affine[channels + i] = norm->gamma[i] * norm->inverse[i];
        norm->affine[2 * channels + i] = norm->beta[i];
        norm->running_mean[i] += norm->momentum * ((float)mean[i] - norm->running_mean[i]);
        norm->running_variance[i] += norm->momentum * ((float)unbiased - norm->running_variance[i]);
    }
    ++*norm->counter;
    free(memory);
    return 0;
}

DISPATCHED static void correct_part(float *restrict gradient, const float *restrict x,
                                    const float *restrict mean, const float *restrict slope,
                                    const float *restrict constant, whole groups, whole width)
{
    for (whole g = 0; g < groups; g++, gradient += width, x += width)
        for (whole i = 0; i < width; i++)
            gradient[i] += (x[i] - mean[i]) * slope[i] + constant[i];
}

/* From the gradient that came through the affine to that of the norm's input, in place, and in
`sums` from those of scale and shift to those of gamma and beta. */
static int correct_gradient(const Plan *plan, float *gradient, const float *x, const float *affine,
                            const float *inverse, float *sums, int threads)
{
    whole channels = plan->channels, width = plan->width;
    float *mean = malloc(3 * width * sizeof(float)), *slope = mean + width, *constant = slope + width;
    if (!mean)
        return -1;
    for (whole i = 0; i < channels; i++) {
        float share = affine[channels + i] / plan->rows;
        mean[i] = affine[i];
        slope[i] = -share * inverse[i] * inverse[i] * sums[i];
        constant[i] = -share * sums[channels + i];
        sums[i] *= inverse[i];
    }
    spread(mean, plan);
    spread(slope, plan);
    spread(constant, plan);
    threads = run_by(plan, threads);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (whole block = 0; block < plan->blocks; block++)
        for (int rest = 0; rest < 2; rest++) {
            Part part = take_part(plan, block, rest);
            correct_part(gradient + part.offset, x + part.offset, mean, slope, constant,
                         part.groups, part.width);
        }
    free(mean);
    return 0;
}

/* ---- merges ---- */

/* A merge: the weighted sum of `number` inputs, each after its affine if it has one, and what is
below 0 set to 0 if it `rectifies`. With gates the weights are their sigmoids, else all `constant`.
For the backward pass `inputs` may be NULL where nobody asks for what is multiplied by them. */
typedef struct {
    whole number;
    const float **inputs, **affines, *gates;
    float constant;
    int rectifies, threads;
} Merge;

static float weigh(const Merge *merge, whole place)
{
    return merge->gates ? 1 / (1 + expf(-merge->gates[place])) : merge->constant;
}

INLINED float rectify(float value, int rectifies)
{
    return rectifies && value < 0 ? 0 : value; /* what is no number stays so */
}

INLINED void merge_rows(const float **inputs, whole number, whole offset, const float *restrict scales,
                        const float *restrict shift, float *restrict result, whole groups,
                        whole width, whole step, int rectifies)
{
    for (whole g = 0; g < groups; g++) {
        whole start = offset + g * width;
        const float *restrict a = inputs[0] + start;
        float *restrict y = result + start;
        if (number == 1) {
            for (whole i = 0; i < width; i++)
                y[i] = rectify(a[i] * scales[i] + shift[i], rectifies);
            continue;
        }
        const float *restrict b = inputs[1] + start;
        int last = number == 2;
        for (whole i = 0; i < width; i++)
            y[i] = rectify(a[i] * scales[i] + (b[i] * scales[step + i] + shift[i]),
                           last && rectifies);
        for (whole place = 2; place < number; place++) {
            const float *restrict x = inputs[place] + start, *scale = scales + place * step;
            last = place == number - 1;
            for (whole i = 0; i < width; i++)
                y[i] = rectify(y[i] + x[i] * scale[i], last && rectifies);
        }
    }
}

DISPATCHED static void merge_part(const float **inputs, whole number, whole offset,
                                  const float *scales, const float *shift, float *result,
                                  whole groups, whole width, whole step, int rectifies)
{
    if (rectifies)
        merge_rows(inputs, number, offset, scales, shift, result, groups, width, step, 1);
    else
        merge_rows(inputs, number, offset, scales, shift, result, groups, width, step, 0);
}

static int merge_forward(const Plan *plan, const Merge *merge, float *result)
{
    whole channels = plan->channels, width = plan->width, number = merge->number;
    float *scales = malloc((number + 1) * width * sizeof(float)), *shift = scales + number * width;
    if (!scales)
        return -1;
    memset(shift, 0, channels * sizeof(float));
    for (whole place = 0; place < number; place++) {
        const float *affine = merge->affines[place];
        float *scale = scales + place * width, weight = weigh(merge, place);
        for (whole i = 0; i < channels; i++) {
            scale[i] = affine ? weight * affine[channels + i] : weight;
            if (affine)
                shift[i] += weight * affine[2 * channels + i] - scale[i] * affine[i];
        }
        spread(scale, plan);
    }
    spread(shift, plan);
    int threads = run_by(plan, merge->threads);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (whole block = 0; block < plan->blocks; block++)
        for (int rest = 0; rest < 2; rest++) {
            Part part = take_part(plan, block, rest);
            merge_part(merge->inputs, number, part.offset, scales, shift, result, part.groups,
                       part.width, width, merge->rectifies);
        }
    free(scales);
    return 0;
}

/* The gradients that a merge writes: of each input, added to what is there where `added` says so;
of each affine's scale and shift, likewise; of the gates, if it has any. */
typedef struct {
    float **inputs, **affines, *gates;
    void *const *added;
} Gradients;

/* Hand a gradient on to an input, and take its sums: of itself, and of its products with the input
where there is one. What comes of it is written to `target`, added to what is there, or written in
place of the gradient, which must then be the last time that it is read. */
enum { WRITTEN, ADDED, IN_PLACE };

INLINED void part_rows(float *restrict gradient, const float *restrict result,
                       const float *restrict x, const float *restrict mean,
                       const float *restrict scale, float *restrict target,
                       float *restrict products, float *restrict sums, whole groups, whole width,
                       int way)
{
    for (whole g = 0; g < groups; g++) {
        whole start = g * width;
        for (whole i = 0; i < width; i++) {
            float value = gradient[start + i];
            if (result)
                value = result[start + i] <= 0 ? 0 : value;
            if (sums)
                sums[i] += value;
            if (x)
                products[i] += value * (x[start + i] - mean[i]);
            float scaled = value * scale[i];
            if (way == IN_PLACE)
                gradient[start + i] = scaled;
            else
                target[start + i] = way == ADDED ? target[start + i] + scaled : scaled;
        }
    }
}

#define WITH(r, x_, s, way_)                                                                       \
    part_rows(gradient, r ? result : NULL, x_ ? x : NULL, mean, scale, target, products,           \
              s ? sums : NULL, groups, width, way_)
#define WITH_WAY(r, x_, s)                                                                         \
    (way == ADDED     ? WITH(r, x_, s, ADDED)                                                      \
     : way == WRITTEN ? WITH(r, x_, s, WRITTEN)                                                    \
                      : WITH(r, x_, s, IN_PLACE))
#define WITH_SUMS(r, x_) (sums ? WITH_WAY(r, x_, 1) : WITH_WAY(r, x_, 0))
#define WITH_INPUT(r) (x ? WITH_SUMS(r, 1) : WITH_SUMS(r, 0))

DISPATCHED static void part_gradient(float *gradient, const float *result, const float *x,
                                     const float *mean, const float *scale, float *target,
                                     float *products, float *sums, whole groups, whole width,
                                     int way)
{
    result ? WITH_INPUT(1) : WITH_INPUT(0);
}

/* Hand a block's gradient on to the inputs; its sums go to `sums`: those of the gradient, then for
each input those of its products, by channel. */
static void part_block(const Plan *plan, const Merge *merge, float *gradient,
                       const float *result, const Gradients *gradients, const float *constants,
                       whole block, float *sums, float *own)
{
    whole channels = plan->channels, width = plan->width;
    memset(sums, 0, (merge->number + 1) * channels * sizeof(float));
    for (int rest = 0; rest < 2; rest++) {
        Part part = take_part(plan, block, rest);
        if (!part.groups)
            continue;
        memset(own, 0, part.width * sizeof(float));
        for (whole place = 0; place < merge->number; place++) {
            const float *x = merge->inputs[place], *constant = constants + 2 * place * width;
            float *products = own + width, *target = gradients->inputs[place];
            int way = target == gradient ? IN_PLACE : gradients->added[place] ? ADDED : WRITTEN;
            if (x)
                memset(products, 0, part.width * sizeof(float));
            part_gradient(gradient + part.offset, result ? result + part.offset : NULL,
                          x ? x + part.offset : NULL, constant, constant + width,
                          target + part.offset, products, place ? NULL : own, part.groups,
                          part.width, way);
            if (!x)
                continue;
            fold(products, channels, part.width);
            float *total = sums + (place + 1) * channels;
            for (whole i = 0; i < channels; i++)
                total[i] += products[i];
        }
        fold(own, channels, part.width);
        for (whole i = 0; i < channels; i++)
            sums[i] += own[i];
    }
}

/* Write what the sums over all blocks, of the gradient and of its products, say of the affines and
the gates. */
static void close_merge(const Plan *plan, const Merge *merge, const Gradients *gradients,
                        const double *sums)
{
    whole channels = plan->channels;
    for (whole place = 0; place < merge->number; place++) {
        const float *affine = merge->affines[place];
        const double *products = sums + (place + 1) * channels;
        float *target = gradients->affines[place], weight = weigh(merge, place);
        double of_weight = 0;
        for (whole i = 0; i < channels; i++) {
            if (!affine) {
                of_weight += products[i];
                continue;
            }
            of_weight += affine[channels + i] * products[i] + affine[2 * channels + i] * sums[i];
            float scale = (float)(weight * products[i]), shift = (float)(weight * sums[i]);
            int added = gradients->added[place] != NULL;
            target[i] = added ? target[i] + scale : scale;
            target[channels + i] = added ? target[channels + i] + shift : shift;
        }
        if (merge->gates)
            gradients->gates[place] = (float)(of_weight * weight * (1 - weight));
    }
}

static int merge_backward(const Plan *plan, const Merge *merge, float *gradient,
                          const float *result, const Gradients *gradients)
{
    whole channels = plan->channels, width = plan->width, number = merge->number;
    whole sums_each = (number + 1) * channels;
    int threads = run_by(plan, merge->threads);
    char *memory = malloc(sums_each * sizeof(double)
                          + (2 * number * width + plan->blocks * sums_each + 2 * threads * width)
                                * sizeof(float));
    if (!memory)
        return -1;
    double *totals = (double *)memory;
    float *constants = (float *)(totals + sums_each), *sums = constants + 2 * number * width;
    float *own = sums + plan->blocks * sums_each;
    for (whole place = 0; place < number; place++) {
        const float *affine = merge->affines[place];
        float *mean = constants + 2 * place * width, *scale = mean + width;
        float weight = weigh(merge, place);
        for (whole i = 0; i < channels; i++) {
            mean[i] = affine ? affine[i] : 0;
            scale[i] = affine ? weight * affine[channels + i] : weight;
        }
        spread(mean, plan);
        spread(scale, plan);
    }
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        for (whole block = thread; block < plan->blocks; block += threads)
            part_block(plan, merge, gradient, result, gradients, constants, block,
                       sums + block * sums_each, own + 2 * thread * width);
    memset(totals, 0, sums_each * sizeof(double));
    for (whole block = 0; block < plan->blocks; block++)
        for (whole i = 0; i < sums_each; i++)
            totals[i] += sums[block * sums_each + i];
    close_merge(plan, merge, gradients, totals);
    free(memory);
    return 0;
}

/* ---- means over windows ---- */

/* Images of `height` by `breadth` pixels, and windows of `tall` by `broad` of them that don't
overlap; pixels that make no whole window are left out. */
typedef struct {
    whole images, height, breadth, channels, tall, broad;
} Windows;

DISPATCHED static void shrink_rows(const Windows *s, const float *restrict x, float *restrict result,
                                   float *restrict sums)
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

static int shrink(const Windows *s, const float *x, float *result, int threads)
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

static int shrink_backward(const Windows *s, const float *gradient, float *target, int added,
                           int threads)
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

/* ---- for Python ---- */

#define ADDRESS "K"
typedef unsigned long long address;

static PyObject *finish(int code)
{
    if (code) { /* in the words by which a training knows that its batch is too large */
        PyErr_SetString(PyExc_RuntimeError, "out of memory");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *py_measure_norm(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    address x, gamma, beta, affine, inverse, mean, variance, counter;
    Norm norm;
    if (!PyArg_ParseTuple(arguments, "nn" ADDRESS ADDRESS ADDRESS "ff" ADDRESS ADDRESS ADDRESS ADDRESS
                          ADDRESS "i", &rows, &channels, &x, &gamma, &beta, &norm.epsilon,
                          &norm.momentum, &affine, &inverse, &mean, &variance, &counter,
                          &norm.threads))
        return NULL;
    norm.x = (const float *)(uintptr_t)x;
    norm.gamma = (const float *)(uintptr_t)gamma;
    norm.beta = (const float *)(uintptr_t)beta;
    norm.affine = (float *)(uintptr_t)affine;
    norm.inverse = (float *)(uintptr_t)inverse;
    norm.running_mean = (float *)(uintptr_t)mean;
    norm.running_variance = (float *)(uintptr_t)variance;
    norm.counter = (int64_t *)(uintptr_t)counter;
    Plan plan = make_plan(rows, channels);
    int code;
    Py_BEGIN_ALLOW_THREADS
    code = measure_norm(&plan, &norm);
    Py_END_ALLOW_THREADS
    return finish(code);
}

static PyObject *py_correct_gradient(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    address gradient, x, affine, inverse, sums;
    int threads, code;
    if (!PyArg_ParseTuple(arguments, "nn" ADDRESS ADDRESS ADDRESS ADDRESS ADDRESS "i", &rows,
                          &channels, &gradient, &x, &affine, &inverse, &sums, &threads))
        return NULL;
    Plan plan = make_plan(rows, channels);
    Py_BEGIN_ALLOW_THREADS
    code = correct_gradient(&plan, (float *)(uintptr_t)gradient, (const float *)(uintptr_t)x,
                            (const float *)(uintptr_t)affine, (const float *)(uintptr_t)inverse,
                            (float *)(uintptr_t)sums, threads);
    Py_END_ALLOW_THREADS
    return finish(code);
}

/* Write the addresses in a list; 0, or an error of Python. */
static int read_addresses(PyObject *list, whole number, void **addresses)
{
    if (PyList_Size(list) != number) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the lists of a merge must be of one length");
        return -1;
    }
    for (whole place = 0; place < number; place++) {
        address value = PyLong_AsUnsignedLongLong(PyList_GetItem(list, place));
        if (value == (address)-1 && PyErr_Occurred())
            return -1;
        addresses[place] = (void *)(uintptr_t)value;
    }
    return 0;
}

enum { USUAL = 16 };
/* Inputs of a merge for which there is room on the stack. */

static PyObject *py_merge_forward(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    PyObject *inputs, *affines;
    address gates, result;
    Merge merge;
    if (!PyArg_ParseTuple(arguments, "nnO!O!" ADDRESS "fp" ADDRESS "i", &rows, &channels, &PyList_Type,
                          &inputs, &PyList_Type, &affines, &gates, &merge.constant,
                          &merge.rectifies, &result, &merge.threads))
        return NULL;
    merge.number = PyList_Size(inputs);
    merge.gates = (const float *)(uintptr_t)gates;
    void *room[2 * USUAL], **addresses = room;
    if (merge.number > USUAL && !(addresses = malloc(2 * merge.number * sizeof(void *))))
        return finish(-1);
    int code = read_addresses(inputs, merge.number, addresses)
               || read_addresses(affines, merge.number, addresses + merge.number);
    if (!code) {
        merge.inputs = (const float **)addresses;
        merge.affines = merge.inputs + merge.number;
        Plan plan = make_plan(rows, channels);
        Py_BEGIN_ALLOW_THREADS
        code = merge_forward(&plan, &merge, (float *)(uintptr_t)result);
        Py_END_ALLOW_THREADS
    }
    if (addresses != room)
        free(addresses);
    return PyErr_Occurred() ? NULL : finish(code);
}

static PyObject *py_merge_backward(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    PyObject *inputs, *affines, *of_inputs, *of_affines, *added;
    address gradient, result, gates, of_gates;
    Merge merge;
    if (!PyArg_ParseTuple(arguments, "nn" ADDRESS ADDRESS "O!O!" ADDRESS "fO!O!O!" ADDRESS "i", &rows,
                          &channels, &gradient, &result, &PyList_Type, &inputs, &PyList_Type,
                          &affines, &gates, &merge.constant, &PyList_Type, &of_inputs, &PyList_Type,
                          &of_affines, &PyList_Type, &added, &of_gates, &merge.threads))
        return NULL;
    whole number = merge.number = PyList_Size(inputs);
    merge.gates = (const float *)(uintptr_t)gates;
    void *room[5 * USUAL], **addresses = room;
    if (number > USUAL && !(addresses = malloc(5 * number * sizeof(void *))))
        return finish(-1);
    int code = read_addresses(inputs, number, addresses)
               || read_addresses(affines, number, addresses + number)
               || read_addresses(of_inputs, number, addresses + 2 * number)
               || read_addresses(of_affines, number, addresses + 3 * number)
               || read_addresses(added, number, addresses + 4 * number);
    if (!code) {
        merge.inputs = (const float **)addresses;
        merge.affines = merge.inputs + number;
        Gradients gradients = {(float **)addresses + 2 * number, (float **)addresses + 3 * number,
                               (float *)(uintptr_t)of_gates, addresses + 4 * number};
        Plan plan = make_plan(rows, channels);
        Py_BEGIN_ALLOW_THREADS
        code = merge_backward(&plan, &merge, (float *)(uintptr_t)gradient,
                              (const float *)(uintptr_t)result, &gradients);
        Py_END_ALLOW_THREADS
    }
    if (addresses != room)
        free(addresses);
    return PyErr_Occurred() ? NULL : finish(code);
}

static PyObject *py_shrink(PyObject *module, PyObject *arguments)
{
    Windows s;
    address x, result;
    int threads, code;
    if (!PyArg_ParseTuple(arguments, "nnnnnn" ADDRESS ADDRESS "i", &s.images, &s.height, &s.breadth,
                          &s.channels, &s.tall, &s.broad, &x, &result, &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    code = shrink(&s, (const float *)(uintptr_t)x, (float *)(uintptr_t)result, threads);
    Py_END_ALLOW_THREADS
    return finish(code);
}

static PyObject *py_shrink_backward(PyObject *module, PyObject *arguments)
{
    Windows s;
    address gradient, target;
    int added, threads, code;
    if (!PyArg_ParseTuple(arguments, "nnnnnn" ADDRESS ADDRESS "pi", &s.images, &s.height, &s.breadth,
                          &s.channels, &s.tall, &s.broad, &gradient, &target, &added, &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    code = shrink_backward(&s, (const float *)(uintptr_t)gradient, (float *)(uintptr_t)target, added,
                           threads);
    Py_END_ALLOW_THREADS
    return finish(code);
}

static PyMethodDef methods[] = {
    {"measure_norm", py_measure_norm, METH_VARARGS, NULL},
    {"correct_gradient", py_correct_gradient, METH_VARARGS, NULL},
    {"merge_forward", py_merge_forward, METH_VARARGS, NULL},
    {"merge_backward", py_merge_backward, METH_VARARGS, NULL},
    {"shrink", py_shrink, METH_VARARGS, NULL},
    {"shrink_backward", py_shrink_backward, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "kernels", NULL, 0, methods,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_kernels(void) { return PyModule_Create(&definition); }
