// What the messages consist of; the same as testee/content.rs.

export const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20, 64 << 20];

/** Characters of four, three, two and one bytes; one of them lies across every boundary somewhere. */
export function text(size) {
  return "😀€éx".repeat(size / 10) + "x".repeat(size % 10);
}

/** Noise that repeats after a prime number of bytes, too far for deflate to see it. */
export function binary(size) {
  return Buffer.alloc(size, noise);
}

/** Seven parts of about the same size, whatever characters that cuts, and an empty one. */
export function fragments(data) {
  const parts = Array.from({ length: 7 }, (_, n) => data.subarray(Math.floor(data.length * n / 7), Math.floor(data.length * (n + 1) / 7)));
  parts.splice(3, 0, Buffer.alloc(0));
  return parts;
}

const noise = Buffer.alloc(65521);
let state = 1;
for (let i = 0; i < noise.length; i += 1) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  noise[i] = state >> 16;
}
