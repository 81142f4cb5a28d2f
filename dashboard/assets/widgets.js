"use strict";
/*
 * Small things that pages are built of: elements, a tooltip, help, a question before something is done.
 */
(() => {
  const { neq } = window;
  const GAP = 14;
  const EDGE = 8;

  /**
   * An element with its attributes and children; text is always text, never markup.
   *
   * @param {string} name such as "div" or "button.quiet"; the dots add classes.
   * @param {object} [attributes] `on…` functions become listeners.
   * @param {...(Node|string|number|null)} children null is left out.
   */
  neq.element = (name, attributes = {}, ...children) => {
    const [tag, ...classes] = name.split(".");
    const made = document.createElement(tag);
    if (classes.length) made.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value === true ? "" : key === "href" ? neq.at(value) : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };

  /** The parts of a page that its layout named with `data-part`. */
  neq.parts = (root) => Object.fromEntries([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));

  /** Puts an input in the place of the part of this name, which Dash's own components could not be; returns it. */
  neq.putInput = (parts, name, attributes) => {
    const input = neq.element("input", { class: parts[name].className || null, autocomplete: "off", ...attributes, "data-part": name });
    parts[name].replaceWith(input);
    parts[name] = input;
    return input;
  };

  /** Fills a list to choose from with named things, by their keys. */
  neq.fillChoice = (select, choices, chosen) => {
    select.replaceChildren(...Object.entries(choices).map(([key, { name }]) => neq.element("option", { value: key }, name)));
    select.value = chosen;
  };

  /** Sets an element's text, unless it says so already: a selection in it survives. */
  neq.say = (element, text) => {
    const only = element.childNodes.length === 1 && element.firstChild;
    if (only.nodeType !== Node.TEXT_NODE) {
      if (element.textContent !== text) element.textContent = text;
    } else if (only.data !== text) only.data = text; // cheaper than another node, which is laid out from nothing
  };

  /** Fills a bar up to a share. By its ground: a width would lay out the page anew, a transform its layers. */
  neq.fill = (bar, share) => {
    bar.style.backgroundSize = `${(100 * share).toFixed(2)}% 100%`;
  };

  /** Resolves when what was drawn until now has been shown; a hidden tab shows nothing and does not wait for long. */
  neq.frameShown = () =>
    new Promise((shown) => {
      requestAnimationFrame(() => setTimeout(shown));
      setTimeout(shown, 500);
    });

  /** A box beside the pointer. */
  class Tooltip {
    /** @param {neq.Scope} scope it goes with it. */
    constructor(scope) {
      this.box = neq.element("div.tooltip", { role: "tooltip", hidden: true });
      document.body.append(this.box);
      scope.finally(() => this.box.remove());
    }

    /** Shows these nodes beside a point of the screen, on the side where there is room. */
    show(nodes, clientX, clientY) {
      this.box.replaceChildren(...nodes);
      this.box.hidden = false;
      const { offsetWidth: width, offsetHeight: height } = this.box;
      const right = clientX + GAP + width + EDGE < innerWidth;
      const left = right ? clientX + GAP : Math.max(EDGE, clientX - GAP - width);
      const top = Math.max(EDGE, Math.min(innerHeight - height - EDGE, clientY + GAP));
      this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    }

    hide() {
      this.box.hidden = true;
    }
  }
  neq.Tooltip = Tooltip;

  let explained = 0;

  /** Lets an element explain itself: `neq.help` shows the text, and it is the element's description; empty: no longer. */
  neq.explain = (element, text) => {
    if ((element.dataset.help || "") === text) return;
    const described = element.getAttribute("aria-describedby");
    document.getElementById(described)?.remove();
    for (const name of ["data-help", "tabindex", "role", "aria-describedby"]) element.removeAttribute(name);
    if (!text) return;
    explained += 1;
    const id = `explained-${explained}`;
    element.append(neq.element("span", { id, hidden: true }, text));
    Object.assign(element, { tabIndex: 0, role: "note" }).dataset.help = text;
    element.setAttribute("aria-describedby", id);
  };

  /** Lets every `[data-help]` within `root` show its text: on hovering, on focus, on a touch. */
  neq.help = (scope, root) => {
    const tooltip = new Tooltip(scope);
    tooltip.box.classList.add("tooltip-help");
    const show = (event) => {
      const asked = event.target.closest("[data-help]");
      if (!asked) return tooltip.hide();
      const { left, bottom } = asked.getBoundingClientRect();
      return tooltip.show([document.createTextNode(asked.dataset.help)], left - GAP, bottom - GAP / 2);
    };
    for (const type of ["pointerover", "focusin", "click"]) scope.on(root, type, show);
    scope.on(root, "focusout", () => tooltip.hide());
    scope.on(root, "pointerleave", () => tooltip.hide());
    scope.on(document, "keydown", (event) => event.key === "Escape" && tooltip.hide());
    scope.on(document, "scroll", () => tooltip.hide(), { passive: true, capture: true });
  };

  /**
   * Asks before something is done.
   *
   * @param {neq.Scope} scope
   * @param {{title: string, words: string, action: string}} question
   * @returns {Promise<boolean>} whether the reader agreed.
   */
  neq.confirm = (scope, { title, words, action }) =>
    new Promise((resolve) => {
      const dialog = neq.element(
        "dialog.question",
        { "aria-labelledby": "question-title" },
        neq.element("h2", { id: "question-title" }, title),
        neq.element("p", {}, words),
        neq.element(
          "form.question-buttons",
          { method: "dialog" },
          neq.element("button.button", { value: "no" }, "Cancel"),
          neq.element("button.button.button-danger", { value: "yes" }, action),
        ),
      );
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      scope.finally(() => dialog.close());
      document.body.append(dialog);
      dialog.showModal();
    });

  /** Copies text; says so on the button for a moment. */
  neq.copy = async (button, text) => {
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = words), 1500);
  };

  /** The address's query as an object. */
  neq.query = () => Object.fromEntries(new URLSearchParams(location.search));

  /** Writes into the address's query without a new page; null takes a key out. The order of keys stays. */
  neq.remember = (changes) => {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined) query.delete(key);
      else query.set(key, value);
    }
    const text = query.toString().replaceAll("%2C", ",");
    history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
  };
})();
