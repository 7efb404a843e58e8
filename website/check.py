"""Checks of the built site, without a network: each link inside it leads somewhere, nothing is fetched from elsewhere."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
RELATIONS = {"stylesheet", "icon", "preconnect", "preload", "prefetch", "modulepreload", "dns-prefetch"}


class Page(HTMLParser):
    """What a page of the site links and fetches, and its anchors.

    links: the targets of its links. fetched: what a browser loads with it. anchors: the ids and names of its elements.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element links, fetches, and how it is called."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in FETCHED and FETCHED[tag] in given:
            self.fetched.append(given[FETCHED[tag]])
        if tag == "link" and RELATIONS & set(given.get("rel", "").split()):
            self.fetched.append(given.get("href", ""))


read_page = cache(Page)


def find_faults(site: Path) -> list[str]:
    """List the links of the site that lead nowhere, and what its pages fetch from elsewhere, each with its page."""
    faults = []
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":  # its links start from the site's address
            continue
        name, page = path.relative_to(site).as_posix(), read_page(path)
        faults += [f"{name}: fetches {url} from elsewhere" for url in page.fetched if urlsplit(url).netloc]
        faults += [
            f"{name}: {url} leads nowhere" for url in (*page.links, *page.fetched) if is_dead(url, path, site)
        ]
    return faults


def is_dead(url: str, path: Path, site: Path) -> bool:
    """Tell whether a relative link of a page leads to no file of the site, or to no anchor of it; path: the page's."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return False
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file() or not target.is_relative_to(site.resolve()):
        return True
    has_anchor = parts.fragment and target.suffix == ".html" and not parts.fragment.startswith("__")
    return bool(has_anchor) and unquote(parts.fragment) not in read_page(target).anchors
