"""The chapters of the programme, each a declared form, in the order in which the page of the programme lists them."""

from __future__ import annotations

from plugin.pages.chapters.actions import ACTIONS
from plugin.pages.chapters.campaigns import CAMPAIGNS
from plugin.pages.chapters.earning import EARNING
from plugin.pages.chapters.expiry import EXPIRY
from plugin.pages.chapters.form import Chapter
from plugin.pages.chapters.referral import REFERRAL
from plugin.pages.chapters.rewards import REWARDS
from plugin.pages.chapters.survey import SURVEY
from plugin.pages.chapters.tiers import TIERS

CHAPTERS: tuple[Chapter, ...] = (EARNING, CAMPAIGNS, TIERS, REWARDS, ACTIONS, REFERRAL, EXPIRY, SURVEY)
