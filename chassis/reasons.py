"""Why an event is parked, in plain words: what the reason means and what the person on duty does about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """One sentence on what happened, one on what to do."""

    meaning: str
    advice: str


UNKNOWN = Explanation(
    "The reason is not known to this version of the program.",
    "Read the log of the service around the time it was parked, mend the cause, then replay it.",
)

_FROM_OUTSIDE = "Find out who published it: no service of ours writes this. Drop it when nobody needs it."
_OTHER_VERSION = "Bring the newer version of the service into use, then replay it; the event itself is in order."

EXPLANATIONS: dict[str, Explanation] = {
    "tries.used_up": Explanation(
        "The service failed at this event every time, at once and after each pause of the ladder.",
        "Read the service's log for the error that is named here, mend it, then replay the event.",
    ),
    "tries.uncounted": Explanation(
        "The service failed at this event, and the message says that it was tried as often as no event can be.",
        _FROM_OUTSIDE,
    ),
    "delivery.limit": Explanation(
        "The broker gave this event to the service many times and the process ended each time before it was done.",
        "Read the service's log for what ended the process (memory, a crash), mend it, then replay the event.",
    ),
    "event.no_json": Explanation("The message is no JSON at all.", _FROM_OUTSIDE),
    "event.no_cloudevent": Explanation("The message is JSON, but no event of CloudEvents 1.0.", _FROM_OUTSIDE),
    "event.malformed": Explanation(
        "The message looks like an event, but a field that every event has is missing or has another form.",
        _FROM_OUTSIDE,
    ),
    "event.content_type": Explanation(
        "The message says that it is compressed or of another kind than an event, so it was not opened.", _FROM_OUTSIDE
    ),
    "event.too_large": Explanation("The message is larger than any event may be, so it was not read.", _FROM_OUTSIDE),
    "event.unknown_type": Explanation(
        "The service does not know this type of event, or not this version of it.", _OTHER_VERSION
    ),
    "event.wrong_data": Explanation(
        "The data of the event does not fit what is agreed for its type.",
        "Mend the publisher, then drop this one: to tell it again would send the same data. What this service keeps of "
        "the object is right again with its next event; change the object once more at the publisher where it matters.",
    ),
    "event.sequence_repeated": Explanation(
        "Another event of the same object had this number in the sequence before.",
        "Compare both at the publisher: one of them is wrong. Drop this one when the other is right.",
    ),
}


def explained(reason: str) -> Explanation:
    """What a reason means; never fails, for a message may have been parked by a newer version."""
    return EXPLANATIONS.get(reason, UNKNOWN)
