"""R5: when an assessment awaits its correction."""

from tests.reference.tables import Judge, at, expect, world


def test_reached_when_the_required_steps_before_it_are_successful(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | position | min_score | optional
        A    | course     | 1        | 80        |
        O    | course     | 2        |           | yes
        X    | assessment | 3        |           |
        Y    | assessment | 4        |           | yes
        B    | course     | 5        |           |
        Z    | assessment | 6        |           |
        """,
        activity="""
        step | completed | score
        A    | 3 Mar     | 60
        A    | 5 Mar     | 80
        B    | 6 Mar     |
        """,
    )
    for as_of, expected in {
        "4 Mar": "step | awaiting_correction \n A | no \n O | no \n X | no \n Y | no \n B | no \n Z | no",
        "5 Mar": "step | awaiting_correction \n A | no \n O | no \n X | yes \n Y | yes \n B | no \n Z | no",
        "6 Mar": "step | awaiting_correction \n A | no \n O | no \n X | yes \n Y | yes \n B | no \n Z | yes",
    }.items():
        expect(judge(tables, at(as_of)).step_stats, expected)


def test_a_step_at_the_same_position_is_not_before_it(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | position
        A    | course     | 1
        B    | assessment | 1
        C    | assessment | 2
        """,
    )
    expect(
        judge(tables, at("5 Mar")).step_stats,
        """
        step | awaiting_correction
        A    | no
        B    | yes
        C    | no
        """,
    )


def test_nothing_is_reached_before_the_session_opens(judge: Judge) -> None:
    tables = world(
        steps="step | type \n A | assessment",
        enrollments="enrollment | enrolled \n e1 | 15 Feb",
    )
    for as_of, expected in {
        "28 Feb 23:59": "status | detail \n onTime | sessionNotOpened",
        "1 Mar": "status | detail \n awaitingCorrection | awaitingCorrection",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_a_corrected_assessment_no_longer_waits_even_if_failed(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | min_score
        A    | assessment | 80
        """,
        activity="""
        step | started | completed | score
        A    | 3 Mar   | 5 Mar     | 10
        A    | 6 Mar   |           |
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        awaiting_correction | exhausted
        no                  | yes
        """,
    )


def test_the_way_may_have_been_made_elsewhere(judge: Judge) -> None:
    for replay, expected in {"no": "yes", "yes": "no"}.items():
        tables = world(
            paths=f"replay \n {replay}",
            steps="""
            step | type
            A    | course
            B    | assessment
            """,
            activity="step | session | completed \n A | - | 5 Feb",
        )
        expect(
            judge(tables, at("5 Mar")).step_stats,
            f"step | awaiting_correction \n A | no \n B | {expected}",
        )
