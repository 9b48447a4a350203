/* Merges: weighted sums that apply norms and rectify on the way, and their gradients. */

#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float weigh(const Merge *merge, whole place)
{
    return merge->gates ? 1 / (1 + expf(-merge->gates[place])) : merge->constant;
}

INLINED float rectify(float value, int rectifies)
{
    return rectifies && value < 0 ? 0 : value; /* what is no number stays so */
}

INLINED void merge_rows(const float **inputs, whole number, whole offset,
                        const float *restrict scales, const float *restrict shift,
                        float *restrict result, whole groups, whole width, whole step,
                        int rectifies)
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

int merge_forward(const Plan *plan, const Merge *merge, float *result)
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

#define WITH(r, x_, s, way_)                                                                      \
    part_rows(gradient, r ? result : NULL, x_ ? x : NULL, mean, scale, target, products,          \
              s ? sums : NULL, groups, width, way_)
#define WITH_WAY(r, x_, s)                                                                        \
    (way == ADDED     ? WITH(r, x_, s, ADDED)                                                     \
     : way == WRITTEN ? WITH(r, x_, s, WRITTEN)                                                   \
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
static void part_block(const Plan *plan, const Merge *merge, float *gradient, const float *result,
                       const Gradients *gradients, const float *constants, whole block,
                       float *sums, float *own)
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

int merge_backward(const Plan *plan, const Merge *merge, float *gradient, const float *result,
                   const Gradients *gradients)
{
    whole channels = plan->channels, width = plan->width, number = merge->number;
    whole sums_each = (number + 1) * channels;
    int threads = run_by(plan, merge->threads);
    char *memory = malloc(sums_each * sizeof(double) +
                          (2 * number * width + plan->blocks * sums_each + 2 * threads * width) *
                              sizeof(float));
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
