"""The browser's addresses, and what each answers.

``/`` the list · ``/image/N`` one image · ``/view/N.jpg`` its picture · ``/map/N/true.png`` a map ·
``/region/N.png`` the region on the map's grid · ``/covered/N.jpg`` · ``/report/…`` · ``/static/…``
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from audit.errors import DataError, nearest
from audit.report.picture import kind_of
from audit.serve.config import ServeConfig
from audit.serve.dataset import NEEDED, SHARED, NoPicture
from audit.serve.guard import Guard
from audit.serve.pages import error_page, image_page, list_page, static
from audit.serve.pictures import heat_png, region_png
from audit.serve.query import Query, parse
from audit.serve.rows import Row
from audit.serve.run import Browsed, open_run, report_files

__all__ = ["make_app"]

_SIDES = ("true", "pred")
_HEADLINES = {400: "This cannot be asked", 404: "Not here"}
_INJECTED = '<script src="/static/serve_report.js" defer></script>\n</head>'


class _Index(Convertor[int]):
    """A row's index: as many digits as a 64-bit number may have."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("index", _Index())


def make_app(run: Path, config: ServeConfig) -> Guard:
    """The web application over the run folder ``run``.

    Raises DataError where the folder cannot be browsed, ConfigError where --data-root cannot.
    """
    pages = _Pages(open_run(run, config))
    routes = [
        Route("/", pages.list, methods=["GET"]),
        Route("/image/{index:index}", pages.image, methods=["GET"]),
        Route("/view/{index:index}.jpg", pages.view, methods=["GET"]),
        Route("/covered/{index:index}.jpg", pages.covered, methods=["GET"]),
        Route("/map/{index:index}/{side}.png", pages.map, methods=["GET"]),
        Route("/region/{index:index}.png", pages.region, methods=["GET"]),
        Route("/report", _to_report, methods=["GET"]),
        Route("/report/{name:path}", pages.report, methods=["GET"]),
        Route("/static/{name}", _static, methods=["GET"]),
    ]
    handlers = {HTTPException: pages.missing, DataError: pages.failed}
    return Guard(Starlette(routes=routes, exception_handlers=handlers))  # type: ignore[arg-type]


class _Pages:
    """The answers over one run. Plain functions: Starlette calls each in a thread of its own."""

    def __init__(self, run: Browsed) -> None:
        self._run = run

    def list(self, request: Request) -> Response:
        pairs = request.query_params.multi_items()
        query = _asked(pairs, self._run)
        if any(not value for _, value in pairs):  # a form sends its empty fields too
            return RedirectResponse(f"/?{query.address()}".removesuffix("?"), 303)
        return HTMLResponse(list_page(self._run, query, self._run.rows.page(query)))

    def image(self, request: Request) -> Response:
        index = request.path_params["index"]
        pairs = request.query_params.multi_items()
        query = _asked([pair for pair in pairs if pair[0] != "at"], self._run)
        row = self._found(self._run.rows.one, index)
        place = self._place(query, index, dict(pairs).get("at", ""))
        media = self._run.rows.media(index)
        refusal = "" if media is not None else self._refusal(row)
        page = image_page(self._run, row, media, query, place=place, refusal=refusal)
        return HTMLResponse(page)

    def view(self, request: Request) -> Response:
        index = request.path_params["index"]
        media = self._run.rows.media(index)
        if media is not None:
            return _picture(media["view"])
        row = self._found(lambda k: self._run.rows.some(k, NEEDED), index)
        try:
            return _picture(self._from_dataset(row))
        except NoPicture as why:
            raise HTTPException(404, str(why)) from why

    def covered(self, request: Request) -> Response:
        media = self._run.rows.media(request.path_params["index"])
        if media is None or media.get("covered") is None:
            raise HTTPException(404, "The run keeps no covered version of this image.")
        return _picture(media["covered"])

    def map(self, request: Request) -> Response:
        side = request.path_params["side"]
        if side not in _SIDES:
            raise HTTPException(404, "There is no such map.")
        column = f"{side}_cam"
        row = self._found(lambda k: self._run.rows.some(k, (column,)), request.path_params["index"])
        if row[column] is None:
            raise HTTPException(404, "This image has no such map.")
        return _picture(heat_png(row[column], self._run.grid, self._run.view))

    def region(self, request: Request) -> Response:
        names = ("region_grid", "valid_grid")
        row = self._found(lambda k: self._run.rows.some(k, names), request.path_params["index"])
        if row["region_grid"] is None:
            raise HTTPException(404, "This image has no region.")
        grid, view = self._run.grid, self._run.view
        return _picture(region_png(row["region_grid"], row["valid_grid"], grid, view))

    def report(self, request: Request) -> Response:
        found = report_files(self._run.root).get(request.path_params["name"] or "index.html")
        if found is None:
            raise HTTPException(404, "The run's report has no such file.")
        file, kind = found
        content = file.read_bytes()
        if file.name == "index.html":
            content = content.replace(b"</head>", _INJECTED.encode(), 1)
        return Response(content, media_type=kind)

    def missing(self, request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        said = error.detail
        if said == status.phrase:  # the router's own: no address of ours
            said = (
                f"There is no page {request.url.path}: the list is at /, and an image at /image/ "
                "and its position in the dataset."
            )
        page = error_page(self._run, _HEADLINES.get(status, status.phrase), said)
        return HTMLResponse(page, status, error.headers)

    def failed(self, _request: Request, error: DataError) -> Response:
        return HTMLResponse(error_page(self._run, "This cannot be shown", str(error)), 500)

    def _found(self, ask: Callable[[int], Row | None], index: int) -> Row:
        row = ask(index)
        if row is None:
            raise HTTPException(404, f"The run has no image {index:,}.")
        return row

    def _refusal(self, row: Row) -> str:
        """Why there is no picture to show of an image that the run keeps none of; "": there is."""
        try:
            self._from_dataset(row)
        except NoPicture as why:
            return str(why)
        return ""

    def _from_dataset(self, row: Row) -> bytes:
        """The picture of ``row`` (columns NEEDED) from its dataset's file; raises NoPicture."""
        if self._run.dataset is not None:
            return self._run.dataset.picture(row)
        if not row.get("path"):
            raise NoPicture(f"The run keeps no picture of this image. {SHARED}")
        raise NoPicture(
            "The run keeps no picture of this image; --data-root shows the dataset's own."
        )

    def _place(self, query: Query, index: int, at: str) -> int | None:
        """Where the image is among the query's rows: at ``at``, else in the order by index."""
        order = self._run.rows.order(query)
        if at.isascii() and at.isdigit() and len(at) <= 12 and int(at) < len(order):  # noqa: PLR2004
            return int(at) if order[int(at)] == index else None
        places = (order == index).nonzero()[0]
        return int(places[0]) if len(places) else None


def _picture(content: bytes) -> Response:
    return Response(content, media_type=kind_of(content).mime)


def _asked(pairs: list[tuple[str, str]], run: Browsed) -> Query:
    """The query of an address's ``pairs``; one that makes no sense here is an HTTPException."""
    try:
        query = parse(pairs)
        for name, _ in query.slices:
            _check_slice(name, tuple(run.slices))
    except DataError as error:
        raise HTTPException(400, str(error)) from error
    return query


def _check_slice(name: str, known: tuple[str, ...]) -> None:
    """Raise DataError where the run's dataset has no further column called ``name``."""
    if name not in known:
        others = nearest(name[:60], known) if known else "the dataset has none"
        raise DataError(f"{name[:60]!r} is no further column of the dataset; {others}")


def _static(request: Request) -> Response:
    found = static(request.path_params["name"])
    if found is None:
        raise HTTPException(404, "There is no such file.")
    return Response(found[0], media_type=found[1])


def _to_report(_request: Request) -> Response:
    return RedirectResponse("/report/", 307)
