/** Payload of the PINGs that ask for a sign of life. */
export const PING_KEEPALIVE: Buffer = Buffer.from("weftping", "latin1");

/** Payload of the PING between the two GOAWAYs of a drain: its answer shows that the client has read the first. */
export const PING_DRAIN: Buffer = Buffer.from("weftdone", "latin1");

/** True when a PING's 8 bytes at `bytes[start]` are `payload`. */
export function isPing(payload: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < 8; index++) if (payload[index] !== bytes[start + index]) return false;
  return true;
}
