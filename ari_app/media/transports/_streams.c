/* What rtp_streams.py does with the packets that were read, compiled: the same results, packet by packet; and what
   g711.py does with what is said. Used where it was built (a C compiler was there when the package was installed), and
   numpy where it was not. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define HEAD 12
#define FRAME 160
#define RATE 8000
#define PLAIN 0x80 /* version 2; no padding, extension or contributing sources */
#define MARKER 0x80
#define PCMU 0
#define PCMA 8

/* rtp_streams.STREAM */
typedef struct {
    double transit, jitter;
    int64_t passed;
    uint32_t timestamp, ssrc;
    uint16_t sequence;
    uint8_t expected, unused[5];
} stream;
_Static_assert(sizeof(stream) == 40, "as numpy has it");

/* Of one block; all but the rows as datagrams.Receiver has them. */
typedef struct {
    Py_ssize_t count;
    const uint8_t *heads, *payloads;
    const uint32_t *lengths;
    const double *arrivals;
    Py_ssize_t *rows;
} block;

static int16_t ulaw[256], alaw[256];

static void prepare(void)
{
    for (int code = 0; code < 256; code++) { /* ITU-T G.711 */
        const int u = ~code, a = code ^ 0x55, part = a >> 4 & 7;
        const int of_u = (((u & 15) << 3) + 132) << (u >> 4 & 7);
        const int of_a = part ? ((a & 15) * 16 + 264) << (part - 1) : (a & 15) * 16 + 8;
        ulaw[code] = (int16_t)(u & 0x80 ? 132 - of_u : of_u - 132);
        alaw[code] = (int16_t)(a & 0x80 ? of_a : -of_a);
    }
}

static uint32_t number(const uint8_t *bytes, int size)
{
    uint32_t found = 0;
    for (int n = 0; n < size; n++)
        found = found << 8 | bytes[n];
    return found;
}

static int goes_on(const stream *of, const uint8_t *head, uint32_t length)
{
    const int kind = head[1] & ~MARKER;
    return of->expected && length == HEAD + FRAME && head[0] == PLAIN && (kind == PCMU || kind == PCMA) &&
           number(head + 2, 2) == of->sequence && number(head + 4, 4) == of->timestamp &&
           number(head + 8, 4) == of->ssrc;
}

/* As of Reception, which counts and times the same packet. */
static void count_it(stream *of, double at)
{
    const double arrival = at * RATE;
    of->sequence++;
    of->timestamp += FRAME;
    of->passed++;
    of->jitter += (fabs(arrival - of->transit - FRAME) - of->jitter) / 16;
    of->transit = arrival;
}

static PyObject *decoded(const uint8_t *payload, const int16_t *law)
{
    int16_t samples[FRAME];
    for (int n = 0; n < FRAME; n++)
        samples[n] = law[payload[n]];
    return PyBytes_FromStringAndSize((const char *)samples, sizeof samples);
}

/* 0, or -1 with an exception. */
static int append(PyObject *list, PyObject *item)
{
    const int failed = item == NULL ? -1 : PyList_Append(list, item);
    Py_XDECREF(item);
    return failed;
}

/* `rests`: of each row, whether a packet of it has been left over: those behind it are left too, to stay in order. */
static int sort(stream *streams, const block *of, uint8_t *rests, PyObject *rows, PyObject *frames, PyObject *left)
{
    for (Py_ssize_t n = 0; n < of->count; n++) {
        const Py_ssize_t row = of->rows[n];
        const uint8_t *head = of->heads + n * HEAD;
        if (rests[row] || !goes_on(&streams[row], head, of->lengths[n])) {
            rests[row] = 1;
            if (append(left, PyLong_FromSsize_t(n)) < 0)
                return -1;
            continue;
        }
        count_it(&streams[row], of->arrivals[n]);
        if (append(rows, PyLong_FromSsize_t(row)) < 0 ||
            append(frames, decoded(of->payloads + n * FRAME, head[1] & PCMA ? alaw : ulaw)) < 0)
            return -1;
    }
    return 0;
}

/* The rows of the packets; 0, or -1 with an exception. */
static int read_rows(PyObject *whose, Py_ssize_t streams, Py_ssize_t *rows)
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(whose); n++) {
        rows[n] = PyLong_AsSsize_t(PyTuple_GET_ITEM(whose, n));
        if (rows[n] == -1 && PyErr_Occurred())
            return -1;
        if (rows[n] < 0 || rows[n] >= streams) {
            PyErr_SetString(PyExc_ValueError, "there is no such row");
            return -1;
        }
    }
    return 0;
}

static PyObject *take_block(stream *streams, Py_ssize_t room, PyObject *whose, block *of)
{
    PyObject *rows = PyList_New(0), *frames = PyList_New(0), *left = PyList_New(0), *result = NULL;
    uint8_t *rests = PyMem_Calloc(room ? room : 1, 1);
    of->rows = PyMem_Calloc(of->count ? of->count : 1, sizeof *of->rows);
    if (rests == NULL || of->rows == NULL)
        PyErr_NoMemory();
    else if (rows != NULL && frames != NULL && left != NULL && read_rows(whose, room, of->rows) == 0 &&
             sort(streams, of, rests, rows, frames, left) == 0)
        result = PyTuple_Pack(3, rows, frames, left);
    PyMem_Free(rests);
    PyMem_Free(of->rows);
    Py_XDECREF(rows);
    Py_XDECREF(frames);
    Py_XDECREF(left);
    return result;
}

/* Whether there are so many elements of a type of this size, where such may be. */
static int has(const Py_buffer *buffer, Py_ssize_t count, size_t size)
{
    return buffer->len == count * (Py_ssize_t)size && (uintptr_t)buffer->buf % (size < 8 ? size : 8) == 0;
}

static PyObject *take(PyObject *self, PyObject *arguments)
{
    Py_buffer streams, heads, payloads, lengths, arrivals;
    PyObject *whose, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "w*O!y*y*y*y*", &streams, &PyTuple_Type, &whose, &heads, &payloads, &lengths,
                          &arrivals))
        return NULL;
    block of = {PyTuple_GET_SIZE(whose), heads.buf, payloads.buf, lengths.buf, arrivals.buf, NULL};
    const Py_ssize_t room = streams.len / (Py_ssize_t)sizeof(stream);
    if (!has(&streams, room, sizeof(stream)) || heads.len != of.count * HEAD || payloads.len != of.count * FRAME ||
        !has(&lengths, of.count, sizeof(uint32_t)) || !has(&arrivals, of.count, sizeof(double)))
        PyErr_SetString(PyExc_ValueError, "a row, a head, a payload, a length and an arrival are needed of each packet");
    else
        result = take_block(streams.buf, room, whose, &of);
    PyBuffer_Release(&streams);
    PyBuffer_Release(&heads);
    PyBuffer_Release(&payloads);
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&arrivals);
    return result;
}

/* A byte of `table` for each sample, as an unsigned number; in pieces of `size`, of which the last may be shorter. */
static PyObject *pieces(const uint8_t *table, const char *samples, Py_ssize_t count, Py_ssize_t size)
{
    const Py_ssize_t whole = count / size + (count % size != 0);
    PyObject *found = PyList_New(whole);
    for (Py_ssize_t n = 0; found != NULL && n < whole; n++) {
        const Py_ssize_t first = n * size, length = count - first < size ? count - first : size;
        PyObject *piece = PyBytes_FromStringAndSize(NULL, length);
        if (piece == NULL) {
            Py_CLEAR(found);
            break;
        }
        char *codes = PyBytes_AS_STRING(piece);
        for (Py_ssize_t at = 0; at < length; at++) {
            uint16_t sample;
            memcpy(&sample, samples + 2 * (first + at), sizeof sample);
            codes[at] = (char)table[sample];
        }
        PyList_SET_ITEM(found, n, piece);
    }
    return found;
}

static PyObject *code(PyObject *self, PyObject *arguments)
{
    Py_buffer table, samples;
    Py_ssize_t size;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "y*y*n", &table, &samples, &size))
        return NULL;
    if (table.len != 1 << 16 || samples.len % 2 || size < 1)
        PyErr_SetString(PyExc_ValueError, "a code for each sample, whole samples and pieces of one or more are needed");
    else
        result = pieces(table.buf, samples.buf, samples.len / 2, size);
    PyBuffer_Release(&table);
    PyBuffer_Release(&samples);
    return result;
}

static PyMethodDef methods[] = {
    {"code", code, METH_VARARGS,
     "code(table, samples, size): the code of each sample (16 bits, native order), in pieces of so many."},
    {"take", take, METH_VARARGS,
     "take(streams, whose, heads, payloads, lengths, arrivals): the packets of a block, `whose` naming the row of each."
     " Those that go on with their streams are counted there. Returns their rows and their frames; and which are left."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_streams", "See rtp_streams.py.", -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__streams(void)
{
    prepare();
    return PyModule_Create(&module);
}
