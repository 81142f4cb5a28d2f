/*
 * The binary frames of our API: u32 length of a header, the header as JSON, then bytes of which the header tells how many.
 */

/**
 * Takes a frame apart.
 * @param {ArrayBuffer} buffer
 * @returns {{header: any, take: (bytes: number) => Uint8Array}} `take`: the next so many bytes; they are not copied.
 */
export function openFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  return {
    header,
    take(bytes) {
      offset += bytes;
      return new Uint8Array(buffer, offset - bytes, bytes);
    },
  };
}
