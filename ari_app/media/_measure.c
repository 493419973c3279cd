/* What spectrum.py measures, compiled: the same numbers in a quarter of the time; and what is told of them, made at
   once. features.py uses it where it was built (a C compiler was there when the package was installed), and numpy
   where it was not.

   Channels are worked on eight at a time, sample by sample beside each other, so that every step is one instruction of
   the processor for all eight, without a word about which processor it is. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
#define LONG 512
#define SHORT 256
#define FRAME 160
#define PAST (LONG - FRAME)
#define ROWS 10
#define TINY 1e-3f
#define NOTHING_AT_ALL 1e-5f
#define LOWEST 3 /* bin of the short window: below it is hum and offset */
#define REACH 2  /* bins on either side that a tone's power is in, in a Hann window */
#define BIN (8000.0f / SHORT)

enum { LEVEL, TWIST, ENERGY, FIRST, SECOND, PURITY, PAIR, FSK, RING, BUSY };

/* Where each of these is in features.Features, and what else is there. */
static const int place_of[ROWS] = {2, 9, 3, 5, 6, 7, 8, 10, 11, 12};
enum { AT = 0, LOST = 1, VOICED = 4, ANSWER = 13, FIELDS = 14 };

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* of eight channels; as compilers other than these two have it not, numpy measures with them */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static float hann_short[SHORT], hann_long[LONG];
/* exp(-2 pi i k / LONG) */
static float cosine[LONG], sine[LONG];

/* Where the pairs of samples of a window go before its transform: their numbers, bits reversed. */
static short place_short[SHORT / 2], place_long[LONG / 2];

static void reverse(short *place, int count)
{
    for (int n = 1; n < count; n++)
        place[n] = (short)(place[n / 2] / 2 + n % 2 * (count / 2));
}

static void prepare(void)
{
    for (int n = 0; n < SHORT; n++)
        hann_short[n] = (float)(0.5 - 0.5 * cos(2 * M_PI * n / SHORT));
    for (int n = 0; n < LONG; n++) {
        hann_long[n] = (float)(0.5 - 0.5 * cos(2 * M_PI * n / LONG));
        cosine[n] = (float)cos(2 * M_PI * n / LONG);
        sine[n] = (float)-sin(2 * M_PI * n / LONG);
    }
    reverse(place_short, SHORT / 2);
    reverse(place_long, LONG / 2);
}

/* Two steps of a transform at once, from those of `step` points to those of four times as many: a value is read and
   written half as often. */
static inline __attribute__((always_inline)) void two_steps(lanes *restrict re, lanes *restrict im, int half, int step)
{
    for (int turn = 0; turn < step; turn++) {
        const float c = cosine[turn * (LONG / 2 / step)], s = sine[turn * (LONG / 2 / step)];
        const float d = cosine[turn * (LONG / 4 / step)], t = sine[turn * (LONG / 4 / step)];
        for (int n = turn; n < half; n += 4 * step) {
            lanes *const x = re + n, *const y = im + n;
            const lanes b = x[step] * c - y[step] * s, b_im = x[step] * s + y[step] * c;
            const lanes e = x[3 * step] * c - y[3 * step] * s, e_im = x[3 * step] * s + y[3 * step] * c;
            const lanes plus = x[2 * step] + e, plus_im = y[2 * step] + e_im;
            const lanes minus = x[2 * step] - e, minus_im = y[2 * step] - e_im;
            const lanes p = plus * d - plus_im * t, p_im = plus * t + plus_im * d;
            const lanes m = minus * d - minus_im * t, m_im = minus * t + minus_im * d; /* and a quarter turn back */
            const lanes first = x[0] + b, first_im = y[0] + b_im, second = x[0] - b, second_im = y[0] - b_im;
            x[0] = first + p, y[0] = first_im + p_im;
            x[2 * step] = first - p, y[2 * step] = first_im - p_im;
            x[step] = second + m_im, y[step] = second_im - m;
            x[3 * step] = second - m_im, y[3 * step] = second_im + m;
        }
    }
}

/* The power of the bins 0 .. size / 2 of eight windows: a complex transform of half the size, taken apart after it. */
FOR_EACH_PROCESSOR
static void power_of(const lanes *restrict sound, const float *restrict window, const short *restrict place, int size,
                     lanes *restrict re, lanes *restrict im, lanes *restrict power)
{
    const int half = size / 2;
    int step = 1;
    for (int n = 0; n < half; n++) {
        re[place[n]] = sound[2 * n] * window[2 * n];
        im[place[n]] = sound[2 * n + 1] * window[2 * n + 1];
    }
    if (size == SHORT) { /* seven steps */
        for (int n = 0; n < half; n += 2) {
            const lanes a = re[n + 1], b = im[n + 1];
            re[n + 1] = re[n] - a, im[n + 1] = im[n] - b;
            re[n] += a, im[n] += b;
        }
        step = 2;
    }
    for (; step < half; step *= 4)
        two_steps(re, im, half, step);
    for (int k = 0; k <= half; k++) {
        const int left = k % half, right = (half - k) % half;
        const float c = cosine[k * (LONG / size)], s = sine[k * (LONG / size)];
        const lanes even_re = re[left] + re[right], even_im = im[left] - im[right];
        const lanes odd_re = im[left] + im[right], odd_im = re[right] - re[left];
        const lanes x = even_re + c * odd_re - s * odd_im, y = even_im + c * odd_im + s * odd_re;
        power[k] = 0.25f * (x * x + y * y);
    }
}

FOR_EACH_PROCESSOR
static void sum(const lanes *restrict power, int first, int last, lanes *restrict total)
{
    lanes found = power[first];
    for (int k = first + 1; k <= last; k++)
        found += power[k];
    *total = found;
}

FOR_EACH_PROCESSOR
static void strongest(const lanes *power, int *place)
{
    float most[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        most[lane] = power[LOWEST][lane];
        place[lane] = LOWEST;
    }
    for (int k = LOWEST + 1; k <= SHORT / 2 - LOWEST; k++) {
        const float *now = (const float *)&power[k];
        for (int lane = 0; lane < LANES; lane++) {
            place[lane] = now[lane] > most[lane] ? k : place[lane];
            most[lane] = now[lane] > most[lane] ? now[lane] : most[lane];
        }
    }
}

/* Between the bins, as spectrum._hertz has it. */
static float hertz(const float *around, int place)
{
    const float left = sqrtf(around[0]), middle = sqrtf(around[1]) + TINY, right = sqrtf(around[2]);
    float share = middle / (middle + fmaxf(left, right));
    share = 2 - 3 * fmaxf(fminf(share, 2.5f / 3), 0.5f);
    return ((right < left ? -share : share) + place) * BIN;
}

/* As spectrum.peaks: the two strongest tones. */
static void peaks(lanes *power, int some, float *out, Py_ssize_t apart)
{
    lanes total, fsk;
    int first[LANES], second[LANES];
    float top[LANES][2 * REACH + 1];
    sum(power, LOWEST - 1, SHORT / 2, &total);
    sum(power, 51, 61, &fsk);
    strongest(power, first);
    for (int lane = 0; lane < LANES; lane++) {
        for (int n = 0; n < 2 * REACH + 1; n++) {
            top[lane][n] = power[first[lane] - REACH + n][lane];
            power[first[lane] - REACH + n][lane] = 0; /* the second has nothing of the first */
        }
    }
    strongest(power, second);
    for (int lane = 0; lane < some; lane++, out++) {
        float of_first = 0, of_second = 0, around[3];
        for (int n = 0; n < 2 * REACH + 1; n++) {
            of_first += top[lane][n];
            of_second += power[second[lane] - REACH + n][lane];
        }
        for (int n = 0; n < 2 * REACH + 1; n++)
            power[first[lane] - REACH + n][lane] = top[lane][n];
        for (int n = 0; n < 3; n++)
            around[n] = power[second[lane] - 1 + n][lane];
        const float all = total[lane] + TINY;
        out[FIRST * apart] = hertz(top[lane] + 1, first[lane]);
        out[SECOND * apart] = hertz(around, second[lane]);
        out[PURITY * apart] = of_first / all;
        out[PAIR * apart] = (of_first + of_second) / all;
        out[FSK * apart] = fsk[lane] / all;
        out[TWIST * apart] = 10 * log10f((top[lane][REACH] + TINY) / (around[1] + TINY));
    }
}

/* As spectrum.progress: ringback and busy tones. */
static void progress(const lanes *power, int some, float *out, Py_ssize_t apart)
{
    lanes total, ring, low, high;
    sum(power, 3, LONG / 2, &total);
    sum(power, 24, 33, &ring);
    sum(power, 29, 32, &low);
    sum(power, 38, 41, &high);
    for (int lane = 0; lane < some; lane++, out++) {
        const float all = total[lane] + TINY;
        out[RING * apart] = ring[lane] / all;
        out[BUSY * apart] = fminf(low[lane], high[lane]) >= 0.1f * all ? (low[lane] + high[lane]) / all : 0;
    }
}

/* How loud the frames are. The level is of what swings: an offset of the line cannot be heard. */
FOR_EACH_PROCESSOR
static void loudness(const lanes *frame, int some, float *out, Py_ssize_t apart)
{
    lanes offset = {0}, squares = {0}, magnitudes = {0};
    for (int n = 0; n < FRAME; n++)
        offset += frame[n];
    offset /= FRAME;
    for (int n = 0; n < FRAME; n++) {
        const lanes swing = frame[n] - offset;
        squares += swing * swing;
        for (int lane = 0; lane < LANES; lane++)
            magnitudes[lane] += fabsf(frame[n][lane]);
    }
    for (int lane = 0; lane < some; lane++, out++) {
        const float amplitude = sqrtf(squares[lane] * (2 / 32768.0f / 32768.0f / FRAME));
        out[LEVEL * apart] = 20 * log10f(amplitude + NOTHING_AT_ALL);
        out[ENERGY * apart] = magnitudes[lane] / FRAME;
    }
}

/* Eight samples of one channel. */
typedef short eight __attribute__((vector_size(LANES * sizeof(short))));

#if defined(__clang__)
#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLED(a, b, ...) __builtin_shuffle(a, b, (eight){__VA_ARGS__})
#endif

/* The samples of eight channels, a multiple of eight of each, beside each other: rows become columns. */
FOR_EACH_PROCESSOR
static void gather(const short *const *channels, int count, lanes *restrict out)
{
    for (int at = 0; at < count; at += LANES) {
        eight rows[LANES], before[LANES];
        for (int lane = 0; lane < LANES; lane++)
            memcpy(&rows[lane], channels[lane] + at, sizeof *rows);
        for (int turn = 0; turn < 3; turn++) {
            memcpy(before, rows, sizeof before);
            for (int n = 0; n < LANES / 2; n++) {
                rows[2 * n] = SHUFFLED(before[n], before[n + 4], 0, 8, 1, 9, 2, 10, 3, 11);
                rows[2 * n + 1] = SHUFFLED(before[n], before[n + 4], 4, 12, 5, 13, 6, 14, 7, 15);
            }
        }
        for (int n = 0; n < LANES; n++)
            out[at + n] = __builtin_convertvector(rows[n], lanes);
    }
}

/* Where eight channels are worked on; of a call, since callers hold the interpreter's lock. */
static lanes sound[LONG], re[LONG / 2], im[LONG / 2], power[LONG / 2 + 1];

static const short silence[PAST];

static void work(short *past, const long long *slots, const short *frames, Py_ssize_t count, float *out)
{
    for (Py_ssize_t first = 0; first < count; first += LANES) {
        const int some = count - first < LANES ? (int)(count - first) : LANES;
        const short *pasts[LANES], *now[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            pasts[lane] = lane < some ? past + slots[first + lane] * PAST : silence;
            now[lane] = lane < some ? frames + (first + lane) * FRAME : silence;
        }
        gather(pasts, PAST, sound);
        gather(now, FRAME, sound + PAST);
        for (int lane = 0; lane < some; lane++) {
            short *before = past + slots[first + lane] * PAST;
            memmove(before, before + FRAME, (PAST - FRAME) * sizeof(short));
            memcpy(before + PAST - FRAME, now[lane], FRAME * sizeof(short));
        }
        loudness(sound + PAST, some, out + first, count);
        power_of(sound, hann_long, place_long, LONG, re, im, power);
        progress(power, some, out + first, count);
        power_of(sound + LONG - SHORT, hann_short, place_short, SHORT, re, im, power);
        peaks(power, some, out + first, count);
    }
}

/* To four places, as numpy rounds. */
FOR_EACH_PROCESSOR
static void round_off(float *numbers, Py_ssize_t count)
{
    for (Py_ssize_t n = 0; n < count; n++)
        numbers[n] = rintf(numbers[n] * 1e4f) / 1e4f;
}

/* Whether there are so many elements of a type of this size, where such may be. */
static int has(const Py_buffer *buffer, Py_ssize_t count, size_t size)
{
    return buffer->len == count * (Py_ssize_t)size && (uintptr_t)buffer->buf % size == 0;
}

static PyObject *measure(PyObject *self, PyObject *arguments)
{
    Py_buffer past, slots, frames, out;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "w*y*y*w*", &past, &slots, &frames, &out))
        return NULL;
    const Py_ssize_t count = slots.len / (Py_ssize_t)sizeof(long long);
    const Py_ssize_t kept = past.len / (Py_ssize_t)(PAST * sizeof(short));
    const long long *at = slots.buf;
    if (!has(&past, kept * PAST, sizeof(short)) || !has(&slots, count, sizeof(long long)) ||
        !has(&frames, count * FRAME, sizeof(short)) || !has(&out, count * ROWS, sizeof(float))) {
        PyErr_SetString(PyExc_ValueError, "a slot, a frame and a column are needed of each channel");
        goto done;
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        if (at[n] < 0 || at[n] >= kept) {
            PyErr_SetString(PyExc_ValueError, "there is no such slot");
            goto done;
        }
    }
    work(past.buf, at, frames.buf, count, out.buf);
    round_off(out.buf, count * ROWS);
    result = Py_NewRef(Py_None);
done:
    PyBuffer_Release(&past);
    PyBuffer_Release(&slots);
    PyBuffer_Release(&frames);
    PyBuffer_Release(&out);
    return result;
}

/* What is told of one channel: its numbers are `apart` from each other. */
static PyObject *one(PyTypeObject *kind, long long at, PyObject *voiced, PyObject *answer, const float *numbers,
                     Py_ssize_t apart)
{
    PyObject *told = kind->tp_alloc(kind, FIELDS);
    if (told == NULL)
        return NULL;
    PyObject *time = PyLong_FromLongLong(at);
    int failed = time == NULL;
    PyTuple_SET_ITEM(told, AT, time);
    PyTuple_SET_ITEM(told, LOST, Py_NewRef(Py_False));
    PyTuple_SET_ITEM(told, VOICED, Py_NewRef(voiced));
    PyTuple_SET_ITEM(told, ANSWER, Py_NewRef(answer));
    for (int row = 0; row < ROWS; row++) {
        PyObject *number = PyFloat_FromDouble(numbers[row * apart]);
        failed |= number == NULL;
        PyTuple_SET_ITEM(told, place_of[row], number);
    }
    if (failed)
        Py_CLEAR(told);
    return told;
}

static PyObject *all(PyTypeObject *kind, const long long *times, PyObject *frames, PyObject *voiced,
                     PyObject *answers, const float *numbers)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(frames);
    PyObject *found = PyList_New(count);
    for (Py_ssize_t n = 0; found != NULL && n < count; n++) {
        PyObject *told;
        if (PyTuple_GET_ITEM(frames, n) == Py_None)
            told = PyObject_CallFunction((PyObject *)kind, "LO", times[n], Py_True);
        else
            told = one(kind, times[n], PyTuple_GET_ITEM(voiced, n), PyTuple_GET_ITEM(answers, n), numbers + n, count);
        if (told == NULL)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, n, told);
    }
    return found;
}

static PyObject *tell(PyObject *self, PyObject *arguments)
{
    PyTypeObject *kind;
    PyObject *frames, *voiced, *answers, *result = NULL;
    Py_buffer times, numbers;
    if (!PyArg_ParseTuple(arguments, "O!y*O!O!O!y*", &PyType_Type, &kind, &times, &PyTuple_Type, &frames,
                          &PyTuple_Type, &voiced, &PyTuple_Type, &answers, &numbers))
        return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(frames);
    if (!PyType_IsSubtype(kind, &PyTuple_Type))
        PyErr_SetString(PyExc_TypeError, "what is told is a tuple");
    else if (!has(&times, count, sizeof(long long)) || PyTuple_GET_SIZE(voiced) != count ||
             PyTuple_GET_SIZE(answers) != count || !has(&numbers, count * ROWS, sizeof(float)))
        PyErr_SetString(PyExc_ValueError, "a time, a frame, a voice, an answer and a column are needed of each channel");
    else
        result = all(kind, times.buf, frames, voiced, answers, numbers.buf);
    PyBuffer_Release(&times);
    PyBuffer_Release(&numbers);
    return result;
}

static PyMethodDef methods[] = {
    {"measure", measure, METH_VARARGS,
     "measure(past, slots, frames, out): one frame of each channel, its past at a slot of `past`, which goes on by it;"
     " what is measured goes into `out`, in the rows of spectrum.py."},
    {"tell", tell, METH_VARARGS,
     "tell(kind, times, frames, voiced, answers, numbers): a list of `kind` (Features), one of each channel, of what was"
     " measured. Where the frame is None: kind(time, True)."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_measure", "See spectrum.py.", -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__measure(void)
{
    prepare();
    return PyModule_Create(&module);
}
