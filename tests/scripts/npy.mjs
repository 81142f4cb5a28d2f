/** A .npy file of float32, as the server writes it. */
export function npy(shape, values) {
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const header = new TextEncoder().encode(`${words.padEnd(117)}\n`);
  const file = new Uint8Array(10 + header.length + 4 * values.length);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0, ...header]);
  file.set(new Uint8Array(Float32Array.from(values).buffer), 10 + header.length);
  return file;
}
