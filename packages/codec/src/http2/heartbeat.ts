/** Payload of the PINGs that ask for a sign of life. */
export const PING_KEEPALIVE: Buffer = Buffer.from("weftping", "latin1");

/** Payload of the PING between the two GOAWAYs of a drain: its answer shows that the client has read the first. */
export const PING_DRAIN: Buffer = Buffer.from("weftdone", "latin1");

/** True when a PING's 8 bytes at `bytes[start]` are `payload`. */
export function isPing(payload: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < 8; index++) if (payload[index] !== bytes[start + index]) return false;
  return true;
}

/** What gRPC servers say as they close a connection on which PINGs came more often than they allow (gRFC A8 and A9). */
const PING_REFUSAL: Buffer = Buffer.from("too_many_pings", "latin1");

/** True when the explanation of a GOAWAY, `bytes[start, end)`, is that there were too many PINGs. */
export function isPingRefusal(bytes: Buffer, start: number, end: number): boolean {
  return end - start === PING_REFUSAL.length && PING_REFUSAL.compare(bytes, start, end) === 0;
}
