"""GraphiQL, the page for people at /graphql: bundled, no outside request."""

from pathlib import Path

import orjson
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from api.examples import EXAMPLES

ASSETS = Path(__file__).parent / "static" / "graphiql"
_OPTIONS_PLACE = "{{options}}"
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        # The editor writes style attributes; scripts it does not write.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
    "vary": "accept",
}
_HEADERS_TAB = '{\n  "Authorization": "Bearer PASTE-A-TOKEN-HERE"\n}'
_MISSING = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Kehu</title></head>
  <body>
    <h1>Kehu</h1>
    <p>The API works: POST a query to this address. GraphiQL, the page for people, is not installed.</p>
    <p>To get it run <code>scripts/install</code> (it needs Node, or brings one) and load this page again.</p>
  </body>
</html>
"""


def assets_app(folder: Path = ASSETS) -> StaticFiles:
    """The ASGI application for the page's files; it answers 404 while they are not installed."""
    return StaticFiles(directory=folder, check_dir=False)


def page_response(folder: Path = ASSETS, *, keeps_token: bool = False) -> HTMLResponse:
    """The page, or words on how to install it.

    `keeps_token` lets the browser remember the token over a reload; a bank's machine should not.
    """
    try:
        template = (folder / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return HTMLResponse(_MISSING, 503, _PAGE_HEADERS)
    return HTMLResponse(template.replace(_OPTIONS_PLACE, _options(keeps_token)), 200, _PAGE_HEADERS)


def _options(keeps_token: bool) -> str:
    """What the page starts with, as JSON that cannot end the element it stands in."""
    options = {
        "title": "Kehu",
        "defaultTabs": [
            {
                "query": example.query,
                "variables": orjson.dumps(example.variables, option=orjson.OPT_INDENT_2).decode(),
                "headers": _HEADERS_TAB,
            }
            for example in EXAMPLES
        ],
        "headers": _HEADERS_TAB,
        "defaultQuery": "{\n  clients(first: 3) {\n    nodes { number }\n  }\n}\n",
        "shouldPersistHeaders": keeps_token,
        "subscriptionsProtocol": "SSE",
    }
    text = orjson.dumps(options).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
