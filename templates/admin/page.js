/* Takes away what stands in for components once they are there, and does by App Bridge what the page cannot:
   a toast, and knowing what the theme shows. Without any of it the page works all the same. */
(() => {
  addEventListener("load", () => requestAnimationFrame(() => document.documentElement.classList.add("built")));
  const stand = { "s-page": "s-page > .plain", "s-section": "s-section > .plain", "s-app-nav": "s-app-nav + .plain" };
  for (const tag of ["s-text-field", "s-number-field", "s-text-area", "s-select", "s-button"]) stand[tag] = `${tag} + .plain`;
  for (const [tag, twins] of Object.entries(stand)) {
    customElements.whenDefined(tag).then(() => document.querySelectorAll(twins).forEach((one) => one.remove()));
  }
  // A field that one choice alone needs; without script it stands there and says so.
  const only = document.querySelector("[data-only-with]");
  if (only && !only.querySelector(".wrong")) {
    const show = (value) => { only.hidden = value !== only.dataset.onlyWith; };
    const wishes = [...document.querySelectorAll("[name=membership]")], first = wishes[0].getAttribute("value");
    for (const one of wishes) one.addEventListener("change", () => show(one.value));
    only.closest("form").addEventListener("reset", () => show(first));
    show(first);
  }
  const bridge = window.shopify, said = document.querySelector("[data-toast]"), asked = document.querySelector("[data-theme-report]");
  if (bridge) document.querySelector("nav.links")?.remove();
  if (said && bridge?.toast?.show) { bridge.toast.show(said.textContent.trim()); said.hidden = true; }
  if (!asked || !bridge?.app?.extensions) return;
  bridge.app.extensions().then((list) => {
    const blocks = list.flatMap((one) => one.activations || []);
    const on = (handle) => blocks.some((one) => one.handle === handle && one.status === "active");
    const seen = { embed: on("launcher"), block: on("product-points") };
    for (const [name, yes] of Object.entries(seen)) {
      const badge = asked.querySelector(`[data-theme="${name}"]`);
      if (badge) { badge.textContent = yes ? "On" : "Off"; badge.setAttribute("tone", yes ? "success" : "warning"); }
    }
    const setup = asked.closest("[data-all-but-theme]");
    if (setup && seen.embed) { setup.open = false; setup.querySelector("summary").textContent = "Everything is set up"; }
    if (String(seen.embed) === asked.dataset.embed && String(seen.block) === asked.dataset.block) return;
    fetch(asked.dataset.themeReport, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(seen) });
  }).catch(() => {});
})();
