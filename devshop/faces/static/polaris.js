// A stand-in of Polaris web components for the development shop: light custom elements with native controls inside.
// Our own code and look; it covers the tags and attributes that an admin page of ours may use.
(() => {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("polaris.css", document.currentScript.src).href;
  document.head.append(sheet);

  const make = (tag, values = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) {
      if (value === false || value === null || value === undefined) continue;
      if (name === "text") made.textContent = value; else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  };
  let count = 0;
  const unique = () => `s-${++count}`;
  // Elements upgrade when their children are there: at the end of the document, or at once for what comes later.
  const ready = (act) => (document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", act, { once: true }) : queueMicrotask(act));

  class Element extends HTMLElement {
    connectedCallback() { if (!this.built) { this.built = true; ready(() => this.build()); } }
    build() {}
    given(name) { return this.getAttribute(name); }
    slotted(name) { return [...this.children].filter((one) => one.getAttribute("slot") === name); }
  }
  const define = (name, kind) => customElements.define(name, kind);
  const plain = (...names) => names.forEach((name) => define(name, class extends Element {}));
  const withRole = (role, ...names) => names.forEach((name) => define(name, class extends Element { build() { if (!this.hasAttribute("role")) this.setAttribute("role", role); } }));

  plain("s-stack", "s-box", "s-grid-item", "s-text", "s-paragraph", "s-divider", "s-app-nav", "s-query-container", "s-button-group", "s-badge", "s-chip", "s-tooltip", "s-option-group", "s-option", "s-app-window", "s-form", "s-image", "s-thumbnail");
  withRole("list", "s-unordered-list", "s-ordered-list");
  withRole("listitem", "s-list-item");
  withRole("rowgroup", "s-table-body");
  withRole("row", "s-table-row");
  withRole("cell", "s-table-cell");
  withRole("columnheader", "s-table-header");

  define("s-heading", class extends Element {
    build() { this.setAttribute("role", "heading"); if (!this.hasAttribute("aria-level")) this.setAttribute("aria-level", this.closest("s-section s-section") ? "3" : "2"); }
  });

  define("s-page", class extends Element {
    build() {
      const head = make("div", { class: "s-page-head" });
      head.append(...this.slotted("breadcrumb-actions"));
      if (this.given("heading")) head.append(make("h1", { text: this.given("heading") }));
      head.append(...this.slotted("accessory"));
      const actions = make("div", { class: "s-page-actions" });
      actions.append(...this.slotted("secondary-actions"), ...this.slotted("primary-action"));
      if (actions.children.length) head.append(actions);
      const aside = this.slotted("aside");
      if (aside.length) {
        const columns = make("div", { class: "s-page-columns" });
        const main = make("div");
        main.append(...this.childNodes);
        columns.append(main, make("aside", {}, ...aside));
        this.append(columns);
      }
      this.prepend(head);
      if (!this.closest("main")) this.setAttribute("role", "main");
    }
  });

  define("s-section", class extends Element {
    build() {
      const heading = this.given("heading");
      if (heading) {
        const id = unique();
        this.prepend(make(this.parentElement.closest("s-section") ? "h3" : "h2", { class: "s-title", id, text: heading }));
        this.setAttribute("aria-labelledby", id);
        this.setAttribute("role", "region");
      } else if (this.given("accessibilitylabel")) {
        this.setAttribute("aria-label", this.given("accessibilitylabel"));
        this.setAttribute("role", "region");
      }
    }
  });

  define("s-grid", class extends Element {
    build() {
      const columns = this.given("gridtemplatecolumns");
      // A responsive value "@container (…) a, b" is taken at its last, wide part where there is room.
      if (columns) this.style.gridTemplateColumns = columns.startsWith("@") ? (innerWidth > 500 ? columns.split(")").slice(1).join(")").split(",")[0].trim() : "1fr") : columns;
    }
  });

  define("s-banner", class extends Element {
    build() {
      if (this.given("heading")) this.prepend(make("p", { class: "s-title", text: this.given("heading") }));
      this.setAttribute("role", this.given("tone") === "critical" ? "alert" : "status");
      if (this.hasAttribute("dismissible")) {
        const close = make("s-button", { variant: "tertiary" }, "Dismiss");
        close.addEventListener("click", () => { this.hidden = true; this.dispatchEvent(new Event("dismiss")); });
        this.append(close);
      }
    }
  });

  const inside = (element) => [...element.childNodes].filter((one) => !(one.nodeType === 1 && one.hasAttribute("slot")));
  define("s-link", class extends Element {
    build() {
      if (this.closest("s-app-nav")) return;
      const link = make("a", { href: this.given("href"), target: this.given("target"), download: this.given("download"), lang: this.given("lang"), "aria-label": this.given("accessibilitylabel") });
      link.append(...inside(this));
      this.append(link);
    }
  });

  function overlay(button) {
    const target = document.getElementById(button.given("commandfor") ?? "");
    if (!target) return;
    const act = (button.given("command") ?? "--auto").replace("--", "");
    (target[{ show: "showOverlay", hide: "hideOverlay" }[act] ?? "toggleOverlay"] ?? (() => {})).call(target);
  }
  define("s-button", class extends Element {
    static get observedAttributes() { return ["disabled", "loading"]; }
    attributeChangedCallback() { if (this.inner) this.inner.disabled = this.hasAttribute("disabled") || this.hasAttribute("loading"); }
    build() {
      const href = this.given("href");
      const off = this.hasAttribute("disabled") || this.hasAttribute("loading");
      this.inner = href && !off
        ? make("a", { href, target: this.given("target"), download: this.given("download") })
        : make("button", { type: this.given("type") ?? "button", name: this.given("name"), value: this.given("value"), disabled: off });
      if (this.given("accessibilitylabel")) this.inner.setAttribute("aria-label", this.given("accessibilitylabel"));
      if (this.given("icon")) this.inner.append(make("s-icon", { type: this.given("icon") }));
      this.inner.append(...inside(this));
      this.append(this.inner);
      this.inner.addEventListener("click", () => overlay(this));
    }
  });
  define("s-clickable", class extends Element {
    build() {
      const href = this.given("href");
      const inner = href ? make("a", { href }) : make("button", { type: this.given("type") ?? "button" });
      inner.append(...this.childNodes);
      this.append(inner);
      inner.addEventListener("click", () => overlay(this));
    }
  });

  // Fields: a label, a native control that takes part in the form, details, and an error beside it.
  class Field extends Element {
    static get observedAttributes() { return ["error", "disabled"]; }
    attributeChangedCallback(name) {
      if (!this.control) return;
      if (name === "disabled") this.control.disabled = this.hasAttribute("disabled"); else this.complain();
    }
    get value() { return this.control ? this.control.value : this.given("value") ?? ""; }
    set value(value) { if (this.control) this.control.value = value; else this.setAttribute("value", value); }
    native() { return make("input", { type: this.constructor.kind, step: this.given("step"), min: this.given("min"), max: this.given("max"), inputmode: this.given("inputmode") }); }
    build() {
      const id = unique();
      this.control = this.native();
      const set = { id, name: this.given("name"), placeholder: this.given("placeholder"), required: this.hasAttribute("required"), readonly: this.hasAttribute("readonly"), disabled: this.hasAttribute("disabled"), maxlength: this.given("maxlength"), minlength: this.given("minlength"), autocomplete: this.given("autocomplete"), pattern: this.given("pattern") };
      for (const [name, value] of Object.entries(set)) if (value !== null && value !== false) this.control.setAttribute(name, value === true ? "" : value);
      if (this.hasAttribute("value") && !(this.control instanceof HTMLSelectElement)) { this.control.setAttribute("value", this.given("value")); this.control.value = this.given("value"); }
      const label = make("label", { for: id, text: this.given("label") ?? "" });
      if (this.given("labelaccessibilityvisibility") === "exclusive") label.setAttribute("style", "position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden");
      const row = make("div", { class: "s-control" });
      if (this.given("prefix")) row.append(make("span", { class: "s-affix", text: this.given("prefix") }));
      row.append(this.control);
      if (this.given("suffix")) row.append(make("span", { class: "s-affix", text: this.given("suffix") }));
      this.box = make("div", { class: "s-field" }, label, row);
      this.described = [];
      if (this.given("details")) { const help = unique(); this.box.append(make("span", { class: "s-details", id: help, text: this.given("details") })); this.described.push(help); }
      this.append(this.box);
      this.complain();
    }
    complain() {
      this.fault?.remove();
      const text = this.given("error");
      const ids = [...this.described];
      this.control.toggleAttribute("aria-invalid", false);
      if (text) {
        this.fault = make("span", { class: "s-error", id: unique(), text });
        this.box.append(this.fault);
        ids.push(this.fault.id);
        this.control.setAttribute("aria-invalid", "true");
      }
      if (ids.length) this.control.setAttribute("aria-describedby", ids.join(" ")); else this.control.removeAttribute("aria-describedby");
    }
  }
  for (const [name, kind] of Object.entries({ "s-text-field": "text", "s-number-field": "number", "s-money-field": "text", "s-email-field": "email", "s-url-field": "url", "s-password-field": "password", "s-date-field": "date", "s-search-field": "search", "s-color-field": "color" })) {
    define(name, class extends Field { static kind = kind; });
  }
  define("s-text-area", class extends Field {
    native() { return make("textarea", { rows: this.given("rows") ?? "3", text: this.given("value") ?? "" }); }
  });
  define("s-select", class extends Field {
    native() {
      const select = make("select");
      const take = (into, from) => [...from.children].forEach((one) => {
        if (one.localName === "s-option-group") { const group = make("optgroup", { label: one.getAttribute("label") }); take(group, one); into.append(group); }
        if (one.localName === "s-option") into.append(make("option", { value: one.getAttribute("value") ?? one.textContent, text: one.textContent.trim(), selected: one.hasAttribute("selected") || one.getAttribute("value") === this.given("value"), disabled: one.hasAttribute("disabled") }));
      });
      take(select, this);
      this.replaceChildren();
      return select;
    }
  });

  class Tick extends Element {
    get checked() { return this.control ? this.control.checked : this.hasAttribute("checked"); }
    set checked(on) { if (this.control) this.control.checked = on; else this.toggleAttribute("checked", on); }
    build() {
      const id = unique();
      const list = this.closest("s-choice-list");
      const type = list && !list.hasAttribute("multiple") ? "radio" : "checkbox";
      this.control = make("input", { type, id, name: list ? list.given("name") : this.given("name"), value: this.given("value") ?? "on", checked: this.hasAttribute("checked") || this.hasAttribute("selected") || this.hasAttribute("defaultchecked"), disabled: this.hasAttribute("disabled") });
      const label = make("label", { for: id });
      if (this.given("label")) label.textContent = this.given("label"); else label.append(...inside(this));
      const box = make("div", { class: "s-tick" }, this.control, label);
      if (this.localName === "s-switch") this.control.setAttribute("role", "switch");
      const details = this.given("details") ?? this.slotted("details")[0]?.textContent;
      if (details) { const help = unique(); box.append(make("span", { class: "s-details", id: help, text: details })); this.control.setAttribute("aria-describedby", help); }
      if (this.given("error")) { const fault = unique(); box.append(make("span", { class: "s-error", id: fault, text: this.given("error") })); this.control.setAttribute("aria-invalid", "true"); }
      this.replaceChildren(box);
    }
  }
  define("s-choice", class extends Tick {});
  define("s-checkbox", class extends Tick {});
  define("s-switch", class extends Tick {});
  define("s-choice-list", class extends Element {
    build() {
      const set = make("fieldset", {}, make("legend", { class: "s-legend", text: this.given("label") ?? "" }));
      set.append(...this.childNodes);
      if (this.given("details")) set.append(make("span", { class: "s-details", text: this.given("details") }));
      if (this.given("error")) set.append(make("span", { class: "s-error", text: this.given("error") }));
      this.append(set);
    }
  });

  define("s-table", class extends Element {
    build() {
      this.setAttribute("role", "table");
      if (this.given("accessibilitylabel")) this.setAttribute("aria-label", this.given("accessibilitylabel"));
      const formats = [...this.querySelectorAll("s-table-header")].map((one) => one.getAttribute("format"));
      for (const row of this.querySelectorAll("s-table-row")) [...row.children].forEach((cell, at) => cell.classList.toggle("numeric", ["numeric", "currency"].includes(formats[at])));
      const rows = this.querySelector("s-table-header-row");
      if (rows && !this.querySelector(":scope > s-table-head")) rows.setAttribute("role", "row");
    }
  });
  define("s-table-header-row", class extends Element {});

  class Overlay extends Element {
    showOverlay() { this.classList.add("s-open"); this.dispatchEvent(new Event("show")); }
    hideOverlay() { this.classList.remove("s-open"); this.dispatchEvent(new Event("hide")); }
    toggleOverlay() { if (this.classList.contains("s-open")) this.hideOverlay(); else this.showOverlay(); }
  }
  define("s-popover", Overlay);
  define("s-menu", class extends Overlay {});
  define("s-modal", class extends Overlay {
    build() {
      const title = unique();
      const close = make("button", { type: "button", "aria-label": "Close", text: "×" });
      const foot = make("div", { class: "s-modal-foot" }, ...this.slotted("secondary-actions"), ...this.slotted("primary-action"));
      const body = make("div", { class: "s-modal-body" });
      body.append(...this.childNodes);
      this.dialog = make("dialog", { "aria-labelledby": title }, make("div", { class: "s-modal-head" }, make("h2", { id: title, text: this.given("heading") ?? "" }), close), body, foot);
      this.append(this.dialog);
      close.addEventListener("click", () => this.hideOverlay());
      this.dialog.addEventListener("close", () => super.hideOverlay());
    }
    showOverlay() { super.showOverlay(); if (!this.dialog.open) this.dialog.showModal(); }
    hideOverlay() { this.dialog.close(); }
  });

  define("s-spinner", class extends Element { build() { this.setAttribute("role", "img"); this.setAttribute("aria-label", this.given("accessibilitylabel") ?? "Loading"); } });
  define("s-avatar", class extends Element { build() { this.textContent = this.given("initials") ?? ""; this.setAttribute("role", "img"); this.setAttribute("aria-label", this.given("alt") ?? ""); } });
  const PATHS = { check: "M3 8.5 6.5 12 13 4.5", "check-circle": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8.3 7.2 10.5 11 6", x: "m4 4 8 8m0-8-8 8", plus: "M8 3v10M3 8h10", search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9m3.5 8L14 14", external: "M9 3h4v4m0-4L7 9M6 4H3v9h9v-3" };
  define("s-icon", class extends Element {
    build() {
      const name = this.given("type") ?? "";
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(key, value);
      path.setAttribute("d", PATHS[name] ?? "M8 4.5v4m0 2.5v.1M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13");
      svg.append(path);
      this.replaceChildren(svg);
    }
  });
})();
