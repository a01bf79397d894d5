// The question after a delivery: a score from 0 to 10, then one open question. Nothing is sent before a press.

import { h } from './panel-words.js';

/** A fresh question about that order. */
export const question = (order, name = null) => ({ order, name, step: 'score', score: null, words: '', busy: false, trouble: null });

/**
 * The card for the state `survey`. `act` changes the state and paints again; `send` posts the answer;
 * `later` puts the card away (absent inside the panel).
 */
export function surveyCard(speak, survey, { act, send, later }) {
  const { t } = speak;
  const button = (name, key, press, kind = 'main') =>
    h('button', { type: 'button', class: `button ${kind}`, 'data-key': `survey-${name}`, disabled: survey.busy, onclick: press }, t(key));
  const trouble = survey.trouble && h('p', { class: 'notice', role: 'alert' }, t(survey.trouble));
  if (survey.step === 'done') {
    return h('div', { class: 'card survey' }, h('p', { class: 'strong', tabindex: '-1', 'data-key': 'survey-done' }, t('survey_thanks')),
      later && h('div', { class: 'actions' }, button('later', 'close', later, 'plain')));
  }
  if (survey.step === 'why') {
    return h('form', { class: 'card survey', onsubmit: (event) => { event.preventDefault(); send('done'); } },
      h('label', { class: 'strong', for: 'words' }, t('survey_why')),
      h('p', { class: 'quiet', id: 'words-hint' }, t('survey_words')),
      h('textarea', { id: 'words', rows: '4', maxlength: '2000', 'aria-describedby': 'words-hint', 'data-key': 'survey-words',
        oninput: (event) => { survey.words = event.target.value; } }, survey.words),
      trouble,
      h('div', { class: 'actions' },
        h('button', { type: 'submit', class: 'button main', 'data-key': 'survey-send', disabled: survey.busy }, t('survey_send')),
        button('skip', 'survey_skip', () => act({ step: 'done', trouble: null }, 'survey-done'), 'plain')));
  }
  const scores = Array.from({ length: 11 }, (_, score) =>
    h('label', { class: 'score' },
      h('input', { type: 'radio', name: 'score', value: score, class: 'unseen', 'data-key': `survey-${score}`, checked: survey.score === score,
        onchange: () => act({ score }, `survey-${score}`) }),
      h('span', {}, score)));
  return h('form', { class: 'card survey', onsubmit: (event) => { event.preventDefault(); if (survey.score !== null) send('why'); } },
    h('fieldset', {},
      h('legend', { class: 'strong' }, t('survey_question')),
      survey.name && h('p', { class: 'quiet' }, t('survey_order', { order: survey.name })),
      h('div', { class: 'scores' }, scores),
      h('div', { class: 'ends quiet' }, h('span', {}, t('survey_low')), h('span', {}, t('survey_high')))),
    trouble,
    h('div', { class: 'actions' },
      h('button', { type: 'submit', class: 'button main', 'data-key': 'survey-next', disabled: survey.busy || survey.score === null }, t('survey_next')),
      later && button('later', 'survey_later', later, 'plain')));
}
