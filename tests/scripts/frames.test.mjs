import assert from "node:assert/strict";
import { test } from "node:test";
import { openFrame } from "../../dashboard/scripts/api/frames.js";

/** A frame as the server packs it: u32 little-endian, header, bytes. */
function frame(header, bytes) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const buffer = new ArrayBuffer(4 + text.length + bytes.length);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer).set([...text, ...bytes], 4);
  return buffer;
}

test("a frame has a header, and bytes that are taken one piece after the other", () => {
  const { header, take } = openFrame(frame({ run: "φ", layers: [2, 3] }, [1, 2, 30, 40, 50]));
  assert.deepEqual(header, { run: "φ", layers: [2, 3] });
  assert.deepEqual([...take(2)], [1, 2]);
  assert.deepEqual([...take(3)], [30, 40, 50]);
});

test("more bytes than a frame has are an error, and no silent nothing", () => {
  assert.throws(() => openFrame(frame({}, [1])).take(2), RangeError);
});
