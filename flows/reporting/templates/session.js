const [USER, STATUS, REASON, PROGRESS, SCORE, TIME, LATE, DUE, COMPLETED, ARCHIVED, OUTCOMES] = Array(11).keys();
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
  const isOpen = !["unsuccessful", "sessionNotOpened"].includes(data.standings[row[STATUS]][0]);
  if (row[DUE] !== null && isOpen) return [`due ${inDays(row[DUE])}`, el("small", {}, day(row[DUE]))];
  return "–";
}
function outcome(code, place) {
  const state = code[0], number = code.slice(1), unit = number && state !== "s" && state !== "f" && state !== "r" ? " %" : "";
  const said = `Step ${place + 1}: ${data.states[state]}${number ? `, ${number} percent` : ""}`;
  return el("span", { class: state, title: said },
    el("span", { "aria-hidden": "true" }, `${MARKS[state]}${number ? ` ${number}${unit}` : ""}`), el("span", { class: "unseen" }, said));
}

table("learners", {
  rows: data.learners, missing: data.missing, first: 50, noun: ["learner", "learners"],
  words: (row) => [row[USER], ...(people.get(row[USER]) || [])].join(" "),
  filter: (row, value) => (value === "archived" ? row[ARCHIVED] !== null : row[ARCHIVED] === null && data.standings[row[STATUS]][0] === value),
  columns: [
    { label: "Learner", value: (row) => (people.get(row[USER]) || [""])[0] || row[USER], show: (row) => person(row[USER]) },
    { label: "Status", value: (row) => data.standings[row[STATUS]][1], show: (row) => [tag(row[STATUS]), row[REASON] ? el("small", {}, REASONS[row[REASON]]) : null] },
    { label: "Progress", number: true, value: (row) => row[PROGRESS], show: (row) => `${row[PROGRESS]} %` },
    { label: "Score", number: true, value: (row) => row[SCORE], show: (row) => (row[SCORE] === null ? "–" : `${row[SCORE]} %`) },
    { label: "Hours", number: true, value: (row) => row[TIME], show: (row) => duration(row[TIME]) },
    { label: "When", number: true, kind: "long", value: (row) => (row[LATE] === null ? null : days(row[LATE], data.asOf)), show: when },
    ...data.steps.map((step, place) => ({
      label: String(place + 1), kind: "step", value: (row) => RANKS.indexOf(row[OUTCOMES][place][0]), show: (row) => outcome(row[OUTCOMES][place], place),
    })),
  ],
});

/* Back to where this page was opened from: a file beside the report, or the server that made it. */
const back = document.getElementById("back");
if (location.protocol.startsWith("http") && !location.pathname.endsWith(".html")) back.href = `/${location.search}`;
back.hidden = false;
