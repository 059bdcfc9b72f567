/** True when `bytes[at, end)` begins with `head`. */
export function hasPrefix(bytes: Buffer, at: number, end: number, head: Buffer): boolean {
  const byteCount = head.length;
  if (end - at < byteCount) return false;
  for (let index = byteCount - 1; index >= 0; index--) {
    if (bytes[at + index] !== head[index]) return false;
  }
  return true;
}

/** A copy of `bytes[start, end)` with memory of its own: it lives long. */
export function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
