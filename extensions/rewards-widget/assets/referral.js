// The link for friends: a friend who lands by one sees its code and, with consent, carries it in the cart into the order;
// a member gets their own at a tap. Nothing is asked of our app before that tap. Links of former apps name it otherwise.
const [, said = ''] = [...new URLSearchParams(location.search)].find(([name]) => /(^|_)ref(erral)?(_|$)/.test(name)) ?? [];
const code = said.trim().toUpperCase();
const landed = /^[A-Z0-9][A-Z0-9-]{3,38}[A-Z0-9]$/.test(code);
const json = (method, body) => ({ method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

function remember(root) {
  if (!window.Shopify?.customerPrivacy?.preferencesProcessingAllowed()) return;
  fetch(`${root}cart/update.js`, json('POST', { attributes: { 'Referral code': code } }));
}

async function share(host) {
  const { path } = host.dataset;
  const said = host.querySelector('output');
  try {
    const { nonce } = await (await fetch(`${path}/me`)).json();
    const { link, error } = await (await fetch(`${path}/referral`, json('POST', { nonce }))).json();
    said.value = link ?? error.message;
    if (link) await navigator.clipboard?.writeText(link).catch(() => {});
  } catch {
    said.value = host.dataset.failed;
  }
}

for (const host of document.querySelectorAll('regulars-referral')) {
  const { root } = host.dataset;
  const friend = host.querySelector('[data-friend]');
  host.querySelector('button')?.addEventListener('click', () => share(host));
  if (!landed) continue;
  friend.querySelector('strong').textContent = code;
  friend.querySelector('a').href = `${root}discount/${code}?redirect=${root}`;
  friend.hidden = false;
}

const host = landed && document.querySelector('regulars-referral');
if (host) {
  const { root } = host.dataset;
  document.addEventListener('visitorConsentCollected', () => remember(root));
  window.Shopify?.loadFeatures?.([{ name: 'consent-tracking-api', version: '0.1' }], (error) => error || remember(root));
}
