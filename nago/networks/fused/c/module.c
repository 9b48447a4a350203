/* The kernels as a module of Python. Addresses come as numbers; nothing here knows of torch. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>

#include "kernels.h"

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
    if (!PyArg_ParseTuple(arguments,
                          "nn" ADDRESS ADDRESS ADDRESS "ff" ADDRESS ADDRESS ADDRESS ADDRESS ADDRESS
                          "i",
                          &rows, &channels, &x, &gamma, &beta, &norm.epsilon, &norm.momentum,
                          &affine, &inverse, &mean, &variance, &counter, &norm.threads))
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

static PyObject *py_merge_forward(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    PyObject *inputs, *affines;
    address gates, result;
    Merge merge;
    if (!PyArg_ParseTuple(arguments, "nnO!O!" ADDRESS "fp" ADDRESS "i", &rows, &channels,
                          &PyList_Type, &inputs, &PyList_Type, &affines, &gates, &merge.constant,
                          &merge.rectifies, &result, &merge.threads))
        return NULL;
    merge.number = PyList_Size(inputs);
    merge.gates = (const float *)(uintptr_t)gates;
    void **addresses = malloc(2 * merge.number * sizeof(void *));
    if (!addresses)
        return finish(-1);
    int code = read_addresses(inputs, merge.number, addresses) ||
               read_addresses(affines, merge.number, addresses + merge.number);
    if (!code) {
        merge.inputs = (const float **)addresses;
        merge.affines = merge.inputs + merge.number;
        Plan plan = make_plan(rows, channels);
        Py_BEGIN_ALLOW_THREADS
        code = merge_forward(&plan, &merge, (float *)(uintptr_t)result);
        Py_END_ALLOW_THREADS
    }
    free(addresses);
    return PyErr_Occurred() ? NULL : finish(code);
}

static PyObject *py_merge_backward(PyObject *module, PyObject *arguments)
{
    whole rows, channels;
    PyObject *inputs, *affines, *of_inputs, *of_affines, *added;
    address gradient, result, gates, of_gates;
    Merge merge;
    if (!PyArg_ParseTuple(arguments, "nn" ADDRESS ADDRESS "O!O!" ADDRESS "fO!O!O!" ADDRESS "i",
                          &rows, &channels, &gradient, &result, &PyList_Type, &inputs,
                          &PyList_Type, &affines, &gates, &merge.constant, &PyList_Type,
                          &of_inputs, &PyList_Type, &of_affines, &PyList_Type, &added, &of_gates,
                          &merge.threads))
        return NULL;
    whole number = merge.number = PyList_Size(inputs);
    merge.gates = (const float *)(uintptr_t)gates;
    void **addresses = malloc(5 * number * sizeof(void *));
    if (!addresses)
        return finish(-1);
    int code = read_addresses(inputs, number, addresses) ||
               read_addresses(affines, number, addresses + number) ||
               read_addresses(of_inputs, number, addresses + 2 * number) ||
               read_addresses(of_affines, number, addresses + 3 * number) ||
               read_addresses(added, number, addresses + 4 * number);
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
    free(addresses);
    return PyErr_Occurred() ? NULL : finish(code);
}

static PyObject *py_shrink(PyObject *module, PyObject *arguments)
{
    Windows s;
    address x, result;
    int threads, code;
    if (!PyArg_ParseTuple(arguments, "nnnnnn" ADDRESS ADDRESS "i", &s.images, &s.height,
                          &s.breadth, &s.channels, &s.tall, &s.broad, &x, &result, &threads))
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
    if (!PyArg_ParseTuple(arguments, "nnnnnn" ADDRESS ADDRESS "pi", &s.images, &s.height,
                          &s.breadth, &s.channels, &s.tall, &s.broad, &gradient, &target, &added,
                          &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    code = shrink_backward(&s, (const float *)(uintptr_t)gradient, (float *)(uintptr_t)target,
                           added, threads);
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

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "kernels", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_kernels(void) { return PyModule_Create(&definition); }
