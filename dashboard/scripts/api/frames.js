/*
 * The binary frames of our API: u32 length of a header, the header as JSON, then bytes of which the header tells how many.
 */

import { Unreadable } from "./client.js";

/** @param {ArrayBuffer} buffer @param {number} length of the header. */
function headerOf(buffer, length) {
  try {
    return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  } catch {
    throw new Unreadable(); // no JSON, or shorter than it says
  }
}

/**
 * Takes a frame apart; bytes that are none, or not all of one, are Unreadable.
 * @param {ArrayBuffer} buffer
 * @returns {{header: any, take: (bytes: number) => Uint8Array}} `take`: the next so many bytes; they are not copied.
 */
export function openFrame(buffer) {
  if (buffer.byteLength < 4) throw new Unreadable();
  const length = new DataView(buffer).getUint32(0, true);
  const header = headerOf(buffer, length);
  let offset = 4 + length;
  return {
    header,
    take(bytes) {
      if (!(offset + bytes <= buffer.byteLength)) throw new Unreadable();
      offset += bytes;
      return new Uint8Array(buffer, offset - bytes, bytes);
    },
  };
}
