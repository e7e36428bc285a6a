/* Train one cell of Motif from start to end: forward, backward and SGD by hand, the batch innermost in memory.
 *
 * A tensor is [channel][pixel][64 images], so that every loop runs over whole vectors and a 3x3 convolution is nothing
 * but broadcast multiply-adds of a block of four channels by 64 images that stays in registers. One call trains one
 * model on one thread; `trainer.py` compiles this file, once in float and, for the gradient test, in double.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif
#ifndef REAL
#define REAL float
#endif

enum { B = 64, CLASSES = 10, SIZE = 8, C1 = 4, C2 = 8, CELLS = 2, EDGES = 6, WIDE = 64 / sizeof(REAL), NV = B / WIDE };
enum { MAX_PARAMS = 12288, ARENA = 2 << 20 };                 /* both in values */
enum { NONE, SKIP, CONV1, CONV3, POOL };
static const int TARGET[EDGES] = {1, 2, 2, 3, 3, 3}, SOURCE[EDGES] = {0, 0, 1, 0, 1, 2};
static const REAL BN_EPS = (REAL)1e-5, BN_MOMENTUM = (REAL)0.1;

typedef REAL vec __attribute__((vector_size(64)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#if defined(__AVX512F__)
#define KEEP(v) __asm__("" : "+v"(v))          /* in a register: otherwise it is read again for every use */
#else
#define KEEP(v) (void)0
#endif

static REAL hsum(vec v) {
    REAL total = 0;
    for (int i = 0; i < WIDE; i++) total += v[i];
    return total;
}

/* ---- convolutions: x [cin][h*h][B] -> z [cout][ho*ho][B], weights [cout][cin][k*k], padding k/2, no bias ---- */

typedef struct { REAL *sum, *sq; const REAL *scale, *shift; int add; } After;  /* what to do with the results */

/* Training (`scale` is NULL): z is written, and summed up by channel; evaluation: z = or += scale * result + shift. */
INLINE void conv_forward(const vec *x, const REAL *w, vec *z, After after, int cin, int cout, int h, int k, int st) {
    const int ho = h / st, pad = k / 2;
    const vec zero = {0};
    for (int co = 0; co < cout; co += 4) {
        vec total[4] = {{0}}, square[4] = {{0}};
        for (int y = 0; y < ho; y++) for (int c = 0; c < ho; c++) {
            vec acc[4][NV] = {{{0}}};
            const int ylo = y * st < pad ? pad - y * st : 0, yhi = y * st - pad + k > h ? h + pad - y * st : k;
            const int xlo = c * st < pad ? pad - c * st : 0, xhi = c * st - pad + k > h ? h + pad - c * st : k;
            for (int ci = 0; ci < cin; ci++)
                for (int ky = ylo; ky < yhi; ky++) for (int kx = xlo; kx < xhi; kx++) {
                    const vec *in = x + ((ci * h + y * st + ky - pad) * h + c * st + kx - pad) * NV;
                    const REAL *tap = w + (co * cin + ci) * k * k + ky * k + kx;
                    UNROLL for (int j = 0; j < 4; j++) {
                        const REAL weight = tap[j * cin * k * k];
                        UNROLL for (int v = 0; v < NV; v++) acc[j][v] += weight * in[v];
                    }
                }
            UNROLL for (int j = 0; j < 4; j++) {
                vec *out = z + ((co + j) * ho * ho + y * ho + c) * NV;
                if (!after.scale) {
                    UNROLL for (int v = 0; v < NV; v++) out[v] = acc[j][v], total[j] += acc[j][v], square[j] += acc[j][v] * acc[j][v];
                } else {
                    const REAL scale = after.scale[co + j], shift = after.shift[co + j];
                    UNROLL for (int v = 0; v < NV; v++) out[v] = scale * acc[j][v] + (after.add ? out[v] + shift : zero + shift);
                }
            }
        }
        if (!after.scale) for (int j = 0; j < 4; j++) after.sum[co + j] = hsum(total[j]), after.sq[co + j] = hsum(square[j]);
    }
}

/* dx = or += the transposed convolution of dz */
INLINE void conv_backward_data(vec *dx, const REAL *w, const vec *dz, int add, int cin, int cout, int h, int k, int st) {
    const int ho = h / st, pad = k / 2;
    for (int ci = 0; ci < cin; ci += 4)
        for (int y = 0; y < h; y++) for (int c = 0; c < h; c++) {
            vec acc[4][NV] = {{{0}}};
            int ylo = (y + pad) % st, xlo = (c + pad) % st;      /* taps that hit a row of dz, and one that exists */
            while ((y + pad - ylo) / st >= ho) ylo += st;
            while ((c + pad - xlo) / st >= ho) xlo += st;
            const int yhi = y + pad + 1 < k ? y + pad + 1 : k, xhi = c + pad + 1 < k ? c + pad + 1 : k;
            for (int co = 0; co < cout; co++)
                for (int ky = ylo; ky < yhi; ky += st) for (int kx = xlo; kx < xhi; kx += st) {
                    const vec *in = dz + (co * ho * ho + (y + pad - ky) / st * ho + (c + pad - kx) / st) * NV;
                    const REAL *tap = w + (co * cin + ci) * k * k + ky * k + kx;
                    UNROLL for (int j = 0; j < 4; j++) {
                        const REAL weight = tap[j * k * k];
                        UNROLL for (int v = 0; v < NV; v++) acc[j][v] += weight * in[v];
                    }
                }
            UNROLL for (int j = 0; j < 4; j++) {
                vec *out = dx + ((ci + j) * h * h + y * h + c) * NV;
                if (add) { UNROLL for (int v = 0; v < NV; v++) out[v] += acc[j][v]; }
                else { UNROLL for (int v = 0; v < NV; v++) out[v] = acc[j][v]; }
            }
        }
}

/* Row by row of dz, so that the rows that all taps read stay in the first cache; `block` input channels at a time. */
INLINE void conv_backward_weight(const vec *x, REAL *dw, const vec *dz, int cin, int cout, int h, int k, int st, int block) {
    const int ho = h / st, pad = k / 2;
    for (int co = 0; co < cout; co += 4) for (int ci = 0; ci < cin; ci += block) {
        vec total[9][4][4];
        memset(total, 0, sizeof total);
        for (int y = 0; y < ho; y++) for (int tap = 0; tap < k * k; tap++) {
            const int iy = y * st + tap / k - pad, left = tap % k - pad;
            if (iy < 0 || iy >= h) continue;
            vec acc[4][4];
            UNROLL for (int j = 0; j < 4; j++) UNROLL for (int i = 0; i < block; i++) acc[j][i] = total[tap][j][i];
            for (int c = left < 0; c < ho && c * st + left < h; c++) {
                const vec *in = x + (ci * h * h + iy * h + c * st + left) * NV, *out = dz + (co * ho * ho + y * ho + c) * NV;
                UNROLL for (int v = 0; v < NV; v++) {
                    vec a[4];
                    UNROLL for (int i = 0; i < block; i++) { a[i] = in[i * h * h * NV + v]; KEEP(a[i]); }
                    UNROLL for (int j = 0; j < 4; j++) {
                        vec d = out[j * ho * ho * NV + v];
                        KEEP(d);
                        UNROLL for (int i = 0; i < block; i++) acc[j][i] += d * a[i];
                    }
                }
            }
            UNROLL for (int j = 0; j < 4; j++) UNROLL for (int i = 0; i < block; i++) total[tap][j][i] = acc[j][i];
        }
        for (int tap = 0; tap < k * k; tap++) for (int j = 0; j < 4; j++) for (int i = 0; i < block; i++)
            dw[((co + j) * cin + ci + i) * k * k + tap] = hsum(total[tap][j][i]);
    }
}

typedef struct {
    int cin, cout, h, k, st;                     /* h: height of the input */
    REAL *w, *gamma, *beta;                      /* parameters, in the flat vector; gamma is NULL without batch norm */
    REAL *running_mean, *running_var;
    REAL *z;                                     /* output before the norm */
    REAL mean[C2], inv[C2], scale[C2], shift[C2]; /* the norm as z * scale + shift */
} Conv;

#define SHAPES(DO) \
    DO(1, 4, 8, 3, 1) DO(4, 4, 8, 3, 1) DO(4, 4, 8, 1, 1) DO(4, 8, 8, 3, 2) DO(8, 8, 4, 3, 1) DO(8, 8, 4, 1, 1) DO(4, 8, 4, 1, 1)
#define IS(c, a, b, d, e, f) ((c)->cin == a && (c)->cout == b && (c)->h == d && (c)->k == e && (c)->st == f)

static void forward_kernel(const Conv *c, const REAL *x, REAL *z, After after) {
#define DO(a, b, d, e, f) \
    if (IS(c, a, b, d, e, f)) conv_forward((const vec *)x, c->w, (vec *)z, after, a, b, d, e, f);
    SHAPES(DO)
#undef DO
}

static void backward_kernel(const Conv *c, const REAL *x, const REAL *dz, REAL *dx, int add, REAL *dw) {
#define DO(a, b, d, e, f) \
    if (IS(c, a, b, d, e, f)) { \
        conv_backward_weight((const vec *)x, dw, (const vec *)dz, a, b, d, e, f, a < 4 ? a : 4); \
        if (a >= 4 && dx) conv_backward_data((vec *)dx, c->w, (const vec *)dz, add, a, b, d, e, f); \
    }
    SHAPES(DO)
#undef DO
}

/* ---- batch norm ---- */

/* Turn sums over n values a channel (training) or running statistics (evaluation) into scale and shift. */
static void norm_scale(Conv *c, const REAL *sum, const REAL *sq, int n, int train) {
    for (int i = 0; i < c->cout; i++) {
        REAL mean = c->running_mean[i], var = c->running_var[i];
        if (train) {
            mean = sum[i] / n, var = sq[i] / n - mean * mean;
            if (var < 0) var = 0;
            c->running_mean[i] += BN_MOMENTUM * (mean - c->running_mean[i]);
            c->running_var[i] += BN_MOMENTUM * (var * n / (n - 1) - c->running_var[i]);
        }
        c->mean[i] = mean, c->inv[i] = 1 / (REAL)sqrt(var + BN_EPS);
        c->scale[i] = c->gamma[i] * c->inv[i], c->shift[i] = c->beta[i] - mean * c->scale[i];
    }
}

/* dz from dy, and the gradients of gamma and beta (which lie behind one another), for n = pixels * B values a channel */
static void norm_backward(const Conv *c, const REAL *dy, REAL *dz, REAL *dgamma, REAL *dbeta, int n) {
    for (int i = 0; i < c->cout; i++) {
        const REAL *g = dy + (size_t)i * n, *z = c->z + (size_t)i * n;
        REAL *d = dz + (size_t)i * n, sum = 0, dot = 0;
        const REAL mean = c->mean[i], inv = c->inv[i];
        for (int p = 0; p < n; p++) sum += g[p], dot += g[p] * (z[p] - mean);
        dbeta[i] = sum, dgamma[i] = dot * inv;
        const REAL a = c->scale[i], b = -a * inv * inv * dot / n, e = -a * sum / n - b * mean;
        for (int p = 0; p < n; p++) d[p] = a * g[p] + b * z[p] + e;
    }
}

/* ---- sums of terms, one channel of n values at a time; the first term writes, the others add ---- */

static void add_scaled(REAL *restrict out, const REAL *restrict x, REAL scale, REAL shift, int n, int add) {
    if (add) for (int p = 0; p < n; p++) out[p] += scale * x[p] + shift;
    else for (int p = 0; p < n; p++) out[p] = scale * x[p] + shift;
}

static void add_masked(REAL *restrict out, const REAL *restrict x, const REAL *restrict relu, int n, int add) {
    if (add) for (int p = 0; p < n; p++) out[p] += relu[p] > 0 ? x[p] : 0;
    else for (int p = 0; p < n; p++) out[p] = relu[p] > 0 ? x[p] : 0;
}

static void rectify(REAL *out, const REAL *x, int n) {       /* out may be x */
    for (int p = 0; p < n; p++) out[p] = x[p] > 0 ? x[p] : 0;
}

/* 3x3 average pooling that does not count padding, or its transpose; separable, as 1/count = share(row) * share(column) */
static void add_pool(REAL *out, const REAL *x, int h, int transposed, int add) {
    vec rows[SIZE * SIZE * NV], *o = (vec *)out;
    const vec *in = (const vec *)x;
    REAL before[SIZE], after[SIZE];
    for (int i = 0; i < h; i++) {
        const REAL share = i == 0 || i == h - 1 ? (REAL)0.5 : (REAL)(1.0 / 3.0);
        before[i] = transposed ? share : 1, after[i] = transposed ? 1 : share;
    }
    for (int y = 0; y < h; y++) for (int c = 0; c < h; c++) for (int v = 0; v < NV; v++) {
        const vec *centre = in + (y * h + c) * NV + v;
        vec sum = centre[0] * before[c];
        if (c > 0) sum += centre[-NV] * before[c - 1];
        if (c < h - 1) sum += centre[NV] * before[c + 1];
        rows[(y * h + c) * NV + v] = sum * after[c];
    }
    for (int y = 0; y < h; y++) for (int c = 0; c < h * NV; c++) {
        const vec *centre = rows + y * h * NV + c;
        vec sum = centre[0] * before[y];
        if (y > 0) sum += centre[-h * NV] * before[y - 1];
        if (y < h - 1) sum += centre[h * NV] * before[y + 1];
        sum *= after[y];
        o[y * h * NV + c] = add ? o[y * h * NV + c] + sum : sum;
    }
}

/* ---- the network ---- */

typedef struct { REAL *x, *relu, *dx; } Node;        /* relu is x itself where nobody reads x unrectified */
typedef struct { Node node[4]; Conv conv[EDGES]; int c, h, wants_relu[4]; } Cell;
typedef struct {
    int genes[EDGES], size, convs_from[4], others_from[4];  /* readers of a node: convolutions; skips and poolings */
    REAL *params, *grads, *input, *dz, *drelu, *dx[5], *pooled, *dpooled, *features, *dfeatures, *logits;
    Conv stem, conv_a, conv_b, down, head;       /* head: only its norm and its z are used */
    Node middle, stem_out, last;                 /* middle: between the residual block's convolutions */
    Cell cell[2 * CELLS];
    char *arena, *free, *arena_end;
} Net;

static REAL *take(Net *net, size_t count) {
    REAL *p = (REAL *)net->free;
    net->free += (count * sizeof(REAL) + 63) / 64 * 64 + 320;    /* the extra keeps tensors off each other's cache sets */
    return net->free <= net->arena_end ? p : NULL;
}

static void make_node(Net *net, Node *node, int values, int keep_x) {
    node->x = take(net, values), node->relu = keep_x ? take(net, values) : node->x;
}

/* Lay one convolution (and its norm) over the next values of the flat parameter vector. */
static void make_conv(Net *net, Conv *c, int cin, int cout, int h, int k, int st, int norm) {
    *c = (Conv){.cin = cin, .cout = cout, .h = h, .k = k, .st = st};
    c->w = net->params + net->size, net->size += cin * cout * k * k;
    if (norm) {
        c->gamma = net->params + net->size, c->beta = c->gamma + cout, net->size += 2 * cout;
        c->running_mean = take(net, cout), c->running_var = take(net, cout);
        for (int i = 0; i < cout; i++) c->running_mean[i] = 0, c->running_var[i] = 1;
    }
    c->z = take(net, (size_t)cout * (h / st) * (h / st) * B);
}

/* Gradients live in the net's scratch: the output's in one of two places, which the next cell's input shares. */
static void make_cell(Net *net, Cell *cell, const Node *input, int c, int h) {
    const int position = (int)(cell - net->cell), before_block = position == CELLS - 1, final = position == 2 * CELLS - 1;
    cell->c = c, cell->h = h, cell->node[0] = *input;
    for (int t = 1; t < 3; t++) {
        make_node(net, &cell->node[t], c * h * h * B, net->others_from[t]);
        cell->node[t].dx = net->dx[t], cell->wants_relu[t] = net->convs_from[t] > 0;
    }
    make_node(net, &cell->node[3], c * h * h * B, before_block || final || net->others_from[0]);
    cell->node[3].dx = net->dx[3 + position % 2], cell->wants_relu[3] = before_block || (!final && net->convs_from[0]);
    for (int e = 0; e < EDGES; e++) {
        const int op = net->genes[e];
        if (op == CONV1 || op == CONV3) make_conv(net, &cell->conv[e], c, c, h, op == CONV3 ? 3 : 1, 1, 1);
    }
}

/* Parameters in the order of the flat vector: stem, first stage, residual block, second stage, head, classifier. */
static Net *make_net(const int *genes, const REAL *params, int n_params) {
    Net *net = calloc(1, sizeof(Net));
    const size_t bytes = ARENA * sizeof(REAL);
    if (!net) return NULL;
    net->arena = calloc(bytes + 64, 1), net->free = net->arena + (64 - (uintptr_t)net->arena % 64), net->arena_end = net->free + bytes;
    if (!net->arena) { free(net); return NULL; }
    memcpy(net->genes, genes, sizeof net->genes);
    for (int e = 0; e < EDGES; e++)
        if (genes[e] == CONV1 || genes[e] == CONV3) net->convs_from[SOURCE[e]]++;
        else if (genes[e] != NONE) net->others_from[SOURCE[e]]++;
    net->params = take(net, MAX_PARAMS), net->grads = take(net, MAX_PARAMS);
    memcpy(net->params, params, n_params * sizeof(REAL));
    net->input = take(net, SIZE * SIZE * B), net->dz = take(net, C1 * SIZE * SIZE * B), net->drelu = take(net, C1 * SIZE * SIZE * B);
    for (int i = 0; i < 5; i++) net->dx[i] = take(net, C1 * SIZE * SIZE * B);
    make_conv(net, &net->stem, 1, C1, SIZE, 3, 1, 1), make_node(net, &net->stem_out, C1 * SIZE * SIZE * B, net->others_from[0]);
    net->stem_out.dx = net->dx[4];
    const Node *before = &net->stem_out;
    for (int i = 0; i < CELLS; i++) make_cell(net, &net->cell[i], before, C1, SIZE), before = &net->cell[i].node[3];
    make_conv(net, &net->conv_a, C1, C2, SIZE, 3, 2, 1), make_conv(net, &net->conv_b, C2, C2, SIZE / 2, 3, 1, 1);
    make_conv(net, &net->down, C1, C2, SIZE / 2, 1, 1, 0);
    make_node(net, &net->middle, C2 * 16 * B, 0), net->middle.dx = net->dx[1];
    net->pooled = take(net, C1 * 16 * B), net->dpooled = take(net, C1 * 16 * B);
    make_node(net, &net->last, C2 * 16 * B, net->others_from[0]);
    net->last.dx = net->dx[0], before = &net->last;
    for (int i = CELLS; i < 2 * CELLS; i++) make_cell(net, &net->cell[i], before, C2, SIZE / 2), before = &net->cell[i].node[3];
    net->head = (Conv){.cout = C2, .gamma = net->params + net->size, .beta = net->params + net->size + C2, .z = before->x};
    net->head.running_mean = take(net, C2), net->head.running_var = take(net, C2);
    for (int i = 0; i < C2; i++) net->head.running_var[i] = 1;
    net->features = take(net, C2 * B), net->dfeatures = take(net, C2 * B), net->logits = take(net, CLASSES * B);
    net->size += 2 * C2 + (C2 + 1) * CLASSES;
    if (net->size != n_params || net->free > net->arena_end) { free(net->arena), free(net); return NULL; }
    return net;
}

static void free_net(Net *net) { free(net->arena), free(net); }

/* z and its norm's scale and shift; x is the rectified input */
static void conv_norm(Conv *c, const REAL *x) {
    REAL sum[C2], sq[C2];
    const int ho = c->h / c->st;
    forward_kernel(c, x, c->z, (After){.sum = sum, .sq = sq});
    norm_scale(c, sum, sq, ho * ho * B, 1);
}

/* y = the normed convolution of x, and its ReLU where asked; y may be the ReLU's place */
static void conv_node(Conv *c, const REAL *x, const Node *y, int train, int wants_relu) {
    const int ho = c->h / c->st, n = ho * ho * B;
    if (train) conv_norm(c, x);
    else {
        norm_scale(c, NULL, NULL, n, 0);
        forward_kernel(c, x, y->x, (After){.scale = c->scale, .shift = c->shift});
    }
    for (int i = 0; i < c->cout; i++) {
        if (train) add_scaled(y->x + i * n, c->z + i * n, c->scale[i], c->shift[i], n, 0);
        if (wants_relu) rectify(y->relu + i * n, y->x + i * n, n);
    }
}

/* Sum the terms of one node: channel by channel in training, where they stay in the first cache. */
static void node_forward(const Net *net, Cell *cell, int target, int train) {
    const int n = cell->h * cell->h * B, first = target * (target - 1) / 2, end = first + target;
    const Node *node = &cell->node[target];
    int add = 0;
    for (int e = first; e < end; e++) {
        const int op = net->genes[e];
        Conv *c = &cell->conv[e];
        if (op != CONV1 && op != CONV3) continue;
        if (train) { conv_norm(c, cell->node[SOURCE[e]].relu); continue; }
        norm_scale(c, NULL, NULL, n, 0);
        forward_kernel(c, cell->node[SOURCE[e]].relu, node->x, (After){.scale = c->scale, .shift = c->shift, .add = add++ > 0});
    }
    for (int i = 0; i < cell->c; i++) {
        REAL *out = node->x + i * n;
        int more = add;
        for (int e = first; e < end; e++) {
            const REAL *x = cell->node[SOURCE[e]].x + i * n;
            const Conv *c = &cell->conv[e];
            const int op = net->genes[e];
            if (op == NONE || (!train && (op == CONV1 || op == CONV3))) continue;
            if (op == SKIP) add_scaled(out, x, 1, 0, n, more);
            else if (op == POOL) add_pool(out, x, cell->h, 0, more);
            else add_scaled(out, c->z + i * n, c->scale[i], c->shift[i], n, more);
            more = 1;
        }
        if (!more && target == 3) memset(out, 0, n * sizeof(REAL));
        if (cell->wants_relu[target]) rectify(node->relu + i * n, out, n);
    }
}

static void cell_forward(const Net *net, Cell *cell, int train) {
    for (int target = 1; target < 4; target++) node_forward(net, cell, target, train);
}

/* gradient of the convolution's weights and norm from dy; adds to, or writes, the gradient of its (rectified) input */
static void conv_norm_backward(Net *net, const Conv *c, const REAL *x, const REAL *dy, REAL *dx, int add) {
    REAL *dw = net->grads + (c->w - net->params);
    const int ho = c->h / c->st;
    const REAL *dz = dy;
    if (c->gamma) {
        REAL *dgamma = net->grads + (c->gamma - net->params);
        norm_backward(c, dy, net->dz, dgamma, dgamma + c->cout, ho * ho * B), dz = net->dz;
    }
    backward_kernel(c, x, dz, dx, add, dw);
}

static void cell_backward(Net *net, Cell *cell) {
    const int n = cell->h * cell->h * B;
    for (int s = 2; s >= 0; s--) {
        Node *source = &cell->node[s];
        int convs = 0;
        for (int e = 0; e < EDGES; e++) {
            if (SOURCE[e] != s || (net->genes[e] != CONV1 && net->genes[e] != CONV3)) continue;
            conv_norm_backward(net, &cell->conv[e], source->relu, cell->node[TARGET[e]].dx, net->drelu, convs++ > 0);
        }
        for (int i = 0; i < cell->c; i++) {
            const size_t at = (size_t)i * n;
            int add = 0;
            if (convs) add_masked(source->dx + at, net->drelu + at, source->relu + at, n, 0), add = 1;
            for (int e = 0; e < EDGES; e++) {
                if (SOURCE[e] != s) continue;
                const REAL *dy = cell->node[TARGET[e]].dx + at;
                if (net->genes[e] == SKIP) add_scaled(source->dx + at, dy, 1, 0, n, add), add = 1;
                if (net->genes[e] == POOL) add_pool(source->dx + at, dy, cell->h, 1, add), add = 1;
            }
            if (!add && s == 0) memset(source->dx + at, 0, n * sizeof(REAL));
        }
    }
}

static void block_forward(Net *net, int train) {
    const Node *in = &net->cell[CELLS - 1].node[3];
    const int ho = SIZE / 2, n = ho * ho * B;
    const REAL one[C2] = {1, 1, 1, 1, 1, 1, 1, 1}, zero[C2] = {0};
    conv_node(&net->conv_a, in->relu, &net->middle, train, 1);
    conv_node(&net->conv_b, net->middle.relu, &net->last, train, 0);
    for (int i = 0; i < C1; i++) for (int y = 0; y < ho; y++) for (int c = 0; c < ho; c++) {
        const REAL *x = in->x + ((i * SIZE + 2 * y) * SIZE + 2 * c) * B;
        REAL *out = net->pooled + ((i * ho + y) * ho + c) * B;
        for (int b = 0; b < B; b++) out[b] = (x[b] + x[B + b] + x[SIZE * B + b] + x[SIZE * B + B + b]) / 4;
    }
    forward_kernel(&net->down, net->pooled, net->last.x, (After){.scale = one, .shift = zero, .add = 1});
    if (net->convs_from[0]) rectify(net->last.relu, net->last.x, C2 * n);
}

static void block_backward(Net *net) {
    const Node *in = &net->cell[CELLS - 1].node[3];
    const int ho = SIZE / 2, n = ho * ho * B, wide = SIZE * SIZE * B;
    conv_norm_backward(net, &net->conv_b, net->middle.relu, net->last.dx, net->drelu, 0);
    add_masked(net->middle.dx, net->drelu, net->middle.relu, C2 * n, 0);
    conv_norm_backward(net, &net->conv_a, in->relu, net->middle.dx, net->drelu, 0);
    add_masked(in->dx, net->drelu, in->relu, C1 * wide, 0);
    conv_norm_backward(net, &net->down, net->pooled, net->last.dx, net->dpooled, 0);
    for (int i = 0; i < C1; i++) for (int y = 0; y < SIZE; y++) for (int c = 0; c < SIZE; c++)
        add_scaled(in->dx + ((i * SIZE + y) * SIZE + c) * B, net->dpooled + ((i * ho + y / 2) * ho + c / 2) * B, (REAL)0.25, 0, B, 1);
}

/* norm, ReLU, mean over pixels, classifier; returns the summed cross entropy and counts the right answers */
static double head_forward(Net *net, const uint8_t *labels, int train, int *correct) {
    const int pixels = SIZE * SIZE / 4, n = pixels * B;
    const REAL *w = net->head.beta + C2, *bias = w + CLASSES * C2;
    REAL sum[C2] = {0}, sq[C2] = {0}, top[B], total[B] = {0};
    double loss = 0;
    if (train) for (int i = 0; i < C2; i++) for (int p = 0; p < n; p++) {
        const REAL z = net->head.z[i * n + p];
        sum[i] += z, sq[i] += z * z;
    }
    norm_scale(&net->head, sum, sq, n, train);
    memset(net->features, 0, C2 * B * sizeof(REAL));
    for (int i = 0; i < C2; i++) for (int p = 0; p < pixels; p++) for (int b = 0; b < B; b++) {
        const REAL y = net->head.z[i * n + p * B + b] * net->head.scale[i] + net->head.shift[i];
        net->features[i * B + b] += y > 0 ? y / pixels : 0;
    }
    for (int b = 0; b < B; b++) top[b] = -INFINITY;
    for (int k = 0; k < CLASSES; k++) {
        REAL *out = net->logits + k * B;
        for (int b = 0; b < B; b++) out[b] = bias[k];
        for (int i = 0; i < C2; i++) add_scaled(out, net->features + i * B, w[k * C2 + i], 0, B, 1);
        for (int b = 0; b < B; b++) top[b] = out[b] > top[b] ? out[b] : top[b];
    }
    for (int b = 0; b < B; b++) {                                /* a tie counts for the first class that reaches the top */
        int best = 0;
        while (best < CLASSES - 1 && net->logits[best * B + b] < top[b]) best++;
        *correct += best == labels[b], loss += top[b] - net->logits[labels[b] * B + b];
    }
    for (int k = 0; k < CLASSES; k++) for (int b = 0; b < B; b++) {
        const REAL e = (REAL)(sizeof(REAL) == 4 ? expf(net->logits[k * B + b] - top[b]) : exp(net->logits[k * B + b] - top[b]));
        net->logits[k * B + b] = e, total[b] += e;
    }
    for (int b = 0; b < B; b++) loss += log(total[b]);
    for (int k = 0; k < CLASSES; k++) for (int b = 0; b < B; b++) net->logits[k * B + b] /= total[b];
    return loss;
}

static void head_backward(Net *net, const uint8_t *labels) {
    const int pixels = SIZE * SIZE / 4, n = pixels * B;
    const REAL *w = net->head.beta + C2;
    REAL *dgamma = net->grads + (net->head.gamma - net->params), *dw = dgamma + 2 * C2, *dbias = dw + CLASSES * C2;
    for (int b = 0; b < B; b++) net->logits[labels[b] * B + b] -= 1;
    for (int k = 0; k < CLASSES * B; k++) net->logits[k] /= B;
    memset(net->dfeatures, 0, C2 * B * sizeof(REAL));
    for (int k = 0; k < CLASSES; k++) {
        const REAL *d = net->logits + k * B;
        dbias[k] = 0;
        for (int b = 0; b < B; b++) dbias[k] += d[b];
        for (int i = 0; i < C2; i++) {
            REAL dot = 0;
            for (int b = 0; b < B; b++) dot += d[b] * net->features[i * B + b];
            dw[k * C2 + i] = dot;
            add_scaled(net->dfeatures + i * B, d, w[k * C2 + i], 0, B, 1);
        }
    }
    Node *last = &net->cell[2 * CELLS - 1].node[3];
    for (int i = 0; i < C2; i++) for (int p = 0; p < pixels; p++) {
        const REAL *restrict x = last->x + i * n + p * B, *restrict d = net->dfeatures + i * B;
        REAL *restrict out = net->drelu + i * n + p * B;
        const REAL scale = net->head.scale[i], shift = net->head.shift[i];
        for (int b = 0; b < B; b++) out[b] = x[b] * scale + shift > 0 ? d[b] * (REAL)(1.0 / pixels) : 0;
    }
    norm_backward(&net->head, net->drelu, last->dx, dgamma, dgamma + C2, n);
}

static double forward(Net *net, const REAL *x, const uint8_t *labels, int train, int *correct) {
    conv_node(&net->stem, x, &net->stem_out, train, net->convs_from[0]);
    for (int i = 0; i < CELLS; i++) cell_forward(net, &net->cell[i], train);
    block_forward(net, train);
    for (int i = CELLS; i < 2 * CELLS; i++) cell_forward(net, &net->cell[i], train);
    return head_forward(net, labels, train, correct);
}

static void backward(Net *net, const REAL *x, const uint8_t *labels) {
    head_backward(net, labels);
    for (int i = 2 * CELLS - 1; i >= CELLS; i--) cell_backward(net, &net->cell[i]);
    block_backward(net);
    for (int i = CELLS - 1; i >= 0; i--) cell_backward(net, &net->cell[i]);
    conv_norm_backward(net, &net->stem, x, net->stem_out.dx, NULL, 0);
}

/* ---- the two entries; images are [n][64], orders are image numbers [steps][64] ---- */

static void gather(const REAL *images, const uint8_t *labels, const int32_t *rows, REAL *x, uint8_t *y) {
    for (int b = 0; b < B; b++) {
        const REAL *image = images + (size_t)rows[b] * SIZE * SIZE;
        y[b] = labels[rows[b]];
        for (int p = 0; p < SIZE * SIZE; p++) x[p * B + b] = image[p];
    }
}

/* Loss and gradient of one training batch; returns 0, or 1 if the parameters do not fit the genes. */
int motif_gradient(const int *genes, const REAL *params, int n_params, const REAL *images, const uint8_t *labels, double *loss, REAL *grads) {
    Net *net = make_net(genes, params, n_params);
    int32_t rows[B];
    uint8_t y[B];
    int correct = 0;
    if (!net) return 1;
    for (int b = 0; b < B; b++) rows[b] = b;
    gather(images, labels, rows, net->input, y);
    *loss = forward(net, net->input, y, 1, &correct) / B;
    backward(net, net->input, y);
    memcpy(grads, net->grads, n_params * sizeof(REAL));
    free_net(net);
    return 0;
}

/* One batch of parameters' update: SGD with Nesterov momentum 0.9 and weight decay 5e-4, as torch.optim.SGD has it. */
static void sgd(Net *net, REAL *momentum, double rate, int n) {
    for (int i = 0; i < n; i++) {
        const REAL g = net->grads[i] + (REAL)5e-4 * net->params[i];
        momentum[i] = (REAL)0.9 * momentum[i] + g;
        net->params[i] -= (REAL)rate * (g + (REAL)0.9 * momentum[i]);
    }
}

/* Train from `params` (overwritten) for `steps` batches; after every `period` of them evaluate on `parts` sets, of which
 * those from number `late` on wait for the last step.
 *
 * rates [steps]; losses [steps], of the batches, or NULL; the sets lie one behind the other, in blocks [64 pixels][64
 * images], with ends[part] blocks up to the end of each; scores [steps / period][parts][2]: mean cross entropy and
 * number of right answers. Returns 0, or 1 if the parameters do not fit the genes. */
int motif_train(const int *genes, REAL *params, int n_params, const REAL *images, const uint8_t *labels, const int32_t *order,
                const double *rates, int steps, int period, const REAL *blocks, const uint8_t *block_labels, const int *ends,
                int parts, int late, double *losses, double *scores) {
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);                          /* denormals are zero: dead weights decay for ever */
#endif
    Net *net = make_net(genes, params, n_params);
    if (!net) return 1;
    REAL *momentum = take(net, n_params);
    uint8_t y[B];
    for (int step = 0; step < steps; step++) {
        int correct = 0;
        gather(images, labels, order + step * B, net->input, y);
        const double loss = forward(net, net->input, y, 1, &correct) / B;
        if (losses) losses[step] = loss;
        backward(net, net->input, y);
        sgd(net, momentum, rates[step], n_params);
        if ((step + 1) % period) continue;
        for (int part = 0, block = 0; part < (step + 1 < steps ? late : parts); part++) {
            const int start = block;
            double total = 0;
            for (correct = 0; block < ends[part]; block++) {     /* copied, because vectors need aligned memory */
                memcpy(net->input, blocks + (size_t)block * SIZE * SIZE * B, SIZE * SIZE * B * sizeof(REAL));
                total += forward(net, net->input, block_labels + block * B, 0, &correct);
            }
            double *score = scores + (((step + 1) / period - 1) * parts + part) * 2;
            score[0] = total / ((ends[part] - start) * B), score[1] = correct;
        }
    }
    memcpy(params, net->params, n_params * sizeof(REAL));
    free_net(net);
    return 0;
}
