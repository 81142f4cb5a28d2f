/*
 * The path prefix below which a proxy shows these pages: told by the document, and put before addresses here alone.
 */

/**
 * An address of ours, written from the root on, as this browser has to ask for it; one that is so already stays.
 * @param {string} path
 */
export function at(path) {
  const root = document.documentElement.dataset.root || "";
  const ours = path.startsWith("/") && path !== root && !(root && path.startsWith(`${root}/`));
  return ours ? root + path : path;
}
