"""A headless browser for tests of pages: what it shows, and that nothing is missing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here to open pages with")


@contextmanager
def opened(path: Path) -> Iterator:
    """A page of this file; at the end, errors in its console and requests that failed or left the disk fail the test."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        problems = []
        context.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:200]}"))
        context.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or problems.append(f"left the disk: {request.url[:200]}")
            ),
        )
        context.on("console", lambda said: said.type == "error" and problems.append(f"console: {said.text}"))
        context.on("weberror", lambda error: problems.append(f"error: {error.error}"))
        page = context.new_page()
        page.goto(path.as_uri())
        yield page
        browser.close()
    assert problems == []
