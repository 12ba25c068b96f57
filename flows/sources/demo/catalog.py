"""Define the company's paths and their steps."""

from dataclasses import dataclass

COMPANY = "northwind-academy"
# The day on which the definition of "GDPR basics" changed, counted from the middle of the month.
CHANGED = -150


@dataclass(frozen=True)
class Step:
    """A step of a path; steps with the same title are the same step on every path.

    due:          basis, number, unit; for `absolute` the day, counted from the middle of the month.
    time_limit:   `maxTime` or `minTime`, and the minutes.
    since, until: when this definition is valid, in days from the middle of the month; None is unlimited.
    """

    title: str
    type: str = "course"
    optional: bool = False
    due: tuple[str | None, float, str] | None = None
    min_score: int | None = None
    attempts: int | None = None
    time_limit: tuple[str, float] | None = None
    scorm: bool | None = None
    examination: bool | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Path:
    name: str
    steps: tuple[Step, ...]
    replay: bool = False
    linear: bool | None = None


def assessment(title: str, *, min_score: int | None = None, examination: bool | None = None) -> Step:
    return Step(title, "assessment", min_score=min_score, examination=examination, due=(None, 2, "month"))


def classroom(title: str, *, optional: bool = False) -> Step:
    return Step(title, "classroom", optional=optional, due=("sessionStart", 6, "week"))


def message(title: str, type: str = "email") -> Step:
    """A message step, which is never counted (R3)."""
    return Step(title, type)


SPEAKING_UP = Step("Speaking up safely", due=("enrollment", 1, "month"))
PERSONAL_DATA = Step("Personal data in daily work", due=("enrollment", 3, "week"), min_score=65)
PHISHING = Step("Spotting a phishing mail", due=("enrollment", 2, "week"), min_score=70)
FEEDBACK = Step("Giving feedback", due=("sessionStart", 1, "month"))
PRODUCTS = Step("Our products at a glance", due=("sessionStart", 10, "day"), scorm=True)
LISTENING = Step("Listening to customers", due=("enrollment", 1.5, "month"))
SPREADSHEETS = Step("Spreadsheets in an hour", optional=True)

PATHS = (
    Path(
        "Fire safety",
        (
            message("Your yearly fire safety training"),
            Step("How fires start", due=("enrollment", 2, "week"), min_score=60),
            Step("Extinguishers and exits", due=("enrollment", 3, "week"), time_limit=("minTime", 6)),
            Step("The fire safety quiz", due=("enrollment", 1, "month"), min_score=70),
            Step("Evacuating a floor", due=("sessionStart", 1, "month")),
            Step("Fire wardens' duties", optional=True),
            classroom("Evacuation drill", optional=True),
        ),
        replay=True,
    ),
    Path(
        "GDPR basics",
        (
            message("Why data protection matters"),
            Step("What personal data is", min_score=60, until=CHANGED),
            Step("What personal data is", min_score=70, due=("enrollment", 2, "week"), since=CHANGED),
            Step("The old consent form", until=CHANGED),
            Step("Consent and legitimate interest", optional=True, since=CHANGED),
            PERSONAL_DATA,
            Step("Answering a request for access", due=("absolute", 40, "day")),
            Step("Data protection quiz", min_score=70, attempts=3),
            Step("Privacy by design", optional=True),
            SPEAKING_UP,
        ),
    ),
    Path(
        "Onboarding week",
        (
            message("Welcome aboard"),
            message("Say hello in #newcomers", "slackMessage"),
            Step("Who we are", due=("enrollment", 2, "day")),
            PRODUCTS,
            Step("Your first day, your tools", due=("enrollment", 1, "week")),
            PHISHING,
            Step("Working hours and leave", due=("enrollment", 2, "week")),
            SPEAKING_UP,
            Step("Lunch with the founders", "classroom", optional=True),
        ),
        linear=True,
    ),
    Path(
        "Leadership essentials",
        (
            Step("From colleague to manager", due=("sessionStart", 2, "week")),
            FEEDBACK,
            Step("Delegating well", due=("sessionStart", 5, "week"), time_limit=("maxTime", 90)),
            classroom("Difficult conversations"),
            message("Your peer group meets", "teamsMessage"),
            Step("Setting goals", min_score=60),
            Step("Leading at a distance", optional=True),
            assessment("My leadership plan"),
        ),
        linear=True,
    ),
    Path(
        "Sales academy",
        (
            message("The academy opens", "teamsMessage"),
            PRODUCTS,
            LISTENING,
            Step("Opening a conversation", due=("sessionStart", 3, "week"), min_score=65, attempts=2),
            Step("Handling objections", due=("sessionStart", 5, "week"), min_score=60),
            Step("Negotiation basics", "program", due=("sessionStart", 6, "week")),
            classroom("Role play day"),
            SPREADSHEETS,
            assessment("Sales examination", min_score=60, examination=True),
        ),
    ),
    Path(
        "Information security",
        (
            PHISHING,
            Step(
                "Passwords and passkeys",
                due=("enrollment", 2, "week"),
                scorm=True,
                time_limit=("maxTime", 20),
            ),
            Step("Clean desk, locked screen", due=("enrollment", 3, "week")),
            Step("Reporting an incident", min_score=65, due=("enrollment", 1, "month")),
            message("Report phishing with one click"),
            Step("Security on the road", optional=True),
            PERSONAL_DATA,
        ),
        replay=True,
    ),
    Path(
        "First aid at work",
        (
            Step("The first five minutes", due=("enrollment", 3, "week")),
            Step("Calling for help", due=("enrollment", 3, "week"), time_limit=("minTime", 5)),
            Step("Resuscitation in theory", min_score=70, attempts=3),
            message("Bring comfortable shoes"),
            classroom("Resuscitation in practice"),
            Step("Burns and cuts", optional=True),
            Step("The defibrillator", due=("enrollment", 1, "month")),
            assessment("First aid certificate", examination=True),
        ),
    ),
    Path(
        "Project management",
        (
            Step("What a project is", due=("enrollment", 1, "week")),
            Step("Stakeholders and scope", due=("enrollment", 3, "week")),
            Step("Planning backwards", min_score=65),
            FEEDBACK,
            Step("Risks and how to name them", due=("absolute", -20, "day")),
            SPREADSHEETS,
            message("Book your coach"),
            assessment("Project charter"),
        ),
    ),
    Path(
        "Customer service",
        (
            message("Welcome to the service team", "slackMessage"),
            LISTENING,
            Step("Writing a kind reply", due=("enrollment", 2, "week"), min_score=75),
            Step("Angry callers", due=("enrollment", 1, "month"), min_score=70),
            PRODUCTS,
            Step("Closing a ticket", due=("enrollment", 5, "week")),
            Step("Chat, mail or phone?", min_score=80, attempts=4),
            Step("A day with the second line", "classroom", optional=True),
        ),
    ),
    Path(
        "Food hygiene",
        (
            Step("Clean hands", due=("enrollment", 1, "week"), scorm=True, time_limit=("minTime", 30)),
            Step("The cold chain", due=("enrollment", 2, "week"), scorm=True, min_score=60),
            Step("Allergens", due=("enrollment", 3, "week"), min_score=70, attempts=3),
            Step("Pests and waste", min_score=65, attempts=2),
            Step("Keeping records", due=("enrollment", 1, "month")),
            message("The inspector is coming"),
            SPEAKING_UP,
            assessment("Hygiene examination", min_score=55, examination=True),
        ),
    ),
    Path(
        "Respect at work",
        (
            message("A word from the board"),
            Step("Where respect ends", due=("sessionStart", 2, "week")),
            SPEAKING_UP,
            Step("Bystanders", due=("sessionStart", 3, "week"), time_limit=("minTime", 4)),
            FEEDBACK,
            Step("Case studies", optional=True),
            message("Your contact persons"),
            Step("What managers must do", due=("sessionStart", 1.5, "month"), min_score=60),
        ),
    ),
    Path(
        "Spreadsheets for analysts",
        (
            SPREADSHEETS,
            Step("Look-ups and joins", due=("sessionStart", 2, "week")),
            Step("Pivot tables", due=("sessionStart", 4, "week"), min_score=60),
            Step("Charts that tell the truth", due=("sessionStart", 6, "week")),
            Step("Statistics refresher", "path"),
            Step("Cleaning messy data", due=("sessionStart", 2, "month")),
            Step("Macros", optional=True),
            assessment("My first dashboard"),
        ),
    ),
    Path(
        "Product knowledge",
        (
            PRODUCTS,
            Step("The spring range", due=("absolute", -45, "day"), min_score=65),
            Step("The autumn range", due=("absolute", 45, "day"), min_score=65),
            Step("Spare parts", optional=True),
            message("New in the shop"),
            Step("Warranty and returns", due=("enrollment", 1, "month")),
            Step("Comparing with competitors", min_score=60, attempts=2, time_limit=("maxTime", 120)),
            LISTENING,
        ),
    ),
    Path(
        "Train the trainer",
        (
            message("You will teach"),
            FEEDBACK,
            Step("How adults learn", due=("enrollment", 2, "week")),
            Step("Writing a good quiz", due=("enrollment", 1, "month"), min_score=60),
            Step("Recording a video", due=("enrollment", 1.5, "month")),
            classroom("Teaching on stage"),
            Step("Reading your statistics", optional=True),
            assessment("My first course", examination=True),
        ),
    ),
)
