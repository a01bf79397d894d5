// What the panel shows, made from its state.

import { h, icon, press, signIn } from './panel-words.js';

// An expiry further away than this is no news.
const SOON_MS = 92 * 864e5;

const section = (title, ...children) => h('section', { class: 'section' }, h('h3', {}, title), ...children);

function notice({ speak, host }, key, retry) {
  const { t } = speak;
  const out = key === 'e_session' ? signIn(host, t) : retry && press('retry', t('retry'), retry, 'plain');
  return h('div', { class: 'notice', role: 'alert' }, h('p', {}, t(key)), out);
}

export function hero({ speak, turn }, points, tier) {
  const { t, n, number, date } = speak;
  const { balance, pending, owed, next } = points;
  const lines = [];
  if (pending > 0) {
    const on = next?.points > 0 && { date: date(next.at) };
    lines.push(`${n('pending', pending)}, ${!on ? t('pending_note') : next.points === pending ? t('next_whole', on) : n('next_open', next.points, on)}`);
  }
  if (next?.points < 0 && Date.parse(next.at) - Date.now() < SOON_MS) lines.push(n('next_expire', -next.points, { date: date(next.at) }));
  if (owed > 0) lines.push([n('owed', owed), ' ', h('button', { type: 'button', class: 'more', 'data-key': 'owed', onclick: () => turn('activity') }, t('owed_more'))]);
  return [
    h('div', { class: 'hero-main' }, h('p', { class: 'hero-figure' }, number(balance)), h('p', {}, n('balance', balance))),
    lines.map((line) => h('p', { class: 'hero-line' }, icon('clock'), h('span', {}, line))),
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
  element.firstChild.style.setProperty('--part', `${part > 0 ? Math.min(100, Math.max(2, (100 * part) / whole)) : 0}%`);
  return element;
}

function rewardCard(panel, reward, currency, best) {
  const { speak, state, redeem } = panel;
  const { t, n, money } = speak;
  const { key, kind, points, value_minor: value, minimum_minor: minimum } = reward;
  const step = state.steps.get(key);
  const missing = state.points && Math.max(0, points - state.points.balance);
  const name = nameOf(speak, reward, currency);
  const facts = [n('points', points), reward.name && value && nameOf(speak, { ...reward, name: null }, currency),
    minimum && t('minimum', { amount: money(minimum, currency) })];
  return h('li', { class: 'card reward' },
    h('span', { class: 'badge' }, icon(kind === 'amount_off' ? 'off' : 'parcel')),
    h('div', { class: 'what' }, h('p', { class: 'strong' }, name), h('p', { class: 'quiet' }, facts.filter(Boolean).join(' · '))),
    missing === 0 && !step && asks(panel, key, t('redeem'), name, `${best && !state.steps.size ? 'main' : 'soft'} small`),
    missing > 0 && h('div', { class: 'way' }, h('p', { class: 'quiet' }, n('missing', missing)), bar(state.points.balance, points, { 'aria-hidden': true })),
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

const ways = ({ speak: { t, n, money }, state: { who, closed }, host: { dataset: { first } } }, { earning, currency, signup_points: gift }) =>
  section(t('ways_title'), h('ul', { class: 'facts' },
    [...earning.map((rule) => rule.points && n('way_rate', rule.points, { per: money(rule.per_minor, currency) })),
      who !== 'member' && !closed && gift && n('way_signup', gift), first && t('way_first', { amount: money(first, currency) })]
      .filter(Boolean).map((words) => h('li', {}, icon('check'), words))));

const levels = ({ speak: { t, n, ratio } }, { tiers }) => tiers.length > 1
  && section(t('tiers_title'), h('ul', { class: 'levels' }, tiers.map((tier) =>
    h('li', {}, h('span', { class: 'strong' }, tier.name),
      h('span', { class: 'quiet' }, tier.from ? n('tier_from', tier.from) : t('tier_start')),
      h('span', { class: 'pill' }, t('tier_rate', { rate: ratio(tier.multiplier) }))))));

/** The dearest reward within reach stands out. */
function rewardList(panel, rewards, { currency }) {
  const { speak: { t }, state: { points } } = panel;
  const best = rewards.filter((one) => one.points <= points?.balance).sort((a, b) => b.points - a.points)[0];
  return section(t('rewards_title'), rewards.length ? h('ul', { class: 'cards' },
    rewards.map((reward) => rewardCard(panel, reward, currency, reward === best))) : h('p', {}, t('rewards_empty')));
}

const skeleton = (t) => h('div', { class: 'skeleton', role: 'status' }, h('span', { class: 'unseen' }, t('loading')), h('i', {}), h('i', {}), h('i', {}));

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
    !state.closed && h('div', { class: 'way-in' },
      state.trouble && notice(panel, state.trouble),
      press('join', t(state.busy ? 'loading' : 'join'), join, 'main wide', { 'aria-disabled': state.busy })),
    ways(panel, programme), rewardList(panel, state.me?.rewards ?? digest.rewards, programme), levels(panel, programme),
  ];
}

export function rewardsView(panel) {
  const { speak: { t }, state, host, refresh } = panel;
  const above = [
    state.note && h('p', { class: 'note' }, ['joined', 'undone'].includes(state.note) && icon('check'), t(state.note)),
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
function told(speak, { kind, order: name, points, why }, tiers) {
  const { t, n, money, number, ratio } = speak;
  const { before, target, because, rate, currency, multiplier: [top, bottom] = [] } = why;
  if (!['earn', 'clawback'].includes(kind)) {
    const reason = because ? `b_${because}` : why.rule === 'lapsed' ? 'w_lapsed' : `w_${kind}`;
    return [t(`h_${kind}`, { name: nameOf(speak, why, currency) }), t(reason, { months: why.months })];
  }
  const order = name ? t('h_order', { order: name }) : t('h_purchase');
  if (kind === 'clawback' && !target) return [`${t(`b_${because ?? 'less'}`, { order })}: ${n('h_gone', before ?? -points)}`];
  return [
    before ? n(kind === 'earn' ? 'h_changed' : 'h_less', target, { order, before: number(before) }) : order,
    rate && n('w_rate', rate[0], { amount: money(why.basis_minor, currency), per: money(rate[1], currency) })
      + (top === bottom ? '' : t('w_tier', { rate: ratio([top, bottom]), tier: tiers.find((each) => each.key === why.tier)?.name ?? why.tier })),
  ];
}

function historyList(speak, lines, tiers) {
  const months = new Map();
  for (const line of lines) {
    const [title, reason] = told(speak, line, tiers);
    const month = speak.month(line.at);
    months.set(month, [months.get(month), h('li', { class: 'line' },
      h('div', { class: 'line-main' },
        h('p', { class: 'strong' }, title),
        h('p', { class: 'quiet' }, reason),
        h('p', { class: 'quiet' }, h('time', { datetime: line.at }, speak.date(line.at)))),
      h('p', { class: line.points > 0 ? 'figure gain' : 'figure' }, speak.signed(line.points)))]);
  }
  return [...months].map(([month, items]) => section(month, h('ul', { class: 'lines' }, items.flat(Infinity))));
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
