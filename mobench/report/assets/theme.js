// Light or dark: the system's choice until the reader makes one; runs before anything is drawn.
"use strict";

const root = document.documentElement;
const stored = (value) => {
  try {
    if (value === undefined) return localStorage.getItem("mobench-theme");
    localStorage.setItem("mobench-theme", value);
  } catch { /* storage may be shut off for pages from disk */ }
  return null;
};
const system = matchMedia("(prefers-color-scheme: dark)");
const paint = (theme) => root.classList.toggle("dark", (theme || (system.matches ? "dark" : "light")) === "dark");
system.addEventListener("change", () => paint(stored()));
paint(stored());
document.addEventListener("click", (event) => {
  if (!event.target.closest("#theme")) return;
  const theme = root.classList.contains("dark") ? "light" : "dark";
  paint(theme);
  stored(theme);
});
