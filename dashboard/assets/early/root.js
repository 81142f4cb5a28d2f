// The path prefix below which a proxy shows these pages: told by the document, and put before addresses here alone.
(() => {
  "use strict";
  const root = document.documentElement.dataset.root || "";

  /**
   * An address of ours, written from the root on, as this browser has to ask for it; one that is so already stays.
   * @param {string} path
   */
  function at(path) {
    const ours = path.startsWith("/") && path !== root && !(root && path.startsWith(`${root}/`));
    return ours ? root + path : path;
  }

  window.neq = { at }; // the scripts of the pages come later and add themselves
})();
