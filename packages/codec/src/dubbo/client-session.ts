import type { ClientSessionHandler, RequestHead, ResponseHead } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { RpcClientSession } from "../rpc/client-session.ts";
import { RPC_ERRORS } from "../rpc/errors.ts";
import { createResponseHead, DubboHeader, isException } from "./decode.ts";
import { writeErrorResponse, writeRequest } from "./encode.ts";
import { DUBBO_ERRORS } from "./errors.ts";
import { HEADER_BYTES, isDubboFrame, joinId } from "./frame.ts";
import { isReadonly, writeHeartbeat, writeHeartbeatAck } from "./heartbeat.ts";
import type { DubboClientOptions } from "./options.ts";

/**
 * The client's end of a Dubbo connection: requests go out under ids of our own, answers come in any order. Sans I/O, like
 * `DubboServerSession`. Heartbeats of the host are answered here; READONLY means that it drains; requests of the host
 * (callbacks) are refused.
 */
export class DubboClientSession extends RpcClientSession {
  override readonly headerBytesMax: number = HEADER_BYTES;
  /** The frame that is being read. */
  readonly #header: DubboHeader = new DubboHeader();
  /** The last answer's head: many answers are of one length. */
  #last: ResponseHead | null = null;

  /** `lastId` is the id that was used last: other than 0 in tests of the wrap. */
  constructor(output: OutputBuffer, handler: ClientSessionHandler, options: DubboClientOptions, lastId: number = 0) {
    super(output, handler, options, Number.MAX_SAFE_INTEGER, lastId);
  }

  // ---- what the host says ----

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
    if (header.isRequest) return this.#receiveRequest(bytes, at);
    const id = joinId(header.idHigh, header.idLow);
    const { frames } = this.options.counts;
    if (header.isEvent) {
      frames.heartbeat++;
      return this.receiveBadAnswer(id, "protocol", "the host answered a request as if it were a heartbeat");
    }
    if (isException(header, bytes, at)) frames.exception++;
    else frames.answer++;
    this.receiveAnswer(id, this.#headOf(header), bytes, at + HEADER_BYTES, end);
  }

  override refuseFrame(_bytes: Buffer, _at: number, canSkip: boolean): void {
    const { isRequest, idHigh, idLow } = this.#header;
    const { meaning } = RPC_ERRORS.RPC_FRAME_TOO_LARGE;
    this.options.counts.faults.oversized++;
    if (!isRequest) this.receiveBadAnswer(joinId(idHigh, idLow), "too-large", meaning);
    if (!canSkip) this.fail("RPC_FRAME_TOO_LARGE", meaning);
  }

  #headOf(header: DubboHeader): ResponseHead {
    const frame = this.#last === null ? null : this.#last.frame;
    if (this.#last !== null && isDubboFrame(frame) && this.#last.contentLength === header.bodyBytes) {
      if (frame.flags === header.flags && frame.status === header.status) return this.#last;
    }
    this.#last = createResponseHead(header);
    return this.#last;
  }

  /** The host asks something of us. Nothing is answered while it does not read: it could make us write without end. */
  #receiveRequest(bytes: Buffer, at: number): void {
    const header = this.#header;
    const { frames, faults } = this.options.counts;
    const isAnswered = header.isTwoWay && !this.output.isCongested;
    if (!header.isEvent) {
      frames.request++;
      faults.refused++;
      if (isAnswered) writeErrorResponse(this.output, header.flags, header.idHigh, header.idLow, 404, "");
    } else if (header.isTwoWay) {
      frames.heartbeat++;
      if (isAnswered) writeHeartbeatAck(this.output, header, bytes, at);
    } else {
      frames.notice++;
      if (isReadonly(header, bytes, at)) this.beginDraining();
    }
  }

  // ---- what streams ask ----

  override isOwnRequest(head: RequestHead): boolean {
    return isDubboFrame(head.frame) && head.frame.isRequest;
  }

  protected override writeRequest(id: number, head: RequestHead, bytes: Buffer, start: number, end: number): boolean {
    const { frame } = head;
    if (!isDubboFrame(frame)) return false;
    writeRequest(this.output, head, frame, id, bytes, start, end, this.options.counts);
    return true;
  }

  protected override writeHeartbeat(id: number): void {
    writeHeartbeat(this.output, id);
  }
}
