// The storefront API behind the shop's proxy path: one shape of trouble, a nonce for changes, no doubled redemption.

const PATIENCE_MS = 12000;

/** kind: offline, slow, session, busy, server or refused; `code`: the API's. */
export class Trouble extends Error {
  constructor(kind, code = kind) {
    super(code);
    this.kind = kind;
    this.code = code;
    // Without an answer the wish may have been granted.
    this.lost = ['offline', 'slow', 'server'].includes(kind);
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const troubleOf = (status, code) =>
  new Trouble(status === 401 ? 'session' : status === 429 ? 'busy' : status >= 500 ? 'server' : 'refused', code);

/** The calls of a launcher; in the theme editor a file answers. */
export function callsOf(host) {
  host.calls ??= host.dataset.design ? sampled(host.dataset.design) : caller(host);
  return host.calls;
}

function caller({ dataset: { root, proxy }, lang }) {
  const base = root.replace(/\/$/, '') + proxy;
  const keys = new Map();
  let nonce = null;

  async function call(path, body) {
    let answer;
    let shown;
    try {
      answer = await fetch(base + path, {
        method: body ? 'POST' : 'GET',
        headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }) },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      shown = await answer.json();
    } catch (failure) {
      if (answer) throw troubleOf(answer.ok ? 502 : answer.status);
      throw new Trouble(failure.name === 'TimeoutError' ? 'slow' : 'offline');
    }
    if (!answer.ok) throw troubleOf(answer.status, shown.error?.code);
    return shown;
  }

  async function me() {
    const shown = await call(`/me?locale=${lang}`);
    // The page was written for somebody signed in.
    if (shown.state === 'guest') throw new Trouble('session');
    nonce = shown.nonce;
    return shown;
  }

  async function change(path, body) {
    if (!nonce) await me();
    try {
      return await call(path, { ...body, nonce });
    } catch (trouble) {
      if (trouble.code !== 'invalid_nonce') throw trouble;
      await me();
      return call(path, { ...body, nonce });
    }
  }

  return {
    me,
    history: (cursor) => call(`/history?page_size=20${cursor ? `&cursor=${cursor}` : ''}`),
    redemption: (id) => call(`/redemptions/${id}`),
    join: () => change('/join'),
    undo: (id) => change(`/redemptions/${id}/undo`),
    survey: (answer) => change('/survey', answer),
    /** Redeems once, however often asked: the key stays until it was answered. */
    async redeem(reward) {
      if (!keys.has(reward)) keys.set(reward, crypto.randomUUID());
      for (let tries = 1; ; tries += 1) {
        try {
          const made = await change('/redeem', { reward, request_key: keys.get(reward) });
          keys.delete(reward);
          return made;
        } catch (trouble) {
          if (trouble.kind === 'refused') keys.delete(reward);
          if (!trouble.lost || tries > 2) throw trouble;
          await pause(1000 * tries);
        }
      }
    },
  };
}

/** Sample answers; a time in the file is a number of days from now. */
function sampled(url) {
  const dated = (key, value) => (key.endsWith('at') && value ? new Date(Date.now() + value * 864e5).toISOString() : value);
  const sample = async (name) => JSON.parse(await (await fetch(url)).text(), dated)[name];
  const calls = {};
  for (const name of ['me', 'history', 'redeem', 'undo']) calls[name] = () => sample(name);
  return calls;
}
