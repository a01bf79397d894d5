// A stand-in of Shopify App Bridge for the development shop: the same calls, answered by devshop's admin frame.
// It is our own code, covers what Regulars uses, and refuses the rest in words.
(() => {
  const script = document.currentScript;
  const shopOrigin = new URL(script.src).origin;
  const query = new URLSearchParams(location.search);
  const apiKey = script.dataset.apiKey ?? document.querySelector("meta[name=shopify-api-key]")?.content ?? "";
  const disabled = (document.querySelector("meta[name=shopify-disabled-features]")?.content ?? "").split(/[\s,]+/);
  const FRAME = ["embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"];
  const waiting = new Map();
  const toastCalls = new Map();
  const bars = new Map();
  let asked = 0;

  if (window.parent === window) {
    // Outside the admin: go into it, as App Bridge does.
    const path = location.pathname === "/" ? "" : location.pathname;
    location.replace(`${shopOrigin}/admin/apps/regulars${path}`);
    return;
  }

  function ask(name, value) {
    const id = ++asked;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      window.parent.postMessage({ devshop: true, ask: name, id, value }, shopOrigin);
    });
  }

  const events = {
    save: ({ id }) => bars.get(id)?.save(),
    discard: ({ id }) => bars.get(id)?.discard(),
    "toast-action": ({ id }) => toastCalls.get(id)?.onAction?.(),
    "toast-gone": ({ id }) => { toastCalls.get(id)?.onDismiss?.(); toastCalls.delete(id); },
  };

  window.addEventListener("message", ({ origin, source, data }) => {
    if (origin !== shopOrigin || source !== window.parent || !data?.devshop) return;
    if (data.event) events[data.event]?.(data);
    const call = waiting.get(data.id);
    if (!call || data.event) return;
    waiting.delete(data.id);
    if (data.error) call.reject(new Error(data.error)); else call.resolve(data.value);
  });

  const absent = (name) => () => Promise.reject(new Error(`The development shop has no ${name}; try it on a development store.`));
  const element = (id) => document.getElementById(id);

  const shopify = {
    config: { apiKey, shop: query.get("shop") ?? "", host: query.get("host") ?? "", locale: query.get("locale") ?? "en" },
    environment: { embedded: true, mobile: false, pos: false },
    ready: Promise.resolve(),
    idToken: () => ask("idToken"),
    toast: {
      show(message, { duration, isError, action, onAction, onDismiss } = {}) {
        const local = `toast-${++asked}`;
        ask("toast", { message: String(message), duration, isError, action }).then((id) => {
          toastCalls.set(id, { onAction, onDismiss, local });
        });
        return local;
      },
      hide(local) {
        for (const [id, call] of toastCalls) if (call.local === local) ask("hideToast", { id });
      },
    },
    saveBar: {
      show: (id) => ask("saveBar", { id, shown: true }),
      hide: (id) => ask("saveBar", { id, shown: false }),
      toggle: (id) => ask("saveBar", { id, shown: true }),
      leaveConfirmation: async () => { if (!(await ask("leave"))) throw new Error("The merchant stays on the page."); },
    },
    loading: (on = true) => { ask("loading", { on: Boolean(on) }); },
    modal: {
      show: async (id) => element(id)?.showOverlay?.(),
      hide: async (id) => element(id)?.hideOverlay?.(),
      toggle: async (id) => element(id)?.toggleOverlay?.(),
    },
    app: { extensions: () => ask("extensions") },
    user: async () => ({ accountAccess: "Account Owner" }),
    scopes: { query: absent("scopes.query"), request: absent("scopes.request"), revoke: absent("scopes.revoke") },
    resourcePicker: absent("resource picker"),
    picker: absent("picker"),
    reviews: { request: async () => ({ success: false, code: "unavailable", message: "No reviews in a development shop." }) },
    support: { registerHandler() {} },
    webVitals: { onReport: report },
  };
  window.shopify = shopify;

  // Requests to the app's own origin carry an id token; an expired one is replaced and the request sent once more.
  if (!disabled.includes("fetch")) {
    const plain = window.fetch.bind(window);
    window.fetch = async (input, init) => {
      const request = new Request(input, init);
      if (new URL(request.url).origin !== location.origin || request.headers.has("Authorization")) return plain(request);
      const again = request.clone();
      const send = async (one) => {
        const headers = new Headers(one.headers);
        headers.set("Authorization", `Bearer ${await ask("idToken")}`);
        headers.set("X-Requested-With", "XMLHttpRequest");
        return plain(new Request(one, { headers }));
      };
      const answer = await send(request);
      return answer.status === 401 && answer.headers.has("X-Shopify-Retry-Invalid-Session-Request") ? send(again) : answer;
    };
  }

  // The patch page: a fresh id token, then the page that wanted one.
  if (query.has("shopify-reload")) {
    const target = new URL(query.get("shopify-reload"), location.origin);
    if (target.origin === location.origin) {
      ask("idToken").then((token) => { target.searchParams.set("id_token", token); location.replace(target); });
    }
    return;
  }

  function report(callback) {
    const found = { LCP: 0, CLS: 0, INP: 0 };
    const watch = (type, take, more) => {
      try { new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more }); } catch { /* not in this browser */ }
    };
    watch("largest-contentful-paint", (one) => { found.LCP = one.startTime; });
    watch("layout-shift", (one) => { if (!one.hadRecentInput) found.CLS += one.value; });
    watch("event", (one) => { if (one.interactionId) found.INP = Math.max(found.INP, one.duration); }, { durationThreshold: 16 });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") callback({ metrics: Object.entries(found).map(([name, value]) => ({ id: name, name, value })) });
    });
  }

  function place() {
    const own = new URLSearchParams([...query].filter(([name]) => !FRAME.includes(name)));
    const rest = own.toString();
    ask("place", { path: location.pathname + (rest ? `?${rest}` : ""), title: document.title });
  }

  function navigation() {
    const list = document.querySelector("s-app-nav, ui-nav-menu");
    if (!list) return;
    list.hidden = true;
    ask("nav", {
      links: [...list.querySelectorAll("s-link, a")].map((one) => {
        const url = new URL(one.getAttribute("href"), location.href);
        const own = new URLSearchParams([...url.searchParams].filter(([name]) => !FRAME.includes(name)));
        const path = url.pathname + (own.size ? `?${own}` : "");
        return { label: one.textContent.trim(), path, home: one.getAttribute("rel") === "home" };
      }),
    });
  }

  // A form with data-save-bar: the bar comes with the first change; its buttons submit and reset the form.
  function watchForm(form, number) {
    const id = form.id || `form-${number}`;
    bars.set(id, {
      save: () => form.requestSubmit(),
      discard: () => { form.reset(); shopify.saveBar.hide(id); },
    });
    const dirty = () => shopify.saveBar.show(id);
    form.addEventListener("input", dirty);
    form.addEventListener("change", dirty);
    form.addEventListener("submit", () => shopify.saveBar.hide(id));
    form.addEventListener("reset", () => shopify.saveBar.hide(id));
  }

  function watchBar(bar) {
    bar.hidden = true;
    const buttons = [...bar.querySelectorAll("button")];
    const main = buttons.find((one) => one.getAttribute("variant") === "primary");
    bars.set(bar.id, { save: () => main?.click(), discard: () => buttons.find((one) => one !== main)?.click() });
    bar.show = () => shopify.saveBar.show(bar.id);
    bar.hide = () => shopify.saveBar.hide(bar.id);
  }

  // Links that lead out of the frame into the merchant's admin are opened by the admin.
  document.addEventListener("click", (event) => {
    const link = event.composedPath().find((one) => one.getAttribute?.("href"));
    if (!link || event.defaultPrevented) return;
    const url = new URL(link.getAttribute("href"), location.href);
    const admin = url.host === shopify.config.shop || url.host === "admin.shopify.com" || url.protocol === "shopify:";
    if (admin) {
      event.preventDefault();
      event.stopPropagation();
      ask("open", { url: url.href });
    }
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    place();
    navigation();
    document.querySelectorAll("form[data-save-bar]").forEach(watchForm);
    document.querySelectorAll("ui-save-bar").forEach(watchBar);
  });
})();
