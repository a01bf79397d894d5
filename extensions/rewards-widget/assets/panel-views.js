// What the panel shows, made from its state.

import { h, icon } from './panel-words.js';

// An expiry further away than this is no news.
const SOON_MS = 92 * 864e5;
const EARNING = ['earn', 'clawback'];
const WORDED = ['signup', 'redeem', 'expire', 'void', 'adjust', 'forgiven', 'survey'];


const press = (key, words, onclick, kind = 'main', more = {}) =>
  h('button', { type: 'button', class: `button ${kind}`, 'data-key': key, onclick, ...more }, words);
const section = (title, ...children) => h('section', { class: 'section' }, h('h3', {}, title), ...children);

function notice({ speak, host }, key, retry) {
  const { t } = speak;
  const out = key === 'e_session'
    ? h('a', { class: 'button main', href: host.dataset.login, 'data-key': 'login' }, t('login'))
    : retry && press('retry', t('retry'), retry, 'plain');
  return h('div', { class: 'notice', role: 'alert' }, h('p', {}, t(key)), out);
}

export function hero({ speak }, points, tier) {
  const { t, n, number, date } = speak;
  const { balance, pending, owed, next } = points;
  const lines = [];
  if (pending > 0) {
    const on = next?.points > 0 && { date: date(next.at) };
    lines.push(`${n('pending', pending)}, ${!on ? t('pending_note') : next.points === pending ? t('next_whole', on) : n('next_open', next.points, on)}`);
  }
  if (next?.points < 0 && Date.parse(next.at) - Date.now() < SOON_MS) lines.push(n('next_expire', -next.points, { date: date(next.at) }));
  if (owed > 0) lines.push(n(balance < 0 ? 'below_zero' : 'owed', owed));
  return [
    h('div', { class: 'hero-main' }, h('p', { class: 'hero-figure' }, number(balance)), h('p', {}, n('balance', balance))),
    lines.map((line) => h('p', { class: 'hero-line' }, icon('clock'), line)),
    tier && level(speak, tier),
  ];
}

function level({ t, number }, { name, next, progress }) {
  const way = next && t('tier_progress', { points: number(progress), amount: number(next.from), tier: next.name });
  const words = way ?? (progress !== undefined && t('tier_top'));
  return h('div', { class: 'tier' },
    h('p', {}, name && h('span', { class: 'strong' }, name), name && words && ' · ', words),
    next && bar(progress, next.from, { role: 'progressbar', 'aria-label': way, 'aria-valuemax': next.from, 'aria-valuenow': progress }));
}

/** The merchant's own name, or one made of kind and value. */
function nameOf({ t, money }, { name, kind, value_minor: value }, currency) {
  if (name || !kind) return name ?? '';
  return t(kind === 'amount_off' ? 'reward_amount' : value ? 'reward_shipping_up_to' : 'reward_shipping', { amount: value && money(value, currency) });
}

/** What wants a second press. `step`: ask or busy, with the trouble of the last try. */
function confirm({ speak: { t }, state, act }, key, step, words, yes) {
  const busy = step.step === 'busy';
  return h('div', { class: 'confirm', role: 'group', 'aria-label': words.title },
    step.trouble ? h('p', { role: 'alert' }, t(step.trouble)) : [h('p', { class: 'strong' }, words.title), h('p', { class: 'quiet' }, words.text)],
    h('div', { class: 'actions' },
      press(`yes-${key}`, busy ? words.busy : step.trouble ? t('retry') : words.yes, yes, busy ? 'main busy' : 'main', { 'aria-disabled': busy }),
      !busy && press(`no-${key}`, t('confirm_no'), () => act(() => state.steps.delete(key), `ask-${key}`), 'plain')));
}

const asks = ({ state, act }, key, words, name, kind) =>
  press(`ask-${key}`, words, () => act(() => state.steps.set(key, { step: 'ask' }), `yes-${key}`), kind, { 'aria-label': `${words}: ${name}` });

function bar(part, whole, more) {
  const element = h('div', { class: 'bar', ...more }, h('span', {}));
  element.firstChild.style.setProperty('--part', `${Math.min(100, Math.max(2, (100 * part) / whole))}%`);
  return element;
}

function rewardCard(panel, reward, currency) {
  const { speak, state, redeem } = panel;
  const { t, n, money } = speak;
  const { key, kind, points, value_minor: value, minimum_minor: minimum } = reward;
  const step = state.steps.get(key);
  const missing = state.points && Math.max(0, points - state.points.balance);
  const name = nameOf(speak, reward, currency);
  const facts = [n('points', points), missing > 0 && n('missing', missing), reward.name && value && nameOf(speak, { ...reward, name: null }, currency),
    minimum && t('minimum', { amount: money(minimum, currency) })];
  return h('li', { class: 'card reward' },
    h('span', { class: 'badge' }, icon(kind === 'amount_off' ? 'off' : 'parcel')),
    h('div', { class: 'what' }, h('p', { class: 'strong' }, name), h('p', { class: 'quiet' }, facts.filter(Boolean).join(' · '))),
    missing === 0 && !step && asks(panel, key, t('redeem'), name, 'main small'),
    missing > 0 && bar(Math.max(0, state.points.balance), points, { 'aria-hidden': 'true' }),
    step && confirm(panel, key, step, { title: n('confirm_title', points), text: `${t('confirm_text')} ${n('valid_days', reward.valid_days)}`, yes: t('confirm_yes'), busy: t('making') }, () => redeem(reward)));
}

function codeCard(panel, code, currency) {
  const { speak, state, undo, copy } = panel;
  const { t, n, date } = speak;
  const { id, fresh, copied = 'copy' } = code;
  const name = nameOf(speak, code, currency);
  const step = state.steps.get(id);
  return h('li', { class: fresh ? 'card fresh' : 'card', tabindex: '-1', 'data-key': `code-${id}` },
    fresh && code.code && h('p', { class: 'ready strong' }, icon('check'), t('code_ready')),
    h('p', { class: 'strong' }, name),
    !code.code ? h('p', { class: 'quiet busy' }, t(code.waited ? 'making_long' : 'making')) : [
      h('div', { class: 'code-row' }, h('code', {}, code.code),
        press(`copy-${id}`, [icon(copied === 'copied' ? 'check' : 'copy'), t(copied)], () => copy(code), 'soft small')),
      h('p', { class: 'quiet' }, t('code_hint'), code.expires_at && ` ${t('expires', { date: date(code.expires_at) })}`),
      step ? confirm(panel, id, step, { title: t('undo_title'), text: n('undo_text', code.cost), yes: t('undo_yes'), busy: t('undoing') }, () => undo(code))
        : asks(panel, id, t('undo'), name, 'link'),
    ]);
}

const ways = ({ speak: { t, n, money } }, { earning, currency, signup_points: gift }) =>
  section(t('ways_title'), h('ul', { class: 'facts' },
    [...earning.map((rule) => rule.points && n('way_rate', rule.points, { per: money(rule.per_minor, currency) })), gift && n('way_signup', gift)]
      .filter(Boolean).map((words) => h('li', {}, icon('check'), words))));

const levels = ({ speak: { t, n, ratio } }, { tiers }) => tiers.length > 1
  && section(t('tiers_title'), h('ul', { class: 'levels' }, tiers.map((tier) =>
    h('li', {}, h('span', { class: 'strong' }, tier.name),
      h('span', { class: 'quiet' }, tier.from ? n('tier_from', tier.from) : t('tier_start')),
      h('span', { class: 'pill' }, t('tier_rate', { rate: ratio(tier.multiplier) }))))));

const rewardList = (panel, rewards, programme) => rewards.length > 0
  && section(panel.speak.t('rewards_title'), h('ul', { class: 'cards' }, rewards.map((reward) => rewardCard(panel, reward, programme.currency))));

const skeleton = (t) => h('div', { class: 'skeleton', role: 'status' }, h('span', { class: 'unseen' }, t('loading')), h('i'), h('i'), h('i'));

export function guestView(panel) {
  const { speak: { t }, host: { dataset }, digest } = panel;
  return [
    h('div', { class: 'way-in' },
      h('a', { class: 'button main wide', href: dataset.register, 'data-key': 'register' }, t('register')),
      h('p', { class: 'quiet' }, t('have_account'), ' ', h('a', { href: dataset.login, 'data-key': 'login' }, t('login')))),
    ways(panel, digest), rewardList(panel, digest.rewards, digest), levels(panel, digest),
  ];
}

export function joinView(panel) {
  const { speak: { t }, state, join, digest } = panel;
  const programme = state.me?.programme ?? digest;
  return [
    h('div', { class: 'way-in' },
      state.trouble && notice(panel, state.trouble),
      press('join', t(state.busy ? 'loading' : 'join'), join, 'main wide', { 'aria-disabled': state.busy })),
    ways(panel, programme), rewardList(panel, state.me?.rewards ?? digest.rewards, programme), levels(panel, programme),
  ];
}

export function rewardsView(panel) {
  const { speak: { t }, state, host, refresh } = panel;
  const above = [
    state.note && h('p', { class: 'note', role: 'status' }, icon('check'), state.note),
    state.trouble && notice(panel, state.trouble, refresh),
    host.question?.card(),
  ];
  if (!state.me) return [...above, !state.trouble && skeleton(t)];
  const { codes, rewards, programme } = state.me;
  return [
    ...above,
    codes.length > 0 && section(t('codes_title'), h('ul', { class: 'cards' }, codes.map((code) => codeCard(panel, code, programme.currency)))),
    rewardList(panel, rewards, programme), ways(panel, programme), levels(panel, programme),
  ];
}

// The history: every line says what happened and which numbers made it.
function title(speak, { kind, order, why }) {
  const { t } = speak;
  if (kind === 'earn' && order) return t(why.before ? 'h_changed' : 'h_earn', { order });
  if (EARNING.includes(kind) && !order) return t(`h_${kind}_plain`);
  return t(`h_${kind}`, { order, name: nameOf(speak, why, why.currency) });
}

function reasons({ t, n, has, money, number, ratio }, line, tiers) {
  const { kind, why } = line;
  const parts = [];
  if (EARNING.includes(kind) && why.rate && why.currency) {
    const [points, per] = why.rate;
    parts.push(n('w_rate', points, { amount: money(why.basis_minor ?? 0, why.currency), per: money(per, why.currency) }));
    const [top, bottom] = why.multiplier ?? [1, 1];
    const tier = tiers.find((each) => each.key === why.tier)?.name ?? why.tier;
    if (top !== bottom) parts.push(t('w_tier', { rate: ratio([top, bottom]), tier }));
  }
  if (EARNING.includes(kind) && why.before) parts.push(n('w_change', why.target ?? 0, { before: number(why.before) }));
  if (WORDED.includes(kind)) parts.push(t(why.rule === 'lapsed' ? 'w_lapsed' : `w_${kind}`, { months: why.months }));
  if (kind.startsWith('transfer')) parts.push(t('w_transfer'));
  if (why.because && has(`b_${why.because}`)) parts.push(t(`b_${why.because}`));
  const text = parts.join('; ');
  return text && `${text[0].toLocaleUpperCase()}${text.slice(1)}.`;
}

function historyList(speak, lines, tiers) {
  return h('ul', { class: 'lines' }, lines.map((line) =>
    h('li', { class: 'line' },
      h('div', { class: 'line-main' },
        h('p', { class: 'strong' }, title(speak, line)),
        h('p', { class: 'quiet' }, reasons(speak, line, tiers)),
        h('p', { class: 'quiet' }, h('time', { datetime: line.at }, speak.date(line.at)))),
      h('p', { class: line.points > 0 ? 'figure gain' : 'figure' }, speak.signed(line.points)))));
}

export function activityView(panel) {
  const { speak, state, more } = panel;
  const { lines, next, busy, trouble } = state.history;
  const { t } = speak;
  return [
    lines && (lines.length ? historyList(speak, lines, state.me?.programme.tiers ?? []) : h('p', { class: 'empty quiet' }, t('history_empty'))),
    trouble ? notice(panel, trouble, more) : busy && !lines ? skeleton(t)
      : next && press('more', t(busy ? 'loading' : 'more'), more, 'soft wide', { 'aria-disabled': busy }),
  ];
}
