"""The endpoints as MCP tools, called by the protocol's own client."""

from __future__ import annotations

import asyncio
import base64
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import emotion
from tests.running_app import running_app
from tests.web.conftest import Server

Answer = TypeVar("Answer")


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
    fields = tools["analyze"].inputSchema["properties"]
    assert set(fields) == {"picture", "detector", "min_score"}
    assert all(field["description"] for field in fields.values())


def test_a_picture_is_read(address: str, portrait: Path) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(portrait.read_bytes()).decode()
    answer = ask(address, lambda client: client.call_tool("analyze", {"picture": data}))
    assert not answer.isError
    [said] = answer.content
    assert "'label': 'happy'" in said.text


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
