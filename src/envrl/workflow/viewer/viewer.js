"use strict";
// Keys, and the filter of a table that is on the page as a whole. Pages work without it.
const filter = document.getElementById("filter");
const rows = [...document.querySelectorAll("table.rows tbody tr")];
const target = (kind) => document.querySelector("link[rel=" + kind + "]");

if (filter && !filter.form) {
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
  });
}

const step = (by) => {
  const links = rows.filter((row) => !row.hidden && row.querySelector("a")).map((row) => row.querySelector("a"));
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
  if (next) next.focus();
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing || event.target.closest("pre, .replay")) return;
  const go = { ArrowLeft: "prev", ArrowRight: "next", u: "up" }[event.key];
  if (event.key === "/" && filter) {
    filter.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (rows.length === 0) return;
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (go && target(go)) {
    location.assign(target(go).href);
  } else {
    return;
  }
  event.preventDefault();
});
