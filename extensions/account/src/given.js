// What every part of the account is given.

/**
 * @typedef {{
 *   words: import('../../surfaces/words.js').Words,
 *   calls: import('../../surfaces/calls.js').Calls,
 *   me: any,
 * }} Given  `me` is the answer of GET /me.
 */

export {};
