// The admin's half of the App Bridge stand-in: id tokens, navigation, save bar, toasts, for the one app in the frame.
const admin = document.querySelector(".admin");
const { origin, home, token, extensions, shop } = admin.dataset;
const frame = document.querySelector("iframe");
const bar = document.querySelector("[data-save-bar]");
const loading = document.querySelector("[data-loading]");
const toasts = document.querySelector("[data-toasts]");
const nav = document.querySelector("[data-app-nav]");
let savingId = null;

const say = (message) => frame.contentWindow.postMessage({ devshop: true, ...message }, origin);

async function json(url, method) {
  const answer = await fetch(url, { method });
  if (!answer.ok) throw new Error(`The development shop answered ${answer.status}.`);
  return answer.json();
}

// What the app may ask; each answers a value or throws.
const asks = {
  idToken: async () => (await json(token, "POST")).token,
  extensions: () => json(extensions, "GET"),
  leave: () => bar.hidden || window.confirm("Leave the page? What you changed is lost."),
  toast({ message, duration = 5000, isError = false, action }) {
    const id = `toast-${crypto.randomUUID()}`;
    const box = document.createElement("div");
    box.id = id;
    box.className = isError ? "toast error" : "toast";
    const text = document.createElement("span");
    text.textContent = message;
    box.append(text);
    const gone = () => { if (box.isConnected) { box.remove(); say({ event: "toast-gone", id }); } };
    for (const [label, name] of [[action, "toast-action"], ["Close", null]]) {
      if (!label) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => { if (name) say({ event: name, id }); gone(); });
      box.append(button);
    }
    toasts.append(box);
    if (duration > 0) setTimeout(gone, duration);
    return id;
  },
  hideToast: ({ id }) => { document.getElementById(id)?.remove(); },
  saveBar({ id, shown }) { bar.hidden = !shown; savingId = shown ? id : null; },
  loading({ on }) { loading.hidden = !on; },
  nav({ links }) { draw(links); },
  place({ path, title }) {
    history.replaceState(null, "", path === "/" ? home : home + path);
    admin.dataset.path = path.split("?")[0];
    if (title) document.title = `${title} · ${shop}`;
    mark();
  },
  open({ url }) { return open(new URL(url, "https://" + shop)); },
};

function draw(links) {
  nav.replaceChildren(...links.filter((one) => !one.home).map((one) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = home + one.path;
    link.dataset.path = one.path.split("?")[0];
    link.textContent = one.label;
    item.append(link);
    return item;
  }));
  mark();
}

function mark() {
  const here = admin.dataset.path;
  const links = [...document.querySelectorAll(".side [data-path]")];
  const best = links.filter((one) => here === one.dataset.path || (one.dataset.path !== "/" && here.startsWith(one.dataset.path + "/")))
    .concat(links.filter((one) => one.dataset.path === "/"))[0];
  for (const one of links) one.toggleAttribute("aria-current", one === best);
  best?.setAttribute("aria-current", "page");
  best?.scrollIntoView({ block: "nearest", inline: "center" });
}

// Addresses of the admin that exist here lead here; the others belong to Shopify alone.
function open(url) {
  const path = url.pathname.replace(/^\/store\/[^/]+/, "/admin");
  const ours = url.host === shop || url.host === "admin.shopify.com" || url.protocol === "shopify:";
  if (ours && path.includes("/themes/")) location.assign(path + url.search);
  else if (ours && /\/orders\/(\d+)/.test(path)) location.assign("/shop-admin/orders/" + /\/orders\/(\d+)/.exec(path)[1]);
  else if (ours && path.includes("/orders")) location.assign("/shop-admin/orders");
  else if (ours) asks.toast({ message: `The development shop has no page ${path}.` });
  else window.open(url.href, "_blank", "noopener");
}

window.addEventListener("message", async (event) => {
  if (event.origin !== origin || event.source !== frame?.contentWindow || !event.data?.devshop) return;
  const { ask, id, value } = event.data;
  if (!Object.hasOwn(asks, ask)) return;
  try {
    say({ id, value: await asks[ask](value ?? {}) });
  } catch (error) {
    say({ id, error: String(error.message ?? error) });
  }
});

bar.querySelector("[data-save]").addEventListener("click", () => say({ event: "save", id: savingId }));
bar.querySelector("[data-discard]").addEventListener("click", () => say({ event: "discard", id: savingId }));
// A new page in the frame starts without a save bar and without a loading bar.
frame?.addEventListener("load", () => { bar.hidden = true; loading.hidden = true; });
mark();
