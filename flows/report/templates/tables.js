"use strict";
const DAY = 86400;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const data = JSON.parse(document.getElementById("data").textContent);
/* A Map, because a plain object also has inherited keys such as "constructor" and "toString". */
const people = new Map(Object.entries(data.people));

/* Create an element. Children become text, never markup, because they may come from the data. */
function el(tag, attributes = {}, ...children) {
  const svg = tag === "svg" || tag === "rect";
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
const text = (value) => el("bdi", {}, String(value));
const whole = (value) => value.toLocaleString("en-US");
const plural = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;
const share = (part, all) => (all ? (part === all ? "100 %" : part ? `${Math.max(1, Math.min(99, Math.round(100 * part / all)))} %` : "0 %") : "–");

function day(seconds) {
  const when = new Date(seconds * 1000);
  return `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()]} ${when.getUTCFullYear()}`;
}
const days = (from, to) => Math.floor((to - from) / DAY);
function inDays(seconds) {
  const left = days(data.asOf, seconds);
  return left === 0 ? "within a day" : left === 1 ? "in 1 day" : `in ${whole(left)} days`;
}
function meter(percent) {
  return el("svg", { class: "meter", "aria-hidden": "true" },
    el("rect", { class: "track", width: "100%", height: "100%" }),
    el("rect", { class: "fill", width: `${percent}%`, height: "100%" }));
}
function tag(standing) {
  const [key, label] = data.status_counts[standing];
  return el("span", { class: "tag" }, el("span", { class: `swatch s-${key}`, "aria-hidden": "true" }), label);
}
function bar(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const parts = [];
  let from = 0;
  counts.forEach((count, place) => {
    if (!count) return;
    const width = 100 * count / all;
    parts.push(el("rect", { class: `s-${data.status_counts[place][0]}`, x: `${from}%`, height: "100%", width: `${Math.max(width - .25, .15)}%` }));
    from += width;
  });
  return el("svg", { class: "bar", "aria-hidden": "true" }, ...parts);
}
function person(user) {
  const known = people.get(user);
  if (!known) return [text(user)];
  const [name, email] = known;
  const more = [name && email, (name || email) && user].filter(Boolean);
  return [text(name || email || user), ...more.map((id) => el("span", { class: "id" }, text(id)))];
}

/* A table with sortable headers and a search field; it shows the first rows and more on demand.
   missing: the number of rows that are not on this page, so that an empty search result can mention them. */
function table(place, { columns, rows, missing = 0, first = 25, sort = null, words, noun, filter = null, details = null }) {
  const root = document.getElementById(place);
  const head = el("tr", { role: "row" }), body = el("tbody", { role: "rowgroup" });
  const more = el("div", { class: "more" }), empty = el("p", { class: "none", hidden: true });
  const beyond = missing ? `; ${plural(missing, "more is", "more are")} not on this page` : "";
  const count = root.querySelector(".count"), search = root.querySelector("input"), choice = root.querySelector("select");
  let shown = first, order = sort, found = rows;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function compare(one, other) {
    const [column, direction] = order;
    const [a, b] = [column.value(one), column.value(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return direction * (typeof a === "number" ? a - b : collator.compare(a, b));
  }
  columns.forEach((column) => {
    const header = el("th", { scope: "col", role: "columnheader", class: column.kind === "step" ? "step" : column.number ? "n" : null });
    const button = el("button", { type: "button" }, column.label);
    button.addEventListener("click", () => {
      const usual = column.number ? -1 : 1;
      order = order && order[0] === column ? [column, -order[1]] : [column, usual];
      render();
    });
    header.append(button);
    head.append(header);
    column.header = header;
  });
  function sorted() {
    const kept = [...found];
    if (order) kept.sort(compare);
    return kept;
  }
  function draw(row) {
    const line = el("tr", { role: "row" });
    columns.forEach((column, position) => {
      const content = [column.show(row)].flat();
      const cell = position === 0
        ? el("th", { scope: "row", role: "rowheader" }, ...content)
        : el("td", { role: "cell", class: [column.number && "n", column.kind].filter(Boolean).join(" ") || null, "data-label": column.label }, el("div", {}, ...content));
      line.append(cell);
    });
    const toggle = details && line.querySelector(".toggle");
    if (toggle) {
      toggle.addEventListener("click", () => {
        const isOpen = toggle.getAttribute("aria-expanded") === "true";
        toggle.setAttribute("aria-expanded", String(!isOpen));
        line.classList.toggle("open", !isOpen);
        if (isOpen) line.nextSibling.remove();
        else line.after(el("tr", { role: "row", class: "details" }, el("td", { role: "cell", colspan: columns.length }, ...[details(row)].flat())));
      });
    }
    return line;
  }
  function render() {
    columns.forEach((column) => {
      if (order && order[0] === column) column.header.setAttribute("aria-sort", order[1] > 0 ? "ascending" : "descending");
      else column.header.removeAttribute("aria-sort");
    });
    body.replaceChildren(...sorted().slice(0, shown).map(draw));
    empty.hidden = found.length > 0;
    empty.textContent = rows.length ? `None of the ${plural(rows.length, ...noun)} here matches${beyond}.` : "This list is empty.";
    const left = found.length - shown;
    more.replaceChildren();
    if (left > 0) {
      for (const step of [Math.min(left, 50), ...(left > 50 && left <= 1000 ? [left] : [])]) {
        const button = el("button", { type: "button", class: "push" }, step === left ? `Show all ${whole(found.length)}` : `Show ${step} more`);
        button.addEventListener("click", () => {
          const before = shown;
          shown += step;
          render();
          const next = body.querySelectorAll("tr:not(.details)")[before];
          const target = next && (next.querySelector("button, a") || next.querySelector("th"));
          if (target) { if (target.tagName === "TH") target.tabIndex = -1; target.focus({ preventScroll: true }); }
        });
        more.append(button);
      }
    }
    if (count) count.textContent = `${found.length === rows.length ? "" : `${whole(found.length)} of `}${plural(rows.length, ...noun)}${beyond}`;
  }
  function select() {
    const sought = search ? search.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    found = rows.filter((row) => {
      if (choice && choice.value && !filter(row, choice.value)) return false;
      if (!sought.length) return true;
      const content = words(row).toLowerCase();
      return sought.every((word) => content.includes(word));
    });
    shown = first;
    render();
  }
  if (search) search.addEventListener("input", select);
  if (choice) choice.addEventListener("change", select);
  const sheet = root.querySelector(".sheet");
  sheet.replaceChildren(
    el("table", { role: "table" }, el("caption", {}, sheet.dataset.caption), el("thead", { role: "rowgroup" }, head), body), empty);
  sheet.after(more);
  render();
}

/* The age of the data, by the clock of the reader's computer. */
const fresh = document.getElementById("fresh");
if (fresh) {
  const age = Date.now() / 1000 - data.asOf, hours = Math.floor(Math.abs(age) / 3600);
  const long = hours < 1 ? "less than an hour" : hours < 48 ? plural(hours, "hour", "hours") : plural(Math.floor(hours / 24), "day", "days");
  const isOld = age > 26 * 3600;
  fresh.textContent = age < 0 ? `${long} ahead of this computer's clock` : isOld ? `${long} old: no newer run has been published` : `${long} old`;
  fresh.classList.toggle("old", isOld);
}
