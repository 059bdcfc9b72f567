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
/** Where a request says how many milliseconds its caller waits. */
export const TIMEOUT_AT = 10;
/** What a response to a call that succeeded has as status. */
export const STATUS_SUCCESS = 0;

const FRAME_BYTES_MAX = 4096;
const TYPE_AT = 1;
const TYPE_RESPONSE = 0;
const STATUS_AT = 10;
/** Where the lower byte of the command is, and what it is in a heartbeat. */
const COMMAND_AT = 3;
const COMMAND_HEARTBEAT = 0;
/** Fixed header of a request; lengths of class, header map and content are at its end. */
const REQUEST_HEADER_BYTES = 22;
const RESPONSE_HEADER_BYTES = 20;

/** A request under id 0. */
export function createRequest(): Buffer {
  const map = Buffer.concat(HEADERS.map(withLength));
  const head = Buffer.alloc(REQUEST_HEADER_BYTES);
  head.set([1, 1, 0, 1, 1]);
  head.writeUInt8(1, 9);
  head.writeInt32BE(3_000, TIMEOUT_AT);
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

/** The answer to a heartbeat, under id 0. */
export function createHeartbeatAnswer(): Buffer {
  const head = Buffer.alloc(RESPONSE_HEADER_BYTES);
  head.set([1, 0, 0, COMMAND_HEARTBEAT, 1]);
  head.writeUInt8(1, 9);
  return head;
}

/** Whether the frame that begins at `at` is a heartbeat: it has the fixed header alone. */
export function isHeartbeat(bytes: Buffer, at: number): boolean {
  return bytes[at + COMMAND_AT] === COMMAND_HEARTBEAT;
}

/** What a response says of its call. */
export function statusOf(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at + STATUS_AT);
}

/** Cuts what one connection says into frames, whatever the pieces that it comes in. */
export class FrameCutter {
  readonly #onFrame: (bytes: Buffer, at: number) => void;
  readonly #held: Buffer = Buffer.alloc(FRAME_BYTES_MAX);
  #heldBytes: number = 0;

  /** `onFrame` is told where a frame begins; the bytes are there until it returns. */
  constructor(onFrame: (bytes: Buffer, at: number) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws RangeError for a frame of more than 4,096 bytes: the benchmarks have none */
  take(bytes: Buffer): void {
    let at = 0;
    while (this.#heldBytes > 0) {
      const wanted = measureFrame(this.#held, 0, this.#heldBytes) - this.#heldBytes;
      if (wanted === 0) {
        this.#heldBytes = 0;
        this.#onFrame(this.#held, 0);
        break;
      }
      const copied = bytes.copy(this.#held, this.#heldBytes, at, at + wanted);
      at += copied;
      this.#heldBytes += copied;
      if (copied < wanted) return;
    }
    for (;;) {
      const length = measureFrame(bytes, at, bytes.length - at);
      if (at + length > bytes.length) break;
      this.#onFrame(bytes, at);
      at += length;
    }
    this.#heldBytes = bytes.copy(this.#held, 0, at);
  }
}

/** How long the frame is; of one whose lengths are not there yet, how many bytes have to come for that. */
function measureFrame(bytes: Buffer, at: number, available: number): number {
  if (available < RESPONSE_HEADER_BYTES) return RESPONSE_HEADER_BYTES;
  const header = bytes[at + TYPE_AT] === TYPE_RESPONSE ? RESPONSE_HEADER_BYTES : REQUEST_HEADER_BYTES;
  if (available < header) return header;
  const lengthsAt = at + header - 8;
  const length =
    header + bytes.readUInt16BE(lengthsAt) + bytes.readUInt16BE(lengthsAt + 2) + bytes.readUInt32BE(lengthsAt + 4);
  if (length > FRAME_BYTES_MAX) throw new RangeError(`a frame has ${length} bytes`);
  return length;
}
