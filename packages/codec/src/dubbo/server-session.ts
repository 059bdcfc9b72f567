import type { ResponseHead, ServerSessionHandler } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { RPC_ERRORS } from "../rpc/errors.ts";
import { isSameOnWire } from "../rpc/fields.ts";
import { RpcServerSession } from "../rpc/server-session.ts";
import { errorCodeOf, type RpcServerStream } from "../rpc/server-stream.ts";
import { DubboHeader } from "./decode.ts";
import { writeErrorResponse, writeFrame } from "./encode.ts";
import { DUBBO_ERRORS } from "./errors.ts";
import { HEADER_BYTES, isDubboFrame, joinId } from "./frame.ts";
import { readRequestHead } from "./head-reader.ts";
import { writeHeartbeat, writeHeartbeatAck, writeReadonly } from "./heartbeat.ts";
import type { DubboServerOptions } from "./options.ts";
import { dubboStatusOf, httpStatusOf, STATUS_OK } from "./status.ts";

/**
 * The server's end of a Dubbo connection (dubbo2): requests come in, answers go out. Sans I/O: whoever owns the socket
 * feeds `receive` and writes out what the output holds.
 *
 * Heartbeats are answered here, in the client's serialization. `drain` sends READONLY, upon which clients turn to other
 * connections; requests that were on their way are still served, and the session ends when none is left.
 */
export class DubboServerSession extends RpcServerSession {
  override readonly headerBytesMax: number = HEADER_BYTES;
  readonly #requests: DubboServerOptions["requests"];
  /** Of the heartbeat that was sent last. Ids of the two directions are apart. */
  #heartbeatId: number = 0;
  /** The frame that is being read. */
  readonly #header: DubboHeader = new DubboHeader();

  constructor(output: OutputBuffer, handler: ServerSessionHandler, options: DubboServerOptions) {
    super(output, handler, options);
    this.#requests = options.requests;
  }

  // ---- what the client says ----

  override measureFrame(bytes: Buffer, at: number, end: number): number {
    const frameBytes = this.#header.read(bytes, at, end);
    if (typeof frameBytes === "number") return frameBytes;
    this.fail(frameBytes, DUBBO_ERRORS[frameBytes].meaning);
    return -1;
  }

  override measureHead(_bytes: Buffer, _at: number): number {
    return HEADER_BYTES;
  }

  override receiveFrame(bytes: Buffer, at: number, end: number): void {
    const header = this.#header;
    const { frames, faults } = this.options.counts;
    if (!header.isRequest) {
      if (header.isEvent) frames.heartbeat++;
      else frames.answer++;
      // We ask clients nothing but for signs of life.
      const isOurs = header.isEvent && joinId(header.idHigh, header.idLow) === this.#heartbeatId;
      if (!isOurs || !this.receivePong()) faults.unmatched++;
    } else if (!header.isEvent) {
      frames.request++;
      const start = at + HEADER_BYTES;
      const head = readRequestHead(this.#requests, header, bytes, start, end);
      this.acceptRequest(head, header.idHigh, header.idLow, bytes, start, end);
    } else if (header.isTwoWay) {
      frames.heartbeat++;
      writeHeartbeatAck(this.output, header, bytes, at);
    } else {
      frames.notice++;
    }
  }

  override refuseFrame(_bytes: Buffer, _at: number, canSkip: boolean): void {
    const { meaning } = RPC_ERRORS.RPC_FRAME_TOO_LARGE;
    this.options.counts.faults.oversized++;
    if (this.#header.isRequest) this.#refuseRequest(meaning);
    // The end of a session is told as a fault, too.
    if (canSkip) this.tellFault("RPC_FRAME_TOO_LARGE");
    else this.fail("RPC_FRAME_TOO_LARGE", meaning);
  }

  #refuseRequest(meaning: string): void {
    const { flags, idHigh, idLow, isTwoWay } = this.#header;
    const answer = this.tellRefused("RPC_FRAME_TOO_LARGE", meaning, 413, "", "");
    if (answer === null || !isTwoWay) return;
    const { status, fields } = answer.head;
    writeErrorResponse(this.output, flags, idHigh, idLow, status, errorCodeOf(fields));
  }

  // ---- what streams ask ----

  override isOwnAnswer(head: ResponseHead): boolean {
    return isDubboFrame(head.frame) && !head.frame.isRequest;
  }

  override writeAnswer(
    stream: RpcServerStream,
    head: ResponseHead,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean {
    const { frame } = head;
    if (!isDubboFrame(frame)) return false;
    // The body of a response stays opaque: there is no place for fields.
    if (!isSameOnWire(head.fields, frame.fields)) this.options.counts.faults.unapplied++;
    let { status } = frame;
    if (head.status !== httpStatusOf(status)) status = head.status === 200 ? STATUS_OK : dubboStatusOf(head.status);
    writeFrame(this.output, frame.flags, status, stream.idHigh, stream.idLow, bytes, start, end);
    return true;
  }

  override writeErrorAnswer(stream: RpcServerStream, status: number, code: string): void {
    const { frame } = stream.request;
    if (isDubboFrame(frame)) {
      writeErrorResponse(this.output, frame.flags, stream.idHigh, stream.idLow, status, code);
    }
  }

  protected override writeHeartbeat(): boolean {
    writeHeartbeat(this.output, ++this.#heartbeatId);
    return true;
  }

  protected override announceDrain(): void {
    writeReadonly(this.output);
  }
}
