/** The value in the middle; of an even number of them, what lies between the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [upper = 0, lower = upper] = [sorted[Math.floor(half)], sorted[Math.ceil(half) - 1]];
  return (upper + lower) / 2;
}
