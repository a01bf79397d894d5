// The panel: a modal dialog in the launcher's shadow root. Holds the state, asks the API, paints after every change.

import { Trouble, callsOf, pause } from './panel-calls.js';
import { Question } from './panel-survey.js';
import { activityView, guestView, hero, joinView, rewardsView } from './panel-views.js';
import { fill, h, icon, repaint, speaker } from './panel-words.js';

const POLLS = 40;

export async function panel(host) {
  await host.styled();
  return new Panel(host);
}

class Panel {
  constructor(host) {
    const { state, balance, owed, pending, nextAt, nextPoints, digest, survey } = host.dataset;
    const speak = speaker(host);
    Object.assign(this, { host, speak, calls: callsOf(host), digest: digest ? JSON.parse(digest) : null });
    for (const name of ['act', 'redeem', 'undo', 'copy', 'join', 'refresh', 'more', 'turn']) this[name] = this[name].bind(this);
    const next = Date.parse(nextAt) > Date.now() ? { at: nextAt, points: Number(nextPoints) } : null;
    this.seen = { balance: Number(balance), pending: Number(pending), owed: Number(owed), next };
    this.state = { who: state, view: 'rewards', me: null, points: state === 'member' ? this.seen : null, steps: new Map(), history: {} };
    if (survey) this.asked(new Question(speak, host, survey));
    this.build();
  }

  /** The question to show, unless an answer to it has begun, or the prompt still holds it: open() fetches it there. */
  asked(question) {
    const { host } = this;
    if (host.shadowRoot.querySelector('.prompt')) return;
    const held = host.question;
    if (!held || (['line', 'score'].includes(held.step) && !held.busy)) {
      if (question && held) Object.assign(question, { score: held.score, step: held.step });
      host.question = question;
    }
    if (host.question) host.question.paint = (focus) => this.paint(focus);
  }

  build() {
    const { t } = this.speak;
    this.bar = h('div', { class: 'top' }, h('h2', { id: 'title' }, this.host.dataset.label),
      h('button', { type: 'button', class: 'close', 'aria-label': t('close'), 'data-key': 'close', onclick: () => this.close() }, icon('close')));
    this.hero = h('div', { class: 'hero' });
    this.body = h('div', { class: 'body' });
    this.live = h('p', { class: 'unseen', 'aria-live': 'polite' });
    this.dialog = h('dialog', { class: 'panel', 'aria-labelledby': 'title', onclose: () => this.closed(),
      onclick: (event) => event.target === this.dialog && this.outside(event) && this.close(), onkeydown: (event) => this.arrow(event) },
    this.bar, this.hero, this.body, this.live);
    this.host.shadowRoot.append(this.dialog);
  }

  open() {
    const { question, shadowRoot } = this.host;
    shadowRoot.querySelector('.prompt')?.remove();
    if (question?.step === 'score' && question.score === null) question.step = 'line';
    if (question?.step === 'done') this.host.question = null;
    this.asked(this.host.question);
    this.state.note = null;
    this.paint();
    this.dialog.showModal();
    if (this.asksOnOpening()) this.refresh();
  }

  /** Not for guests; and for who may still choose to join, the page knows enough. */
  asksOnOpening() {
    if (this.state.who === 'member' || this.state.me) return true;
    return this.state.who === 'customer' && this.digest?.membership !== 'joined';
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  closed() {
    this.host.shadowRoot.querySelector('.launcher').focus();
  }

  outside({ clientX, clientY }) {
    const box = this.dialog.getBoundingClientRect();
    return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
  }

  /** Arrows move between the tabs; the rest the dialog does by itself. */
  arrow({ key }) {
    if (this.host.shadowRoot.activeElement?.role === 'tab' && /Arrow(Left|Right)/.test(key)) {
      this.turn(this.state.view === 'rewards' ? 'activity' : 'rewards');
    }
  }

  act(change, focus) {
    change();
    this.paint(focus);
  }

  say(words) {
    this.live.textContent = '';
    requestAnimationFrame(() => (this.live.textContent = words));
  }

  paint(focus) {
    repaint(this.host.shadowRoot, () => {
      fill(this.hero, this.top());
      fill(this.body, this.content());
    }, focus);
  }

  top() {
    const { state, speak: { t, n } } = this;
    const invite = (title, text) => [h('p', { class: 'hero-title' }, title), text && h('p', { class: 'hero-line' }, text)];
    if (state.who === 'guest') return invite(t('guest_title'), t('guest_text'));
    if (state.closed) return invite(t(state.closed));
    if (state.who === 'customer') {
      const waiting = state.me?.waiting ?? this.seen;
      const waits = waiting.balance + waiting.pending;
      return invite(waits > 0 ? n('waiting', waits) : t('join_title'), t('join_text'));
    }
    const tier = state.me ? state.me.tier : this.host.dataset.tier ? { name: this.host.dataset.tier } : null;
    return hero(this, state.points, tier);
  }

  content() {
    const { state } = this;
    if (state.who === 'guest') return guestView(this);
    if (state.who === 'customer' && (state.me || !this.asksOnOpening())) return joinView(this);
    if (state.who === 'customer') return rewardsView(this);
    const tab = (view, key) => h('button', { type: 'button', role: 'tab', id: `tab-${view}`, class: 'tab', 'aria-selected': String(state.view === view), 'aria-controls': 'page',
      tabindex: state.view === view ? '0' : '-1', 'data-key': `tab-${view}`, onclick: () => this.turn(view) }, this.speak.t(key));
    return [
      h('div', { class: 'tabs', role: 'tablist', 'aria-labelledby': 'title' }, tab('rewards', 'overview'), tab('activity', 'history_title')),
      h('div', { class: 'page', id: 'page', role: 'tabpanel', tabindex: '0', 'aria-labelledby': `tab-${state.view}`, 'data-key': 'page' },
        state.view === 'rewards' ? rewardsView(this) : activityView(this)),
    ];
  }

  turn(view) {
    this.state.view = view;
    this.paint(`tab-${view}`);
    if (view === 'activity' && !this.state.history.busy) {
      this.state.history.lines = null;
      this.more();
    }
  }

  textOf(trouble) {
    if (!(trouble instanceof Trouble)) throw trouble;
    return [`e_${trouble.code}`, `e_${trouble.kind}`].find(this.speak.has);
  }

  note(key) {
    this.state.note = key;
    this.say(this.speak.t(key));
  }

  /** A refusal stands: it is told, and what holds now is read. Anything else may be tried again. */
  failed(trouble, key, text = this.textOf(trouble)) {
    const { state } = this;
    const again = !['refused', 'session'].includes(trouble.kind);
    if (again) state.steps.set(key, { step: 'ask', trouble: text });
    else state.steps.delete(key);
    if (trouble.kind === 'session') state.trouble = text;
    if (trouble.kind === 'refused') this.note(text);
    this.paint(again ? `yes-${key}` : state.trouble ? 'login' : 'tab-rewards');
    if (trouble.kind === 'refused') this.refresh();
  }

  take(me) {
    const { state } = this;
    const fresh = new Set((state.me?.codes ?? []).filter((code) => code.fresh).map((code) => code.id));
    state.me = me;
    state.who = me.state === 'member' ? 'member' : 'customer';
    if (me.state === 'member') this.count(me.points);
    for (const code of me.codes ?? []) {
      code.fresh = fresh.has(code.id);
      if (code.state === 'being_made') this.poll(code.id);
    }
    if (!me.survey) this.host.shadowRoot.querySelector('.dot')?.remove();
    this.asked(me.survey && new Question(this.speak, this.host, me.survey.order, me.survey.order_name));
  }

  count(points) {
    this.state.points = points;
    const number = this.host.shadowRoot.querySelector('.launcher [data-number]');
    if (number) number.textContent = this.speak.number(points.balance);
  }

  async refresh() {
    const { state } = this;
    state.trouble = null;
    if (!state.me) this.paint();
    try {
      this.take(await this.calls.me());
    } catch (trouble) {
      state.trouble = this.textOf(trouble);
    }
    this.paint();
  }

  async join() {
    const { state } = this;
    if (state.busy) return;
    Object.assign(state, { busy: true, trouble: null });
    this.paint();
    try {
      this.take(await this.calls.join());
      this.note('joined');
    } catch (trouble) {
      const text = this.textOf(trouble);
      if (trouble.kind === 'refused') this.say(this.speak.t((state.closed = text)));
      else state.trouble = text;
    }
    state.busy = false;
    this.paint(state.who === 'member' ? 'tab-rewards' : 'join');
  }

  async redeem(reward) {
    const { state } = this;
    if (state.steps.get(reward.key)?.step === 'busy') return;
    state.steps.set(reward.key, { step: 'busy' });
    this.paint();
    this.say(this.speak.t('making'));
    try {
      const made = await this.calls.redeem(reward.key);
      state.steps.delete(reward.key);
      this.count(made.points);
      if (made.state === 'refused') {
        this.note('refused');
        return this.paint('tab-rewards');
      }
      this.dialog.scrollTop = 0;
      state.me.codes = [{ ...made, fresh: true }, ...state.me.codes.filter((code) => code.id !== made.id)];
      if (made.code) this.ready(made.id);
      else this.poll(made.id);
      this.paint(made.code ? `copy-${made.id}` : `code-${made.id}`);
    } catch (trouble) {
      this.failed(trouble, reward.key, trouble.lost && trouble.kind !== 'offline' ? 'e_unknown' : undefined);
    }
  }

  ready(id) {
    const code = this.state.me.codes.find((each) => each.id === id);
    this.say(`${this.speak.t('code_ready')}: ${code.code}`);
  }

  /** Asks until a code is made or given back; one loop for each code. */
  async poll(id, wanted = 'making') {
    this.polling ??= new Set();
    if (this.polling.has(id)) return;
    this.polling.add(id);
    for (let tries = 1; tries <= POLLS && this.polling.has(id); tries += 1) {
      await pause(Math.min(1000 + 250 * tries, 5000));
      const found = await this.calls.redemption(id).catch(() => null);
      const code = this.state.me.codes.find((each) => each.id === id);
      if (!code) break;
      const settled = found && (wanted === 'making' ? found.state !== 'being_made' : found.state === 'undone' || found.state === 'used');
      if (settled) {
        this.polling.delete(id);
        this.settle(code, found);
        return;
      }
      if (tries === 4 && wanted === 'making') this.act(() => (code.waited = true));
    }
    this.polling.delete(id);
    if (wanted === 'undoing') this.act(() => this.state.steps.set(id, { step: 'ask', trouble: 'e_slow' }));
  }

  settle(code, found) {
    const { state } = this;
    state.steps.delete(code.id);
    if (found.state === 'made') {
      const there = this.host.shadowRoot.activeElement?.dataset.key === `code-${code.id}`;
      Object.assign(code, found, { fresh: true });
      this.ready(code.id);
      this.paint(there ? `copy-${code.id}` : undefined);
      return;
    }
    state.me.codes = state.me.codes.filter((each) => each.id !== code.id);
    if (found.points) this.count(found.points);
    this.note(found.state);
    this.paint();
    if (!found.points) this.refresh();
  }

  async undo(code) {
    const { state } = this;
    if (state.steps.get(code.id)?.step === 'busy') return;
    state.steps.set(code.id, { step: 'busy' });
    this.paint();
    this.say(this.speak.t('undoing'));
    try {
      const answer = await this.calls.undo(code.id);
      if (answer.state === 'being_undone' || answer.state === 'being_made') this.poll(code.id, 'undoing');
      else {
        this.settle(code, answer);
        this.paint('tab-rewards');
      }
    } catch (trouble) {
      this.failed(trouble, code.id);
    }
  }

  async copy(code) {
    try {
      await navigator.clipboard.writeText(code.code);
      code.copied = 'copied';
    } catch {
      code.copied = 'copy_failed';
    }
    this.say(this.speak.t(code.copied));
    this.paint();
    await pause(3000);
    delete code.copied;
    this.paint();
  }

  async more() {
    const { history } = this.state;
    if (history.busy) return;
    Object.assign(history, { busy: true, trouble: null });
    this.paint();
    try {
      const page = await this.calls.history(history.lines ? history.next : null);
      const before = history.lines?.length;
      history.lines = [...(history.lines ?? []), ...page.lines];
      history.next = page.next;
      if (before) this.say(this.speak.t('history_title'));
    } catch (trouble) {
      history.trouble = this.textOf(trouble);
    }
    history.busy = false;
    this.paint();
  }
}
