// Runs an extension's own sources under Shopify's tester: its words come from its locale files, its answers from the app.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { afterEach } from 'node:test';
import { transformSync } from 'esbuild';
import { parseHTML } from 'linkedom';

const ROOT = new URL('../../../extensions/', import.meta.url);
const { document, Event } = parseHTML('<!doctype html><html><body></body></html>');
Object.assign(globalThis, { document });

registerHooks({
  load(url, context, next) {
    if (!url.startsWith(ROOT.href)) return next(url, context);
    const source = transformSync(readFileSync(new URL(url), 'utf8'), {
      loader: 'jsx',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      define: { 'process.env.APP_URL': '"https://app.test"' },
    }).code;
    return { format: 'module', source, shortCircuit: true };
  },
});

const { setUpExtension } = await import('@shopify/ui-extensions-tester');
const { render } = await import('preact');

// Real answers of the app, which the pytest beside this file asked for.
export const answers = JSON.parse(readFileSync(process.env.ANSWERS, 'utf8'));

// No test waits for a pause of ours, and none for the limit on a silent answer.
const real = globalThis.setTimeout;
globalThis.setTimeout = (act, ms, ...more) => real(act, ms >= 10_000 ? 40 : 0, ...more);

const asJson = (status, body) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
export const refused = (status, code) => () => asJson(status, { error: { code, message: 'No.' } });
export const silent = () => new Promise(() => {});
export const cut = () => Promise.reject(new TypeError('Failed to fetch'));

let close = () => {};
afterEach(() => close());

/**
 * The extension of a target in a language, with what the app answers by "METHOD /path".
 * A list of answers is given out one by one; the last stays. What was asked is in `asked`.
 */
export async function open(folder, target, routes, { language = 'en', change = () => {} } = {}) {
  close();
  const extension = setUpExtension(target, { configSearchDir: new URL(folder, ROOT).pathname });
  close = () => {
    render(null, document.body);
    extension[Symbol.dispose]();
    close = () => {};
  };
  const { shopify } = extension;
  const words = JSON.parse(readFileSync(new URL(`${folder}/locales/${language === 'en' ? 'en.default' : language}.json`, ROOT), 'utf8'));
  Object.assign(shopify.i18n, i18nOf(words, language));
  if (!target.startsWith('pos.')) {
    shopify.sessionToken.get = async () => 'token-of-the-customer';
    shopify.localization.extensionLanguage.value = { isoCode: language };
  }
  change(shopify);
  const asked = [];
  const waiting = new Map(Object.entries(routes).map(([key, one]) => [key, [one].flat()]));
  extension.fetch = async (url, init) => {
    const { origin, pathname, searchParams } = new URL(url);
    const key = `${init.method} ${pathname}`;
    asked.push({ key, origin, locale: searchParams.get('locale'), cursor: searchParams.get('cursor'), token: init.headers.Authorization, body: init.body && JSON.parse(init.body) });
    const left = waiting.get(key);
    if (!left) throw new Error(`nobody answers ${key}`);
    const answer = left.length > 1 ? left.shift() : left[0];
    return typeof answer === 'function' ? answer() : asJson(200, answer);
  };
  await extension.render();
  await settled();
  return {
    shopify,
    asked,
    text: () => textOf(document.body),
    /** Until it reads so: for what takes a pause of the extension's own. */
    async until(words) {
      for (let turns = 0; !textOf(document.body).includes(words); turns += 1) {
        if (turns > 500) throw new Error(`it never reads "${words}", but\n${textOf(document.body)}`);
        await new Promise((done) => real(done, 2));
      }
    },
    async press(label) {
      found('s-button, s-press-button', label).dispatchEvent(new Event('click', { bubbles: true }));
      await settled();
    },
    async type(label, value) {
      const field = found('s-text-area', label);
      field.value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      await settled();
    },
    all: (tag) => [...document.querySelectorAll(tag)],
  };
}

// Intl joins figures by spaces that do not break; a reader hears one space.
const plain = (text) => text.replace(/[\u00a0\u202f]/g, ' ');
const attribute = (element, name) => [...element.attributes].find((one) => one.name.toLowerCase() === name)?.value ?? '';

function found(tags, label) {
  const all = [...document.querySelectorAll(tags)];
  const one = all.find((each) => [attribute(each, 'accessibilitylabel'), attribute(each, 'label'), each.textContent.trim()].map(plain).includes(label));
  if (!one) throw new Error(`no ${tags} says "${label}", only: ${all.map((each) => each.textContent.trim()).join(' | ')}`);
  return one;
}

/** Everything that is read: headings, labels and text. */
function textOf(element) {
  const own = ['heading', 'accessibilitylabel', 'label'].map((name) => attribute(element, name));
  const inside = [...element.childNodes].map((node) => (node.nodeType === 3 ? node.textContent : node.nodeType === 1 ? textOf(node) : ''));
  return plain([...own, ...inside].filter(Boolean).join('\n'));
}

/** Until a few turns of the loop have passed in which nothing was drawn anew. */
async function settled() {
  let before = null;
  for (let still = 0; still < 6; ) {
    await new Promise((done) => real(done, 2));
    const now = document.body.innerHTML;
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

/** Shopify's rules: {{name}} is filled in, `count` chooses the plural form, a missing key is a fault. */
function i18nOf(words, language) {
  const money = (value, { inExtensionLocale: _, ...form }) => new Intl.NumberFormat(language, { style: 'currency', ...form }).format(value);
  return {
    translate(key, values = {}) {
      const entry = words[key];
      const text = typeof entry === 'object' ? entry[new Intl.PluralRules(language).select(values.count)] : entry;
      if (typeof text !== 'string') throw new Error(`no text ${key} in ${language}`);
      return text.replace(/\{\{(\w+)\}\}/g, (all, name) => {
        if (!(name in values)) throw new Error(`${key} lacks ${name}`);
        return values[name];
      });
    },
    formatNumber: (value) => new Intl.NumberFormat(language).format(value),
    formatCurrency: money,
    formatDate: (date, { inExtensionLocale: _, ...form }) => new Intl.DateTimeFormat(language, { timeZone: 'UTC', ...form }).format(date),
  };
}
