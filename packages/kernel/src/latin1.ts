// Buffer's own latin1 methods skip the argument checks of write() and toString(); Node's types leave them out.
interface Latin1Buffer {
  latin1Write(text: string, offset: number): number;
  latin1Slice(start: number, end: number): string;
}

/** Writes a text whose characters are all below 256 at `at`; returns the bytes written. There must be room. */
export function writeLatin1(target: Buffer, text: string, at: number): number {
  return (target as unknown as Latin1Buffer).latin1Write(text, at);
}

/** `source[start, end)` as a text of one character per byte. */
export function sliceLatin1(source: Buffer, start: number, end: number): string {
  return (source as unknown as Latin1Buffer).latin1Slice(start, end);
}
