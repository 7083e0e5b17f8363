"""ClassState, which adapters use, notices every change of a class."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wsfast import _arguments


def family() -> list[Any]:
    """Make classes that inherit from one another, each with an attribute of its own."""
    base = type("Base", (), {"a": 1})
    other = type("Other", (), {"b": 2})
    middle = type("Middle", (base,), {"c": 3})
    return [base, other, middle, type("Last", (middle, other), {"d": 4, "a": 5})]


def looked_at(classes: list[Any]) -> None:
    for kind in classes:
        for name in "abcdef":
            getattr(kind, name, None)


def set_and_deleted(kind: Any) -> None:
    kind.e = 9
    del kind.e


CHANGES: list[Callable[[Any], None]] = [
    lambda kind: setattr(kind, "a", 9),
    lambda kind: setattr(kind, "f", 9),
    set_and_deleted,
    lambda kind: setattr(kind, "__slots__", ()),
    lambda kind: setattr(kind, "__eq__", lambda self, other: True),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("looks", [False, True])
def test_class_state_notices_each_change_of_a_class_and_of_its_bases(
    codec: SimpleNamespace, change: Callable[[Any], None], which: int, looks: bool
) -> None:
    classes = family()
    state = codec.ClassState(classes[-1])
    change(classes[which])
    if looks:  # it has another version then
        looked_at(classes)
    assert state.is_same() is False


def test_class_state_notices_another_base(codec: SimpleNamespace) -> None:
    first, second = type("First", (), {}), type("Second", (), {"a": 1})
    kind = type("Kind", (first,), {})
    state = codec.ClassState(kind)
    kind.__bases__ = (second,)
    assert state.is_same() is False
    assert kind.a == 1
    assert state.is_same() is False


def test_class_state_is_never_wrong_about_a_random_history(codec: SimpleNamespace) -> None:
    """Each state that is taken knows whether something has changed since."""
    chance = random.Random(1)
    for _ in range(200):
        classes = family()
        taken: list[list[Any]] = []  # a state, and whether its classes have changed since
        for _ in range(30):
            kind, name = chance.choice(classes), chance.choice("abcdef")
            act = chance.randrange(4)
            if act == 0:
                watched = chance.sample(classes, chance.randint(1, 4))
                taken.append([codec.ClassState(*watched), watched, False])
            elif act == 1:
                looked_at(classes)
            else:
                if act == 2:
                    setattr(kind, name, object())
                elif name in vars(kind):
                    delattr(kind, name)
                else:
                    continue
                for entry in taken:
                    entry[2] |= any(issubclass(watched, kind) for watched in entry[1])
            for state, _, changed in taken:
                assert not (changed and state.is_same())


def test_class_state_stays_the_same_while_nothing_changes(codec: SimpleNamespace) -> None:
    """Else it would be right, and of no use; the codec in Python cannot tell."""
    classes = family()
    states = [codec.ClassState(kind) for kind in classes] + [codec.ClassState(*classes)]
    compiled = "_native" in codec.ClassState.__module__
    instance = classes[-1]()
    instance.a = 2  # of the instance, not of the class
    looked_at(classes)
    assert [state.is_same() for state in states] == [compiled] * 5
    classes[1].b = 3  # a base of the last only
    assert [state.is_same() for state in states] == [compiled, False, compiled, False, False]


def test_class_state_with_a_metaclass_is_not_known_to_be_the_same(codec: SimpleNamespace) -> None:
    class Meta(type):
        a: Any

    kind = Meta("Kind", (), {"a": 1})
    state = codec.ClassState(kind)
    Meta.a = property(lambda self: 2)
    assert kind.a == 2
    assert state.is_same() is False


def test_class_state_has_room_for_as_many_versions_as_classes() -> None:
    source = Path(_arguments.__file__).with_name("_native") / "classes.pxi"
    if not source.exists():
        pytest.skip("the sources of the extension are not installed")
    room = re.search(r"MOST_CLASSES = (\d+)\n", source.read_text(encoding="utf-8"))
    assert room is not None
    assert int(room[1]) == _arguments.MOST_CLASSES


def test_class_state_watches_one_class_or_a_few(codec: SimpleNamespace) -> None:
    most = _arguments.MOST_CLASSES
    codec.ClassState(*[int] * most)
    for wrong in (), (int,) * (most + 1):
        with pytest.raises(ValueError, match=f"one to 8 classes can be watched, not {len(wrong)}"):
            codec.ClassState(*wrong)
    with pytest.raises(TypeError, match="only classes can be watched, not str"):
        codec.ClassState(int, "int")
