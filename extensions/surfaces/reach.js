// Who asks: the customer of an account or thank-you page, or the till for the customer in front of it.

import { callsOf } from './calls.js';

/** @param {{ sessionToken: { get(): Promise<string> }, localization: { extensionLanguage: { value: { isoCode: string } } } }} shopify */
export const asCustomer = ({ sessionToken, localization }) =>
  callsOf({ base: '/api', token: () => sessionToken.get(), locale: () => localization.extensionLanguage.value.isoCode });

/** @param {{ session: { getSessionToken(): Promise<string | undefined> }, locale: { current: { value: string } }, customer: { id: number } }} shopify */
export const asTill = ({ session, locale, customer }) =>
  callsOf({
    base: `/api/pos/customers/${customer.id}`,
    token: () => session.getSessionToken(),
    locale: () => locale.current.value,
  });

/** The number in gid://shopify/Order/5; Shopify's other kinds of ids for an order end in the same number. @param {string} gid */
export const numberOf = (gid) => gid.split('?')[0].split('/').pop() ?? '';
