"""Who may sign up for a group: by language and by age (groups.md section 3)."""

from __future__ import annotations

from collections.abc import Iterable

from chassis.errors import FieldError, Invalid


def check_language(spoken: Iterable[str], language: str | None) -> None:
    """Raise Invalid when the group does not speak the man's language."""
    known = {each.partition("-")[0] for each in spoken}
    if language is not None and language.partition("-")[0] not in known:
        detail = f"This group speaks {', '.join(sorted(known))}."
        raise Invalid("signup.language", detail, fields=(FieldError("/language", "choice", detail),))


def check_age(age: int | None, *, least: int | None, most: int | None) -> None:
    """Raise Invalid when a programme that names ages was told none, or another one. Nobody keeps the age."""
    if least is None and most is None:
        return
    if age is None or (least is not None and age < least) or (most is not None and age > most):
        detail = f"This programme is for men {ages(least, most)}."
        raise Invalid("signup.age", detail, fields=(FieldError("/age", "range", detail),))


def check_ages(least: int | None, most: int | None) -> None:
    """Raise Invalid for a range of ages that nobody is in."""
    if least is not None and most is not None and least > most:
        detail = "The least age is above the greatest."
        raise Invalid("programme.ages", detail, fields=(FieldError("/min_age", "range", detail),))


def ages(least: int | None, most: int | None) -> str:
    """The range in words."""
    if most is None:
        return f"of {least} years or more"
    return f"of at most {most} years" if least is None else f"between {least} and {most} years"
