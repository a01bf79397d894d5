"""The door for webhooks: what is let in, what is refused and how, and that nothing leaks on the way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.store import intake as intake_store
from plugin.store import shops
from plugin.store.db import Database
from plugin.store.intake import Delivery, IntakeWriter
from plugin.store.waiting import WaitingLimits
from tests.webhooks.sender import ALICE, BODY, OLD, SECRET, Answer, call, headers, headers_but
from webhooks.receive import MAX_BODY_BYTES, Intake

NOW = datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)
NOW_MS = 1_795_334_401_000
BOB = "bob.myshopify.com"
NOBODY = "never-installed.myshopify.com"


def _flask_stands_here(environ: Any, start_response: Any) -> list[bytes]:
    start_response("418 I'm a teapot", [("Content-Length", "0")])
    return []


@pytest.fixture
def shop_ids(database: Database) -> dict[str, int]:
    """Alice and Bob have installed the app."""
    with database.write() as tx:
        found = {domain: shops.ensure(tx, domain, NOW) for domain in (ALICE, BOB)}
        for shop_id in found.values():
            shops.installed(tx, shop_id, "read_orders", NOW)
    return found


@pytest.fixture
def writer(database: Database, shop_ids: dict[str, int]) -> Iterator[IntakeWriter]:
    made = IntakeWriter(database.url)
    yield made
    made.close()


@pytest.fixture
def intake(writer: IntakeWriter) -> Intake:
    return Intake(_flask_stands_here, writer, (SECRET, OLD), clock=lambda: NOW)


def _rows(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as tx:
        return tx.all(
            "SELECT s.domain, i.webhook_id, i.topic, i.body FROM inbox i JOIN shops s ON s.shop_id = i.shop_id"
            " ORDER BY i.webhook_id"
        )


def _refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert f'"code": "{code}"'.encode() in answer.body
    assert SECRET.encode() not in answer.body


def test_a_genuine_webhook_is_stored_before_the_answer(
    intake: Intake, database: Database, shop_ids: dict[str, int]
) -> None:
    sent = headers(webhook_id="w-1", event_id="e-1")
    answer = call(intake, sent=sent)
    assert (answer.status, answer.body) == (200, b"")
    with database.read() as tx:
        assert tx.all(
            "SELECT shop_id, webhook_id, topic, event_id, api_version, triggered_at, received_at, body, state,"
            " attempts, due_at, reason FROM inbox"
        ) == [
            (
                shop_ids[ALICE],
                "w-1",
                "orders/paid",
                "e-1",
                "2026-10",
                1_795_334_400_123,
                NOW_MS,
                BODY,
                0,
                0,
                NOW_MS,
                None,
            )
        ]


def test_a_replay_is_answered_alike_and_changes_nothing(intake: Intake, database: Database) -> None:
    first = headers(webhook_id="w-1")
    assert call(intake, sent=first).status == 200
    before = _rows(database)
    assert call(intake, sent=first).status == 200
    other_body = b'{"id": 666}'
    assert (
        call(intake, other_body, headers(other_body, webhook_id="w-1", topic="orders/edited")).status == 200
    )
    assert _rows(database) == before


def test_the_same_id_from_another_shop_is_another_webhook(intake: Intake, database: Database) -> None:
    assert call(intake, sent=headers(webhook_id="w-1")).status == 200
    assert call(intake, sent=headers(webhook_id="w-1", shop_domain=BOB)).status == 200
    assert {row[0] for row in _rows(database)} == {ALICE, BOB}


def test_the_old_secret_is_accepted_during_rotation(intake: Intake, database: Database) -> None:
    assert call(intake, sent=headers(secret=OLD)).status == 200
    assert len(_rows(database)) == 1


def test_the_newer_names_of_the_headers_are_accepted(intake: Intake, database: Database) -> None:
    sent = {name.removeprefix("X-"): value for name, value in headers(webhook_id="w-1").items()}
    assert call(intake, sent=sent).status == 200
    assert [row[:3] for row in _rows(database)] == [(ALICE, "w-1", "orders/paid")]


SIGNATURE = headers()["X-Shopify-Hmac-Sha256"]


BAD_SIGNATURES = {
    "forged": headers(b"another body")["X-Shopify-Hmac-Sha256"],
    "of another app": headers(secret="shpss_of_another_app")["X-Shopify-Hmac-Sha256"],
    "truncated": SIGNATURE[:-1],
    "half": SIGNATURE[:20],
    "empty": "",
    "only padding": "=",
    "non-ASCII": "é" + SIGNATURE[1:],
    "binary": "ÿþ",
    "twice": SIGNATURE + SIGNATURE,
}


def test_a_bad_signature_is_401_and_stores_nothing(intake: Intake, database: Database) -> None:
    for signature in BAD_SIGNATURES.values():
        _refused(call(intake, sent=headers(hmac_sha256=signature)), 401, "invalid_signature")
    assert _rows(database) == []


def test_one_changed_byte_of_the_body_is_401(intake: Intake, database: Database) -> None:
    _refused(call(intake, BODY.replace(b"1", b"2"), headers(BODY)), 401, "invalid_signature")
    assert _rows(database) == []


def test_a_missing_header_is_400_and_named(intake: Intake, database: Database) -> None:
    for name in ("Hmac-Sha256", "Shop-Domain", "Topic", "Webhook-Id"):
        answer = call(intake, sent=headers_but(name.lower().replace("-", "_"), None))
        _refused(answer, 400, "missing_header")
        assert f"X-Shopify-{name} is missing".encode() in answer.body
    assert _rows(database) == []


def test_the_other_headers_are_not_needed(intake: Intake, database: Database) -> None:
    for name in ("event_id", "api_version", "triggered_at"):
        for value in (None, "", "x" * 300, "é", "a b"):
            assert call(intake, sent=headers_but(name, value, webhook_id="w")).status == 200
            with database.write() as tx:
                assert tx.all(f"SELECT {name} FROM inbox") == [(None,)]
                tx.run("DELETE FROM inbox")


def test_a_moment_that_is_none_is_left_out(intake: Intake, database: Database) -> None:
    for value in ("yesterday", "2026-11-22T08:00:00", "9999999-01-01T00:00:00Z", "2026-13-01T00:00:00Z"):
        assert call(intake, sent=headers(triggered_at=value)).status == 200
    with database.read() as tx:
        assert tx.all("SELECT triggered_at FROM inbox") == [(None,)] * 4


BAD_HEADERS = [
    ("shop_domain", ""),
    ("shop_domain", "evil.example"),
    ("shop_domain", "alice.myshopify.com.evil.example"),
    ("shop_domain", "evil/../x.myshopify.com"),
    ("shop_domain", "alice.myshopify.com, bob.myshopify.com"),
    ("topic", ""),
    ("topic", "orders paid"),
    ("topic", "x" * 400),
    ("topic", "orders/paid\n"),
    ("webhook_id", ""),
    ("webhook_id", "x" * 201),
    ("webhook_id", "é"),
    ("webhook_id", "a b"),
    ("webhook_id", "a\x00b"),
]


def test_a_header_of_another_form_is_400_though_the_body_is_signed(
    intake: Intake, database: Database
) -> None:
    for name, value in BAD_HEADERS:
        _refused(call(intake, sent=headers_but(name, value)), 400, "invalid_header")
    assert _rows(database) == []


def test_the_case_of_the_shop_does_not_matter(intake: Intake, database: Database) -> None:
    assert call(intake, sent=headers(shop_domain="Alice.MyShopify.com")).status == 200
    assert [row[0] for row in _rows(database)] == [ALICE]


def test_a_signed_body_under_another_shops_name_stays_with_that_name(
    intake: Intake, database: Database, shop_ids: dict[str, int]
) -> None:
    """The header is not signed. The row is Bob's, and the drain asks Bob's shop before it believes it."""
    assert call(intake, sent=headers(shop_domain=BOB, webhook_id="w-1")).status == 200
    with database.read() as tx:
        assert tx.all("SELECT shop_id, webhook_id FROM inbox") == [(shop_ids[BOB], "w-1")]


def test_a_shop_that_never_installed_waits_in_a_row_of_its_own(intake: Intake, database: Database) -> None:
    assert call(intake, sent=headers(shop_domain=NOBODY, webhook_id="w-1")).status == 200
    assert call(intake, sent=headers(shop_domain=NOBODY, webhook_id="w-1")).status == 200
    assert call(intake, sent=headers(shop_domain=NOBODY, webhook_id="w-2")).status == 200
    with database.read() as tx:
        found = shops.by_domain(tx, NOBODY)
    assert found is not None
    assert (found.state, found.installed_at) == ("waiting", None)
    assert [row[:2] for row in _rows(database)] == [(NOBODY, "w-1"), (NOBODY, "w-2")]


def test_a_shop_that_was_waiting_is_let_in_without_limits_once_it_installs(
    database: Database, shop_ids: dict[str, int]
) -> None:
    writer = IntakeWriter(database.url, limits=WaitingLimits(rows_per_shop=2))
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    sent = [call(app, sent=headers(shop_domain=NOBODY)) for _ in range(3)]
    assert [answer.status for answer in sent] == [200, 200, 503]
    _refused(sent[2], 503, "waiting_room_full")
    assert sent[2].headers["Retry-After"] == "5"
    assert call(app, sent=headers()).status == 200
    with database.write() as tx:
        shops.installed(tx, shops.ensure(tx, NOBODY, NOW), "", NOW)
    assert [call(app, sent=headers(shop_domain=NOBODY)).status for _ in range(3)] == [200, 200, 200]
    writer.close()


def test_invented_shops_cannot_fill_the_disk(database: Database, shop_ids: dict[str, int]) -> None:
    writer = IntakeWriter(database.url, limits=WaitingLimits(new_shops_per_hour=3))
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    answers = [call(app, sent=headers(shop_domain=f"invented-{n}.myshopify.com")) for n in range(6)]
    assert [answer.status for answer in answers] == [200] * 3 + [503] * 3
    assert call(app, sent=headers(shop_domain="invented-0.myshopify.com")).status == 200
    writer.close()
    tight = IntakeWriter(database.url, limits=WaitingLimits(bytes_in_all=5 * len(BODY)))
    app = Intake(_flask_stands_here, tight, (SECRET,), clock=lambda: NOW)
    answers = [call(app, sent=headers(shop_domain="invented-0.myshopify.com")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 503, 503]
    assert call(app, sent=headers()).status == 200
    tight.close()
    assert len(_rows(database)) == 6


@pytest.fixture
def alone() -> Intake:
    """An intake whose storage is never reached."""
    return Intake(_flask_stands_here, IntakeWriter("sqlite:////nowhere/at/all.db"), (SECRET, OLD))


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_answered(alone: Intake, path: str, method: str) -> None:
    answer = call(alone, method=method, path=path)
    _refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_both_spellings_of_the_path_store(intake: Intake, database: Database) -> None:
    for topic, path in (("shop/redact", "/webhooks/"), ("customers/data_request", "/webhooks")):
        assert call(intake, sent=headers(topic=topic), path=path).status == 200
    assert {row[2] for row in _rows(database)} == {"shop/redact", "customers/data_request"}


@pytest.mark.parametrize("path", ["/", "/webhooks/x", "/webhook", "//webhooks", "/api/webhooks", ""])
def test_every_other_path_is_flasks(alone: Intake, path: str) -> None:
    assert call(alone, path=path).status == 418


def test_ten_megabytes_are_413_and_stored_nowhere(intake: Intake, database: Database) -> None:
    body = b"x" * 10_000_000
    _refused(call(intake, body), 413, "body_too_large")
    chunked = call(intake, body, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    _refused(chunked, 413, "body_too_large")
    _refused(call(intake, BODY, CONTENT_LENGTH="999999999999"), 413, "body_too_large")
    assert _rows(database) == []


def test_the_largest_body_is_stored_as_it_came(intake: Intake, database: Database) -> None:
    body = bytes(range(256)) * (MAX_BODY_BYTES // 256)
    assert call(intake, body).status == 200
    assert [row[3] for row in _rows(database)] == [body]


def test_a_body_in_chunks_is_stored(intake: Intake, database: Database) -> None:
    assert call(intake, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked").status == 200
    assert [row[3] for row in _rows(database)] == [BODY]


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣", "9" * 40, "+5"])
def test_a_strange_length_is_400(alone: Intake, length: str) -> None:
    _refused(call(alone, CONTENT_LENGTH=length), 400, "invalid_content_length")


def test_a_body_that_breaks_off_is_400(intake: Intake, database: Database) -> None:
    _refused(call(intake, BODY, CONTENT_LENGTH=str(len(BODY) + 1)), 400, "incomplete_body")
    assert _rows(database) == []


def test_deeply_nested_json_is_stored_unread(intake: Intake, database: Database) -> None:
    body = b"[" * 1_000_000 + b"]" * 1_000_000
    assert call(intake, body).status == 200
    assert [row[3] for row in _rows(database)] == [body]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=400), webhook_id=st.text("!-~abc'\"\\%_", min_size=1, max_size=30))
def test_any_signed_bytes_are_stored_exactly(
    intake: Intake, database: Database, body: bytes, webhook_id: str
) -> None:
    with database.write() as tx:
        tx.run("DELETE FROM inbox")
    assert call(intake, body, headers(body, webhook_id=webhook_id)).status == 200
    assert _rows(database) == [(ALICE, webhook_id, "orders/paid", body)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from([*headers(), "Content-Type", "X-Forwarded-For"]),
        st.text(st.characters(max_codepoint=255), max_size=250),
    )
)
def test_random_headers_never_raise_and_never_store(alone: Intake, sent: dict[str, str]) -> None:
    assert call(alone, sent=sent).status in (400, 401)


def test_a_storage_failure_is_503_and_the_next_one_is_stored(
    intake: Intake, database: Database, writer: IntakeWriter, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as tx:
        tx.run("ALTER TABLE inbox RENAME TO inbox_is_away")
    with caplog.at_level(logging.DEBUG):
        answer = call(intake, sent=headers(webhook_id="w-1"))
    _refused(answer, 503, "storage_busy")
    assert answer.headers["Retry-After"] == "5"
    assert "webhooks not stored" in caplog.text
    _reveals_nothing(caplog)
    with database.write() as tx:
        tx.run("ALTER TABLE inbox_is_away RENAME TO inbox")
    assert call(intake, sent=headers(webhook_id="w-1")).status == 200
    assert len(_rows(database)) == 1


def _reveals_nothing(caplog: pytest.LogCaptureFixture) -> None:
    for revealing in (SECRET, OLD, "gid://shopify", "6210", SIGNATURE, "Traceback", ALICE):
        assert revealing not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_an_error_nobody_thought_of_is_503_without_a_trace(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_clock() -> datetime:
        raise ZeroDivisionError(f"{SECRET} {BODY!r}")

    app = Intake(_flask_stands_here, IntakeWriter(database.url), (SECRET,), clock=broken_clock)
    with caplog.at_level(logging.DEBUG):
        _refused(call(app), 503, "storage_busy")
    assert "ZeroDivisionError" in caplog.text
    _reveals_nothing(caplog)


def test_an_error_at_commit_on_postgresql_is_503_and_stores_nothing(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database.open(postgres_url)
    with database.write() as tx:
        shops.installed(tx, shops.ensure(tx, ALICE, NOW), "", NOW)
        tx.run(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$"
        )
        tx.run(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    writer = IntakeWriter(postgres_url)
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    with caplog.at_level(logging.DEBUG):
        for shop in (ALICE, NOBODY):
            _refused(call(app, sent=headers(shop_domain=shop)), 503, "storage_busy")
    assert "DiskFull 53100" in caplog.text
    _reveals_nothing(caplog)
    assert _rows(database) == []
    with database.write() as tx:
        tx.run("DROP TRIGGER at_commit ON inbox")
    for shop in (ALICE, NOBODY):
        assert call(app, sent=headers(shop_domain=shop)).status == 200
    assert len(_rows(database)) == 2
    writer.close()
    database.close()


def test_a_stopped_postgresql_is_503_until_it_is_back(
    postgres_url: str, pg_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    writer = IntakeWriter(postgres_url)
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    assert call(app).status == 200
    pg_server.stop()
    with caplog.at_level(logging.DEBUG):
        _refused(call(app), 503, "storage_busy")
    _reveals_nothing(caplog)
    pg_server.start()
    assert call(app).status == 200
    pg_server.restart(immediate=True)  # the idle connection is dead, and the sender need not know
    assert call(app).status == 200
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM inbox").fetchone() == (3,)
    writer.close()


def test_many_at_once_share_commits_and_each_is_stored(intake: Intake, database: Database) -> None:
    """Sixteen threads, with the same id now and then, among three shops of which one never installed."""
    answers: list[int] = []
    ids = [f"w-{n % 120}" for n in range(160)]

    def send(part: int) -> None:
        for number in range(part, len(ids), 16):
            shop = (ALICE, BOB, NOBODY)[int(ids[number][2:]) % 3]
            answers.append(call(intake, sent=headers(webhook_id=ids[number], shop_domain=shop)).status)

    threads = [threading.Thread(target=send, args=(part,)) for part in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 160
    found = _rows(database)
    assert sorted(row[1] for row in found) == sorted(set(ids))
    for domain, webhook_id, _, _ in found:
        assert domain == (ALICE, BOB, NOBODY)[int(webhook_id[2:]) % 3]


def test_a_large_batch_is_stored_whole_and_in_part(database: Database, shop_ids: dict[str, int]) -> None:
    """Two hundred rows in one statement, and two hundred of which every other one is there already."""
    writer = IntakeWriter(database.url)
    rows = [Delivery(ALICE, f"w-{n:03}", "orders/paid", None, None, None, 0, BODY) for n in range(200)]
    store = writer._store_sqlite if writer.engine == "sqlite" else writer._store_postgresql
    assert store(rows[::2]) == ["stored"] * 100
    assert store(rows) == ["duplicate", "stored"] * 100
    fresh = [row._replace(webhook_id=f"new-{n}") for n, row in enumerate(rows)]
    assert store(fresh) == ["stored"] * 200
    twice = fresh[0]._replace(webhook_id="twice")
    assert store([twice, twice._replace(shop_domain=NOBODY), twice]) == ["stored", "stored", "duplicate"]
    assert len(_rows(database)) == 402


def test_a_closed_writer_refuses(database: Database, shop_ids: dict[str, int]) -> None:
    writer = IntakeWriter(database.url)
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    assert call(app).status == 200
    writer.close()
    writer.close()
    _refused(call(app), 503, "storage_busy")
    assert len(_rows(database)) == 1


def test_a_full_queue_refuses_and_everything_let_in_is_answered(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    with database.write() as tx:
        shops.installed(tx, shops.ensure(tx, ALICE, NOW), "", NOW)
    writer = IntakeWriter(sqlite_url, max_waiting=2)
    app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(call(app).status)) for _ in range(12)]
    with database.write():  # the writer cannot begin
        for thread in threads:
            thread.start()
        while not answers:
            time.sleep(0.001)
        assert set(answers) == {503}
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert answers.count(200) == len(_rows(database)) > 0
    writer.close()
    database.close()


def test_one_that_gave_up_keeps_nobody_behind_it_waiting(sqlite_url: str) -> None:
    """The requests of a batch wake one another; one whose time ran out is passed over."""
    database = Database.open(sqlite_url)
    with database.write() as tx:
        shops.installed(tx, shops.ensure(tx, ALICE, NOW), "", NOW)
    writer = IntakeWriter(sqlite_url)
    outcomes: dict[str, str] = {}

    def delivery(name: str) -> Delivery:
        return Delivery(ALICE, name, "orders/paid", None, None, None, 0, BODY)

    def put(name: str) -> None:
        outcomes[name] = writer.put(delivery(name))

    threads = [threading.Thread(target=put, args=(name,)) for name in ("first", "early", "late")]
    gone = intake_store._Waiter(delivery("gone"))
    with database.write():  # the writer holds the first and cannot begin; the others wait for the next batch
        threads[0].start()
        while writer._thread is None or writer._queue.qsize():
            time.sleep(0.001)
        threads[1].start()
        while writer._queue.qsize() < 1:
            time.sleep(0.001)
        writer._queue.put(gone)
        assert writer._gave_up(gone)
        threads[2].start()
        while writer._queue.qsize() < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert outcomes == {"first": "stored", "early": "stored", "late": "stored"}
    assert len(_rows(database)) == 4
    writer.close()
    database.close()


def test_two_web_processes_may_take_in_the_same_webhooks(database: Database) -> None:
    """Each with a writer of its own, the same new shops and ids in opposite order: no deadlock, no double."""
    writers = [IntakeWriter(database.url) for _ in range(2)]
    answers: list[int] = []
    names = [(f"w-{n % 30}", f"new-{n % 3}.myshopify.com") for n in range(60)]

    def send(writer: IntakeWriter, part: list[tuple[str, str]]) -> None:
        app = Intake(_flask_stands_here, writer, (SECRET,), clock=lambda: NOW)
        for webhook_id, shop in part:
            answers.append(call(app, sent=headers(webhook_id=webhook_id, shop_domain=shop)).status)

    parts = [(writers[0], names[::2]), (writers[1], names[::-2]), (writers[0], names[1::2])]
    threads = [threading.Thread(target=send, args=part) for part in [*parts, (writers[1], names[::-1])]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()
    assert set(answers) == {200}
    assert sorted((row[1], row[0]) for row in _rows(database)) == sorted(set(names))
    with database.read() as tx:
        assert tx.one("SELECT COUNT(*), COUNT(DISTINCT shop_id) FROM shops") == (3, 3)
