"""What narrows a search of services, whichever way the rows are reached: conditions on `service_search AS c`.

What is not known of a service (its languages, ages, whom it takes) leaves it out of nothing.
"""

from __future__ import annotations

from typing import LiteralString

CONDITIONS: LiteralString = """
       c.listed
       AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
       AND (%(accepting)s::text IS NULL OR c.accepting = %(accepting)s)
       AND (%(language)s::text IS NULL OR c.languages = '{}' OR %(language)s = ANY(c.languages))
       AND (%(need)s::text IS NULL OR %(need)s = ANY(c.needs))
       AND (%(urgency)s::text IS NULL OR %(urgency)s = ANY(c.urgencies))
       AND (%(may_refer)s::text IS NULL OR c.may_refer = '{}' OR %(may_refer)s = ANY(c.may_refer))
       AND (%(age)s::integer IS NULL OR %(age)s BETWEEN coalesce(c.min_age, 0) AND coalesce(c.max_age, 200))
       AND (%(gender)s::text IS NULL OR c.gender IS NULL OR c.gender IN (%(gender)s, 'everybody'))
       AND (%(ordered)s::boolean IS NULL OR c.order_accepted IS NULL OR c.order_accepted = %(ordered)s)
"""
NAMES = ("kind", "accepting", "language", "need", "urgency", "may_refer", "age", "gender", "ordered")
