/* Train one chain of `motif_chain` from start to end: forward, backward and SGD by hand, the batch innermost in memory.
 *
 * A tensor is [channel][pixel][64 images]. Every convolution is one of two loops: `mix`, a product with a matrix at each
 * pixel (1x1, also with stride 2), and `depthwise`, one filter over one channel
 * (the stem too, whose input has one channel). One call trains one network on one thread; `trainer.py` compiles this
 * file, once in float and, for tests, in double. Other processors need other flags, not other code.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifndef BATCH
#define BATCH 64
#endif
#ifndef REAL
#define REAL float
#endif

enum { B = BATCH, WIDE = 64 / sizeof(REAL), NV = B / WIDE };
enum { SIZE = 8, HALF = 4, C1 = 8, C2 = 16, HEAD = 32, CLASSES = 40, FIRST = 2, BLOCKS = 4, WIDEST = 48 };  /* FIRST: blocks of the first stage */
enum { PLANE1 = (SIZE * SIZE + 1) * NV, PLANE2 = (HALF * HALF + 1) * NV };  /* a pixel more: channels start in other cache sets */
enum { MAX_PARAMS = 16384, ARENA = 3 << 20 };                               /* both in values */
static const REAL BN_EPS = (REAL)1e-5, BN_MOMENTUM = (REAL)0.1, MOMENTUM = (REAL)0.9, DECAY = (REAL)5e-4;

typedef REAL vec __attribute__((vector_size(64)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef __typeof__((vec){0} > (vec){0}) mask;

/* x where t > 0, else 0 */
INLINE vec where(vec t, vec x) { return (vec)((t > (vec){0}) & (mask)x); }

static REAL hsum(vec v) {
    REAL total = 0;
    for (int i = 0; i < WIDE; i++) total += v[i];
    return total;
}

/* ---- the two convolutions; strides between channels are in vectors ---- */

/* z[o] = or += sum over i of w[o * row + i * column] x[i] at each pixel, and z's sums by channel where asked */
static void mix(const vec *x, int xs, const REAL *w, int row, int column, vec *z, int zs, int cin, int cout, int px, int add, REAL *sum, REAL *sq) {
    for (int o = 0; o < cout; o += 4) {
        vec total[4] = {{0}}, square[4] = {{0}};
        for (int p = 0; p < px; p++) {
            vec acc[4][NV];
            UNROLL for (int j = 0; j < 4; j++) UNROLL for (int v = 0; v < NV; v++) acc[j][v] = add ? z[(o + j) * zs + p * NV + v] : (vec){0};
            const vec *in = x + p * NV;
            const REAL *tap = w + o * row;
            for (int i = 0; i < cin; i++, in += xs, tap += column)
                UNROLL for (int j = 0; j < 4; j++) {
                    const REAL weight = tap[j * row];
                    UNROLL for (int v = 0; v < NV; v++) acc[j][v] += weight * in[v];
                }
            UNROLL for (int j = 0; j < 4; j++) UNROLL for (int v = 0; v < NV; v++) {
                z[(o + j) * zs + p * NV + v] = acc[j][v];
                total[j] += acc[j][v], square[j] += acc[j][v] * acc[j][v];
            }
        }
        if (sum) for (int j = 0; j < 4; j++) sum[o + j] = hsum(total[j]), sq[o + j] = hsum(square[j]);
    }
}

/* dw[o * cin + i] = sum over pixels and images of dz[o] x[i] */
static void mix_weight(const vec *x, int xs, const vec *dz, int zs, REAL *dw, int cin, int cout, int px) {
    for (int o = 0; o < cout; o += 4) for (int i = 0; i < cin; i += 4) {
        vec acc[4][4] = {{{0}}};
        for (int p = 0; p < px * NV; p++) {
            vec a[4];
            UNROLL for (int k = 0; k < 4; k++) a[k] = x[(i + k) * xs + p];
            UNROLL for (int j = 0; j < 4; j++) {
                const vec d = dz[(o + j) * zs + p];
                UNROLL for (int k = 0; k < 4; k++) acc[j][k] += d * a[k];
            }
        }
        for (int j = 0; j < 4; j++) for (int k = 0; k < 4; k++) dw[(o + j) * cin + i + k] = hsum(acc[j][k]);
    }
}

/* One channel, h x h, padding k/2: row by row in registers; with `turned` filters it is its own transpose. */
INLINE void depthwise_of(const vec *x, const REAL *w, vec *z, REAL *sum, REAL *sq, int h, int k) {
    const int pad = k / 2;
    vec total = {0}, square = {0};
    for (int y = 0; y < h; y++) for (int v = 0; v < NV; v++) {
        vec acc[SIZE] = {{0}};
        UNROLL for (int ky = 0; ky < k; ky++) {
            const int row = y + ky - pad;
            if (row < 0 || row >= h) continue;
            vec in[SIZE];
            UNROLL for (int c = 0; c < h; c++) in[c] = x[(row * h + c) * NV + v];
            UNROLL for (int kx = 0; kx < k; kx++) {
                const REAL weight = w[ky * k + kx];
                UNROLL for (int c = 0; c < h; c++) if (c + kx >= pad && c + kx - pad < h) acc[c] += weight * in[c + kx - pad];
            }
        }
        UNROLL for (int c = 0; c < h; c++) {
            z[(y * h + c) * NV + v] = acc[c];
            total += acc[c], square += acc[c] * acc[c];
        }
    }
    *sum = hsum(total), *sq = hsum(square);
}

INLINE void depthwise_weight_of(const vec *x, const vec *dz, REAL *dw, int h, int k) {
    const int pad = k / 2;
    for (int ky = 0; ky < k; ky++) {
        vec acc[2][5] = {{{0}}};
        for (int y = 0; y < h; y++) {
            const int row = y + ky - pad;
            if (row < 0 || row >= h) continue;
            for (int v = 0; v < NV; v++) {
                vec in[SIZE], d[SIZE];
                UNROLL for (int c = 0; c < h; c++) in[c] = x[(row * h + c) * NV + v], d[c] = dz[(y * h + c) * NV + v];
                UNROLL for (int c = 0; c < h; c++) UNROLL for (int kx = 0; kx < k; kx++)
                    if (c + kx >= pad && c + kx - pad < h) acc[c % 2][kx] += d[c] * in[c + kx - pad];
            }
        }
        for (int kx = 0; kx < k; kx++) dw[ky * k + kx] = hsum(acc[0][kx] + acc[1][kx]);
    }
}

#define SHAPES(DO) DO(SIZE, 1) DO(SIZE, 3) DO(SIZE, 5) DO(HALF, 1) DO(HALF, 3) DO(HALF, 5)

static void depthwise(const vec *x, const REAL *w, vec *z, REAL *sum, REAL *sq, int h, int k) {
#define DO(a, b) if (h == a && k == b) depthwise_of(x, w, z, sum, sq, a, b);
    SHAPES(DO)
#undef DO
}

static void depthwise_weight(const vec *x, const vec *dz, REAL *dw, int h, int k) {
#define DO(a, b) if (h == a && k == b) depthwise_weight_of(x, dz, dw, a, b);
    SHAPES(DO)
#undef DO
}

/* ---- batch norm of a layer's z, of which the values after the ReLU are made again when they are needed ---- */

typedef struct {
    REAL *w, *gamma, *beta, *running_mean, *running_var;
    vec *z;                                       /* output before the norm */
    int cin, cout, h, plane, relu;
    REAL mean[WIDEST], inv[WIDEST], scale[WIDEST], shift[WIDEST], sum[WIDEST], sq[WIDEST];
} Layer;

/* Turn sums (training) or running statistics (evaluation) of channel i into scale and shift. */
static void set_norm(Layer *l, int i, int train) {
    const REAL n = (REAL)(l->h * l->h * B);
    REAL mean = l->running_mean[i], var = l->running_var[i];
    if (train) {
        mean = l->sum[i] / n, var = l->sq[i] / n - mean * mean;
        if (var < 0) var = 0;
        l->running_mean[i] += BN_MOMENTUM * (mean - l->running_mean[i]);
        l->running_var[i] += BN_MOMENTUM * (var * n / (n - 1) - l->running_var[i]);
    }
    l->mean[i] = mean, l->inv[i] = 1 / (REAL)sqrt(var + BN_EPS);
    l->scale[i] = l->gamma[i] * l->inv[i], l->shift[i] = l->beta[i] - mean * l->scale[i];
}

/* a = the normed channel i, rectified where the layer is, plus `other` where there is one */
static void normed(const Layer *l, int i, vec *a, const vec *other) {
    const vec *z = l->z + i * l->plane;
    const REAL scale = l->scale[i], shift = l->shift[i];
    const int n = l->h * l->h * NV;
    if (other) for (int p = 0; p < n; p++) a[p] = scale * z[p] + shift + other[p];
    else if (l->relu) for (int p = 0; p < n; p++) { const vec t = scale * z[p] + shift; a[p] = where(t, t); }
    else for (int p = 0; p < n; p++) a[p] = scale * z[p] + shift;
}

/* dz from dy of channel i, and the gradients of gamma and beta; dz may be dy */
static void norm_backward(const Layer *l, int i, const vec *dy, vec *dz, REAL *dgamma, REAL *dbeta) {
    const vec *z = l->z + i * l->plane;
    const REAL scale = l->scale[i], shift = l->shift[i], mean = l->mean[i], inv = l->inv[i];
    const int n = l->h * l->h * NV;
    vec sums = {0}, dots = {0};
    if (l->relu) for (int p = 0; p < n; p++) {
        const vec d = where(scale * z[p] + shift, dy[p]);
        dz[p] = d, sums += d, dots += d * (z[p] - mean);
    } else for (int p = 0; p < n; p++) dz[p] = dy[p], sums += dy[p], dots += dy[p] * (z[p] - mean);
    const REAL sum = hsum(sums), dot = hsum(dots), values = (REAL)(n * WIDE);
    *dbeta = sum, *dgamma = dot * inv;
    const REAL b = -scale * inv * inv * dot / values, e = -scale * sum / values - b * mean;
    for (int p = 0; p < n; p++) dz[p] = scale * dz[p] + b * z[p] + e;
}

/* ---- the network ---- */

typedef struct { Layer expand, depth, project; int kernel, width, c, h, plane; vec *x; } Block;  /* x: its input */
typedef struct {
    int size, blocks, before_down;
    REAL *params, *grads, *momentum;
    Layer stem, down, head;
    Block block[BLOCKS];
    vec *input, *x1, *x2, *last1, *thinned, *dproject, *a, *da, *dx, *plane, *features, *dfeatures, *logits;  /* last1: before `down`; x2 after */
    char *arena, *free, *end;
} Net;

static void *take(Net *net, size_t values) {
    char *p = net->free;
    net->free += (values * sizeof(REAL) + 63) / 64 * 64 + 320;
    return net->free <= net->end ? p : NULL;
}

static void make_layer(Net *net, Layer *l, int weights, int cin, int cout, int h, int relu) {
    *l = (Layer){.cin = cin, .cout = cout, .h = h, .plane = (h * h + 1) * NV, .relu = relu};
    l->w = net->params + net->size, l->gamma = l->w + weights, l->beta = l->gamma + cout, net->size += weights + 2 * cout;
    l->running_mean = take(net, cout), l->running_var = take(net, cout);
    for (int i = 0; i < cout; i++) l->running_mean[i] = 0, l->running_var[i] = 1;
    l->z = take(net, (size_t)cout * l->plane * WIDE);
}

/* Kernel and expansion of each of n blocks; those of kernel 0 are skipped. */
static void make_stage(Net *net, const int *blocks, int n, int c, int h, vec *x) {
    for (int i = 0; i < n; i++) {
        if (!blocks[2 * i]) continue;
        Block *b = &net->block[net->blocks++];
        b->kernel = blocks[2 * i], b->width = c * blocks[2 * i + 1], b->c = c, b->h = h, b->plane = (h * h + 1) * NV, b->x = x;
        make_layer(net, &b->expand, c * b->width, c, b->width, h, 1);
        make_layer(net, &b->depth, b->width * b->kernel * b->kernel, b->width, b->width, h, 1);
        make_layer(net, &b->project, b->width * c, b->width, c, h, 0);
        x = take(net, (size_t)c * b->plane * WIDE);
    }
    if (h == SIZE) net->last1 = x;
    else net->x1 = x;                             /* what the head reads */
}

static Net *make_net(const int *blocks, const REAL *params, int n_params) {
    Net *net = calloc(1, sizeof(Net));
    const size_t bytes = ARENA * sizeof(REAL);
    if (!net) return NULL;
    net->arena = calloc(bytes + 64, 1), net->free = net->arena + (64 - (uintptr_t)net->arena % 64), net->end = net->free + bytes;
    if (!net->arena) { free(net); return NULL; }
    net->params = take(net, MAX_PARAMS), net->grads = take(net, MAX_PARAMS), net->momentum = take(net, MAX_PARAMS);
    memcpy(net->params, params, (n_params < MAX_PARAMS ? n_params : MAX_PARAMS) * sizeof(REAL));
    net->input = take(net, PLANE1 * WIDE), net->plane = take(net, 2 * PLANE1 * WIDE);
    net->a = take(net, 24 * PLANE1 * WIDE), net->da = take(net, 24 * PLANE1 * WIDE), net->dx = take(net, C1 * PLANE1 * WIDE);
    net->thinned = take(net, C1 * PLANE2 * WIDE), net->dproject = take(net, C1 * PLANE1 * WIDE), net->features = take(net, HEAD * B), net->dfeatures = take(net, HEAD * B);
    net->logits = take(net, CLASSES * B), net->x2 = take(net, C2 * PLANE2 * WIDE);
    make_layer(net, &net->stem, C1 * 9, 1, C1, SIZE, 1);
    make_stage(net, blocks, FIRST, C1, SIZE, take(net, C1 * PLANE1 * WIDE)), net->before_down = net->blocks;
    make_layer(net, &net->down, C1 * C2, C1, C2, HALF, 1);
    make_stage(net, blocks + 2 * FIRST, BLOCKS - FIRST, C2, HALF, net->x2);
    make_layer(net, &net->head, C2 * HEAD, C2, HEAD, HALF, 1);
    net->size += (HEAD + 1) * CLASSES;
    if (net->size != n_params || net->free > net->end) { free(net->arena), free(net); return NULL; }
    return net;
}

static void free_net(Net *net) { free(net->arena), free(net); }

static REAL *grad(const Net *net, const REAL *param) { return net->grads + (param - net->params); }

/* One layer that mixes: z, norm, and the normed values (with a residual) channel by channel. */
static void mixed(Layer *l, const vec *x, int xs, vec *y, const vec *residual, int train) {
    mix(x, xs, l->w, l->cin, 1, l->z, l->plane, l->cin, l->cout, l->h * l->h, 0, l->sum, l->sq);
    for (int i = 0; i < l->cout; i++) {
        set_norm(l, i, train);
        if (y) normed(l, i, y + i * l->plane, residual ? residual + i * l->plane : NULL);
    }
}

/* Gradients of a layer that mixes; dy (overwritten) may not be needed again. dx = or += its input's, unless NULL. */
static void mixed_backward(Net *net, Layer *l, const vec *x, vec *dz, vec *dx, int xs, int add) {
    mix_weight(x, xs, dz, l->plane, grad(net, l->w), l->cin, l->cout, l->h * l->h);
    if (dx) mix(dz, l->plane, l->w, 1, l->cin, dx, xs, l->cout, l->cin, l->h * l->h, add, NULL, NULL);
}

static void norms_backward(Net *net, Layer *l, const vec *dy, vec *dz) {
    for (int i = 0; i < l->cout; i++)
        norm_backward(l, i, dy + i * l->plane, dz + i * l->plane, grad(net, l->gamma) + i, grad(net, l->beta) + i);
}

static void block_forward(Net *net, Block *b, vec *y, int train) {
    const int taps = b->kernel * b->kernel;
    mixed(&b->expand, b->x, b->plane, NULL, NULL, train);
    for (int i = 0; i < b->width; i++) {
        normed(&b->expand, i, net->plane, NULL);
        depthwise(net->plane, b->depth.w + i * taps, b->depth.z + i * b->plane, b->depth.sum + i, b->depth.sq + i, b->h, b->kernel);
        set_norm(&b->depth, i, train);
        normed(&b->depth, i, net->a + i * b->plane, NULL);
    }
    mixed(&b->project, net->a, b->plane, y, b->x, train);
}

/* net->dx is the gradient of the output, and then that of the input */
static void block_backward(Net *net, Block *b) {
    const int taps = b->kernel * b->kernel;
    vec *dz = net->da, *da = net->plane + PLANE1;
    REAL turned[25], ignored[2];
    for (int i = 0; i < b->width; i++) normed(&b->depth, i, net->a + i * b->plane, NULL);
    norms_backward(net, &b->project, net->dx, net->dproject);
    mixed_backward(net, &b->project, net->a, net->dproject, dz, b->plane, 0);
    for (int i = 0; i < b->width; i++) {
        vec *d = dz + i * b->plane;
        const REAL *w = b->depth.w + i * taps;
        norm_backward(&b->depth, i, d, d, grad(net, b->depth.gamma) + i, grad(net, b->depth.beta) + i);
        normed(&b->expand, i, net->plane, NULL);
        depthwise_weight(net->plane, d, grad(net, b->depth.w) + i * taps, b->h, b->kernel);
        for (int t = 0; t < taps; t++) turned[t] = w[taps - 1 - t];
        depthwise(d, turned, da, ignored, ignored + 1, b->h, b->kernel);
        norm_backward(&b->expand, i, da, d, grad(net, b->expand.gamma) + i, grad(net, b->expand.beta) + i);
    }
    mixed_backward(net, &b->expand, b->x, dz, net->dx, b->plane, 1);
}

/* Every other pixel of every other row, or back, with zeros between them */
static void thin(vec *x, vec *half, int back) {
    for (int c = 0; c < C1; c++) for (int p = 0; p < SIZE * SIZE; p++) {
        const int y = p / SIZE, q = p % SIZE, kept = y % 2 == 0 && q % 2 == 0;
        vec *one = x + c * PLANE1 + p * NV, *other = half + c * PLANE2 + (y / 2 * HALF + q / 2) * NV;
        for (int v = 0; v < NV; v++) if (back) one[v] = kept ? other[v] : (vec){0}; else if (kept) other[v] = one[v];
    }
}

/* Logits of the batch in net->input. */
static void forward(Net *net, int train) {
    Layer *stem = &net->stem, *head = &net->head;
    vec *x = net->before_down ? net->block[0].x : net->last1;
    for (int i = 0; i < C1; i++) {
        depthwise(net->input, stem->w + i * 9, stem->z + i * PLANE1, stem->sum + i, stem->sq + i, SIZE, 3);
        set_norm(stem, i, train), normed(stem, i, x + i * PLANE1, NULL);
    }
    for (int i = 0; i < net->before_down; i++)
        block_forward(net, &net->block[i], i + 1 < net->before_down ? net->block[i + 1].x : net->last1, train);
    thin(net->last1, net->thinned, 0);
    mixed(&net->down, net->thinned, PLANE2, net->x2, NULL, train);
    for (int i = net->before_down; i < net->blocks; i++)
        block_forward(net, &net->block[i], i + 1 < net->blocks ? net->block[i + 1].x : net->x1, train);
    mixed(head, net->x1, PLANE2, net->a, NULL, train);
    for (int i = 0; i < HEAD; i++) for (int v = 0; v < NV; v++) {
        vec total = {0};
        for (int p = 0; p < HALF * HALF; p++) total += net->a[i * PLANE2 + p * NV + v];
        net->features[i * NV + v] = total / (REAL)(HALF * HALF);
    }
    const REAL *w = net->params + net->size - (HEAD + 1) * CLASSES, *bias = w + HEAD * CLASSES;
    for (int k = 0; k < CLASSES; k++) for (int v = 0; v < NV; v++) net->logits[k * NV + v] = (vec){0} + bias[k];
    mix(net->features, NV, w, HEAD, 1, net->logits, NV, HEAD, CLASSES, 1, 1, NULL, NULL);
}

/* Mean cross entropy of the logits, number of right answers; the logits become their gradient. */
static double judge(Net *net, const uint8_t *labels, int *right) {
    REAL *x = (REAL *)net->logits, top[B], total[B] = {0};
    int best[B] = {0};
    double loss = 0;
    for (int b = 0; b < B; b++) top[b] = x[b];
    for (int k = 1; k < CLASSES; k++) for (int b = 0; b < B; b++) if (x[k * B + b] > top[b]) top[b] = x[k * B + b], best[b] = k;
    for (int b = 0; b < B; b++) *right += best[b] == labels[b], loss += top[b] - x[labels[b] * B + b];
    for (int k = 0; k < CLASSES; k++) for (int b = 0; b < B; b++) {
        x[k * B + b] = (REAL)exp(x[k * B + b] - top[b]);
        total[b] += x[k * B + b];
    }
    for (int b = 0; b < B; b++) loss += log(total[b]), total[b] = 1 / total[b];
    for (int k = 0; k < CLASSES; k++) for (int b = 0; b < B; b++) x[k * B + b] = (x[k * B + b] * total[b] - (labels[b] == k)) / B;
    return loss / B;
}

static void backward(Net *net) {
    const int classifier = net->size - (HEAD + 1) * CLASSES;
    Layer *stem = &net->stem, *head = &net->head;
    mix_weight(net->features, NV, net->logits, NV, net->grads + classifier, HEAD, CLASSES, 1);
    for (int k = 0; k < CLASSES; k++) {
        vec total = {0};
        for (int v = 0; v < NV; v++) total += net->logits[k * NV + v];
        net->grads[classifier + HEAD * CLASSES + k] = hsum(total);
    }
    mix(net->logits, NV, net->params + classifier, 1, HEAD, net->dfeatures, NV, CLASSES, HEAD, 1, 0, NULL, NULL);
    for (int i = 0; i < HEAD; i++) for (int p = 0; p < HALF * HALF; p++) for (int v = 0; v < NV; v++)
        net->da[i * PLANE2 + p * NV + v] = net->dfeatures[i * NV + v] / (REAL)(HALF * HALF);
    norms_backward(net, head, net->da, net->da);
    mixed_backward(net, head, net->x1, net->da, net->dx, PLANE2, 0);
    for (int i = net->blocks - 1; i >= net->before_down; i--) block_backward(net, &net->block[i]);
    norms_backward(net, &net->down, net->dx, net->da);
    thin(net->last1, net->thinned, 0);
    mixed_backward(net, &net->down, net->thinned, net->da, net->a, PLANE2, 0);
    thin(net->dx, net->a, 1);
    for (int i = net->before_down - 1; i >= 0; i--) block_backward(net, &net->block[i]);
    norms_backward(net, stem, net->dx, net->da);
    for (int i = 0; i < C1; i++) depthwise_weight(net->input, net->da + i * PLANE1, grad(net, stem->w) + i * 9, SIZE, 3);
}

/* Images [n][64 pixels] by number, put side by side as [pixel][64 images]. */
static void load(Net *net, const REAL *images, const uint8_t *labels, const int32_t *order, uint8_t *batch) {
    REAL *x = (REAL *)net->input;
    for (int b = 0; b < B; b++) {
        const REAL *image = images + (size_t)order[b] * SIZE * SIZE;
        batch[b] = labels[order[b]];
        for (int p = 0; p < SIZE * SIZE; p++) x[p * B + b] = image[p];
    }
}

/* Loss and gradient of one training batch; 1 if the parameters do not fit the blocks. */
int chain_gradient(const int *blocks, const REAL *params, int n_params, const REAL *images, const uint8_t *labels, double *loss, REAL *out) {
    Net *net = make_net(blocks, params, n_params);
    int32_t order[B];
    uint8_t batch[B];
    int right = 0;
    if (!net) return 1;
    for (int b = 0; b < B; b++) order[b] = b;
    load(net, images, labels, order, batch);
    forward(net, 1), *loss = judge(net, batch, &right), backward(net);
    memcpy(out, net->grads, n_params * sizeof(REAL));
    free_net(net);
    return 0;
}

/* Right answers on n blocks of 64 images, [block][pixel][64]. */
static int answers(Net *net, const REAL *blocks, const uint8_t *labels, int n) {
    int right = 0;
    for (int i = 0; i < n; i++) {
        memcpy(net->input, blocks + (size_t)i * SIZE * SIZE * B, SIZE * SIZE * B * sizeof(REAL));
        forward(net, 0), judge(net, labels + i * B, &right);
    }
    return right;
}

/* Train `steps` batches: `losses` of each, `valid` right answers after every `period`, `test` at the end. */
int chain_train(const int *blocks, const REAL *params, int n_params, const REAL *images, const uint8_t *labels, const int32_t *order,
                const double *rates, int steps, int period, const REAL *valid_blocks, const uint8_t *valid_labels, int n_valid,
                const REAL *test_blocks, const uint8_t *test_labels, int n_test, double *losses, int32_t *valid, int32_t *test) {
    Net *net = make_net(blocks, params, n_params);
    uint8_t batch[B];
    int ignored = 0;
    if (!net) return 1;
    for (int t = 0; t < steps; t++) {
        load(net, images, labels, order + (size_t)t * B, batch);
        forward(net, 1), losses[t] = judge(net, batch, &ignored), backward(net);
        const REAL rate = (REAL)rates[t];
        for (int i = 0; i < n_params; i++) {
            const REAL d = net->grads[i] + DECAY * net->params[i];
            net->momentum[i] = MOMENTUM * net->momentum[i] + d;
            net->params[i] -= rate * (d + MOMENTUM * net->momentum[i]);
        }
        if ((t + 1) % period == 0) valid[t / period] = answers(net, valid_blocks, valid_labels, n_valid);
    }
    *test = answers(net, test_blocks, test_labels, n_test);
    free_net(net);
    return 0;
}
