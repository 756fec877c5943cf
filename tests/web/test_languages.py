"""The page's words: every language has all of them, and what is filled in later is the same in each."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from starlette.requests import Request
from support.places import ROOT
from support.running_app import Server

from emotion.web.languages import DEFAULT, LANGUAGES, words_for

WEB = ROOT / "emotion" / "web"


def fields(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words_with_the_same_fields(language: str) -> None:
    words, english = LANGUAGES[language], LANGUAGES[DEFAULT]
    assert set(words) == set(english)
    for name, text in words.items():
        assert text.strip()
        assert fields(text) == fields(english[name]), name


def test_no_word_is_left_over() -> None:
    """A script or template says ``off`` for ``live_off``, and adds ``_text`` to the name of a problem."""
    sources = [path for path in WEB.rglob("*") if path.suffix in (".py", ".html", ".js")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\w+", code))
    kinds = ("prior", "view", "records_period", "records_of", "records_column")
    composed = {f"{kind}_{name}" for kind in kinds for name in used}
    left = set(LANGUAGES[DEFAULT]) - used - composed
    assert not {
        name for name in left if name.removeprefix("live_").removesuffix("_text") not in used
    }


def asked_for(header: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-language", header.encode())]})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl,fr;q=0.5", "fr"),
        ("en;q=0.2,es;q=0.7", "es"),
        ("zh-TW", "zh"),
        ("nl", "en"),
        ("", "en"),
        ("de;q=much,hi", "hi"),
    ],
)
def test_the_browsers_first_language_that_there_is(header: str, language: str) -> None:
    assert words_for(asked_for(header)) is LANGUAGES[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_get_the_words_of_the_viewers_language(language: str, server: Server) -> None:
    address = f"{server.url}/live/js/words.js"
    request = urllib.request.Request(address, headers={"Accept-Language": language})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")
        script = answer.read().decode()
    words = json.loads(script.removeprefix("export default ").removesuffix(";"))
    assert words["live_start"] == LANGUAGES[language]["live_start"]
    assert all(name.startswith("live_") for name in words)


def test_labels_of_the_data_are_no_words_of_the_page() -> None:
    """Expressions stay English: their names are those of the data."""
    assert not set(LANGUAGES[DEFAULT]) & {"angry", "disgust", "fear", "happy", "sad", "surprise"}
