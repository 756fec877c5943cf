"""Programs that call the API again and again: how many may wait, and what the server keeps of them."""

from __future__ import annotations

import asyncio

import httpx
from support.running_app import Server

from emotion.web.page import MOST_WAITING, build_page
from emotion.web.pipelines import Pipelines
from emotion.web.video_jobs import VideoJobs
from emotion.weights.find import DEFAULT_WEIGHTS


async def call_health(client: httpx.AsyncClient) -> httpx.Response:
    """A call's answer, or the refusal of the server to take it."""
    started = await client.post("/call/health", json={"data": []})
    if started.is_error:
        return started
    return await client.get(f"/call/health/{started.json()['event_id']}")


def call_at_once(server: Server, count: int) -> list[httpx.Response]:
    async def all_calls() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        url = f"{server.url}/gradio_api"
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            return await asyncio.gather(*(call_health(client) for _ in range(count)))

    return asyncio.run(all_calls())


def test_of_too_many_calls_some_are_refused_and_all_others_answered(server: Server) -> None:
    answers = call_at_once(server, 2 * MOST_WAITING)
    refused = [answer for answer in answers if answer.status_code != httpx.codes.OK]
    assert refused
    assert {answer.status_code for answer in refused} == {httpx.codes.SERVICE_UNAVAILABLE}
    assert all("Queue is full" in answer.text for answer in refused)
    answered = [answer for answer in answers if answer not in refused]
    assert len(answered) >= MOST_WAITING
    assert all("event: complete" in answer.text for answer in answered)
    assert "event: complete" in call_at_once(server, 1)[0].text, "the queue is free again"


def test_nothing_is_kept_of_a_call() -> None:
    async def scene() -> None:
        # In a running loop: Gradio would make one of its own and leave it open.
        page = build_page(Pipelines(DEFAULT_WEIGHTS, "litert"), VideoJobs())
        health = next(fn for fn in page.fns.values() if fn.api_name == "health")
        state = page.state_holder["a caller"]
        assert page.state_holder.session_data
        answer = await page.process_api(health, [], state=state, session_hash="a caller")
        assert answer["data"][0]["ok"]
        assert not page.state_holder.session_data
        assert not page.state_holder.time_last_used

    asyncio.run(scene())
