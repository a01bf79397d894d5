"""Gift cards and store credit in the Admin API."""

from __future__ import annotations

from devshop import tenders
from devshop.graphql_call import Call, View, moment, money, utc
from devshop.graphql_paging import connection
from devshop.ids import gid, number_of
from devshop.money import to_minor
from devshop.records import CreditAccount, CreditMove, GiftCard


def card_view(call: Call, card: GiftCard) -> View:
    def customer(_info: object) -> View | None:
        from devshop.graphql_customers import customer_view

        call.need("read_customers", "customer")
        record = call.desk.shop.customers.get(card.customer or 0)
        return None if record is None else customer_view(call, record)

    return {
        "__typename": "GiftCard",
        "id": gid("GiftCard", card.id),
        "note": card.note,
        "enabled": card.deactivated_at is None,
        "maskedCode": f"•••• •••• •••• {card.code[-4:]}",
        "lastCharacters": card.code[-4:],
        "expiresOn": card.expires_on,
        "createdAt": utc(card.created_at),
        "updatedAt": utc(card.updated_at),
        "deactivatedAt": utc(card.deactivated_at),
        "initialValue": money(card.initial, card.currency),
        "balance": money(card.balance, card.currency),
        "customer": customer,
    }


def card(call: Call, id: str) -> View | None:
    call.need("read_gift_cards", "giftCard")
    found = call.desk.shop.gift_cards.get(number_of(id, "GiftCard") or 0)
    return None if found is None else card_view(call, found)


def cards(call: Call, info: object, arguments: dict[str, object]) -> object:
    """giftCards: a word without a field finds whole codes."""
    call.need("read_gift_cards", "giftCards")
    wanted = str(arguments.pop("query", None) or "").casefold()
    return connection(
        lambda: [one for one in call.desk.shop.gift_cards.values() if wanted in ("", one.code.casefold())],
        lambda one: card_view(call, one),
        lambda one: (one.id,),
    )(info, **arguments)


def create_card(call: Call, given: dict[str, object]) -> View:
    """giftCardCreate. The code is answered here and never again."""
    call.need("write_gift_cards", "giftCardCreate")
    desk, now = call.desk, call.desk.now()
    code, value = str(given.get("code") or ""), given.get("initialAmount")
    customer = given.get("customerId")
    error = None
    if not isinstance(value, dict):
        error = ("initialAmount", "MISSING_ARGUMENT", "Initial amount is required")
    elif to_minor(value["amount"], str(value["currencyCode"])) <= 0:
        error = ("initialAmount", "GREATER_THAN", "Initial value must be greater than 0")
    elif len(code) < 8:
        error = ("code", "TOO_SHORT", "Code is too short (minimum is 8 characters)")
    elif len(code) > 20:
        error = ("code", "TOO_LONG", "Code is too long (maximum is 20 characters)")
    elif tenders.CODE.fullmatch(code) is None:
        error = ("code", "INVALID", "Code can only contain letters and numbers")
    elif tenders.card_of(desk, code) is not None:
        error = ("code", "TAKEN", "Code has already been taken")
    elif customer is not None and (number_of(str(customer), "Customer") or 0) not in desk.shop.customers:
        error = ("customerId", "CUSTOMER_NOT_FOUND", "The customer could not be found")
    if error is not None or not isinstance(value, dict):
        assert error is not None
        return {"giftCard": None, "giftCardCode": None, "userErrors": [_error(*error)]}
    currency = str(value["currencyCode"])
    amount, note, ends = to_minor(value["amount"], currency), given.get("note"), given.get("expiresOn")
    made = GiftCard(
        id=desk.ids.number("GiftCard"),
        code=code.lower(),
        currency=currency,
        initial=amount,
        balance=amount,
        created_at=now,
        updated_at=now,
        customer=number_of(str(customer), "Customer") if customer else None,
        note=str(note) if note is not None else None,
        expires_on=str(ends) if ends is not None else None,
    )
    desk.shop.gift_cards[made.id] = made
    return {"giftCard": card_view(call, made), "giftCardCode": made.code, "userErrors": []}


def deactivate_card(call: Call, id: str) -> View:
    """giftCardDeactivate: for good; a second time changes nothing."""
    call.need("write_gift_cards", "giftCardDeactivate")
    found = call.desk.shop.gift_cards.get(number_of(id, "GiftCard") or 0)
    if found is None:
        missing = ("id", "GIFT_CARD_NOT_FOUND", "The gift card could not be found.")
        return {"giftCard": None, "userErrors": [_error(*missing)]}
    found.deactivated_at = found.deactivated_at or call.desk.now()
    return {"giftCard": card_view(call, found), "userErrors": []}


def accounts_of(call: Call, customer: int) -> object:
    """Customer.storeCreditAccounts, all or those of one currency."""

    def resolve(info: object, **arguments: object) -> object:
        call.need("read_store_credit_accounts", "storeCreditAccounts")
        wanted = str(arguments.pop("query", None) or "").rpartition("currency_code:")[2]
        return connection(
            lambda: [
                one
                for one in call.desk.shop.credit_accounts.values()
                if one.customer == customer and wanted in ("", one.currency)
            ],
            lambda one: _account(call, one),
            lambda one: (one.id,),
        )(info, **arguments)

    return resolve


def _account(call: Call, one: CreditAccount) -> View:
    def moves(info: object, **arguments: object) -> object:
        call.need("read_store_credit_account_transactions", "transactions")
        return connection(lambda: one.moves, lambda move: _move(move, one.currency), lambda move: (move.id,))(
            info, **arguments
        )

    return {
        "__typename": "StoreCreditAccount",
        "id": gid("StoreCreditAccount", one.id),
        "balance": money(tenders.balance(call.desk, one), one.currency),
        "transactions": moves,
    }


def _move(move: CreditMove, currency: str) -> View:
    kind = "Credit" if move.amount > 0 else "Debit"
    return {
        "__typename": f"StoreCreditAccount{kind}Transaction",
        "id": gid(f"StoreCreditAccount{kind}Transaction", move.id),
        "amount": money(move.amount, currency),
        "createdAt": utc(move.created_at),
        "balanceAfterTransaction": money(move.balance, currency),
        "expiresAt": utc(move.expires_at),
        "remainingAmount": money(move.remaining, currency),
    }


def credit(call: Call, id: str, given: dict[str, object]) -> View:
    """storeCreditAccountCredit for a customer; done twice it gives twice, as Shopify's does."""
    call.need("write_store_credit_account_transactions", "storeCreditAccountCredit")
    desk, now = call.desk, call.desk.now()
    customer, amount = number_of(id, "Customer") or 0, given["creditAmount"]
    assert isinstance(amount, dict)
    currency = str(amount["currencyCode"])
    value, ends = to_minor(amount["amount"], currency), moment(given.get("expiresAt"))
    error = None
    if customer not in desk.shop.customers:
        error = ("id", "OWNER_NOT_FOUND", "Owner does not exist")
    elif value <= 0:
        error = ("creditInput", "NEGATIVE_OR_ZERO_AMOUNT", "Amount must be greater than zero")
    elif currency not in (desk.shop.currency, *desk.shop.rates):
        error = ("creditInput", "UNSUPPORTED_CURRENCY", "Currency is not supported")
    elif ends is not None and ends <= now:
        error = ("creditInput", "EXPIRES_AT_IN_PAST", "Expires at must be in the future")
    if error is not None:
        return {"storeCreditAccountTransaction": None, "userErrors": [_error(*error)]}
    account = tenders.account_of(desk, customer, currency)
    if account is None:
        account = CreditAccount(desk.ids.number("StoreCreditAccount"), customer, currency)
        desk.shop.credit_accounts[account.id] = account
    held = tenders.balance(desk, account) + value
    made = CreditMove(desk.ids.number("StoreCreditMove"), value, held, now, ends, value)
    account.moves.append(made)
    return {"storeCreditAccountTransaction": _move(made, currency), "userErrors": []}


def _error(field: str, code: str, message: str) -> View:
    return {"field": [field], "code": code, "message": message}
