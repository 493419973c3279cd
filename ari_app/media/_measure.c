/* What spectrum.py measures, compiled: the same numbers in a quarter of the time. features.py uses it where it was
   built (a C compiler was there when the package was installed), and numpy where it was not.

   Channels are worked on eight at a time, sample by sample beside each other, so that every step is one instruction of
   the processor for all eight, without a word about which processor it is. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
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

static void prepare(void)
{
    for (int n = 0; n < SHORT; n++)
        hann_short[n] = (float)(0.5 - 0.5 * cos(2 * M_PI * n / SHORT));
    for (int n = 0; n < LONG; n++) {
        hann_long[n] = (float)(0.5 - 0.5 * cos(2 * M_PI * n / LONG));
        cosine[n] = (float)cos(2 * M_PI * n / LONG);
        sine[n] = (float)-sin(2 * M_PI * n / LONG);
    }
}

static int reversed(int number, int bits)
{
    int result = 0;
    for (int bit = 0; bit < bits; bit++)
        result |= (number >> bit & 1) << (bits - 1 - bit);
    return result;
}

/* The power of the bins 0 .. size / 2 of eight windows: a complex transform of half the size, taken apart after it. */
FOR_EACH_PROCESSOR
static void power_of(const lanes *restrict sound, const float *restrict window, int size, lanes *restrict re,
                     lanes *restrict im, lanes *restrict power)
{
    const int half = size / 2;
    int bits = 0;
    while (1 << bits < half)
        bits++;
    for (int n = 0; n < half; n++) {
        const int to = reversed(n, bits);
        re[to] = sound[2 * n] * window[2 * n];
        im[to] = sound[2 * n + 1] * window[2 * n + 1];
    }
    for (int step = 1; step < half; step *= 2) {
        for (int turn = 0; turn < step; turn++) {
            const float c = cosine[turn * (LONG / 2 / step)], s = sine[turn * (LONG / 2 / step)];
            for (int n = turn; n < half; n += 2 * step) {
                const lanes a = re[n + step] * c - im[n + step] * s, b = re[n + step] * s + im[n + step] * c;
                re[n + step] = re[n] - a;
                im[n + step] = im[n] - b;
                re[n] += a;
                im[n] += b;
            }
        }
    }
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

/* How loud the frames are. */
FOR_EACH_PROCESSOR
static void loudness(const lanes *frame, int some, float *out, Py_ssize_t apart)
{
    lanes squares = {0}, magnitudes = {0};
    for (int n = 0; n < FRAME; n++) {
        squares += frame[n] * frame[n];
        for (int lane = 0; lane < LANES; lane++)
            magnitudes[lane] += fabsf(frame[n][lane]);
    }
    for (int lane = 0; lane < some; lane++, out++) {
        const float amplitude = sqrtf(squares[lane] * (2 / 32768.0f / 32768.0f / FRAME));
        out[LEVEL * apart] = 20 * log10f(amplitude + NOTHING_AT_ALL);
        out[ENERGY * apart] = magnitudes[lane] / FRAME;
    }
}

/* Where eight channels are worked on; of a call, since callers hold the interpreter's lock. */
static lanes sound[LONG], re[LONG / 2], im[LONG / 2], power[LONG / 2 + 1];

static void work(float *past, const long long *slots, const short *frames, Py_ssize_t count, float *out)
{
    for (Py_ssize_t first = 0; first < count; first += LANES) {
        const int some = count - first < LANES ? (int)(count - first) : LANES;
        for (int lane = 0; lane < LANES; lane++) {
            if (lane >= some) {
                for (int n = 0; n < LONG; n++)
                    sound[n][lane] = 0;
                continue;
            }
            float *before = past + slots[first + lane] * PAST;
            const short *frame = frames + (first + lane) * FRAME;
            for (int n = 0; n < PAST; n++)
                sound[n][lane] = before[n];
            for (int n = 0; n < FRAME; n++)
                sound[PAST + n][lane] = frame[n];
            memmove(before, before + FRAME, (PAST - FRAME) * sizeof(float));
            for (int n = 0; n < FRAME; n++)
                before[PAST - FRAME + n] = frame[n];
        }
        loudness(sound + PAST, some, out + first, count);
        power_of(sound, hann_long, LONG, re, im, power);
        progress(power, some, out + first, count);
        power_of(sound + LONG - SHORT, hann_short, SHORT, re, im, power);
        peaks(power, some, out + first, count);
    }
}

static PyObject *measure(PyObject *self, PyObject *arguments)
{
    Py_buffer past, slots, frames, out;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "w*y*y*w*", &past, &slots, &frames, &out))
        return NULL;
    const Py_ssize_t count = slots.len / (Py_ssize_t)sizeof(long long);
    const Py_ssize_t kept = past.len / (Py_ssize_t)(PAST * sizeof(float));
    const long long *at = slots.buf;
    if (frames.len != count * FRAME * (Py_ssize_t)sizeof(short) ||
        out.len != count * ROWS * (Py_ssize_t)sizeof(float)) {
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
    result = Py_NewRef(Py_None);
done:
    PyBuffer_Release(&past);
    PyBuffer_Release(&slots);
    PyBuffer_Release(&frames);
    PyBuffer_Release(&out);
    return result;
}

static PyMethodDef methods[] = {
    {"measure", measure, METH_VARARGS,
     "measure(past, slots, frames, out): one frame of each channel, its past at a slot of `past`, which goes on by it;"
     " what is measured goes into `out`, in the rows of spectrum.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_measure", "See spectrum.py.", -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__measure(void)
{
    prepare();
    return PyModule_Create(&module);
}
