
"use strict";
// Asks what there is to see, and shows it. Whatever comes from logs becomes text, never markup.

const EVERY = 1500, BOX = { left: 58, right: 20, top: 10, bottom: 42 };
const at = (id) => document.getElementById(id);
const STATES = ["ended", "failed", "damaged", "running", "interrupted", "waiting"];
const truths = new Map();
const hidden = new Set();
let found = null;

function make(tag, attributes = {}, ...content) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}
function draw(tag, attributes, ...content) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}
const percent = (share) => (share === null ? "?" : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}\u2009%`);
const number = (value) => {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
};
/** Fill a node anew, only where what it shows has changed: what is focused or open stays so. */
function show(node, key, fill) {
  const text = JSON.stringify(key);
  if (node.dataset.key === text) return;
  node.dataset.key = text;
  node.replaceChildren(...fill());
}
const chosen = () => Number(at("problem").value || location.hash.slice(1) || 0);

async function ask() {
  if (document.hidden && found) return;
  const problem = chosen(), wants = truths.has(problem) ? "" : "&truth=1";
  try {
    const answer = await fetch(`/look.json?problem=${problem}${wants}`);
    if (!answer.ok) throw new Error(answer.status);
    found = await answer.json();
    if (found.truth) truths.set(problem, found.truth);
    at("live").className = "on";
    at("live").textContent = "live";
  } catch {
    at("live").className = "off";
    at("live").textContent = "no answer; is mobench watch still running?";
    return;
  }
  showAll();
}

function showAll() {
  if (!found) return;
  showCampaign(found.campaign);
  showBegun(found.campaign);
  showFailures(found.campaign);
  showPairs(found.campaign);
  if (found.number === chosen()) showProblem(found.campaign, found.problem, truths.get(found.number));
}

function showCampaign(c) {
  document.title = `${percent(c.share)} ${c.name} \u2013 mobench watch`;
  at("name").textContent = c.name;
  at("about").textContent = `${c.folder}; budget ${c.budget} a run; contract ${c.contract}`;
  at("fault").hidden = !c.fault;
  at("fault").textContent = c.fault || "";
  const parts = STATES.filter((state) => state !== "waiting" && c.total[state]).map((state) => {
    const runs = state === "running" || state === "interrupted" ? sum(c.begun.filter((run) => run.state === state)) : c.total[state];
    return [state, runs / c.runs];
  });
  at("bar").replaceChildren(...parts.map(([state, share]) => {
    const part = make("i", { class: state });
    part.style.width = `${100 * share}%`;
    return part;
  }));
  at("bar").setAttribute("aria-valuenow", Math.round(100 * c.share));
  const over = c.total.ended + c.total.failed + c.total.damaged;
  const words = [`${percent(c.share)} done`, `${over} of ${c.runs} runs over`];
  if (c.left) words.push(`about ${c.left} left`);
  else if (over < c.runs && !c.total.running) words.push("nobody is at work: mobench run goes on with it");
  at("done").textContent = words.join(", ");
  show(at("states"), c.total, () => STATES.filter((state) => c.total[state]).map((state) =>
    make("li", {}, make("i", { class: state }), `${c.total[state]} ${state}`)));
  show(at("problem"), c.problems, () => c.problems.map((label, i) => make("option", { value: i }, label)));
  if (!at("problem").dataset.set) { at("problem").dataset.set = 1; at("problem").value = Number(location.hash.slice(1)) || 0; }
}
const sum = (runs) => runs.reduce((total, run) => total + (run.share || 0), 0);

function showBegun(c) {
  at("begun").parentNode.hidden = !c.begun.length;
  at("none").textContent = c.more ? `and ${c.more} more` : c.begun.length ? "" : "None.";
  at("begun").tBodies[0].replaceChildren(...c.begun.map((run) => make("tr", {},
    make("th", { scope: "row" }, c.searchers[run.searcher].label),
    make("td", {}, c.problems[run.problem]),
    make("td", {}, String(run.seed)),
    run.state === "interrupted"
      ? make("td", { class: "late" }, `interrupted at ${percent(run.share)}`)
      : make("td", { class: "spent" }, make("progress", { max: 1, value: run.share || 0, "aria-label": "budget spent" }), percent(run.share)),
    make("td", {}, run.hypervolume === null ? "" : run.hypervolume.toFixed(4)),
  )));
}

function showFailures(c) {
  at("failed").hidden = !c.failures.length;
  show(at("failures"), c.failures, () => c.failures.map((failure) => make("div", {},
    make("p", {}, make("strong", {}, failure.error), failure.runs > 1 ? ` (${failure.runs} runs)` : ""),
    make("p", { class: "soft" }, failure.run),
    ...(failure.lines.length ? [make("pre", { tabindex: 0 }, failure.lines.join("\n"))] : []),
  )));
}

function showPairs(c) {
  show(at("pairs").tHead, [c.searchers, c.problems], () => [make("tr", {}, make("th", { scope: "col" }, "problem"),
    ...c.searchers.map((s) => make("th", { scope: "col" }, s.label)))]);
  show(at("pairs").tBodies[0], c.pairs, () => c.problems.map((label, i) => make("tr", {}, make("th", { scope: "row" }, label),
    ...c.searchers.map((_, j) => {
      const pair = c.pairs.find(([p, s]) => p === i && s === j);
      if (!pair) return make("td", {}, "\u2013");
      const bad = pair[2].failed || pair[2].damaged;
      return make("td", bad ? { class: "bad" } : {}, STATES.filter((s) => pair[2][s]).map((s) => `${pair[2][s]} ${s}`).join(", "));
    }))));
}

function showProblem(c, p, truth) {
  const notes = p ? [] : ["Reading its logs for the first time."];
  if (truth && truth.fault) notes.push(truth.fault);
  if (p && p.fault && p.fault !== (truth && truth.fault)) notes.push(p.fault);
  if (truth && !truth.fault && !truth.scored) notes.push("Nothing is scored here while runs go on, since a score may cost a training or the true front is not known: fronts are what searchers saw.");
  if (p && p.scored < p.begun) notes.push(`${p.scored} of ${p.begun} runs that have begun are scored so far${p.begun > p.most ? `; of each searcher ${p.most} at most` : ""}.`);
  at("note").hidden = !notes.length;
  at("note").textContent = notes.join(" ");
  const series = c.searchers.map((s) => ({ ...s, ...((p && p.searchers[s.label]) || {}) })).filter((s) => s.runs);
  show(at("legend"), series.map((s) => [s.label, s.hypervolume, s.runs, hidden.has(s.label)]), () => series.map((s) => {
    const swatch = make("span", { class: "swatch" });
    swatch.style.color = s.colour;
    const button = make("button", { type: "button", "aria-pressed": !hidden.has(s.label) }, swatch, s.label,
      ...(s.hypervolume === null ? [] : [make("b", {}, s.hypervolume.toFixed(4))]));
    button.addEventListener("click", () => {
      hidden.has(s.label) ? hidden.delete(s.label) : hidden.add(s.label);
      showAll();
      [...at("legend").children].find((b) => b.textContent === button.textContent)?.focus();
    });
    return button;
  }));
  const seen = series.filter((s) => !hidden.has(s.label));
  const known = truth && !truth.fault;
  showCurves(seen, known ? truth : null);
  showFronts(seen, known ? truth : null);
}

function showCurves(series, truth) {
  const regret = at("scale").value === "regret";
  const value = (share) => (regret ? Math.max(1 - share, 1e-6) : share);
  const lines = series.map((s) => ({ ...s, points: s.curve.map(([x, y]) => [x, value(y)]) })).filter((s) => s.points.length);
  at("curves").parentNode.hidden = Boolean(truth) && !truth.scored;
  at("curves-caption").textContent = `${regret ? "Regret, the share of the true front's hypervolume that is lacking" : "Share of the true front's hypervolume"}: median of the runs that have come so far`;
  at("curves").setAttribute("aria-label", `Curves: ${lines.map((s) => `${s.label} ${number(s.points.at(-1)[1])}`).join(", ") || "none yet"}`);
  const late = lines.flatMap((s) => s.points.slice(Math.min(3, s.points.length - 1)).map(([, y]) => y));
  const y = regret ? range(late, true) : range([...late, ...(Math.max(...late) > 0.9 ? [1] : [])], false);
  chart(at("curves"), { low: 0, high: truth ? truth.limit : 1, label: truth ? truth.axis : "" }, { ...y, log: regret, label: regret ? "regret" : "hypervolume" }, (x, up, group) => {
    for (const s of lines) {
      const path = s.points.map(([a, b], i) => `${i ? "L" : "M"}${x(a)} ${up(b)}`).join("");
      const [a, b] = s.points.at(-1);
      group(s.colour, draw("path", { class: "line", d: path }, draw("title", {}, s.label)), draw("circle", { class: "dot", cx: x(a), cy: up(b), r: 3.5 }));
    }
  });
}

function showFronts(series, truth) {
  const objectives = truth ? truth.objectives : [];
  const many = objectives.length > 2;
  for (const label of document.querySelectorAll(".axes")) label.hidden = !many;
  for (const [id, first] of [["x", 0], ["y", 1]])
    show(at(id), objectives.map((o) => o.name), () => objectives.map((o, i) => make("option", i === first ? { value: i, selected: "" } : { value: i }, o.name)));
  const which = at("run").value;
  const runs = series.filter((s) => s.fronts && s.fronts[which].F.length).map((s) => ({ ...s, ...s.fronts[which], points: s.fronts[which].F }));
  at("fronts-caption").textContent = `The front of each searcher's ${which} run${truth && truth.front.length ? ", over the true front (grey)" : ""}${many ? "; each point has more objectives than are drawn" : ""}${objectives.some((o) => o.limit !== null) ? "; dashed: limits" : ""}`;
  at("fronts").setAttribute("aria-label", `Fronts: ${runs.map((s) => `${s.label}, ${s.members} architectures`).join("; ") || "none yet"}`);
  if (objectives.length < 2) return chart(at("fronts"), { low: 0, high: 1 }, { low: 0, high: 1 }, () => {});
  const i = many ? Number(at("x").value) : 0, j = many ? Number(at("y").value) : 1;
  const all = [...truth.front, ...runs.flatMap((s) => s.points)];
  const axis = (k) => {
    const limit = objectives[k].limit, values = [...all.map((f) => f[k]), ...(limit === null ? [] : [limit])], log = objectives[k].log && values.every((v) => v > 0);
    return { ...range(values, log), log, label: `${objectives[k].name}${objectives[k].maximise ? " (more is better)" : ""}` };
  };
  chart(at("fronts"), axis(i), axis(j), (x, up, group, box) => {
    for (const [k, from] of [[i, x], [j, up]]) {
      const at = objectives[k].limit;
      if (at === null || (objectives[k].log && at <= 0)) continue;
      const ends = from === x ? { x1: x(at), x2: x(at), y1: box.top, y2: box.bottom } : { y1: up(at), y2: up(at), x1: box.left, x2: box.right };
      group("", draw("line", { class: "limit", ...ends }, draw("title", {}, `limit: ${objectives[k].name} ${number(at)}`)));
    }
    const stairs = (points) => draw("path", { class: "stairs", d: many ? "" : steps(points, objectives).map(([a, b], n) => `${n ? "L" : "M"}${x(a)} ${up(b)}`).join("") });
    const dots = (points, r, name) => points.map((f) => draw("circle", { class: "dot", cx: x(f[i]), cy: up(f[j]), r },
      draw("title", {}, `${name}: ${f.map((v, k) => `${objectives[k].name} ${number(v)}`).join(", ")}`)));
    group("", stairs(truth.front), ...dots(truth.front, 2.5, "true front")).classList.add("truth");
    for (const s of runs) group(s.colour, stairs(s.points), ...dots(s.points, 3.5, `${s.label}, seed ${s.seed}`));
  });
}

/** Corners of the staircase below which nothing was found; points as [x, y], by the first two objectives. */
function steps(points, objectives) {
  const [a, b] = objectives.map((o) => (o.maximise ? -1 : 1));
  const within = (f) => objectives.every((o, k) => o.limit === null || (o.maximise ? f[k] >= o.limit : f[k] <= o.limit));
  const sorted = points.filter(within).sort((p, q) => a * (p[0] - q[0]) || b * (p[1] - q[1]));
  const corners = [];
  for (const [x, y] of sorted) {
    if (corners.length && b * y >= b * corners.at(-1)[1]) continue;
    if (corners.length) corners.push([x, corners.at(-1)[1]]);
    corners.push([x, y]);
  }
  return corners;
}

function range(values, log) {
  if (!values.length) return log ? { low: 0.01, high: 1 } : { low: 0, high: 1 };
  let low = values.reduce((m, v) => Math.min(m, v)), high = values.reduce((m, v) => Math.max(m, v));
  if (log) return { low: low / (high > low ? (high / low) ** 0.05 : 2), high: high * (high > low ? (high / low) ** 0.05 : 2) };
  const room = 0.05 * (high - low || Math.abs(high) || 1);
  return { low: low - room, high: high + room };
}

/** Axes of a drawing as wide as its place; `paint` gets the two scales, and a function that adds a group of a colour. */
function chart(svg, across, up, paint) {
  const width = svg.clientWidth || 560, height = svg.clientHeight || 320;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [left, right, top, bottom] = [BOX.left, width - BOX.right, BOX.top, height - BOX.bottom];
  const scale = (axis, from, to) => {
    const f = axis.log ? Math.log : Number, low = f(axis.low), span = f(axis.high) - low || 1;
    return (v) => Number((from + ((f(v) - low) / span) * (to - from)).toFixed(1));
  };
  const x = scale(across, left, right), y = scale(up, bottom, top);
  const parts = [];
  for (const t of ticks(across, Math.max(3, Math.floor(width / 95)))) {
    parts.push(draw("line", { class: "grid", x1: x(t), x2: x(t), y1: top, y2: bottom }));
    parts.push(draw("text", { x: x(t), y: bottom + 16, "text-anchor": "middle" }, number(t)));
  }
  for (const t of ticks(up, 5)) {
    parts.push(draw("line", { class: "grid", x1: left, x2: right, y1: y(t), y2: y(t) }));
    parts.push(draw("text", { x: left - 6, y: y(t) + 4, "text-anchor": "end" }, number(t)));
  }
  parts.push(draw("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, across.label || ""));
  parts.push(draw("text", { transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, up.label || ""));
  const clip = `${svg.id}-clip`;
  parts.push(draw("clipPath", { id: clip }, draw("rect", { x: left - 5, y: top - 5, width: Math.max(right - left + 10, 1), height: bottom - top + 10 })));
  paint(x, y, (colour, ...content) => {
    const group = draw("g", { class: colour ? "series" : "", "clip-path": `url(#${clip})` }, ...content);
    if (colour) group.style.color = colour;
    parts.push(group);
    return group;
  }, { left, right, top, bottom });
  svg.replaceChildren(...parts);
}

function ticks({ low, high, log }, most) {
  if (log && high / low > 5) {
    const found = [], wide = Math.log10(high / low) > 3;
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
      for (const m of wide ? [1] : [1, 2, 5]) if (m * 10 ** e >= low && m * 10 ** e <= high) found.push(m * 10 ** e);
    return found.length > most + 2 ? found.filter((_, k) => k % Math.ceil(found.length / most) === 0) : found;
  }
  const rough = (high - low) / most, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= rough) || size;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

at("problem").addEventListener("change", () => { history.replaceState(null, "", `#${at("problem").value}`); ask(); });
for (const id of ["run", "x", "y", "scale"]) at(id).addEventListener("change", showAll);
addEventListener("resize", showAll);
document.addEventListener("visibilitychange", ask);
ask();
setInterval(ask, EVERY);
