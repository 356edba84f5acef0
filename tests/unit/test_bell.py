"""Waiting for a number to grow, and one question for all who ask the same at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chassis.bell import Bell, Once
from chassis.errors import Unavailable

LONG = 20.0


def deaf(_names: object) -> dict[str, int]:
    return {}


def test_who_waits_is_woken_for_its_own_stream() -> None:
    bell = Bell(deaf)
    with ThreadPoolExecutor(2) as pool:
        mine = pool.submit(bell.wait, "a", beyond=4, seconds=LONG)
        other = pool.submit(bell.wait, "b", beyond=4, seconds=0.3)
        bell.ring("a", 4)
        assert not other.result()
        assert not mine.done()
        bell.ring("a", 5)
        assert mine.result(LONG)


def test_a_ring_before_the_waiting_is_not_lost() -> None:
    bell = Bell(deaf)
    bell.ring("a", 7)
    bell.ring("a", 6)  # one that comes late takes nothing back
    assert bell.wait("a", beyond=6, seconds=0)
    assert not bell.wait("a", beyond=7, seconds=0)


def test_what_another_process_wrote_is_seen_by_looking() -> None:
    asked: list[tuple[str, ...]] = []

    def look(names: object) -> dict[str, int]:
        asked.append(tuple(names))  # type: ignore[arg-type]
        if len(asked) == 1:
            raise Unavailable("database.unavailable", "Away.")
        if len(asked) == 2:
            raise RuntimeError
        return {"a": 3}

    bell = Bell(look, look_seconds=0.01)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(bell.wait, name, beyond=2, seconds=LONG if name == "a" else 0.2) for name in ("a", "b")]
        assert [each.result(LONG) for each in both] == [True, False]
    assert set(asked[0]) <= {"a", "b"}


def test_nobody_looks_while_nobody_waits() -> None:
    asked = []
    bell = Bell(lambda names: asked.append(names) or {}, look_seconds=0.01)
    for _ in range(2):
        assert not bell.wait("a", beyond=0, seconds=0.1)
        deadline = time.monotonic() + LONG
        while any(thread.name == "bell" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
        assert asked
        asked.clear()


def test_when_nobody_can_look_the_next_who_waits_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Bell(lambda _names: {"a": 1}, look_seconds=0.01)
    with monkeypatch.context() as full:
        full.setattr(threading, "Thread", lambda **_told: (_ for _ in ()).throw(RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            bell.wait("a", beyond=0, seconds=0)
    assert not bell._lines
    assert bell.wait("a", beyond=0, seconds=LONG)


def test_the_same_question_at_the_same_time_is_asked_once() -> None:
    once, go, asked = Once(4), threading.Event(), []

    def question() -> int:
        asked.append(1)
        assert go.wait(LONG)
        return len(asked)

    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(once.ask, "same", question) for _ in range(20)]
        while pool._work_queue.qsize() or not asked:
            time.sleep(0.01)
        time.sleep(0.1)
        go.set()
        assert {each.result(LONG) for each in answers} == {1}
    assert once.ask("same", lambda: 2) == 2  # what was asked afterwards gets an answer of its own


def test_only_a_few_different_questions_run_at_once() -> None:
    once, running, most = Once(2), [], []

    def question() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()

    with ThreadPoolExecutor(10) as pool:
        for each in [pool.submit(once.ask, number, question) for number in range(10)]:
            each.result(LONG)
    assert max(most) == 2


def test_a_fault_reaches_all_who_asked() -> None:
    once, go = Once(4), threading.Event()

    def question() -> None:
        assert go.wait(LONG)
        raise Unavailable("database.unavailable", "Away.")

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(once.ask, "same", question) for _ in range(3)]
        time.sleep(0.1)
        go.set()
        for each in answers:
            with pytest.raises(Unavailable):
                each.result(LONG)
    assert once.ask("same", lambda: 1) == 1


def test_when_the_one_who_asked_is_ended_another_asks_instead() -> None:
    once, go = Once(4), threading.Event()

    class Ended(BaseException):
        pass

    def first() -> int:
        assert go.wait(LONG)
        raise Ended

    with ThreadPoolExecutor(3) as pool:
        ended = pool.submit(once.ask, "same", first)
        time.sleep(0.05)
        others = [pool.submit(once.ask, "same", lambda: 2) for _ in range(2)]
        time.sleep(0.05)
        go.set()
        with pytest.raises(Ended):
            ended.result(LONG)
        assert [each.result(LONG) for each in others] == [2, 2]
