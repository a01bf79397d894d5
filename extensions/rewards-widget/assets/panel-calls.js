// Calls to the storefront API behind the shop's own proxy path: one shape of trouble, a nonce for changes, no doubled redemption.

const PATIENCE_MS = 12000;
const LOST = ['offline', 'slow', 'server'];

/** Why a call gave nothing. kind: offline, slow, session, busy, server or refused (then `code` is the API's). */
export class Trouble extends Error {
  constructor(kind, code = kind) {
    super(code);
    this.kind = kind;
    this.code = code;
  }

  /** True when the answer was lost on the way, so that the wish may have been granted. */
  get lost() {
    return LOST.includes(this.kind);
  }

  /** The key of the text that says it. */
  text(has) {
    const own = { too_many_requests: 'e_busy', shop_not_installed: 'e_gone', withdrawn: 'e_closed', not_due: 'e_closed' };
    const key = own[this.code] ?? `e_${this.code}`;
    if (this.code === 'by_invitation') return 'by_invitation';
    return has(key) ? key : has(`e_${this.kind}`) ? `e_${this.kind}` : 'e_server';
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function troubleOf(status, code) {
  if (status === 401) return new Trouble('session');
  if (status === 429) return new Trouble('busy');
  if (status >= 500) return new Trouble('server', code);
  return new Trouble('refused', code);
}

/** The calls of one panel. `base`: the proxy path of the shop, with the market's folder. `locale`: the page's. */
export function caller(base, locale) {
  let nonce = null;
  const keys = new Map();

  async function call(path, body) {
    let answer;
    let shown;
    try {
      answer = await fetch(`${base}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: body ? { Accept: 'application/json', 'Content-Type': 'application/json' } : { Accept: 'application/json' },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      shown = await answer.json();
    } catch (failure) {
      if (answer) throw troubleOf(answer.ok ? 502 : answer.status);
      throw new Trouble(failure.name === 'TimeoutError' ? 'slow' : 'offline');
    }
    if (!answer.ok) throw troubleOf(answer.status, shown?.error?.code);
    return shown;
  }

  async function me() {
    const shown = await call(`/me?locale=${encodeURIComponent(locale)}`);
    // The page was written for somebody signed in, so this one's session has ended since.
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
    history: (cursor) => call(`/history?page_size=20${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`),
    redemption: (id) => call(`/redemptions/${encodeURIComponent(id)}`),
    join: () => change('/join', {}),
    undo: (id) => change(`/redemptions/${encodeURIComponent(id)}/undo`, {}),
    survey: (answer) => change('/survey', answer),
    /** Redeems once, however often it is asked: the key stays until the API has answered to it. */
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
