"""The states of every page of the admin and of the development shop: where each is found and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import FrameLocator, Page

from devshop.demo import DOMAIN
from plugin.pages.chapters import CHAPTERS
from plugin.pages.staff import PATCH_PATH
from tests.gallery.view import View
from tests.gallery.worlds import FIRST, LONG, World

Go = Callable[[World, Page], View]


@dataclass(frozen=True, slots=True)
class State:
    """One state: the world it is found in, the template it shows, and the way there."""

    world: str
    shows: str
    go: Go


# The admin


def admin(path: str, act: Callable[[FrameLocator], None] | None = None) -> Go:
    """A page of the app in the merchant's admin, and what is pressed there."""

    def go(world: World, page: Page) -> View:
        page.goto(f"{world.demo.address}/admin/apps/regulars{path}")
        page.frame_locator("iframe").locator("h1").wait_for()
        if act is not None:
            act(page.frame_locator("iframe"))
            page.frame_locator("iframe").locator("h1").wait_for()
        page.frames[1].wait_for_load_state()
        return View(page, "frame")

    return go


def member(who: Callable[[World], int], act: Callable[[FrameLocator], None] | None = None) -> Go:
    """The page of one member."""
    return lambda world, page: admin(f"/members/{who(world)}", act)(world, page)


def _anna(world: World) -> int:
    return world.people[0].id


def _adjust_wrongly(inside: FrameLocator) -> None:
    inside.get_by_text("Give or take points").click()
    inside.get_by_label("Points", exact=True).fill("30")
    inside.get_by_role("button", name="Continue").click()
    inside.get_by_text("Say why, in a few words.").wait_for()


def _adjust(inside: FrameLocator) -> None:
    inside.get_by_text("Give or take points").click()
    inside.get_by_label("Points", exact=True).fill("30")
    inside.get_by_label("Reason").fill("Broken cup")
    inside.get_by_role("button", name="Continue").click()
    inside.get_by_text("Give 30 points?").wait_for()


def _extend_wrongly(inside: FrameLocator) -> None:
    inside.get_by_label("Last day").fill("31.1.2027")
    inside.get_by_role("button", name="Let points last longer").click()
    inside.get_by_text("Write a day as year-month-day").wait_for()


def _extend(inside: FrameLocator) -> None:
    inside.get_by_label("Last day").fill("2031-01-31")
    inside.get_by_role("button", name="Let points last longer").click()
    inside.get_by_text("Under way").wait_for()


def _preview_wrongly(inside: FrameLocator) -> None:
    inside.get_by_label("Return window").fill("400")
    inside.get_by_label("Codes begin with").fill("?")
    inside.get_by_role("button", name="Check and preview").click()
    inside.get_by_text("Choose 0 to 365 days.", exact=True).wait_for()


def _preview(inside: FrameLocator) -> None:
    inside.get_by_label("Points", exact=True).first.fill("2")
    inside.get_by_role("button", name="Check and preview").click()
    inside.get_by_role("button", name="Publish version").wait_for()


def _chapter_wrongly(inside: FrameLocator) -> None:
    inside.get_by_label("Months counted").fill("0")
    inside.get_by_role("button", name="Check and preview").click()
    inside.get_by_text("Choose 1 to 120 months.", exact=True).wait_for()


def _chapter(inside: FrameLocator) -> None:
    inside.get_by_label("Months counted").fill("24")
    inside.get_by_role("button", name="Check and preview").click()
    inside.get_by_role("button", name="Publish version").wait_for()


def _plan_campaign(inside: FrameLocator) -> None:
    inside.get_by_text("Add a campaign").click()
    new = inside.get_by_role("group", name="New campaign")
    for label, text in (("Name", "Double weekend"), ("Starts", "2027-03-27"), ("Ends", "2027-04-27")):
        new.get_by_label(label, exact=True).fill(text)
    inside.get_by_role("button", name="Check and preview").click()
    inside.get_by_role("heading", name="What each campaign would have given").first.wait_for()


def _campaign(inside: FrameLocator) -> None:
    inside.get_by_role("link", name=LONG).click()
    inside.get_by_text("By the campaign").first.wait_for()


def _refer_wrongly(inside: FrameLocator) -> None:
    inside.get_by_text("Decide on").first.click()
    inside.get_by_role("button", name="Refuse it").click()
    inside.get_by_text("Say why, in a few words.").wait_for()


def _save_wrongly(inside: FrameLocator) -> None:
    inside.get_by_label("Members are").select_option("tag")
    inside.get_by_role("button", name="Save").click()
    inside.get_by_text("Name the customer tag").wait_for()


def _key_wrongly(inside: FrameLocator) -> None:
    inside.get_by_role("button", name="Make a key").click()
    inside.get_by_text("Give the key a name").wait_for()


def _key_and_address(inside: FrameLocator) -> None:
    inside.get_by_role("textbox", name="Address").fill("https://example.com/hooks")
    inside.get_by_role("button", name="Subscribe").click()
    inside.get_by_text("The address is subscribed.").wait_for()
    inside.get_by_label("Name of the program").fill("Mail program")
    inside.get_by_label("Read members,").check()
    inside.get_by_role("button", name="Make a key").click()
    inside.get_by_text("The key Mail program is made.").wait_for()


def _paused(world: World, page: Page) -> View:
    """The shop's currency is another one than the programme's, for the time of a look."""
    shop_id = world.scene.shop(DOMAIN).shop_id
    for currency in ("EUR", "CHF"):
        with world.scene.db.write(shop_id) as tx:
            tx.run("UPDATE shops SET currency = :c WHERE shop_id = :s", c=currency, s=shop_id)
        if currency == "EUR":
            view = admin("/programme")(world, page)
    return view


def _look_at_nothing(inside: FrameLocator) -> None:
    inside.get_by_role("button", name="Look at the list").click()
    inside.get_by_text("Choose a file: CSV, TSV or JSON.").first.wait_for()


def _look_at_list(inside: FrameLocator) -> None:
    body = b"email,customer id,points,tier\nlate@example.com,,120,Gold\n,81,40,\nnobody,,1,\n"
    inside.get_by_label("File", exact=True).set_input_files(
        {"name": "smile.csv", "mimeType": "text/csv", "buffer": body}
    )
    inside.get_by_label("What its points mean").select_option("add")
    inside.get_by_role("button", name="Look at the list").click()
    inside.get_by_role("button", name="Take this list").wait_for()


def _take_list(inside: FrameLocator) -> None:
    _look_at_list(inside)
    inside.get_by_role("button", name="Take this list").click()
    inside.get_by_text("Under way").first.wait_for()


def _stopped(world: World, page: Page) -> View:
    """Earning stands still, for the time of a look."""

    def stop(inside: FrameLocator) -> None:
        inside.get_by_role("button", name="Stop: Earning").click()
        inside.get_by_role("button", name="Go on: Earning").wait_for()

    view = admin("/stop", stop)(world, page)
    shop_id = world.scene.shop(DOMAIN).shop_id
    with world.scene.db.write(shop_id) as tx:
        tx.run("UPDATE shops SET pauses = '[]' WHERE shop_id = :s", s=shop_id)
    return view


def _try_correction(inside: FrameLocator) -> None:
    inside.get_by_label("Orders placed since").fill("2000-01-01")
    inside.get_by_role("button", name="Try it out").click()
    inside.get_by_text("Choose a moment after the programme began").first.wait_for()


def _nowhere(world: World, page: Page) -> View:
    """An address that the app does not have, as Shopify's own admin would frame it."""
    page.goto(f"{world.demo.platform.app.app_url}/nowhere")
    return View(page)


def _patch(world: World, page: Page) -> View:
    """The page that waits for App Bridge, which does not come."""
    page.route("**/app-bridge.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"{world.demo.platform.app.app_url}{PATCH_PATH}?shop={DOMAIN}&shopify-reload=%2Fmembers")
    page.unroute("**/app-bridge.js")
    return View(page)


ADMIN = {
    "home-empty": State("new", "home.html", admin("")),
    "home": State("lived", "home.html", admin("")),
    "home-stuck": State("full", "home.html", admin("")),
    "members-empty": State("new", "members.html", admin("/members")),
    "members": State("lived", "members.html", admin("/members")),
    "members-waiting": State("lived", "members.html", admin("/members?show=waiting")),
    "members-many": State("full", "members.html", admin("/members")),
    "members-search": State("full", "members.html", admin("/members?q=Karl")),
    "members-search-nobody": State("full", "members.html", admin("/members?q=Zz%3Cb%3E")),
    "member": State("lived", "member.html", member(_anna)),
    "member-wrong": State("lived", "member.html", member(_anna, _adjust_wrongly)),
    "member-confirm": State("lived", "member.html", member(_anna, _adjust)),
    "member-full": State("full", "member.html", admin(f"/members/{FIRST + 1}")),
    "member-owing": State("full", "member.html", admin(f"/members/{FIRST + 2}")),
    "member-waiting": State("full", "member.html", admin(f"/members/{FIRST}")),
    "expiry": State("lived", "expiry.html", admin("/expiry")),
    "expiry-wrong": State("lived", "expiry.html", admin("/expiry", _extend_wrongly)),
    "expiry-extended": State("lived", "expiry.html", admin("/expiry", _extend)),
    "orders-empty": State("new", "orders.html", admin("/orders")),
    "orders": State("lived", "orders.html", admin("/orders?show=repeat")),
    "orders-many": State("full", "orders.html", admin("/orders")),
    "programme": State("new", "programme.html", admin("/programme")),
    "programme-wrong": State("lived", "programme.html", admin("/programme", _preview_wrongly)),
    "programme-preview": State("lived", "programme.html", admin("/programme", _preview)),
    "programme-preview-empty": State("new", "programme.html", admin("/programme", _preview)),
    "programme-long": State("full", "programme.html", admin("/programme")),
    "programme-paused": State("new", "programme.html", _paused),
    "chapter-wrong": State("lived", "chapter.html", admin("/programme/tiers", _chapter_wrongly)),
    "chapter-preview": State("lived", "chapter.html", admin("/programme/tiers", _chapter)),
    **{
        f"chapter-{one.slug}": State("lived", "chapter.html", admin(f"/programme/{one.slug}"))
        for one in CHAPTERS
    },
    "chapter-campaigns-preview": State(
        "lived", "chapter.html", admin("/programme/campaigns", _plan_campaign)
    ),
    "campaigns-empty": State("new", "campaigns.html", admin("/campaigns")),
    "campaigns": State("full", "campaigns.html", admin("/campaigns")),
    "campaign": State("full", "campaign.html", admin("/campaigns", _campaign)),
    "referrals-off": State("new", "referrals.html", admin("/referrals")),
    "referrals": State("lived", "referrals.html", admin("/referrals?show=all")),
    "referrals-wrong": State("lived", "referrals.html", admin("/referrals", _refer_wrongly)),
    "surveys-empty": State("new", "surveys.html", admin("/surveys")),
    "surveys": State("lived", "surveys.html", admin("/surveys")),
    "surveys-many": State("full", "surveys.html", admin("/surveys?show=words")),
    "questions-empty": State("new", "questions.html", admin("/surveys/questions")),
    "questions": State("lived", "questions.html", admin("/surveys/questions")),
    "activity-empty": State("new", "activity.html", admin("/activity")),
    "activity": State("lived", "activity.html", admin("/activity")),
    "activity-stuck": State("full", "activity.html", admin("/activity")),
    "settings": State("lived", "settings.html", admin("/settings")),
    "settings-wrong": State("lived", "settings.html", admin("/settings", _save_wrongly)),
    "settings-found": State("full", "settings.html", admin(f"/settings?id={FIRST + 1}")),
    "settings-not-found": State("lived", "settings.html", admin("/settings?id=4242")),
    "moving": State("lived", "moving.html", admin("/moving", _look_at_list)),
    "moving-wrong": State("new", "moving.html", admin("/moving", _look_at_nothing)),
    "moving-taken": State("new", "moving.html", admin("/moving", _take_list)),
    "stop": State("new", "stop.html", admin("/stop")),
    "stop-stopped": State("new", "stop.html", _stopped),
    "stop-tried": State("lived", "stop.html", admin("/stop", _try_correction)),
    "connections-empty": State("new", "connections.html", admin("/settings/connections")),
    "connections-wrong": State("lived", "connections.html", admin("/settings/connections", _key_wrongly)),
    "connections-made": State("lived", "connections.html", admin("/settings/connections", _key_and_address)),
    "no-such-member": State("lived", "message.html", admin("/members/424242")),
    "no-such-page": State("lived", "message.html", _nowhere),
    "patch": State("new", "patch.html", _patch),
}


# The development shop


def shop(
    path: str, *, as_customer: bool = False, german: bool = False, act: Callable[[Page], None] | None = None
) -> Go:
    """A page of the shop, for a stranger or the first customer, and what is pressed there."""

    def go(world: World, page: Page) -> View:
        address = world.demo.address
        if as_customer:
            page.goto(f"{address}/account/login")
            page.locator("ul.people button").first.click()
            page.wait_for_url(f"{address}/account")
        if german:
            page.goto(f"{address}/cart")
            page.get_by_label("Language").select_option("de")
            page.get_by_label("Country").select_option("DE")
            page.get_by_role("button", name="Apply").click()
            page.locator("html[lang=de]").wait_for()
        page.goto(f"{address}{path}")
        if act is not None:
            act(page)
        page.locator("h1").first.wait_for()
        # What a person may unfold belongs to the state.
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        return View(page)

    return go


def order(at: int) -> Go:
    """The desk's page of one order."""
    return lambda world, page: shop(f"/shop-admin/orders/{world.orders[at].id}")(world, page)


def _into_cart(page: Page) -> None:
    page.locator(".product form[action$='/cart/add'] button, form[action$='/cart/add'] button").first.click()
    page.wait_for_url("**/cart")


def _to_checkout(page: Page) -> None:
    _into_cart(page)
    page.locator("button[name=checkout]").click()
    page.wait_for_url("**/checkout")


def _refused_code(page: Page) -> None:
    _to_checkout(page)
    page.get_by_label("Discount code").fill("REG-NOSUCHCODE")
    page.locator(".code-form button").click()
    page.locator("#refused").wait_for()


def _as_nobody(page: Page) -> None:
    _to_checkout(page)
    page.locator("#pay").evaluate("(form) => { form.noValidate = true; }")
    page.locator("#pay button").click()
    page.locator("#pay .problem").wait_for()


def _bought(page: Page) -> None:
    _to_checkout(page)
    page.locator("#pay button").click()
    page.wait_for_url("**/thank-you/*")


def _log_entry(world: World, page: Page) -> View:
    entry = world.demo.platform.journal.entries(DOMAIN)[0]
    return shop(f"/shop-admin/log/{entry.number}")(world, page)


def _unsaved(world: World, page: Page) -> View:
    """The admin's frame with its save bar and a toast."""
    admin("/programme")(world, page)
    page.frame_locator("iframe").get_by_label("Return window").fill("30")
    page.get_by_role("region", name="Unsaved changes").wait_for()
    page.frames[1].evaluate("shopify.toast.show('Saved.', {duration: 0})")
    page.locator(".toast").wait_for()
    return View(page)


SHOP = {
    "home": State("lived", "home.html", shop("/")),
    "home-german": State("lived", "home.html", shop("/", as_customer=True, german=True)),
    "collection": State("lived", "collection.html", shop("/collections/all")),
    "product": State("lived", "product.html", shop("/products/mountain-herbs")),
    "product-member": State("lived", "product.html", shop("/products/hut-mug", as_customer=True)),
    "product-german": State("lived", "product.html", shop("/products/hut-mug", german=True)),
    "product-without-app": State("without", "product.html", shop("/products/gift-card")),
    "cart-empty": State("lived", "cart.html", shop("/cart")),
    "cart": State("lived", "cart.html", shop("/products/wool-blanket", as_customer=True, act=_into_cart)),
    "checkout": State(
        "lived", "checkout.html", shop("/products/hut-mug", as_customer=True, act=_to_checkout)
    ),
    "checkout-guest": State("lived", "checkout.html", shop("/products/hut-mug", act=_as_nobody)),
    "checkout-refused": State(
        "lived", "checkout.html", shop("/products/hut-mug", as_customer=True, act=_refused_code)
    ),
    "thanks": State("new", "thanks.html", shop("/products/hut-mug", as_customer=True, act=_bought)),
    "login": State("lived", "login.html", shop("/account/login")),
    "login-nobody": State("lived", "login.html", shop("/account/login?q=Zz")),
    "account": State("lived", "account.html", shop("/account", as_customer=True)),
    "account-german": State("lived", "account.html", shop("/account", as_customer=True, german=True)),
    "not-found": State("lived", "message.html", shop("/nope")),
    "orders-empty": State("without", "orders.html", shop("/shop-admin/orders")),
    "orders": State("lived", "orders.html", shop("/shop-admin/orders")),
    "order-new": State("lived", "order.html", order(-1)),
    "order-delivered": State("lived", "order.html", order(0)),
    "order-refunded": State("lived", "order.html", order(8)),
    "log-empty": State("without", "log.html", shop("/shop-admin/log")),
    "log": State("lived", "log.html", shop("/shop-admin/log")),
    "log-entry": State("lived", "log_entry.html", _log_entry),
    "metafields-empty": State("without", "metafields.html", shop("/shop-admin/metafields")),
    "metafields": State("lived", "metafields.html", shop("/shop-admin/metafields")),
    "theme-editor": State("lived", "theme_editor.html", shop("/admin/themes/current/editor")),
    "admin-frame": State("lived", "admin_frame.html", _unsaved),
    "admin-without-app": State("without", "admin_frame.html", shop("/admin/apps/regulars")),
}
