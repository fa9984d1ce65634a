"""The pages of the error codes, at the address that each error bears."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from catalogue.errors import ERROR_PAGES, page_of

_PACKAGED = Path(__file__).parent / "error_pages"
_IN_CHECKOUT = Path(__file__).parent.parent / "docs" / "errors"
_CODE = re.compile(r"[A-Z_]{1,60}")
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def error_page_route(folder: Path | None = None) -> Route:
    """The route of the pages, which need no token: they are the same in every bank."""
    pages = folder or (_PACKAGED if _PACKAGED.is_dir() else _IN_CHECKOUT)

    async def page(request: Request) -> Response:
        code = request.path_params["code"]
        path = pages / f"{code}.md"
        if not _CODE.fullmatch(code) or not path.is_file():
            text = f"There is no error of this code; an address is {page_of('CODE')}.\n"
            return PlainTextResponse(text, 404, headers=_HEADERS)
        return PlainTextResponse(path.read_text(encoding="utf-8"), headers=_HEADERS)

    return Route(f"{ERROR_PAGES}{{code}}", page)
