const [ID, NAME, STATE, STARTS, ENDS, ENROLLED, ARCHIVED, LATE, PROGRESS, SCORE, COUNTS, FILE, LATE_BY] = Array(13).keys();
const [SESSION, USER, MOMENT, DONE, STANDING, STEP, STEPS, LISTED] = Array(8).keys();
const STATES = ["not opened", "open", "ended"];
const SUCCESSFUL = data.status_counts.findIndex(([key]) => key === "successful");

/* The address of a session's page: in the folder of this file, or on the server that served this page. */
function pageOf(session) {
  if (session[FILE]) return `report/${encodeURIComponent(session[FILE])}`;
  const isServed = location.protocol.startsWith("http") && !location.pathname.endsWith(".html");
  return isServed ? `report/sessions/${encodeURIComponent(session[ID])}${location.search}` : null;
}
const sessionOf = (row) => (typeof row[SESSION] === "number" ? data.sessions[row[SESSION]] : null);
const nameOf = (row) => (sessionOf(row) ? sessionOf(row)[NAME] : row[SESSION]);
const sinceDays = (row) => (row[MOMENT] === null ? null : days(row[MOMENT], data.asOf));
const waited = (row) => (row[MOMENT] === null ? "–" : plural(sinceDays(row), "day", "days"));

function ends(session) {
  if (session[ENDS] === null) return "never";
  return session[STATE] === 1 ? [day(session[ENDS]), el("small", {}, inDays(session[ENDS]))] : day(session[ENDS]);
}

/* Late learners by their detailed status. */
const split = (counts) => counts.map((count, standing) => count && `${whole(count)} ${data.status_counts[standing][1].toLowerCase()}`).filter(Boolean).join(", ");
const places = new Map(data.sessions.map((session, place) => [session, place]));
function details(session) {
  const place = places.get(session);
  const box = el("div", { class: "drill" });
  const counts = el("ul", { class: "status_counts few" });
  session[COUNTS].forEach((count, standing) => {
    if (!count) return;
    const [key, label] = data.status_counts[standing];
    counts.append(el("li", {}, el("span", { class: `swatch s-${key}`, "aria-hidden": "true" }),
      el("span", {}, el("b", {}, whole(count)), ` ${label}`)));
  });
  const facts = [
    `${day(session[STARTS])} to ${session[ENDS] === null ? "no end" : day(session[ENDS])}`,
    STATES[session[STATE]], session[SCORE] === null ? null : `mean score ${session[SCORE]} %`,
    session[ARCHIVED] ? `${whole(session[ARCHIVED])} archived` : null].filter(Boolean);
  const address = pageOf(session);
  box.append(el("div", { class: "wide" }, session[ENROLLED] ? bar(session[COUNTS]) : null, counts,
    el("p", { class: "soft" }, facts.join(" · ")),
    address ? el("p", {}, el("a", { href: address }, `Every learner and step of this session`))
      : el("p", { class: "soft" }, "Every learner and step: ", el("code", {}, `pathstats report ${shell(session[ID])}`))));
  data.attention.forEach((kind) => {
    const total = kind.bySession[place] || 0;
    if (!total) return;
    const listed = kind.rows.filter((row) => row[SESSION] === place).slice(0, 5);
    box.append(el("div", {}, el("h3", {}, el("b", {}, whole(total)), ` ${kind.title.toLowerCase()}`),
      kind.name === "late" ? el("small", {}, split(session[LATE_BY])) : null,
      listed.length && listed.length < total ? el("small", {}, `the ${listed.length === 1 ? "one" : listed.length} ${kind.superlative}`) : null,
      el("ol", {}, ...listed.map((row) => el("li", {}, el("span", {}, text(shortName(row[USER]))), el("span", {}, KINDS[kind.name].brief(row)))))));
  });
  return box;
}
const shell = (id) => (/^[\w.-]+$/.test(id) && !id.startsWith("-") ? id : `'${id.replaceAll("'", "'\\''")}'`);

const shortName = (user) => (people.get(user) || []).find(Boolean) || user;
const learner = { label: "Learner", value: (row) => (people.get(row[USER]) || [""])[0] || row[USER], show: (row) => person(row[USER]) };
const session = { label: "Session", value: nameOf, show: (row) => text(nameOf(row)) };
const progress = { label: "Progress", number: true, value: (row) => row[DONE], show: (row) => `${row[DONE]} %` };
const standing = { label: "Status", value: (row) => data.status_counts[row[STANDING]][1], show: (row) => tag(row[STANDING]) };
const step = { label: "Step", value: (row) => row[STEP], show: (row) => text(row[STEP] || "–") };
const since = (label) => ({ label, number: true, kind: "long", value: sinceDays, show: (row) => [waited(row), row[MOMENT] === null ? null : el("small", {}, `since ${day(row[MOMENT])}`)] });
const KINDS = {
  late: {
    columns: [learner, session, since("Late for"), { label: "Steps overdue", number: true, value: (row) => row[STEPS], show: (row) => whole(row[STEPS]) }, progress, standing],
    brief: (row) => `${waited(row)} late`,
  },
  ending: {
    columns: [learner, session, { label: "Ends", number: true, kind: "long", value: (row) => row[MOMENT], show: (row) => [inDays(row[MOMENT]), el("small", {}, day(row[MOMENT]))] },
      { label: "Steps open", number: true, value: (row) => row[STEPS], show: (row) => whole(row[STEPS]) }, progress, standing],
    brief: (row) => `${row[DONE]} % done`,
  },
  retake: {
    columns: [learner, session, step, since("Done for"), { label: "What to do", value: (row) => row[STEPS], show: (row) => (row[STANDING] === "mandatoryReplay" ? "do it again in this session" : "retake the step") }],
    brief: (row) => (row[MOMENT] === null ? "to do again here" : `done for ${waited(row)}`),
  },
  correction: { columns: [learner, session, step, since("Waiting for"), progress], brief: waited },
};

table("sessions", {
  rows: data.sessions, missing: data.sessionsMissing, first: 15, noun: ["session", "sessions"], details,
  words: (row) => `${row[NAME]} ${row[ID]}`, filter: (row, value) => STATES[row[STATE]] === value,
  columns: [
    { label: "Session", value: (row) => row[NAME], show: (row) => [el("button", { type: "button", class: "toggle", "aria-expanded": "false" }, el("span", {}, text(row[NAME]))), el("span", { class: "id" }, text(row[ID]))] },
    { label: "State", value: (row) => STATES[row[STATE]], show: (row) => STATES[row[STATE]] },
    { label: "Learners", number: true, value: (row) => row[ENROLLED], show: (row) => whole(row[ENROLLED]) },
    { label: "Progress", number: true, value: (row) => row[PROGRESS], show: (row) => (row[PROGRESS] === null ? "–" : [`${Math.floor(row[PROGRESS])} %`, meter(row[PROGRESS])]) },
    { label: "Late", number: true, value: (row) => (row[ENROLLED] ? row[LATE] / row[ENROLLED] : null), show: (row) => (row[STATE] === 1 ? [share(row[LATE], row[ENROLLED]), el("small", {}, whole(row[LATE]))] : "–") },
    { label: "Successful", number: true, value: (row) => (row[ENROLLED] ? row[COUNTS][SUCCESSFUL] / row[ENROLLED] : null), show: (row) => [share(row[COUNTS][SUCCESSFUL], row[ENROLLED]), el("small", {}, whole(row[COUNTS][SUCCESSFUL]))] },
    { label: "Ends", number: true, value: (row) => row[ENDS], show: ends },
  ],
});
data.attention.forEach((kind) => table(`panel-${kind.name}`, {
  rows: kind.rows.filter((row) => row[LISTED]), missing: kind.missing, first: 10, noun: ["enrollment", "enrollments"],
  words: (row) => [row[USER], ...(people.get(row[USER]) || []), nameOf(row), row[STEP]].join(" "),
  columns: KINDS[kind.name].columns.map((column) => ({ ...column })),
}));

const tabs = [...document.querySelectorAll("[role=tab]")];
function choose(tab) {
  tabs.forEach((other) => {
    const isChosen = other === tab;
    other.setAttribute("aria-selected", String(isChosen));
    other.tabIndex = isChosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !isChosen;
  });
}
tabs.forEach((tab, place) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});
if (tabs.length) choose(tabs[0]);
