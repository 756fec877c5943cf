"""Priors: what people ask for, and what it changes in an answer."""

from __future__ import annotations

import pytest

from emotion.errors import EmotionError
from emotion.prior import DEFAULT_PRIOR, PRIORS, check_prior, with_prior
from emotion.types import Emotion, Prediction

EVERYDAY = dict.fromkeys(Emotion, 0.1) | {Emotion.HAPPY: 0.39, Emotion.DISGUST: 0.01}
ANSWER = Prediction((0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.2), sure_above=0.4)


def test_nothing_asked_for_is_the_default() -> None:
    assert check_prior(None) == DEFAULT_PRIOR == "natural"
    assert [check_prior(name) for name in PRIORS] == list(PRIORS)


def test_the_natural_prior_changes_nothing() -> None:
    assert with_prior(ANSWER, "natural", EVERYDAY) == ANSWER


def test_a_balanced_prior_divides_by_what_the_network_expects() -> None:
    balanced = with_prior(ANSWER, "balanced", EVERYDAY).as_dict()
    assert balanced[Emotion.DISGUST] / balanced[Emotion.HAPPY] == pytest.approx(
        (0.1 / 0.01) / (0.3 / 0.39)
    )
    assert sum(balanced.values()) == pytest.approx(1.0)


def test_own_frequencies_matter_only_beside_each_other() -> None:
    own = dict.fromkeys(map(str, Emotion), 2.0) | {"sad": 6.0}
    tenfold = {name: 10 * value for name, value in own.items()}
    first = with_prior(ANSWER, check_prior(own), EVERYDAY)
    assert first.probabilities == pytest.approx(
        with_prior(ANSWER, check_prior(tenfold), EVERYDAY).probabilities
    )
    balanced = with_prior(ANSWER, "balanced", EVERYDAY)
    ratio = first.as_dict()[Emotion.SAD] / first.as_dict()[Emotion.HAPPY]
    assert ratio == pytest.approx(
        3 * balanced.as_dict()[Emotion.SAD] / balanced.as_dict()[Emotion.HAPPY]
    )


def test_own_frequencies_may_be_text() -> None:
    text = ", ".join(f"{emotion}={1 + index}" for index, emotion in enumerate(Emotion))
    assert check_prior(text) == {str(e): 1.0 + index for index, e in enumerate(Emotion)}


def test_the_expected_frequencies_as_a_prior_are_the_natural_one() -> None:
    own = {str(emotion): share for emotion, share in EVERYDAY.items()}
    assert with_prior(ANSWER, own, EVERYDAY).probabilities == pytest.approx(ANSWER.probabilities)


@pytest.mark.parametrize(
    "choice",
    [
        "posed",
        "",
        "happy=1",
        "angry=1,disgust=1,fear=1,happy=much,sad=1,surprise=1,neutral=1",
        3,
        {"happy": 1.0},
        dict.fromkeys(map(str, Emotion), 0.0),
        dict.fromkeys(map(str, Emotion), float("nan")),
        dict.fromkeys(map(str, Emotion), float("inf")),
        dict.fromkeys(map(str, Emotion), "1"),
        dict.fromkeys([*map(str, Emotion), "bored"], 1.0),
    ],
    ids=str,
)
def test_other_priors_are_explained(choice: object) -> None:
    with pytest.raises(EmotionError, match="natural or balanced, or a number above 0 for each"):
        check_prior(choice)


def test_a_label_is_sure_from_its_threshold_on() -> None:
    assert not ANSWER.sure
    assert Prediction(ANSWER.probabilities, sure_above=0.3).sure
    assert Prediction(ANSWER.probabilities).sure
    assert ANSWER.second is Emotion.NEUTRAL
    assert with_prior(ANSWER, "balanced", EVERYDAY).sure_above == ANSWER.sure_above
