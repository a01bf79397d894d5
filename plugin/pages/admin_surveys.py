"""Surveys: the score with how sure it is, how the answers spread, every answer, and all of them as a table to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain import nps
from plugin.domain.nps import Score
from plugin.pages.admin_frame import PAGE, Visit, admitted, arrive, download, full_name, page, pair, ticket
from plugin.pages.admin_home import score_of
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import answers, surveys, tabular
from plugin.store.answers import Answer
from plugin.store.db import to_ms

if TYPE_CHECKING:
    from plugin.pages.web import Web

DOWNLOAD = "download answers"
SHOWS = {
    "all": "All answers",
    "words": "With words",
    "promoter": "Promoters (9–10)",
    "passive": "Passives (7–8)",
    "detractor": "Detractors (0–6)",
}
COLUMNS = ("answered_at", "order", "order_id", "customer_id", "customer", "score", "band", "words", "channel")


def register(app: Flask, web: Web) -> None:
    """Adds the page and the download."""

    @app.get("/surveys")
    @staff_only(web)
    def survey_answers(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.get("/surveys/download")
    @guard(FORM_TICKET)
    def download_answers() -> Response:
        return _download(web)


def in_words(score: Score) -> str:
    """What the score says and how far to trust it, for people who know no statistics."""
    if score.nps is None or score.low is None or score.high is None:
        return "No answers yet. The question goes out some days after a parcel has arrived."
    if score.low > 0:
        tone = "More customers recommend you than warn against you."
    elif score.high < 0:
        tone = "More customers warn against you than recommend you."
    else:
        tone = "It is not clear yet whether more customers recommend you or warn against you."
    width = score.high - score.low
    if width > 40:
        return f"{tone} This rests on few answers: treat the number as a first hint."
    if width > 20:
        return f"{tone} The number is rough; small changes from month to month mean nothing yet."
    return f"{tone} There are enough answers to follow the number over time."


def _show(web: Web, visit: Visit) -> Response:
    shop_id = visit.shop.shop_id
    show = request.args.get("show", "all")
    show = show if show in SHOWS else "all"
    with web.db.read() as tx:
        scores = surveys.distribution(tx, shop_id)
        words = answers.with_words(tx, shop_id)
        rows = answers.page(
            tx, shop_id, show, pair(request.args.get("before", "")), PAGE + 1, words=show == "words"
        )
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        before = f"{to_ms(rows[-1].answered_at)}-{rows[-1].order_id}"
        older = link("/surveys", visit.shop.domain, before=before, show=show)
    score = score_of(scores)
    most = max(scores.values(), default=0)
    bars = [
        (n, scores.get(n, 0), scores.get(n, 0) * 100 // most if most else 0, nps.band(n)) for n in range(11)
    ]
    return page(
        web, visit, "admin/surveys.html", "Surveys", score=score, said=in_words(score), bars=bars, words=words,
        rows=[(row, nps.band(row.score)) for row in rows], older=older, show=show, shows=SHOWS,
        first=not request.args.get("before"),
        download=link("/surveys/download", visit.shop.domain, ticket=ticket(web, visit, DOWNLOAD)),
    )  # fmt: skip


def _download(web: Web) -> Response:
    visit = admitted(web, DOWNLOAD, text=request.args.get("ticket", ""))
    with web.db.read() as tx:
        rows = (_row(answer) for answer in answers.every(tx, visit.shop.shop_id))
        text = "".join(tabular.csv_lines(COLUMNS, rows))
    return download(text, "survey-answers.csv", "text/csv; charset=utf-8")


def _row(answer: Answer) -> tuple[object, ...]:
    return (
        answer.answered_at.isoformat(timespec="seconds"),
        answer.order_name or "",
        answer.order_id,
        answer.member_id,
        full_name(answer.first_name, answer.last_name, answer.member_id),
        answer.score,
        nps.band(answer.score),
        answer.words or "",
        answer.channel,
    )
