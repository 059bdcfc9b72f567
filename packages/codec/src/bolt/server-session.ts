import type { RequestHead, ResponseHead, ServerSessionHandler } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { RPC_ERRORS } from "../rpc/errors.ts";
import { RpcServerSession } from "../rpc/server-session.ts";
import { errorCodeOf, type RpcServerStream } from "../rpc/server-stream.ts";
import { headTextOf, statusOfAnswer, writeErrorResponse } from "./answer.ts";
import { BoltHeader, type BoltTarget, isChecksumRight } from "./decode.ts";
import { writeFrame } from "./encode.ts";
import { BOLT_ERRORS, type BoltErrorCode } from "./errors.ts";
import {
  COMMAND_GOAWAY,
  COMMAND_HEARTBEAT,
  HEADER_BYTES_LONGEST,
  isBoltFrame,
  TYPE_ONE_WAY,
  TYPE_REQUEST,
  TYPE_RESPONSE,
} from "./frame.ts";
import { BoltHeadReader } from "./head-reader.ts";
import { writeHeartbeatAck } from "./heartbeat.ts";
import type { BoltServerOptions } from "./options.ts";

/**
 * The server's end of a Bolt connection (v1 and v2, mixed as they come): requests come in, answers go out. Sans I/O:
 * whoever owns the socket feeds `receive` and writes out what the output holds.
 *
 * Heartbeats are answered here. A request that cannot be read, or not now, is answered with a status that every peer
 * knows and is not seen; what breaks the framing (and a wrong checksum, as with Java peers) ends the session. While
 * draining, requests are answered as by a busy server: Bolt has no other word for it that peers understand.
 */
export class BoltServerSession extends RpcServerSession {
  override readonly headerBytesMax: number = HEADER_BYTES_LONGEST;
  readonly #heads: BoltHeadReader<BoltTarget, RequestHead>;
  /** The frame that is being read. */
  readonly #header: BoltHeader = new BoltHeader();

  constructor(output: OutputBuffer, handler: ServerSessionHandler, options: BoltServerOptions) {
    super(output, handler, options);
    this.#heads = new BoltHeadReader(options.requests);
  }

  // ---- what the client says ----

  override measureFrame(bytes: Buffer, at: number, end: number): number {
    const frameBytes = this.#header.read(bytes, at, end);
    if (typeof frameBytes === "number") return frameBytes;
    this.fail(frameBytes, BOLT_ERRORS[frameBytes].meaning);
    return -1;
  }

  override measureHead(_bytes: Buffer, _at: number): number {
    return this.#header.headBytes;
  }

  override receiveFrame(bytes: Buffer, at: number, end: number): void {
    const header = this.#header;
    const { type, command } = header;
    if (header.hasChecksum && !isChecksumRight(bytes, at, end)) {
      return this.fail("BOLT_CRC_MISMATCH", BOLT_ERRORS.BOLT_CRC_MISMATCH.meaning);
    }
    const { frames, faults } = this.options.counts;
    if (type === TYPE_RESPONSE) {
      frames.answer++;
      // We ask clients nothing.
      faults.unmatched++;
    } else if (command === COMMAND_HEARTBEAT) {
      frames.heartbeat++;
      if (type === TYPE_REQUEST) writeHeartbeatAck(this.output, header);
    } else if (command === COMMAND_GOAWAY) {
      frames.notice++;
    } else {
      frames.request++;
      this.#receiveRequest(bytes, at);
    }
  }

  override refuseFrame(_bytes: Buffer, _at: number, canSkip: boolean): void {
    const { meaning } = RPC_ERRORS.RPC_FRAME_TOO_LARGE;
    this.options.counts.faults.oversized++;
    if (this.#header.type !== TYPE_RESPONSE) this.#refuseRequest("RPC_FRAME_TOO_LARGE", meaning, 413);
    // The end of a session is told as a fault, too.
    if (canSkip) this.tellFault("RPC_FRAME_TOO_LARGE");
    else this.fail("RPC_FRAME_TOO_LARGE", meaning);
  }

  #receiveRequest(bytes: Buffer, at: number): void {
    const header = this.#header;
    const head = this.#heads.read(header, bytes, at);
    if (typeof head === "string") {
      this.tellFault(head);
      return this.#refuseRequest(head, BOLT_ERRORS[head].meaning, head === "BOLT_HEAD_TOO_LARGE" ? 431 : 400);
    }
    const start = at + header.headBytes;
    this.acceptRequest(head, 0, header.id, bytes, start, start + header.contentBytes);
  }

  /** Answers a request of which only the fixed header is of use. */
  #refuseRequest(code: BoltErrorCode | "RPC_FRAME_TOO_LARGE", meaning: string, status: number): void {
    const header = this.#header;
    const answer = this.tellRefused(code, meaning, status, "", "");
    if (answer === null || header.type === TYPE_ONE_WAY) return;
    writeErrorResponse(this.output, header, header.id, answer.head.status, errorCodeOf(answer.head.fields));
  }

  // ---- what streams ask ----

  override isOwnAnswer(head: ResponseHead): boolean {
    return isBoltFrame(head.frame) && head.frame.type === TYPE_RESPONSE;
  }

  override writeAnswer(
    stream: RpcServerStream,
    head: ResponseHead,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean {
    const { frame } = head;
    if (!isBoltFrame(frame)) return false;
    const text = headTextOf(head, frame);
    if (text === null) return false;
    const status = statusOfAnswer(head, frame);
    writeFrame(this.output, frame, TYPE_RESPONSE, status, stream.idLow, frame.classBytes, text, bytes, start, end);
    return true;
  }

  override writeErrorAnswer(stream: RpcServerStream, status: number, code: string): void {
    const { frame } = stream.request;
    if (isBoltFrame(frame)) writeErrorResponse(this.output, frame, stream.idLow, status, code);
  }

  protected override writeHeartbeat(): boolean {
    // Only clients ask: theirs is the timer, and a server that asked would find clients without an answer.
    return false;
  }

  protected override announceDrain(): void {
    // GOAWAY is MOSN's own: a Java client would take it for a broken connection.
  }
}
