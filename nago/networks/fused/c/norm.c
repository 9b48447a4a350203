/* The statistics of a batch norm, and the gradient through them. */

#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

DISPATCHED static void sum_part(const float *restrict x, float *restrict sums, whole groups,
                                whole width)
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
static void measure_block(const Plan *plan, const float *x, whole block, float *means,
                          float *squares, float *sums, float *centres)
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

/* Join the means and squares of the blocks, by Chan, Golub and LeVeque: no difference of large
sums. */
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

int measure_norm(const Plan *plan, const Norm *norm)
{
    whole channels = plan->channels, width = plan->width, part = plan->blocks * channels;
    int threads = run_by(plan, norm->threads);
    char *memory =
        malloc(2 * channels * sizeof(double) + (2 * part + 2 * threads * width) * sizeof(float));
    if (!memory)
        return -1;
    double *mean = (double *)memory, *square = mean + channels;
    float *means = (float *)(square + channels), *squares = means + part, *own = squares + part;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        for (whole block = thread; block < plan->blocks; block += threads)
            measure_block(plan, norm->x, block, means + block * channels,
                          squares + block * channels, own + 2 * thread * width,
                          own + (2 * thread + 1) * width);
    join_blocks(plan, means, squares, mean, square);
    for (whole i = 0; i < channels; i++) {
        double unbiased = square[i] / (plan->rows - 1);
        norm->inverse[i] = (float)(1 / sqrt(square[i] / plan->rows + norm->epsilon));
        norm->affine[i] = (float)mean[i];
        norm->affine[channels + i] = norm->gamma[i] * norm->inverse[i];
        norm->affine[2 * channels + i] = norm->beta[i];
        norm->running_mean[i] += norm->momentum * ((float)mean[i] - norm->running_mean[i]);
        norm->running_variance[i] +=
            norm->momentum * ((float)unbiased - norm->running_variance[i]);
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
int correct_gradient(const Plan *plan, float *gradient, const float *x, const float *affine,
                     const float *inverse, float *sums, int threads)
{
    whole channels = plan->channels, width = plan->width;
    float *mean = malloc(3 * width * sizeof(float)), *slope = mean + width,
          *constant = slope + width;
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
