"""Addresses of the tabs, the icon, and the manifest that lets the app be installed."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect
from support.running_app import Server

from emotion.web.page import ICON, TABS


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_has_an_address(page: Page, server: Server, tab: str) -> None:
    page.goto(f"{server.url}/{tab}?__theme=dark")
    expect(page.get_by_role("tab", selected=True)).to_have_text(tab.capitalize())
    assert "__theme=dark" in page.url


def test_an_unknown_tab_opens_the_first(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/?tab=nonsense")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Image")


def test_every_tab_of_the_page_has_an_address(page: Page) -> None:
    expect(page.get_by_role("tab")).to_have_text([tab.capitalize() for tab in TABS])


def test_the_app_can_be_installed_with_its_own_icon(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/manifest.json", timeout=30) as response:
        manifest = json.load(response)
    assert manifest["name"] == "Facial expressions"
    assert manifest["display"] == "standalone"
    for address in (manifest["icons"][0]["src"], "/favicon.ico"):
        with urllib.request.urlopen(server.url + address, timeout=30) as response:
            assert response.headers.get_content_type() == "image/svg+xml"
            assert response.read() == ICON.read_bytes()
