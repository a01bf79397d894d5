// The storefront API as an extension calls it: a session token each time, one shape of trouble, no doubled redemption.

/**
 * @typedef {{
 *   base: string,
 *   token: () => Promise<string | null | undefined>,
 *   locale: () => string,
 * }} Way  `base` is the path below the app's address; `token` names who asks; `locale` is the language of the answers.
 */

const PATIENCE_MS = 12_000;
const TRIES = 3;
const LOOKS = 8;
const LOOK_AGAIN_MS = 1_500;

/** kind: offline, slow, session, busy, server or refused; `code`: the API's. */
export class Trouble extends Error {
  /** @param {string} kind @param {string} [code] */
  constructor(kind, code = kind) {
    super(code);
    this.kind = kind;
    this.code = code;
    // Without an answer the wish may have been granted.
    this.lost = ['offline', 'slow', 'server'].includes(kind);
  }
}

/** The app's address, which Shopify CLI writes in from APP_URL of .env. */
function address() {
  try {
    return process.env.APP_URL ?? '';
  } catch {
    return ''; // built without one
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
function inTime(promise) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Trouble('slow')), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** @param {number} status @param {string} [code] */
function troubleOf(status, code) {
  const kind = status === 401 ? 'session' : status === 429 ? 'busy' : status >= 500 ? 'server' : 'refused';
  return new Trouble(kind, code);
}

/** @param {Way} way */
export function callsOf({ base, token, locale }) {
  /** @type {Map<string, string>} */
  const keys = new Map();
  /** @type {string | null} */
  let nonce = null;

  /** @param {string} path @param {object} [body] @returns {Promise<any>} */
  async function ask(path, body) {
    const query = `${path.includes('?') ? '&' : '?'}locale=${locale()}`;
    const proof = await token();
    if (!proof) throw new Trouble('session', 'no_right');
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(`${address()}${base}${path}${query}`, {
        method: body ? 'POST' : 'GET',
        headers: { Accept: 'application/json', Authorization: `Bearer ${proof}`, ...(body && { 'Content-Type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Trouble('offline');
    }
    const shown = await answer.json().catch(() => null);
    if (!answer.ok) throw troubleOf(answer.status, shown?.error?.code);
    if (!shown) throw new Trouble('server');
    if (shown.nonce) nonce = shown.nonce;
    return shown;
  }

  /** A token may end between being made and being read: asked once more, with a new one. @param {string} path @param {object} [body] */
  async function call(path, body) {
    try {
      return await inTime(ask(path, body));
    } catch (trouble) {
      if (!(trouble instanceof Trouble) || trouble.code !== 'expired_id_token') throw trouble;
      return inTime(ask(path, body));
    }
  }

  const me = () => call('/me');

  /** @param {string} path @param {object} [body] */
  async function change(path, body = {}) {
    if (!nonce) await me();
    try {
      return await call(path, { ...body, nonce });
    } catch (trouble) {
      if (!(trouble instanceof Trouble) || trouble.code !== 'invalid_nonce') throw trouble;
      await me();
      return call(path, { ...body, nonce });
    }
  }

  /** Waits for what the shop is still making or taking back. @param {any} made */
  async function settled(made) {
    let seen = made;
    for (let looks = 0; looks < LOOKS && ['being_made', 'being_undone'].includes(seen.state); looks += 1) {
      await pause(LOOK_AGAIN_MS);
      seen = await call(`/redemptions/${made.id}`).catch(() => seen);
    }
    return { ...made, ...seen };
  }

  return {
    me,
    /** @param {string} id */
    order: (id) => call(`/orders/${id}`),
    /** @param {object} answer */
    survey: (answer) => change('/survey', answer),
    join: () => change('/join'),
    /** @param {string} [cursor] */
    history: (cursor) => call(`/history${cursor ? `?cursor=${cursor}` : ''}`),
    referral: () => change('/referral'),
    /** @param {string} id */
    undo: async (id) => settled(await change(`/redemptions/${id}/undo`)),
    /** Redeems once, however often asked: the key of a reward stays until it was answered. @param {string} reward */
    async redeem(reward) {
      const key = keys.get(reward) ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
      keys.set(reward, key);
      for (let tries = 1; ; tries += 1) {
        try {
          const made = await change('/redeem', { reward, request_key: key });
          keys.delete(reward);
          return await settled(made);
        } catch (trouble) {
          if (!(trouble instanceof Trouble)) throw trouble;
          if (trouble.kind === 'refused') keys.delete(reward);
          if (!trouble.lost || tries >= TRIES) throw trouble;
          await pause(1_000 * tries);
        }
      }
    },
  };
}

/** @typedef {ReturnType<typeof callsOf>} Calls */
