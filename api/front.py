"""The front page at /: where everything else is, for somebody who has only the address of the server."""

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.negotiation import JSON, wanted_from

ADDRESSES = (
    ("/graphql", "GraphQL by POST; GraphiQL, the page for people, in a browser"),
    ("/schema.graphql", "the live schema; needs a token"),
    ("/healthz", "whether the process lives"),
    ("/readyz", "whether it can answer"),
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "vary": "accept",
    "x-content-type-options": "nosniff",
}
_ROWS = "\n".join(f'    <li><a href="{path}">{path}</a>: {text}</li>' for path, text in ADDRESSES)
_PAGE = f"""<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Kehu</title></head>
  <body>
    <h1>Kehu</h1>
    <p>The client-document backend of a bank's relationship managers.</p>
    <ul>
{_ROWS}
    </ul>
  </body>
</html>
"""
_JSON = orjson.dumps({"service": "kehu", "addresses": dict(ADDRESSES)})


def front_route() -> Route:
    """The route /, which needs no token and says nothing of the book."""

    async def front(request: Request) -> Response:
        if wanted_from(request.headers.get("accept")).page:
            return HTMLResponse(_PAGE, headers=_HEADERS)
        return Response(_JSON, headers=_HEADERS, media_type=JSON)

    return Route("/", front)
