"""What the server remembers under a token, and for how long."""

from __future__ import annotations

from emotion.web.kept import FORGET_AFTER_S, Kept


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_kept_for_an_hour_after_it_was_last_asked_for() -> None:
    clock, gone = Clock(), list[str]()
    kept = Kept[str](on_forget=gone.append, clock=clock)
    assert kept.get("a") is None
    assert kept.get_or_make("a", lambda: "first") == "first"
    for _ in range(3):
        clock.now += FORGET_AFTER_S - 1
        assert kept.get("a") == "first"
    kept.get_or_make("b", lambda: "other")
    clock.now += FORGET_AFTER_S + 1
    kept.clean_up()
    assert gone == ["first", "other"]
    assert kept.get_or_make("a", lambda: "second") == "second"


def test_there_are_never_more_than_the_limit_and_the_idle_go_first() -> None:
    gone: list[int] = []
    kept = Kept[int](3, on_forget=gone.append)
    for number in range(3):
        kept.get_or_make(number, lambda number=number: number)
    assert kept.get(0) == 0
    kept.get_or_make(3, lambda: 3)
    assert gone == [1]
    assert [kept.get(number) for number in range(4)] == [0, None, 2, 3]


def test_keys_of_two_users_with_the_same_token_are_two() -> None:
    kept = Kept[str]()
    kept.get_or_make(("ann", "token"), lambda: "hers")
    assert kept.get(("bob", "token")) is None
    kept.forget(("ann", "token"))
    assert kept.get(("ann", "token")) is None
