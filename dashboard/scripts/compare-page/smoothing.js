/*
 * Noisy curves, smoothed.
 */

/**
 * The exponential moving average, without the bias to zero of its beginning, as TensorBoard and W&B draw it.
 *
 * What is missing stays missing and leaves the average as it is.
 * @param {(number | null)[]} values @param {number} weight of what was before: 0 leaves all as it is; below 1.
 */
export function smoothed(values, weight) {
  let [sum, known] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + (1 - weight) * value;
    known = known * weight + (1 - weight);
    return sum / known;
  });
}
