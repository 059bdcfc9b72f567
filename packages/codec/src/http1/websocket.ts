import { createHash } from "node:crypto";

/** RFC 6455 section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The Sec-WebSocket-Accept value that proves that a server read the handshake with this key. */
export function websocketAccept(key: string): string {
  return createHash("sha1").update(`${key}${ACCEPT_GUID}`, "latin1").digest("base64");
}

/** True for the base64 form of exactly 16 bytes. */
export function isWebsocketKey(key: string): boolean {
  return key.length === 24 && /^[A-Za-z0-9+/]{22}==$/.test(key);
}
