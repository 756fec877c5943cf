"""The endpoints as MCP tools, called by the protocol's own client."""

from __future__ import annotations

import asyncio
import base64
import tomllib
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from support.places import ROOT
from support.running_app import Server, run_app, running_app

import emotion

Answer = TypeVar("Answer")

WITHOUT_MCP = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mcp" else find(name, *rest)
import app
app.main()
"""
"""Starts ``app.py`` on a machine that seems to lack the optional package."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where ``python app.py --mcp`` speaks MCP."""
    with running_app(tmp_path_factory.mktemp("mcp") / "log", "--mcp") as app:
        yield f"{app.url}/gradio_api/mcp/"


def ask(address: str, question: Callable[[ClientSession], Awaitable[Answer]]) -> Answer:
    """Open a session, ask one thing, close it."""

    async def session() -> Answer:
        async with (
            streamable_http_client(address) as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await question(client)

    return asyncio.run(session())


def test_the_tools_are_the_documented_endpoints(address: str) -> None:
    tools = {tool.name: tool for tool in ask(address, lambda client: client.list_tools()).tools}
    assert set(tools) == {"analyze", "analyze_video", "health"}
    expected = {
        "analyze": {"picture", "detector", "min_score", "explain", "prior"},
        "analyze_video": {"video", "detector", "min_score", "every_s", "prior"},
        "health": set[str](),
    }
    for name, names in expected.items():
        fields = tools[name].inputSchema["properties"]
        assert tools[name].description
        assert set(fields) == names
        assert all(field["description"] for field in fields.values())


def test_a_picture_is_read(address: str, portrait: Path) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(portrait.read_bytes()).decode()
    answer = ask(address, lambda client: client.call_tool("analyze", {"picture": data}))
    assert not answer.isError
    [said] = answer.content
    assert "'label': 'happy'" in said.text


def test_a_video_is_read(address: str, videos: dict[str, Path]) -> None:
    data = "data:video/mp4;base64," + base64.b64encode(videos["short"].read_bytes()).decode()
    wanted = {"video": data, "every_s": 0.5}
    answer = ask(address, lambda client: client.call_tool("analyze_video", wanted))
    assert not answer.isError
    [said] = answer.content
    assert "'frames_with_faces': 4" in said.text


def test_health(address: str) -> None:
    [said] = ask(address, lambda client: client.call_tool("health", {})).content
    assert emotion.__version__ in said.text
    assert "'ok': True" in said.text


def test_addresses_of_the_servers_own_network_are_refused(address: str) -> None:
    """Or anybody could have the server fetch what only it can reach."""
    inside = {"picture": address}
    assert ask(address, lambda client: client.call_tool("analyze", inside)).isError


def test_without_the_option_there_is_no_mcp(server: Server) -> None:
    url = f"{server.url}/gradio_api/mcp/"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url, timeout=30)


def test_a_missing_package_is_named_with_its_fix() -> None:
    done = run_app("-c", WITHOUT_MCP, "--mcp")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [wanted] = project["optional-dependencies"]["mcp"]
    assert done.returncode == 2
    assert f'pip install "{wanted}"' in done.stderr
    assert "Traceback" not in done.stderr
