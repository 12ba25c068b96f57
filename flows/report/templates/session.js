const [USER, STATUS, REASON, PROGRESS, SCORE, TIME, LATE, DUE, COMPLETED, ARCHIVED, OUTCOMES] = Array(11).keys();
const [STEP, STEP_ID, AT, REACHED, SPENT, WORDS] = Array(6).keys();
const MARKS = { s: "✓", f: "✕", r: "↻", p: "⟲", w: "?", o: "!", n: "–", x: "·" };
const RANKS = "xspnwrof";
const REASONS = { mandatoryReplay: "to do again in this session", sessionEnded: "the session has ended" };

function duration(seconds) {
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return `${whole(hours)}:${String(minutes).padStart(2, "0")}`;
}
function when(row) {
  if (row[ARCHIVED] !== null) return ["archived", el("small", {}, day(row[ARCHIVED]))];
  if (row[COMPLETED] !== null) return ["earned", el("small", {}, day(row[COMPLETED]))];
  if (row[LATE] !== null) return [`late for ${plural(days(row[LATE], data.asOf), "day", "days")}`, el("small", {}, `since ${day(row[LATE])}`)];
  const isOpen = !["unsuccessful", "sessionNotOpened"].includes(data.status_counts[row[STATUS]][0]);
  if (row[DUE] !== null && isOpen) return [`due ${inDays(row[DUE])}`, el("small", {}, day(row[DUE]))];
  return "–";
}
function outcome(code, place) {
  const state = code[0], number = code.slice(1), unit = number && state !== "s" && state !== "f" && state !== "r" ? " %" : "";
  const label = `Step ${place + 1}: ${data.states[state]}${number ? `, ${number} percent` : ""}`;
  return el("span", { class: state, title: label },
    el("span", { "aria-hidden": "true" }, `${MARKS[state]}${number ? ` ${number}${unit}` : ""}`), el("span", { class: "unseen" }, label));
}
/* Attempts that do not count or fail a condition, by user. */
const attempts = new Map(data.learners.map((row, place) => [row[USER], data.attempts[place]]));
function learner(row) {
  const [first, ...more] = person(row[USER]);
  return attempts.get(row[USER]).length ? [el("button", { type: "button", class: "toggle", "aria-expanded": "false" }, el("span", {}, first)), ...more] : [first, ...more];
}
function tried(attempt) {
  const [at, score, ms] = [attempt[AT], attempt[REACHED], attempt[SPENT]];
  const facts = [
    at === null ? null : `${day(at)}, ${new Date(at * 1000).toISOString().slice(11, 16)}`, score === null ? null : `${score} %`,
    ms === null ? null : `${duration(ms / 1000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`].filter(Boolean);
  const step = attempt[STEP] === null ? "" : `${attempt[STEP]} `;
  return el("li", {}, el("span", {}, step, text(attempt[STEP_ID]), el("small", {}, facts.join(" · "))), text(attempt[WORDS]));
}
const details = (row) => [el("p", {}, "Attempts that do not count or fail a condition, by step; times are UTC"),
  el("ul", { class: "attempts" }, ...attempts.get(row[USER]).map(tried))];

table("learners", {
  rows: data.learners, missing: data.missing, first: 50, noun: ["learner", "learners"], details,
  words: (row) => [row[USER], ...(people.get(row[USER]) || [])].join(" "),
  filter: (row, value) => (value === "archived" ? row[ARCHIVED] !== null : row[ARCHIVED] === null && data.status_counts[row[STATUS]][0] === value),
  columns: [
    { label: "Learner", value: (row) => (people.get(row[USER]) || [""])[0] || row[USER], show: learner },
    { label: "Status", value: (row) => data.status_counts[row[STATUS]][1], show: (row) => [tag(row[STATUS]), row[REASON] ? el("small", {}, REASONS[row[REASON]]) : null] },
    { label: "Progress", number: true, value: (row) => row[PROGRESS], show: (row) => `${row[PROGRESS]} %` },
    { label: "Score", number: true, value: (row) => row[SCORE], show: (row) => (row[SCORE] === null ? "–" : `${row[SCORE]} %`) },
    { label: "Hours", number: true, value: (row) => row[TIME], show: (row) => duration(row[TIME]) },
    { label: "When", number: true, kind: "long", value: (row) => (row[LATE] === null ? null : days(row[LATE], data.asOf)), show: when },
    ...data.steps.map((step, place) => ({
      label: String(place + 1), kind: "step", value: (row) => RANKS.indexOf(row[OUTCOMES][place][0]), show: (row) => outcome(row[OUTCOMES][place], place),
    })),
  ],
});

/* The link back to the report: a file in the parent folder, or a page of the same server. */
const back = document.getElementById("back");
if (location.protocol.startsWith("http") && !location.pathname.endsWith(".html")) back.href = `/${location.search}`;
back.hidden = false;
