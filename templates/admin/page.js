/* What App Bridge can do better than the page: a toast, and knowing what the theme shows. Both are left out without it. */
(() => {
  const bridge = window.shopify, said = document.querySelector("[data-toast]"), asked = document.querySelector("[data-theme-report]");
  if (bridge) document.querySelector("nav.links").hidden = true;
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
    if (String(seen.embed) === asked.dataset.embed && String(seen.block) === asked.dataset.block) return;
    fetch(asked.dataset.themeReport, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(seen) });
  }).catch(() => {});
})();
