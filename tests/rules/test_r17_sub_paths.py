"""R17: a step of type path takes its outcome from the learner's child session."""

from tests.reference.rows import Tables
from tests.reference.tables import Judge, at, expect, of_company, side_by_side, world

PATHS = "path \n P \n Q"
SESSIONS = "session | path \n S | P \n C | Q"
ENROLLED = "enrollment | session \n e1 | S \n c1 | C"


def of(judge: Judge, tables: Tables, day: str, then: str, session: str = "S") -> None:
    rows = judge(tables, at(day)).path_session_stats
    expect([row for row in rows if row["session_id"] == session], then)


def steps_of(judge: Judge, tables: Tables, day: str, then: str, session: str = "S") -> None:
    expect([row for row in judge(tables, at(day)).step_stats if row["session_id"] == session], then)


def simple(activity: str, **blocks: str) -> Tables:
    """Path P of course A and sub-path Q, of courses B and D."""
    given = {
        "paths": PATHS,
        "sessions": SESSIONS,
        "enrollments": ENROLLED,
        "children": "session \n C",
        "steps": "path | step | type \n P | A | \n P | Q | path \n Q | B | \n Q | D |",
    }
    return world(activity=activity, **{**given, **blocks})


def test_its_score_is_the_child_sessions_mean_rounded(judge: Judge) -> None:
    activity = "step | session | completed | score \n B | C | 3 Mar | 79.3 \n D | C | 3 Mar | 79.7"
    tables = simple(f"{activity} \n A | S | 3 Mar | 78.5")
    steps_of(judge, tables, "4 Mar", "step | score \n A | 78.5 \n Q | 80")
    of(judge, tables, "4 Mar", "score \n 79")


def test_sub_path_is_finished_and_successful_as_the_child_session_is(judge: Judge) -> None:
    tables = simple(
        """
        step | session | completed | score | time_ms
        B    | C       | 3 Mar     | 60    | 10
        D    | C       | 5 Mar     | 71    | 20
        """
    )
    for day, then in {
        "2 Mar": "no  |       | no  |       | 0   |    | 0",
        "4 Mar": "no  |       | no  |       | 50  | 60 | 10",
        "6 Mar": "yes | 5 Mar | yes | 5 Mar | 100 | 66 | 30",
    }.items():
        header = "finished | finished_at | successful | successful_at | progress | score | time_ms"
        rows = [row for row in judge(tables, at(day)).step_stats if row["step_id"] == "Q"]
        expect(rows, f"{header} \n {' | '.join(cell.strip() for cell in then.split('|'))}")
    of(
        judge,
        tables,
        "4 Mar",
        "progress | global_time_ms | score | started | detail \n 25|10|60|3 Mar|onTime",
    )
    of(judge, tables, "6 Mar", "progress | global_time_ms | score \n 50 | 30 | 66")


def test_sub_path_counts_by_activity_without_a_child_enrollment(judge: Judge) -> None:
    activity = """
        step | session | completed | score | time_ms
        Q    | S       | 3 Mar     | 60    | 10
        B    | C       | 4 Mar     | 90    | 20
        """
    own, childs = "3 Mar | 60 | 10 | 1", "| 90 | 20 | 0"
    variants = (
        ({}, childs),
        ({"children": "session | root \n C | other"}, own),
        ({"enrollments": "enrollment | session | enrolled \n e1 | S | \n c1 | C | 7 Mar"}, own),
        ({"enrollments": "enrollment | session | user \n e1 | S | \n c1 | C | u2"}, own),
        ({"sessions": "session | path \n S | P \n C | P"}, own),
        ({"paths": "path \n P"}, own),
    )
    tables = side_by_side(simple(activity, **blocks) for blocks, _ in variants)
    every = judge(tables, at("6 Mar")).step_stats
    rows = [row for row in every if (row["session_id"], row["step_id"]) == ("S", "Q")]
    for number, (_, expected) in enumerate(variants):
        then = f"finished_at | score | time_ms | attempts_used \n {expected}"
        expect(of_company(rows, number), then)


def test_activity_on_a_sub_path_is_ignored_with_a_child(judge: Judge) -> None:
    tables = simple("step | session | completed | score | time_ms \n Q | S | 3 Mar | 60 | 10")
    of(judge, tables, "6 Mar", "progress | global_time_ms | score | detail \n 0 | 0 | | notYetStarted")


def test_child_is_evaluated_as_of_the_parent_s_t_eff(judge: Judge) -> None:
    """Unenrolled above on 4 March, below only on the 6th; or below first."""
    tables = simple(
        "step | session | completed \n B | C | 3 Mar \n D | C | 5 Mar",
        enrollments="""
        enrollment | session | user | archived
        e1         | S       | u1   | 4 Mar
        c1         | C       | u1   | 6 Mar
        e2         | S       | u2   |
        c2         | C       | u2   | 4 Mar
        """,
    )
    for user in ("u1", "u2"):
        tables["step_activity"] += [
            {**row, "user_id": "u2", "activity_id": f"b{n}"}
            for n, row in enumerate(tables["step_activity"])
            if user == "u2" and row["user_id"] == "u1"
        ]
    of(judge, tables, "9 Mar", "user | progress | archived \n u1 | 25 | 4 Mar \n u2 | 25 |")
    of(judge, tables, "9 Mar", "user | progress \n u1 | 100 \n u2 | 50", session="C")


def test_current_child_enrollment_decides_a_sub_path(judge: Judge) -> None:
    """R15, over all child sessions of the step: not archived and enrolled last, else archived last."""
    tables = simple(
        """
        step | session | completed
        B    | D       | 2 Mar
        B    | C       | 2 Mar
        D    | C       | 2 Mar
        """,
        paths="path | replay \n P | no \n Q | yes",
        sessions="session | path | restarts \n S | P | \n C | Q | yes \n D | Q |",
        children="session \n C \n D",
        enrollments="""
        enrollment | session | enrolled | archived
        e1         | S       | 1 Mar    |
        c1         | C       | 1 Mar    | 7 Mar
        c2         | C       | 3 Mar    | 5 Mar
        d1         | D       | 1 Mar    | 6 Mar
        """,
    )
    for day, progress in {"2 Mar": 50, "4 Mar": 0, "5 Mar": 50, "6 Mar": 100, "8 Mar": 100}.items():
        rows = [row for row in judge(tables, at(day)).step_stats if row["enrollment_id"] == "e1"]
        expect(rows, f"step | progress \n A | 0 \n Q | {progress}")


def test_sub_paths_of_sub_paths(judge: Judge) -> None:
    """All were made for the outermost session."""
    tables = world(
        paths="path \n P \n Q \n R",
        sessions="session | path \n S | P \n C | Q \n D | R",
        children="session \n C \n D",
        enrollments="enrollment | session \n e1 | S \n c1 | C \n d1 | D",
        steps="path | step | type \n P | Q | path \n Q | R | path \n R | A |",
        activity="step | session | completed | score | time_ms \n A | D | 4 Mar | 70 | 10",
    )
    of(judge, tables, "5 Mar", "detail | completed | score | global_time_ms \n successful | 4 Mar | 70 | 10")


def test_a_path_that_leads_back_to_itself_is_followed_nowhere(judge: Judge) -> None:
    """P → Q → R → Q: the step that leads into the circle has a child; steps in it count by activity."""
    tables = world(
        paths="path \n P \n Q \n R",
        sessions="session | path \n S | P \n C | Q \n D | R",
        children="session \n S \n C \n D",
        enrollments="enrollment | session \n e1 | S \n c1 | C \n d1 | D",
        steps="""
        path | step | type
        P    | P    | path
        P    | Q    | path
        Q    | R    | path
        R    | Q    | path
        """,
        activity="""
        step | session | completed | score
        R    | C       | 4 Mar     | 70
        Q    | D       | 4 Mar     | 50
        P    | S       | 4 Mar     | 10
        """,
    )
    steps_of(judge, tables, "5 Mar", "step | finished | score \n P | yes | 10 \n Q | yes | 70")
    steps_of(judge, tables, "5 Mar", "step | score | attempts_used \n R | 70 | 1", session="C")
    steps_of(judge, tables, "5 Mar", "step | score | attempts_used \n Q | 50 | 1", session="D")


STEP_B = (
    "path | step | type | {} \n P | A | course | \n P | Q | path | \n Q | B | course | {} \n Q | D | course |"
)


def test_sub_path_is_exhausted_as_soon_as_the_child_is(judge: Judge) -> None:
    """R11.3 waits for no open step, below or above."""
    tables = simple(
        "step | session | completed | score \n B | C | 3 Mar | 10",
        steps=STEP_B.format("min_score | limit", "50 | 1"),
    )
    steps_of(
        judge,
        tables,
        "5 Mar",
        """
        step | finished | exhausted | to_retake | progress
        A    | no       | no        | no        | 0
        Q    | no       | yes       | no        | 50
        """,
    )
    of(
        judge,
        tables,
        "5 Mar",
        "detail | decided_by | result | progress \n unsuccessful | Q | unsuccessful | 25",
    )


def test_exhausted_optional_sub_path_affects_the_result_once_finished(judge: Judge) -> None:
    tables = simple(
        "step | session | completed | score \n B | C | 3 Mar | 10 \n D | C | 6 Mar | \n A | S | 2 Mar |",
        steps="""
        path | step | type   | optional | min_score | limit
        P    | A    | course | no       |           |
        P    | Q    | path   | yes      |           |
        Q    | B    | course | no       | 50        | 1
        Q    | D    | course | no       |           |
        """,
    )
    for day, result in {"5 Mar": "successful", "7 Mar": "unsuccessful"}.items():
        of(judge, tables, day, f"detail | result \n successful | {result}")


def test_sub_path_is_to_retake_when_its_child_is(judge: Judge) -> None:
    tables = simple(
        "step | session | completed | score \n B | C | 3 Mar | 10 \n D | C | 4 Mar | \n A | S | 2 Mar |",
        steps=STEP_B.format("min_score", "50"),
    )
    of(judge, tables, "3 Mar", "detail | result \n onTime |")
    of(judge, tables, "5 Mar", "detail | decided_by | result | progress \n toRetake | Q | retake | 100")


def test_sub_path_is_replay_pending_when_its_child_is(judge: Judge) -> None:
    tables = simple(
        "step | session | completed \n B | - | 2 Jan \n D | C | 4 Mar \n A | S | 2 Mar",
        paths="path | replay \n P | no \n Q | yes",
    )
    steps_of(judge, tables, "5 Mar", "step | replay_pending \n A | no \n Q | yes")
    of(judge, tables, "5 Mar", "detail | decided_by | result \n toRetake / mandatoryReplay | Q |")


def test_sub_path_awaits_correction_when_its_child_does(judge: Judge) -> None:
    tables = simple(
        "step | session | completed \n B | C | 4 Mar",
        steps="path | step | type \n P | A | \n P | Q | path \n Q | B | \n Q | X | assessment",
        sessions="session | path | ends \n S | P | 8 Mar \n C | Q |",
    )
    of(judge, tables, "3 Mar", "status | detail \n onTime | notYetStarted")
    for day in ("5 Mar", "9 Mar"):
        then = "status | detail | decided_by \n awaitingCorrection | awaitingCorrection | Q"
        of(judge, tables, day, then)


def test_sub_path_is_due_and_blocks_like_any_step(judge: Judge) -> None:
    tables = simple(
        "step | session | completed \n B | C | 4 Mar \n D | C | 6 Mar",
        steps="""
        path | step | type       | due
        P    | Q    | path       | 4 days
        P    | X    | assessment |
        Q    | B    | course     | 1 day
        Q    | D    | course     |
        """,
    )
    of(judge, tables, "3 Mar", "status | detail | next_due_at \n onTime | notYetStarted | 5 Mar")
    of(judge, tables, "5 Mar 12:00", "status | detail | decided_by | overdue_steps \n late | late | Q | 1")
    of(judge, tables, "7 Mar", "detail | decided_by | overdue_steps \n awaitingCorrection | X | 0")


def test_before_the_child_session_opens_it_is_not_successful(judge: Judge) -> None:
    tables = simple(
        "step | session | completed \n B | - | 2 Jan \n D | - | 3 Jan \n A | S | 1 Mar",
        sessions="session | path | starts \n S | P | \n C | Q | 9 Mar",
    )
    for day, detail in {"5 Mar": "toRetake", "9 Mar": "successful"}.items():
        of(judge, tables, day, f"progress | detail \n 100 | {detail}")


def test_a_child_session_that_has_ended_leaves_the_step_open(judge: Judge) -> None:
    tables = simple(
        "step | session | completed \n B | C | 2 Mar",
        sessions="session | path | ends \n S | P | 9 Mar \n C | Q | 4 Mar",
    )
    of(judge, tables, "5 Mar", "detail | result \n onTime |")
    of(judge, tables, "9 Mar", "detail | result \n unsuccessful / sessionEnded |")


def test_a_sub_path_may_be_waived_and_its_score_may_waive(judge: Judge) -> None:
    activity = (
        "step | session | completed | score | time_ms \n B | C | 2 Mar | 60 | 10 \n A | S | 2 Mar | 40 | 1"
    )
    waivers = ("A | 40 | Q", "Q | 60 | A", "Q | 60 | Q")
    tables = side_by_side(simple(activity, waivers=f"quiz | threshold | waives \n {it}") for it in waivers)
    steps_of(judge, tables, "5 Mar", "company | step \n 0 | A \n 1 | Q \n 2 | A")
    of(judge, tables, "5 Mar", "company | global_time_ms \n 0 | 1 \n 1 | 11 \n 2 | 1")


def test_a_step_that_is_waived_below_is_missing_there(judge: Judge) -> None:
    tables = simple(
        "step | session | completed | score \n B | C | 2 Mar | 60",
        waivers="path | quiz | threshold | waives \n Q | B | 50 | D",
    )
    of(judge, tables, "5 Mar", "progress | required_steps_finished | required_steps \n 50 | 1 | 2")
