import { createHash } from "node:crypto";

/** Bytes of one piece of a blob. */
const PIECE_BYTES = 65_536;

/** A piece in which no stretch repeats another, so that lost or swapped bytes change the hash. */
const PIECE: Buffer = ((): Buffer => {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let state = 1;
  for (let index = 0; index < PIECE_BYTES; index += 4) {
    // Numerical Recipes' linear congruential generator: all that is asked of it is not to repeat.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    piece.writeUInt32LE(state, index);
  }
  return piece;
})();

/** A body of `bytes` bytes that is the same every time, in pieces. Never more than a piece is in memory. */
export function* blobPieces(bytes: number): Generator<Buffer, void> {
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES) yield PIECE.subarray(0, Math.min(PIECE_BYTES, bytes - sent));
}

/** The SHA-256 of such a body, in hexadecimal. */
export function blobSha256(bytes: number): string {
  const hash = createHash("sha256");
  for (const piece of blobPieces(bytes)) hash.update(piece);
  return hash.digest("hex");
}
