"""Quote an offending value in `detail`: short, on one line, never an e-mail or a name.

Pure text: what is built here is executed by `loading`.
"""

# Columns with values that are never quoted.
PERSONAL = ("email", "first_name", "last_name")
_LONGEST = 40
# Control and format characters, which can hide or reverse the following text on a screen.
_UNSEEN = r"[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]"
_NUMBER = r"[+-]?[\d.]+([eE][+-]?\d+)?"


def as_text(text: str) -> str:
    """The SQL text `: "value"`, without the quotes for a number."""
    cut = _cut(text)
    is_number = f"regexp_full_match({text}, '{_NUMBER}')"
    quoted = f"CASE WHEN {is_number} THEN {cut} ELSE CAST(to_json({cut}) AS VARCHAR) END"
    return _shown(text, quoted)


def as_given(value: str) -> str:
    """The SQL text `: value` of any other value, or of JSON."""
    text = f"CAST({value} AS VARCHAR)"
    return _shown(text, _cut(text))


def _cut(text: str) -> str:
    return f"(left({text}, {_LONGEST}) || CASE WHEN length({text}) > {_LONGEST} THEN '…' ELSE '' END)"


def _shown(text: str, quoted: str) -> str:
    """An @ may belong to an e-mail in a column that should not contain one."""
    one_line = f"regexp_replace({quoted}, '{_UNSEEN}', '\N{REPLACEMENT CHARACTER}', 'g')"
    return (
        f"CASE WHEN contains({text}, '@') THEN ': a value with @' ELSE coalesce(': ' || {one_line}, '') END"
    )
