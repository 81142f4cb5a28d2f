import assert from "node:assert/strict";
import { test } from "node:test";
import { Unreadable } from "../../dashboard/scripts/api/client.js";
import { openFrame } from "../../dashboard/scripts/api/frames.js";
import { parseNpy } from "../../dashboard/scripts/api/recorded.js";
import { npy } from "./npy.mjs";

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
  assert.throws(() => openFrame(frame({}, [1])).take(2), Unreadable);
});

const page = new TextEncoder().encode("<!DOCTYPE html><title>Sign in</title>").buffer;

test("a page of a proxy, and a part of a frame, are no frame", () => {
  const whole = frame({ run: "a" }, []);
  for (const other of [page, new ArrayBuffer(0), new ArrayBuffer(3), whole.slice(0, 9), whole.slice(0, -1)]) {
    assert.throws(() => openFrame(other), Unreadable);
  }
});

test("a .npy file has a shape and values, of both lengths of header", () => {
  const narrow = npy([2, 1], [0.5, -1]);
  const wide = Uint8Array.of(...narrow.subarray(0, 6), 2, 0, narrow[8], narrow[9], 0, 0, ...narrow.subarray(10));
  for (const { buffer } of [narrow, wide]) {
    const { shape, values } = parseNpy(buffer);
    assert.deepEqual(
      [shape, [...values]],
      [
        [2, 1],
        [0.5, -1],
      ],
    );
  }
  assert.deepEqual(parseNpy(npy([0, 5], []).buffer).shape, [0, 5]);
});

test("a page of a proxy, and a part of a .npy file, are no .npy file", () => {
  const whole = npy([3], [1, 2, 3]).buffer;
  for (const other of [page, new ArrayBuffer(0), new ArrayBuffer(200), whole.slice(0, 11), whole.slice(0, 60), whole.slice(0, -4)]) {
    assert.throws(() => parseNpy(other), Unreadable);
  }
  assert.throws(() => parseNpy(whole.slice(0, -3)), Unreadable);
});
