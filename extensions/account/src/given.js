// What every part of the account is given.

/**
 * @typedef {{
 *   words: import('../../shared/words.js').Words,
 *   calls: import('../../shared/calls.js').Calls,
 *   me: any,
 * }} Given  `me` is the answer of GET /me.
 */

export {};
