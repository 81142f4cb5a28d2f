/*
 * Files that the reader takes away: what they are called, and how the browser gets to save them.
 */

import { element } from "./dom.js";

const LONGEST = 120;
const KEPT_MS = 10_000; // until the browser has taken the file for sure

/** A file's name from what it is about: letters, digits and hyphens, for every file system. @param {(string | undefined)[]} about @param {string} ending */
export function fileName(about, ending) {
  const words = about
    .filter(Boolean)
    .join(" ")
    .replaceAll("φ", "phi")
    .replaceAll("ε", "epsilon")
    .replaceAll("Δ", "delta ")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\p{L}\p{N}._]+/gu, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return `${words.slice(0, LONGEST).replace(/[-.]+$/, "") || "figure"}.${ending}`;
}

/** Saves a file under this name, in the reader's usual place. @param {BlobPart[]} pieces @param {string} type @param {string} name */
export function saveFile(pieces, type, name) {
  const address = URL.createObjectURL(new Blob(pieces, { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
