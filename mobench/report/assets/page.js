// What moves in a report: what is folded, tables that sort and filter, the matrix, and the points of the fronts.
"use strict";

// ---- what is folded opens where a link leads, on the button, and in print ----
function reveal(target) {
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
}

function follow(hash) {
  const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
  if (target) reveal(target);
}

addEventListener("hashchange", () => follow(location.hash));
document.querySelector("nav").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link && link.hash === location.hash) follow(link.hash); // the hash does not change: no event comes
});
follow(location.hash);

const unfold = document.getElementById("unfold");
const setAll = (open) => { for (const part of document.querySelectorAll("details.part")) part.open = open; };
unfold.addEventListener("click", () => {
  const open = unfold.getAttribute("aria-pressed") === "false";
  unfold.setAttribute("aria-pressed", String(open));
  unfold.textContent = open ? "close all" : "open all";
  setAll(open);
});
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });

// ---- tables that are wider than the screen show an edge where there is more ----
const edges = (holder) => {
  const rest = holder.scrollWidth - holder.clientWidth - holder.scrollLeft;
  holder.parentNode.classList.toggle("more", rest > 2);
  holder.parentNode.classList.toggle("before", holder.scrollLeft > 2);
};
const seen = new ResizeObserver((entries) => entries.forEach((entry) => edges(entry.target)));
for (const holder of document.querySelectorAll(".edge > .scroll")) {
  holder.addEventListener("scroll", () => edges(holder), { passive: true });
  seen.observe(holder); // also when what it is folded in opens
}

// ---- the matrix by another indicator, or another statistic ----
for (const grid of document.querySelectorAll(".grid")) {
  const data = grid.querySelector("script");
  if (!data) continue;
  const choices = JSON.parse(data.textContent);
  const [indicator, statistic] = grid.querySelectorAll("select");
  const show = () => {
    const { said, cells } = choices[`${indicator.value}|${statistic.value}`];
    grid.querySelector("caption span").textContent = said;
    [...grid.querySelector("tbody").rows].forEach((row, i) => cells[i].forEach(([value, standing, note], j) => {
      const cell = row.cells[j + 1];
      cell.className = standing;
      [cell.firstChild.textContent, cell.lastChild.textContent] = [value, note];
    }));
  };
  grid.addEventListener("change", show);
  show(); // browsers keep what was chosen before the page was loaded again
}

// ---- tables ----
const key = (row, column) => {
  const cell = row.cells[column];
  const text = cell.dataset.v ?? cell.textContent.trim();
  if (!cell.classList.contains("number")) return text;
  return text === "" ? null : Number(text);
};

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortBy(table, column) {
  const header = table.tHead.rows[0].cells[column];
  const descending = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is not there comes last either way
    return descending ? compare(b, a) : compare(a, b);
  });
  body.append(...rows.map(([, row]) => row));
}

function filter(table, text, said) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const content = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
    shown += !row.hidden;
  }
  said.textContent = words.length ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
}

for (const holder of document.querySelectorAll(".table")) {
  const table = holder.querySelector("table");
  table.tHead.addEventListener("click", (event) => {
    const header = event.target.closest("th");
    if (header) sortBy(table, header.cellIndex);
  });
  const input = holder.querySelector("input");
  if (input) input.addEventListener("input", () => filter(table, input.value, holder.querySelector("output")));
}

// ---- fronts: the architecture under the pointer, or under the arrow keys ----
function describe(tip, point, labels) {
  tip.replaceChildren();
  const name = document.createElement("strong");
  name.textContent = point.series;
  const code = document.createElement("code");
  code.textContent = point.architecture;
  const list = document.createElement("dl");
  labels.forEach((label, i) => {
    if (point.values[i] === null) return;
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = label;
    value.textContent = point.values[i];
    list.append(term, value);
  });
  tip.append(name, code, list);
}

function place(tip, front, dot) {
  const box = front.getBoundingClientRect();
  const at = dot.getBoundingClientRect();
  tip.hidden = false;
  const left = Math.min(at.right - box.left + 8, box.width - tip.offsetWidth);
  const above = at.top - box.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${above > -40 ? above : at.bottom - box.top + 8}px`;
}

/** The dot that an arrow key leads to: along a series, or to the nearest one of the next series. */
function next(svg, dot, pressed) {
  const shown = [...svg.querySelectorAll(".series:not(.hidden)")].filter((s) => s.querySelector(".dot"));
  if (!dot) return shown.at(-1)?.querySelector(".dot");
  const dots = [...dot.parentNode.querySelectorAll(".dot")];
  if (pressed === "ArrowLeft" || pressed === "ArrowRight") {
    return dots[dots.indexOf(dot) + (pressed === "ArrowRight" ? 1 : -1)] ?? dot;
  }
  const i = shown.indexOf(dot.parentNode) + (pressed === "ArrowDown" ? 1 : -1);
  const others = [...shown[(i + shown.length) % shown.length].querySelectorAll(".dot")];
  const x = (d) => d.getBoundingClientRect().left;
  return others.reduce((best, d) => (Math.abs(x(d) - x(dot)) < Math.abs(x(best) - x(dot)) ? d : best));
}

for (const front of document.querySelectorAll(".front")) {
  const { labels, points } = JSON.parse(front.querySelector("script").textContent);
  const tip = front.querySelector(".tip");
  const show = (dot) => {
    const point = points[dot.dataset.i];
    describe(tip, point, labels);
    const values = labels.map((label, i) => `${label} ${point.values[i]}`).filter((_, i) => point.values[i] !== null);
    dot.setAttribute("aria-label", [point.series, point.architecture, ...values].join(", "));
    place(tip, front, dot);
  };
  const hide = () => { tip.hidden = true; };
  for (const type of ["pointerover", "focusin"]) {
    front.addEventListener(type, (event) => {
      if (event.target.classList.contains("dot")) show(event.target);
    });
  }
  front.addEventListener("pointerout", hide);
  front.addEventListener("focusout", hide);
  for (const svg of front.querySelectorAll(".panel")) {
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      const current = event.target.classList.contains("dot") ? event.target : null;
      next(svg, current, event.key)?.focus();
    });
  }
  for (const button of front.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", String(on));
      for (const series of front.querySelectorAll(`.series[data-s="${button.dataset.s}"]`)) {
        series.classList.toggle("hidden", !on);
      }
    });
  }
}
