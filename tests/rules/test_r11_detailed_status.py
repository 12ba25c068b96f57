"""R11: the detailed status, its reason, and the step that decided."""

from tests.reference.tables import Judge, at, expect, world


def test_the_session_opens_at_its_very_instant(judge: Judge) -> None:
    tables = world(steps="step \n A", enrollments="enrollment | enrolled \n e1 | 15 Feb")
    expect(judge(tables, at("28 Feb 23:59:59.999999")).path_session_stats, "detail \n sessionNotOpened")
    expect(judge(tables, at("1 Mar")).path_session_stats, "detail \n notYetStarted")


def test_successful_goes_before_an_exhausted_optional_step(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | limit | optional
        A    |           |       |
        O    | 80        | 1     | yes
        """,
        activity="""
        step | completed | score
        A    | 3 Mar     |
        O    | 4 Mar     | 10
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        detail     | result       | completed | decided_by
        successful | unsuccessful | 3 Mar     |
        """,
    )


def test_exhausted_goes_before_awaiting_correction(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | min_score
        Z    | assessment | 80
        B    | assessment | 80
        C    | assessment |
        """,
        activity="""
        step | completed | score
        Z    | 3 Mar     | 10
        B    | 2 Mar     | 10
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        status             | detail       | decided_by
        awaitingCorrection | unsuccessful | Z
        """,
    )


def test_exhausted_stays_without_reason_after_the_end(judge: Judge) -> None:
    tables = world(
        steps="step | min_score | limit \n A | 80 | 1 \n B | |",
        activity="step | completed | score \n A | 3 Mar | 10",
    )
    expect(judge(tables, at("5 Apr")).path_session_stats, "detail | decided_by \n unsuccessful | A")


def test_awaiting_correction_also_after_the_end(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | due
        A    | course     | 1 day
        B    | assessment |
        C    | assessment |
        """,
        activity="step | completed \n A | 2 Mar",
    )
    for as_of in ("5 Mar", "5 Apr"):
        expect(judge(tables, at(as_of)).path_session_stats, "detail | decided_by \n awaitingCorrection | B")


def test_to_retake_when_every_required_step_is_finished(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score
        A    |
        B    | 80
        C    | 80
        """,
        activity="""
        step | completed | score
        A    | 2 Mar     |
        B    | 3 Mar     | 60
        C    | 6 Mar     | 60
        """,
    )
    for as_of, expected in {
        "5 Mar": "detail | result | decided_by \n onTime | retake |",
        "6 Mar": "detail | result | decided_by \n toRetake | retake | B",
        "5 Apr": "detail | result | decided_by \n unsuccessful / sessionEnded | retake | B",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_replay_pending_step_together_with_done_and_to_retake_steps(judge: Judge) -> None:
    tables = world(
        paths="replay \n yes",
        steps="""
        step | position | min_score
        C    | 1        |
        B    | 2        | 80
        A    | 3        |
        """,
        activity="""
        step | session | completed | score
        A    | -       | 2 Feb     |
        B    | S       | 3 Mar     | 60
        C    | S       | 4 Mar     |
        """,
    )
    for as_of, expected in {
        "5 Mar": "detail | decided_by | result | progress \n toRetake / mandatoryReplay | B | retake | 66",
        "1 Apr": "detail | decided_by | result | progress \n unsuccessful / sessionEnded | B | retake | 66",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_optional_replay_pending_step_gives_no_reason(judge: Judge) -> None:
    tables = world(
        paths="replay \n yes",
        steps="""
        step | optional | min_score
        O    | yes      |
        A    |          | 80
        """,
        activity="""
        step | session | completed | score
        O    | -       | 2 Feb     |
        A    | S       | 3 Mar     | 60
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "detail | decided_by \n toRetake | A")


def test_a_replay_pending_examination_awaits_correction_first(judge: Judge) -> None:
    tables = world(
        paths="replay \n yes",
        steps="step | type \n A | assessment",
        activity="step | session | completed \n A | - | 2 Feb",
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "detail | decided_by \n awaitingCorrection | A")


def test_not_yet_started_goes_before_late(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due              | optional
        A    | 5 Mar            |
        B    | 3 days of session |
        C    | 2 days           |
        O    | 1 day            | yes
        """,
        activity="step | started \n O | 6 Mar",
    )
    for as_of, expected in {
        "3 Mar": "detail | status | decided_by \n notYetStarted | onTime |",
        "5 Mar": "detail | status | decided_by \n notYetStarted | late |",
        "6 Mar": "detail | status | decided_by \n late | late | B",
        "5 Apr": "detail | status | decided_by \n unsuccessful / sessionEnded | late | B",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_an_absolute_due_date_never_makes_the_detail_late(judge: Judge) -> None:
    tables = world(
        steps="step | due \n A | 2 Mar \n B |",
        activity="step | started \n B | 2 Mar",
    )
    for as_of, expected in {
        "5 Mar": "detail | status | decided_by \n onTime | late |",
        "5 Apr": "detail | status | decided_by \n unsuccessful / sessionEnded | late |",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_the_end_is_exclusive(judge: Judge) -> None:
    tables = world(steps="step \n A")
    expect(judge(tables, at("31 Mar 23:59:59.999999")).path_session_stats, "detail \n notYetStarted")
    expect(judge(tables, at("1 Apr")).path_session_stats, "detail \n unsuccessful / sessionEnded")


def test_a_session_that_ends_as_it_starts_was_never_open(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions="session | starts | ends \n S | 5 Mar | 5 Mar",
        activity="step | completed \n A | 5 Mar",
    )
    expect(judge(tables, at("4 Mar")).path_session_stats, "detail \n sessionNotOpened")
    expect(judge(tables, at("5 Mar")).path_session_stats, "detail \n unsuccessful / sessionEnded")


def test_an_archived_learner_does_not_see_the_end(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | user | archived
        e1         | u1   | 31 Mar
        e2         | u2   | 1 Apr
        """,
    )
    expect(
        judge(tables, at("5 Apr")).path_session_stats,
        """
        enrollment | detail
        e1         | notYetStarted
        e2         | unsuccessful / sessionEnded
        """,
    )


def test_learner_without_a_required_step_is_never_successful_or_to_retake(judge: Judge) -> None:
    tables = world(
        steps="step | optional | min_score \n O | yes | 80",
        activity="step | completed | score \n O | 4 Mar | 60",
    )
    for as_of, expected in {
        "3 Mar": "detail | result \n notYetStarted |",
        "5 Mar": "detail | result \n onTime | retake",
        "1 Apr": "detail | result \n unsuccessful / sessionEnded | retake",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)
