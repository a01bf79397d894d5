// The question after a delivery: a score, then one open question. Nothing is sent before a press.

import { h, icon, press, repaint, signIn, speaker } from './panel-words.js';

/** One question, wherever it is shown: first a line that opens. `paint` follows every change. */
export class Question {
  constructor(speak, host, order, name) {
    Object.assign(this, { speak, host, order, name, step: 'line', score: null, words: '', busy: false, trouble: null });
  }

  set(changes, focus) {
    Object.assign(this, changes);
    this.paint(focus);
  }

  /** Posts the score, later again with words, which the API takes as a change. */
  async answer(step) {
    if (this.busy || this.score === null) return;
    this.set({ busy: true, trouble: null });
    try {
      const { callsOf } = await import('./panel-calls.js');
      const words = this.words.trim();
      await callsOf(this.host).survey({ order: this.order, score: this.score, ...(words && { words }) });
    } catch ({ kind = 'offline' }) {
      if (kind !== 'refused') return this.set({ busy: false, trouble: `e_${kind}` });
      // A closed question takes no answer, however often it is given.
      this.trouble = 'e_closed';
      step = 'done';
    }
    this.host.shadowRoot.querySelector('.dot')?.remove();
    this.set({ busy: false, step }, step === 'done' ? 'survey-done' : 'survey-words');
  }

  /** The card of this step. `later` puts it away. */
  card(later) {
    const { t } = this.speak;
    if (this.step === 'line') {
      return h('div', { class: 'card survey ask' },
        h('button', { type: 'button', class: 'ask-open', 'aria-expanded': 'false', 'data-key': 'survey_line', onclick: () => this.set({ step: 'score' }, 'score-0') },
          h('span', {}, h('span', { class: 'strong' }, t('survey_line')), this.name && h('span', { class: 'quiet' }, t('survey_order', { order: this.name }))), icon('open')),
        later && h('button', { type: 'button', class: 'close', 'aria-label': t('survey_later'), 'data-key': 'survey_later', onclick: later }, icon('close')));
    }
    const aside = (key, onclick) => press(key, t(key), onclick, 'plain');
    const submit = (key, disabled) => (this.trouble === 'e_session'
      ? signIn(this.host, t)
      : h('button', { class: 'button main', 'data-key': key, disabled }, t(this.trouble ? 'retry' : key)));
    const form = (next, ...parts) =>
      h('form', { class: 'card survey', onsubmit: (event) => { event.preventDefault(); this.answer(next); } }, parts);
    const trouble = this.trouble && h('p', { class: 'notice', role: 'alert' }, t(this.trouble));
    if (this.step === 'done') {
      return h('div', { class: 'card survey' },
        h('p', { class: 'strong', tabindex: '-1', 'data-key': 'survey-done' }, t(this.trouble ?? 'survey_thanks')),
        later && h('div', { class: 'actions' }, aside('close', later)));
    }
    if (this.step === 'why') {
      return form('done',
        h('label', { class: 'strong', for: 'words' }, t('survey_why')),
        h('p', { class: 'quiet', id: 'hint' }, t('survey_words')),
        h('textarea', { id: 'words', rows: 4, maxlength: 2000, 'aria-describedby': 'hint', 'data-key': 'survey-words', oninput: ({ target }) => { this.words = target.value; } }, this.words),
        trouble,
        h('div', { class: 'actions' }, submit('survey_send', this.busy), aside('survey_skip', () => this.set({ step: 'done' }, 'survey-done'))));
    }
    const scores = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((score) =>
      h('label', { class: 'score' },
        h('input', { type: 'radio', name: 'score', class: 'unseen', 'data-key': `score-${score}`, checked: this.score === score, onchange: () => this.set({ score }, `score-${score}`) }),
        h('span', {}, score)));
    return form('why',
      h('fieldset', {},
        h('legend', { class: 'strong' }, t('survey_question')),
        this.name && h('p', { class: 'quiet' }, t('survey_order', { order: this.name })),
        h('div', { class: 'scores' }, scores),
        h('div', { class: 'ends quiet' }, h('span', {}, t('survey_low')), h('span', {}, t('survey_high')))),
      trouble,
      h('div', { class: 'actions' }, submit('survey_next', this.busy || this.score === null), later && aside('survey_later', later)));
  }
}

/** Shows the question beside the launcher, without taking the focus; where space is small, one line of it. */
export async function prompt(host) {
  const root = host.shadowRoot;
  const speak = speaker(host);
  await host.styled();
  if (root.querySelector('dialog[open]')) return;
  const place = h('div', { class: 'prompt', role: 'region', 'aria-label': speak.t('survey_question') });
  const question = new Question(speak, host, host.dataset.survey);
  if (!matchMedia('(max-width: 600px), (max-height: 600px)').matches) question.step = 'score';
  const later = () => {
    place.remove();
    try {
      localStorage.setItem('regulars-later', `${question.order}:${Date.now()}`);
    } catch { /* blocked */ }
    root.querySelector('.launcher').focus();
  };
  question.paint = (focus) => repaint(root, () => place.replaceChildren(question.card(later)), focus);
  host.question = question;
  root.append(place);
  question.paint();
}
