/** Bolt v1 frames as sofa-bolt writes them for a call of SOFA RPC, made once: what the bench measures is not its own work. */

/** Bytes of content, each way. */
export const CONTENT_BYTES = 1024;

const CONTENT = Buffer.alloc(CONTENT_BYTES, "0123456789abcdef");
const REQUEST_CLASS = Buffer.from("com.alipay.sofa.rpc.core.request.SofaRequest");
const RESPONSE_CLASS = Buffer.from("com.alipay.sofa.rpc.core.response.SofaResponse");
const HEADERS: readonly string[] = [
  "service",
  "com.shop.Ledger:1.0",
  "sofa_head_method_name",
  "record",
  "sofa_head_target_app",
  "ledger",
  "rpc_trace_context.sofaCallerApp",
  "storefront",
];

/** Where the id is, in requests as in responses. */
export const ID_AT = 5;
/** Fixed header of a request; lengths of class, header map and content are at its end. */
const REQUEST_HEADER_BYTES = 22;
const RESPONSE_HEADER_BYTES = 20;

/** A request under id 0. */
export function createRequest(): Buffer {
  const map = Buffer.concat(HEADERS.map(withLength));
  const head = Buffer.alloc(REQUEST_HEADER_BYTES);
  head.set([1, 1, 0, 1, 1]);
  head.writeUInt8(1, 9);
  head.writeInt32BE(3_000, 10);
  head.writeUInt16BE(REQUEST_CLASS.length, 14);
  head.writeUInt16BE(map.length, 16);
  head.writeUInt32BE(CONTENT_BYTES, 18);
  return Buffer.concat([head, REQUEST_CLASS, map, CONTENT]);
}

/** The response to it, under id 0. */
export function createResponse(): Buffer {
  const head = Buffer.alloc(RESPONSE_HEADER_BYTES);
  head.set([1, 0, 0, 2, 1]);
  head.writeUInt8(1, 9);
  head.writeUInt16BE(RESPONSE_CLASS.length, 12);
  head.writeUInt32BE(CONTENT_BYTES, 16);
  return Buffer.concat([head, RESPONSE_CLASS, CONTENT]);
}

function withLength(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(text.length, 0);
  bytes.write(text, 4, "latin1");
  return bytes;
}

/** Cuts what one connection says into frames of one length, whatever the pieces that it comes in. */
export class FrameCutter {
  readonly #frame: Buffer;
  readonly #onFrame: (bytes: Buffer, at: number) => void;
  #filled: number = 0;

  /** `onFrame` is told where a frame begins; the bytes are there until it returns. */
  constructor(frameBytes: number, onFrame: (bytes: Buffer, at: number) => void) {
    this.#frame = Buffer.alloc(frameBytes);
    this.#onFrame = onFrame;
  }

  take(bytes: Buffer): void {
    const frameBytes = this.#frame.length;
    let at = 0;
    if (this.#filled > 0) {
      at = bytes.copy(this.#frame, this.#filled, 0, frameBytes - this.#filled);
      this.#filled += at;
      if (this.#filled < frameBytes) return;
      this.#filled = 0;
      this.#onFrame(this.#frame, 0);
    }
    for (; at + frameBytes <= bytes.length; at += frameBytes) this.#onFrame(bytes, at);
    this.#filled = bytes.copy(this.#frame, 0, at);
  }
}
