/* Train one vision transformer of `motif_transformer` from start to end: forward, backward and AdamW by hand, the batch
 * innermost in memory.
 *
 * A tensor is [channel][group][token][images of a group]; a group of images fills a vector. Every linear layer is one loop,
 * `mix`, a product with a matrix at each token; attention is products of small matrices of vectors, `product`. One call
 * trains one network on one thread; `trainer.py` compiles this file, once in float and, for tests, in double.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifndef BATCH
#define BATCH 32
#endif
#ifndef REAL
#define REAL float
#endif

enum { B = BATCH, WIDE = 64 / sizeof(REAL), NV = B / WIDE };
enum { SIZE = 8, KERNEL = 5, PIXELS = KERNEL * KERNEL, SIDE = 4, T = SIDE * SIDE, HEAD = 8, CLASSES = 40 };
enum { TV = T * NV, PLANE = TV + 4, PARTS = 6, WIDEST = 32, LARGEST = 64 };  /* four vectors more: channels start in other cache sets */
enum { PATCHES = (PIXELS + 3) / 4 * 4, MAX_PARAMS = 32768, ARENA = 2 << 20 }; /* the last two in values */
static const REAL EPS = (REAL)1e-5, BETA1 = (REAL)0.9, BETA2 = (REAL)0.99, ADAM_EPS = (REAL)1e-8;

typedef REAL vec __attribute__((vector_size(64)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef __typeof__((vec){0} > (vec){0}) mask;

/* x where t > 0, else 0 */
INLINE vec where(vec t, vec x) { return (vec)((t > (vec){0}) & (mask)x); }

/* the larger of the two, to the bit */
INLINE vec larger(vec a, vec b) {
    const mask t = a > b;
    return (vec)((t & (mask)a) | (~t & (mask)b));
}

static REAL hsum(vec v) {
    REAL total = 0;
    for (int i = 0; i < WIDE; i++) total += v[i];
    return total;
}

/* ---- products ---- */

/* z[o] = or += bias[o] + sum over i of w[o * row + i * column] x[i] at each token, rectified if told; cout is a multiple of 4 */
static void mix(const vec *x, const REAL *w, int row, int column, const REAL *bias, vec *z, int cin, int cout, int add, int relu) {
    for (int o = 0; o < cout; o += 4) for (int p = 0; p < TV; p += 4) {
        vec acc[4][4];
        UNROLL for (int j = 0; j < 4; j++) UNROLL for (int v = 0; v < 4; v++)
            acc[j][v] = (add ? z[(o + j) * PLANE + p + v] : (vec){0}) + (bias ? bias[o + j] : 0);
        const vec *in = x + p;
        const REAL *tap = w + o * row;
        for (int i = 0; i < cin; i++, in += PLANE, tap += column)
            UNROLL for (int j = 0; j < 4; j++) {
                const REAL weight = tap[j * row];
                UNROLL for (int v = 0; v < 4; v++) acc[j][v] += weight * in[v];
            }
        UNROLL for (int j = 0; j < 4; j++) UNROLL for (int v = 0; v < 4; v++)
            z[(o + j) * PLANE + p + v] = relu ? where(acc[j][v], acc[j][v]) : acc[j][v];
    }
}

/* dw[o * cin + i] = sum over tokens and images of dz[o] x[i], db[o] = that of dz[o]; planes of x fill up to a multiple of 4 */
static void mix_weight(const vec *x, const vec *dz, REAL *dw, REAL *db, int cin, int cout) {
    for (int o = 0; o < cout; o += 4) {
        for (int i = 0; i < cin; i += 4) {
            vec acc[4][4] = {{{0}}};
            for (int p = 0; p < TV; p++) {
                vec a[4];
                UNROLL for (int k = 0; k < 4; k++) a[k] = x[(i + k) * PLANE + p];
                UNROLL for (int j = 0; j < 4; j++) {
                    const vec d = dz[(o + j) * PLANE + p];
                    UNROLL for (int k = 0; k < 4; k++) acc[j][k] += d * a[k];
                }
            }
            for (int j = 0; j < 4; j++) for (int k = 0; k < 4 && i + k < cin; k++) dw[(o + j) * cin + i + k] = hsum(acc[j][k]);
        }
        for (int j = 0; j < 4; j++) {
            vec total = {0};
            for (int p = 0; p < TV; p++) total += dz[(o + j) * PLANE + p];
            db[o + j] = hsum(total);
        }
    }
}

/* z[a][b] = scale * sum over c of x[a][c] y[b][c], matrices of vectors with these strides; na and nb are multiples of 4 */
INLINE void product(const vec *x, int xa, int xc, const vec *y, int yb, int yc, vec *z, int za, int zb, int na, int nb, int nc, REAL scale) {
    for (int a = 0; a < na; a += 4) for (int b = 0; b < nb; b += 4) {
        vec acc[4][4] = {{{0}}};
        for (int c = 0; c < nc; c++) {
            vec in[4];
            UNROLL for (int k = 0; k < 4; k++) in[k] = y[(b + k) * yb + c * yc];
            UNROLL for (int j = 0; j < 4; j++) {
                const vec left = x[(a + j) * xa + c * xc];
                UNROLL for (int k = 0; k < 4; k++) acc[j][k] += left * in[k];
            }
        }
        UNROLL for (int j = 0; j < 4; j++) UNROLL for (int k = 0; k < 4; k++) z[(a + j) * za + (b + k) * zb] = scale * acc[j][k];
    }
}

/* ---- layer norm over the channels of each token ---- */

typedef struct { REAL *gamma, *beta; vec *hat, *inv; } Norm;  /* hat: the normed values before scale and shift */

static void shifted(const Norm *l, vec *y, int c) {
    for (int i = 0; i < c; i++) for (int p = 0; p < TV; p++) y[i * PLANE + p] = l->gamma[i] * l->hat[i * PLANE + p] + l->beta[i];
}

static void norm(const Norm *l, const vec *x, vec *y, int c) {
    vec mean[TV] = {{0}}, *var = l->inv;
    for (int i = 0; i < c; i++) for (int p = 0; p < TV; p++) mean[p] += x[i * PLANE + p];
    for (int p = 0; p < TV; p++) mean[p] /= (REAL)c, var[p] = (vec){0};
    for (int i = 0; i < c; i++) for (int p = 0; p < TV; p++) {
        const vec d = x[i * PLANE + p] - mean[p];
        l->hat[i * PLANE + p] = d, var[p] += d * d;
    }
    REAL *inv = (REAL *)var;
    for (int k = 0; k < TV * WIDE; k++) inv[k] = 1 / (REAL)sqrt(inv[k] / c + EPS);
    for (int i = 0; i < c; i++) for (int p = 0; p < TV; p++) l->hat[i * PLANE + p] *= l->inv[p];
    shifted(l, y, c);
}

/* dx = or += the gradient of the input, from that of the output, and those of gamma and beta; dx may be dy if not added */
static void norm_backward(const Norm *l, const vec *dy, vec *dx, REAL *dgamma, REAL *dbeta, int c, int add) {
    vec a[TV] = {{0}}, b[TV] = {{0}};
    for (int i = 0; i < c; i++) {
        const REAL gamma = l->gamma[i];
        vec sum = {0}, dot = {0};
        for (int p = 0; p < TV; p++) {
            const vec d = dy[i * PLANE + p], e = d * l->hat[i * PLANE + p];
            sum += d, dot += e, a[p] += gamma * d, b[p] += gamma * e;
        }
        dgamma[i] = hsum(dot), dbeta[i] = hsum(sum);
    }
    for (int p = 0; p < TV; p++) a[p] *= 1 / (REAL)c, b[p] *= 1 / (REAL)c;
    for (int i = 0; i < c; i++) for (int p = 0; p < TV; p++) {
        const int at = i * PLANE + p;
        const vec d = l->inv[p] * (l->gamma[i] * dy[at] - a[p] - b[p] * l->hat[at]);
        dx[at] = add ? dx[at] + d : d;
    }
}

/* ---- the network ---- */

typedef struct { REAL *w, *b; int cin, cout; } Linear;
typedef struct { int heads; Norm norm; Linear first[3], last; vec *z[3], *p, *o; } Part;  /* attention, or with no heads a perceptron */
typedef struct {
    int size, width, most, parts;  /* most: features are the largest of the tokens, not their mean */
    REAL *params, *grads, *m1, *m2;
    Linear embed, classify;
    REAL *position;
    Part part[PARTS];
    Norm norm;
    vec *patches, *x, *y, *dy, *dx, *dz[3], *dp, *features, *dfeatures, *logits;
    char *arena, *free, *end;
} Net;

static void *take(Net *net, size_t values) {
    char *p = net->free;
    net->free += (values * sizeof(REAL) + 63) / 64 * 64 + 320;
    return net->free <= net->end ? p : net->arena;
}

static vec *planes(Net *net, int channels) { return take(net, (size_t)channels * PLANE * WIDE); }

static REAL *weights(Net *net, int n) {
    REAL *w = net->params + net->size;
    net->size += n;
    return w;
}

static Linear make_linear(Net *net, int cin, int cout) {
    REAL *w = weights(net, cin * cout);
    return (Linear){w, weights(net, cout), cin, cout};
}

static Norm make_norm(Net *net) {
    REAL *gamma = weights(net, net->width);
    return (Norm){gamma, weights(net, net->width), planes(net, net->width), take(net, TV * WIDE)};
}

static void make_part(Net *net, Part *part, int heads, int hidden) {
    const int attends = heads > 0, inner = attends ? heads * HEAD : hidden;
    part->heads = heads, part->norm = make_norm(net);
    for (int i = 0; i < (attends ? 3 : 1); i++) part->first[i] = make_linear(net, net->width, inner), part->z[i] = planes(net, inner);
    part->last = make_linear(net, inner, net->width);
    if (attends) part->p = take(net, (size_t)heads * TV * T * WIDE), part->o = planes(net, inner);
}

static void free_net(Net *net) { free(net->arena), free(net); }

/* Parts are pairs: heads, or 0 and the hidden width. */
static Net *make_net(int width, int most, const int *parts, int n, const REAL *params, int n_params) {
    Net *net = calloc(1, sizeof(Net));
    const size_t bytes = ARENA * sizeof(REAL);
    if (!net) return NULL;
    net->arena = calloc(bytes + 64, 1), net->free = net->arena + (64 - (uintptr_t)net->arena % 64), net->end = net->free + bytes;
    if (!net->arena || n > PARTS || n_params > MAX_PARAMS) { free_net(net); return NULL; }
    net->params = take(net, MAX_PARAMS), net->grads = take(net, MAX_PARAMS), net->m1 = take(net, MAX_PARAMS), net->m2 = take(net, MAX_PARAMS);
    memcpy(net->params, params, n_params * sizeof(REAL));
    net->width = width, net->most = most, net->parts = n;
    net->patches = planes(net, PATCHES), net->x = planes(net, width), net->dx = planes(net, width);
    net->y = planes(net, WIDEST), net->dy = planes(net, WIDEST), net->dp = take(net, T * T * WIDE);
    for (int i = 0; i < 3; i++) net->dz[i] = planes(net, i ? 2 * HEAD : LARGEST);
    net->features = take(net, WIDEST * B), net->dfeatures = take(net, WIDEST * B), net->logits = take(net, CLASSES * B);
    net->embed = make_linear(net, PIXELS, width), net->position = weights(net, T * width);
    for (int i = 0; i < n; i++) make_part(net, &net->part[i], parts[2 * i], parts[2 * i + 1]);
    net->norm = make_norm(net), net->classify = make_linear(net, width, CLASSES);
    if (net->size != n_params || net->free > net->end) { free_net(net); return NULL; }
    return net;
}

static REAL *grad(const Net *net, const REAL *param) { return net->grads + (param - net->params); }

static void linear(const Linear *l, const vec *x, vec *z, int add, int relu) {
    mix(x, l->w, l->cin, 1, l->b, z, l->cin, l->cout, add, relu);
}

/* Gradients of a linear layer; dx = or += its input's, unless NULL. */
static void linear_backward(Net *net, const Linear *l, const vec *x, const vec *dz, vec *dx, int add) {
    mix_weight(x, dz, grad(net, l->w), grad(net, l->b), l->cin, l->cout);
    if (dx) mix(dz, l->w, 1, l->cin, NULL, dx, l->cout, l->cin, add, 0);
}

/* Rows of scores become shares. */
static void softmax(vec *p) {
    for (int i = 0; i < T; i++, p += T) {
        vec top = p[0], total = {0};
        for (int j = 1; j < T; j++) top = where(p[j] - top, p[j] - top) + top;
        REAL *x = (REAL *)p;
        for (int j = 0; j < T; j++) p[j] -= top;
        for (int k = 0; k < T * WIDE; k++) x[k] = sizeof(REAL) == 4 ? (REAL)expf((float)x[k]) : (REAL)exp(x[k]);
        for (int j = 0; j < T; j++) total += p[j];
        for (int j = 0; j < T; j++) p[j] /= total;
    }
}

static const REAL SCALE = (REAL)0.35355339059327376220;  /* 1 / sqrt(HEAD) */

static void attend(Part *part) {
    for (int h = 0; h < part->heads; h++) for (int v = 0; v < NV; v++) {
        const int at = h * HEAD * PLANE + v * T;
        vec *p = part->p + (h * NV + v) * T * T;
        product(part->z[0] + at, 1, PLANE, part->z[1] + at, 1, PLANE, p, T, 1, T, T, HEAD, SCALE);
        softmax(p);
        product(part->z[2] + at, PLANE, 1, p, T, 1, part->o + at, PLANE, 1, HEAD, T, T, 1);
    }
}

/* Gradients of queries, keys and values, in net->dz, from that of the heads' outputs, in net->dy. */
static void attend_backward(Net *net, const Part *part) {
    vec *dp = net->dp;
    for (int h = 0; h < part->heads; h++) for (int v = 0; v < NV; v++) {
        const int at = h * HEAD * PLANE + v * T;
        const vec *p = part->p + (h * NV + v) * T * T, *d = net->dy + at;
        product(d, PLANE, 1, p, 1, T, net->dz[2] + at, PLANE, 1, HEAD, T, T, 1);
        product(d, 1, PLANE, part->z[2] + at, 1, PLANE, dp, T, 1, T, T, HEAD, 1);
        for (int i = 0; i < T; i++) {
            vec dot = {0};
            for (int j = 0; j < T; j++) dot += dp[i * T + j] * p[i * T + j];
            for (int j = 0; j < T; j++) dp[i * T + j] = p[i * T + j] * (dp[i * T + j] - dot);
        }
        product(part->z[1] + at, PLANE, 1, dp, T, 1, net->dz[0] + at, PLANE, 1, HEAD, T, T, SCALE);
        product(part->z[0] + at, PLANE, 1, dp, 1, T, net->dz[1] + at, PLANE, 1, HEAD, T, T, SCALE);
    }
}

static void part_forward(Net *net, Part *part) {
    norm(&part->norm, net->x, net->y, net->width);
    for (int i = 0; i < (part->heads ? 3 : 1); i++) linear(&part->first[i], net->y, part->z[i], 0, !part->heads);
    if (part->heads) attend(part);
    linear(&part->last, part->heads ? part->o : part->z[0], net->x, 1, 0);
}

/* net->dx is the gradient of the output, and then that of the input */
static void part_backward(Net *net, Part *part) {
    const int inner = part->last.cin;
    vec *d = part->heads ? net->dy : net->dz[0];
    linear_backward(net, &part->last, part->heads ? part->o : part->z[0], net->dx, d, 0);
    if (part->heads) attend_backward(net, part);
    else for (int i = 0; i < inner; i++) for (int p = 0; p < TV; p++) d[i * PLANE + p] = where(part->z[0][i * PLANE + p], d[i * PLANE + p]);
    shifted(&part->norm, net->y, net->width);
    for (int i = 0; i < (part->heads ? 3 : 1); i++) linear_backward(net, &part->first[i], net->y, net->dz[i], net->dy, i > 0);
    norm_backward(&part->norm, net->dy, net->dx, grad(net, part->norm.gamma), grad(net, part->norm.beta), net->width, 1);
}

/* Logits of the batch in net->patches. */
static void forward(Net *net) {
    const int c = net->width;
    linear(&net->embed, net->patches, net->x, 0, 0);
    for (int i = 0; i < c; i++) for (int v = 0; v < NV; v++) for (int t = 0; t < T; t++) net->x[i * PLANE + v * T + t] += net->position[t * c + i];
    for (int i = 0; i < net->parts; i++) part_forward(net, &net->part[i]);
    norm(&net->norm, net->x, net->y, c);
    for (int i = 0; i < c; i++) for (int v = 0; v < NV; v++) {
        const vec *y = net->y + i * PLANE + v * T;
        vec total = y[0];
        for (int t = 1; t < T; t++) total = net->most ? larger(y[t], total) : total + y[t];
        net->features[i * NV + v] = net->most ? total : total / (REAL)T;
    }
    for (int k = 0; k < CLASSES; k++) for (int v = 0; v < NV; v++) {
        vec total = (vec){0} + net->classify.b[k];
        for (int i = 0; i < c; i++) total += net->classify.w[k * c + i] * net->features[i * NV + v];
        net->logits[k * NV + v] = total;
    }
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
    const int c = net->width;
    const Linear *l = &net->classify;
    memset(net->dfeatures, 0, (size_t)c * B * sizeof(REAL));
    for (int k = 0; k < CLASSES; k++) {
        vec total = {0};
        for (int v = 0; v < NV; v++) total += net->logits[k * NV + v];
        grad(net, l->b)[k] = hsum(total);
        for (int i = 0; i < c; i++) {
            vec dot = {0};
            for (int v = 0; v < NV; v++) {
                dot += net->logits[k * NV + v] * net->features[i * NV + v];
                net->dfeatures[i * NV + v] += l->w[k * c + i] * net->logits[k * NV + v];
            }
            grad(net, l->w)[k * c + i] = hsum(dot);
        }
    }
    for (int i = 0; i < c; i++) for (int v = 0; v < NV; v++) for (int t = 0; t < T; t++) {
        const int at = i * PLANE + v * T + t;
        const vec d = net->dfeatures[i * NV + v];
        net->dy[at] = net->most ? (vec)((net->y[at] == net->features[i * NV + v]) & (mask)d) : d / (REAL)T;
    }
    norm_backward(&net->norm, net->dy, net->dx, grad(net, net->norm.gamma), grad(net, net->norm.beta), c, 0);
    for (int i = net->parts - 1; i >= 0; i--) part_backward(net, &net->part[i]);
    for (int t = 0; t < T; t++) for (int i = 0; i < c; i++) {
        vec total = {0};
        for (int v = 0; v < NV; v++) total += net->dx[i * PLANE + v * T + t];
        grad(net, net->position)[t * c + i] = hsum(total);
    }
    linear_backward(net, &net->embed, net->patches, net->dx, NULL, 0);
}

/* Patches of the images [n][64 pixels] of these numbers, or of the first ones. */
static void load(Net *net, const REAL *images, const uint8_t *labels, const int32_t *order, uint8_t *batch) {
    REAL *out = (REAL *)net->patches;
    for (int b = 0; b < B; b++) {
        const int n = order ? order[b] : b;
        const REAL *image = images + (size_t)n * SIZE * SIZE;
        batch[b] = labels[n];
        for (int t = 0; t < T; t++) for (int i = 0; i < PIXELS; i++) {
            const int y = t / SIDE * 2 + i / KERNEL - KERNEL / 2, x = t % SIDE * 2 + i % KERNEL - KERNEL / 2;
            const int inside = y >= 0 && y < SIZE && x >= 0 && x < SIZE;
            out[((size_t)i * PLANE + b / WIDE * T + t) * WIDE + b % WIDE] = inside ? image[y * SIZE + x] : 0;
        }
    }
}

/* Loss and gradient of one training batch; 1 if the parameters do not fit. */
int transformer_gradient(int width, int most, const int *parts, int n, const REAL *params, int n_params, const REAL *images, const uint8_t *labels, double *loss, REAL *out) {
    Net *net = make_net(width, most, parts, n, params, n_params);
    uint8_t batch[B];
    int right = 0;
    if (!net) return 1;
    load(net, images, labels, NULL, batch);
    forward(net), *loss = judge(net, batch, &right), backward(net);
    memcpy(out, net->grads, n_params * sizeof(REAL));
    free_net(net);
    return 0;
}

/* Right answers on n batches of images. */
static int answers(Net *net, const REAL *images, const uint8_t *labels, int n) {
    uint8_t batch[B];
    int right = 0;
    for (int i = 0; i < n; i++) {
        load(net, images + (size_t)i * B * SIZE * SIZE, labels + i * B, NULL, batch);
        forward(net), judge(net, batch, &right);
    }
    return right;
}

/* One step of AdamW, the t-th from 1; `decays` is 1 for weights that decay. */
static void step(Net *net, int t, REAL rate, const REAL *decays, REAL decay) {
    const REAL one = 1 / (1 - (REAL)pow(BETA1, t)), two = 1 / (1 - (REAL)pow(BETA2, t));
    for (int i = 0; i < net->size; i++) {
        const REAL d = net->grads[i];
        net->m1[i] = BETA1 * net->m1[i] + (1 - BETA1) * d;
        net->m2[i] = BETA2 * net->m2[i] + (1 - BETA2) * d * d;
        net->params[i] -= rate * (decay * decays[i] * net->params[i] + one * net->m1[i] / ((REAL)sqrt(two * net->m2[i]) + ADAM_EPS));
    }
}

/* Train `steps` batches: `losses` of each, `valid` right answers after every `period`, `test` at the end. */
int transformer_train(int width, int most, const int *parts, int n, const REAL *params, int n_params, const REAL *decays, double decay,
                      const REAL *images, const uint8_t *labels, const int32_t *order, const double *rates, int steps, int period,
                      const REAL *valid_images, const uint8_t *valid_labels, int n_valid,
                      const REAL *test_images, const uint8_t *test_labels, int n_test, double *losses, int32_t *valid, int32_t *test) {
    Net *net = make_net(width, most, parts, n, params, n_params);
    uint8_t batch[B];
    int ignored = 0;
    if (!net) return 1;
    for (int t = 0; t < steps; t++) {
        load(net, images, labels, order + (size_t)t * B, batch);
        forward(net), losses[t] = judge(net, batch, &ignored), backward(net);
        step(net, t + 1, (REAL)rates[t], decays, (REAL)decay);
        if ((t + 1) % period == 0) valid[t / period] = answers(net, valid_images, valid_labels, n_valid);
    }
    *test = answers(net, test_images, test_labels, n_test);
    free_net(net);
    return 0;
}
