// The launcher: wakes the button Liquid wrote; loads the panel at the first sign of interest, and nothing before.

const LATER_MS = 3 * 864e5;

/** True in another site's frame, where a press could be stolen. The theme editor says it is one. */
function framedByStrangers(host) {
  if (host.hasAttribute('data-design')) return false;
  try {
    return window.top.location.origin !== window.location.origin;
  } catch {
    return true;
  }
}

/** True for three days after "Not now" to this question. Where storage is blocked it is asked again. */
function putOff(order) {
  try {
    const [which, at] = (localStorage.getItem('regulars-later') ?? '').split(':');
    return which === order && Date.now() - at < LATER_MS;
  } catch {
    return false;
  }
}

class Launcher extends HTMLElement {
  connectedCallback() {
    // Set by a script, as the theme editor does, the shadow root is still a template.
    const template = this.querySelector('template[shadowrootmode]');
    if (!this.shadowRoot && template) {
      this.attachShadow({ mode: 'open' }).append(template.content);
      template.remove();
    }
    this.wake();
  }

  disconnectedCallback() {
    if (Launcher.awake !== this) return;
    this.panel?.then((panel) => panel.close(), () => {});
    Launcher.awake = null;
    document.querySelector('regulars-launcher')?.wake?.();
  }

  /** Comes to life; hides where another one lives, and where a press could be stolen. */
  wake() {
    const root = this.shadowRoot;
    this.hidden = !root || Boolean(Launcher.awake) || framedByStrangers(this);
    if (this.hidden || !this.isConnected) return;
    Launcher.awake = this;
    // Where a policy forbids Liquid's style element, the script may still set it.
    this.style.cssText = this.dataset.look;
    const button = root.querySelector('.launcher');
    const number = root.querySelector('[data-number]');
    if (number) number.textContent = new Intl.NumberFormat(this.lang).format(Number(this.dataset.balance));
    if (this.wired) return;
    this.wired = true;
    const warm = () => this.load().catch(() => {});
    button.addEventListener('pointerenter', warm, { once: true });
    button.addEventListener('focus', warm, { once: true });
    button.addEventListener('click', () => this.open());
    const { survey, prompt } = this.dataset;
    if (prompt && !putOff(survey)) {
      const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 1500));
      idle(() => import(prompt).then((module) => module.prompt(this), () => {}));
    }
  }

  /** The panel, loaded once; after a failure, again. */
  load() {
    this.tries ??= 0;
    this.panel ??= import(`${this.dataset.panel}#${this.tries}`).then(
      (module) => module.panel(this),
      (failure) => {
        this.panel = null;
        this.tries += 1;
        throw failure;
      },
    );
    return this.panel;
  }

  /** The panel's styles, added once. */
  styled() {
    this.styles ??= new Promise((done) => {
      const link = document.createElement('link');
      Object.assign(link, { rel: 'stylesheet', href: this.dataset.styles, onload: done, onerror: done });
      this.shadowRoot.append(link);
    });
    return this.styles;
  }

  async open() {
    const button = this.shadowRoot.querySelector('.launcher');
    const trouble = this.shadowRoot.querySelector('.trouble');
    button.setAttribute('aria-busy', 'true');
    try {
      (await this.load()).open();
      trouble.textContent = '';
    } catch {
      trouble.textContent = JSON.parse(this.querySelector('script').textContent).failed;
    } finally {
      button.removeAttribute('aria-busy');
    }
  }
}

if (!customElements.get('regulars-launcher')) customElements.define('regulars-launcher', Launcher);
