"""What can go wrong at Shopify's door, as few classes that say whether and when to try again."""

from __future__ import annotations

from dataclasses import dataclass

from plugin.errors import RegularsError


class PlatformError(RegularsError):
    """Anything that kept the platform from doing what we asked."""

    code = "platform_error"
    status = 502


class NeedsReauth(PlatformError):
    """No token of this shop works any more. Only the merchant can help, by opening the app."""

    code = "needs_reauth"
    status = 401


class TokenUnavailable(PlatformError):
    """No token just now (the platform or another worker is slow). Try again after `after_s` seconds."""

    code = "token_unavailable"
    status = 503

    def __init__(self, message: str, *, after_s: float = 30.0, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.after_s = after_s


class Throttled(PlatformError):
    """The platform's budget for this shop is used up; nothing was done. Try again after `after_s` seconds."""

    code = "throttled"
    status = 503

    def __init__(self, after_s: float) -> None:
        super().__init__(f"Shopify asks us to slow down. Try again in {after_s:.0f} seconds.")
        self.after_s = after_s


class Unavailable(PlatformError):
    """No usable answer. When `outcome_unknown`, a mutation may have acted: read back before a second try."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, outcome_unknown: bool, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.outcome_unknown = outcome_unknown


class AccessDenied(PlatformError):
    """The app lacks a scope or a protected-data approval for this. Nothing was done; asking again is in vain
    until the merchant grants it."""

    code = "access_denied"
    status = 403


@dataclass(frozen=True, slots=True)
class UserError:
    """One complaint. `element`: index of the input it is about, when the platform says so."""

    code: str | None
    field: tuple[str, ...]
    message: str
    element: int | None = None


class Refused(PlatformError):
    """The platform understood and said no: userErrors of a mutation, or a query it does not accept.

    `top_level`: the call itself was wrong, not one of its inputs. The text names codes and fields only; the
    platform's messages may quote personal data and stay in `errors`.
    """

    code = "refused"
    status = 422

    def __init__(self, document: str, errors: tuple[UserError, ...], *, top_level: bool = False) -> None:
        said = ", ".join(
            f"{error.code or 'no code'} at {'.'.join(error.field) or 'the top'}" for error in errors
        )
        super().__init__(f"Shopify refused {document}: {said}.")
        self.document = document
        self.errors = errors
        self.top_level = top_level

    def codes(self) -> frozenset[str]:
        """The codes of all complaints."""
        return frozenset(error.code for error in self.errors if error.code)
