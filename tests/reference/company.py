"""The rows of all companies by what they are asked for, and every enrollment as of any instant (R16, R17)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from tests.reference.case import Case, is_archived, is_valid
from tests.reference.fields import (
    Learner,
    all_required_finished_at,
    completed_at,
    detailed_status,
    global_time_ms,
    progress,
    score,
    started_at,
)
from tests.reference.rows import (
    Attempt,
    ChildSession,
    Enrollment,
    Path,
    Session,
    Step,
    Tables,
    Waiver,
    typed,
)
from tests.reference.step_outcome import Outcome
from tests.reference.sub_path import Child, SubPath

Pair = tuple[str, str, str]  # company, session, user


class Companies:
    """Everything there is, and what the rules say of it; each learner in a session is asked about once."""

    def __init__(self, tables: Tables) -> None:
        self.users = {(row["company_id"], row["user_id"]) for row in tables["users"]}
        self.paths = {(path.company_id, path.path_id): path for path in typed(Path, tables["paths"])}
        sessions = typed(Session, tables["path_sessions"])
        # decision: a session of an unknown path does not count, for no rule.
        self.sessions = {
            (s.company_id, s.session_id): s for s in sessions if (s.company_id, s.path_id) in self.paths
        }
        self.definitions: dict[tuple[str, str], list[Step]] = defaultdict(list)
        for step in typed(Step, tables["path_steps"]):
            self.definitions[step.company_id, step.path_id].append(step)
        self.waivers: dict[tuple[str, str], list[Waiver]] = defaultdict(list)
        for waiver in typed(Waiver, tables.get("waivers", [])):
            self.waivers[waiver.company_id, waiver.path_id].append(waiver)
        self.attempts: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for attempt in typed(Attempt, tables["step_activity"]):
            self.attempts[attempt.company_id, attempt.user_id].append(attempt)
        self.enrollments: dict[Pair, list[Enrollment]] = defaultdict(list)
        for it in typed(Enrollment, tables["enrollments"]):
            self.enrollments[it.company_id, it.session_id, it.user_id].append(it)
        self.root_of_child = {
            (it.company_id, it.session_id): it.root_session_id
            for it in typed(ChildSession, tables.get("child_sessions", []))
            if (it.company_id, it.session_id) in self.sessions
            and (it.company_id, it.root_session_id) in self.sessions
        }
        self.responses: dict[tuple[Pair, datetime], list[Learner]] = {}

    def learners(self, pair: Pair, as_of: datetime) -> list[Learner]:
        """The user's enrollments in the session that take part, as of an instant."""
        if (pair, as_of) not in self.responses:
            self.responses[pair, as_of] = [
                Learner(case, self.outcomes_of(case)) for case in self.cases(pair, as_of)
            ]
        return self.responses[pair, as_of]

    def cases(self, pair: Pair, as_of: datetime) -> Iterator[Case]:
        """enrolled_at ≤ T, and no reference is missing."""
        company, session_id, user = pair
        session = self.sessions.get((company, session_id))
        # decision: an enrollment with an unknown session, user or path does not take part.
        if session is None or (company, user) not in self.users:
            return
        path = self.paths[company, session.path_id]
        there = [it for it in self.enrollments.get(pair, []) if it.enrolled_at <= as_of]
        for enrollment in there:
            yield Case(
                as_of,
                enrollment,
                session,
                path,
                self.definitions[company, path.path_id],
                there,
                self.attempts[company, user],
                self.waivers[company, path.path_id],
            )

    def outcomes_of(self, case: Case) -> list[Outcome]:
        """R5: the outcome of each counted step that is not waived, by position."""
        children = {step.step_id: self.child(case, step) for step in case.steps}

        def outcomes(steps: list[Step]) -> list[Outcome]:
            found: list[Outcome] = []
            for step in steps:
                child, before = children[step.step_id], list(found)
                found.append(SubPath(case, step, before, child) if child else Outcome(case, step, before))
            return found

        waived = waived_steps(case, outcomes(case.steps))
        return outcomes([step for step in case.steps if step.step_id not in waived])

    def child(self, case: Case, step: Step) -> Child | None:
        """R17: the results of a sub-path's child enrollment as of T_eff; None without one."""
        company, user = case.enrollment.company_id, case.enrollment.user_id
        if step.type != "path" or self.leads_to(company, step.step_id, case.path.path_id):
            return None
        here = case.session.session_id
        root = self.root_of_child.get((company, here), here)
        learners = [
            learner
            for (of, session_id), root_of in self.root_of_child.items()
            if of == company and root_of == root
            if self.sessions[of, session_id].path_id == step.step_id
            for learner in self.learners((company, session_id, user), case.t_eff)
        ]
        return output_text(live_release(learners)) if learners else None

    def leads_to(self, company: str, start: str, goal: str) -> bool:
        """R17: whether a path is the other one, or has it as a sub-path at any time, however deep."""
        seen, ahead = set(), [start]
        while ahead:
            path = ahead.pop()
            if path == goal:
                return True
            if path not in seen and (company, path) in self.paths:
                seen.add(path)
                ahead += [s.step_id for s in self.definitions[company, path] if s.type == "path"]
        return False


def waived_steps(case: Case, outcomes: list[Outcome]) -> set[str]:
    """R16: the steps that the score in a counted step waives, by whichever thresholds it reaches."""
    scores = {outcome.step.step_id: outcome.score for outcome in outcomes}
    waived = set()
    for waiver in case.waivers:
        score_reached = scores.get(waiver.step_id)
        if is_valid(waiver, case.t_eff) and score_reached is not None and score_reached >= waiver.threshold:
            waived.add(waiver.waived_step_id)
    return waived


def live_release(learners: list[Learner]) -> Learner:
    """R15, over the learner's enrollments in all child sessions of a step."""
    here = [it for it in learners if not is_archived(it.case.enrollment, it.case.as_of)]
    if here:
        return max(here, key=lambda it: (it.case.enrollment.enrolled_at, it.case.enrollment.enrollment_id))
    return max(learners, key=lambda it: (it.case.enrollment.archived_at, it.case.enrollment.enrollment_id))


def output_text(it: Learner) -> Child:
    """A child enrollment as a step of the parent path."""
    return Child(
        progress(it),
        score(it),
        global_time_ms(it),
        started_at(it),
        all_required_finished_at(it),
        completed_at(it),
        detailed_status(it).rule,
        any(outcome.replay_pending for outcome in it.required),
    )
