import type { ClientSessionHandler, Fields, RequestHead, ResponseHead } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { RpcClientSession } from "../rpc/client-session.ts";
import { RPC_ERRORS } from "../rpc/errors.ts";
import { headTextOf, writeErrorResponse } from "./answer.ts";
import { BoltHeader, isChecksumRight } from "./decode.ts";
import { writeFrame } from "./encode.ts";
import { BOLT_ERRORS } from "./errors.ts";
import {
  COMMAND_GOAWAY,
  COMMAND_HEARTBEAT,
  HEADER_BYTES_LONGEST,
  isBoltFrame,
  TYPE_REQUEST,
  TYPE_RESPONSE,
} from "./frame.ts";
import { BoltHeadReader } from "./head-reader.ts";
import { writeHeartbeat, writeHeartbeatAck } from "./heartbeat.ts";
import type { BoltClientOptions } from "./options.ts";

/** The highest id on the wire; 0 is never used. */
const ID_MAX = 0xffff_ffff;

/**
 * The client's end of a Bolt connection: requests go out under ids of our own, answers come in any order. Sans I/O, like
 * `BoltServerSession`. Heartbeats of the host are answered here; requests of the host, which Bolt allows, are refused.
 */
export class BoltClientSession extends RpcClientSession {
  override readonly headerBytesMax: number = HEADER_BYTES_LONGEST;
  readonly #heads: BoltHeadReader<Fields, ResponseHead>;
  /** The frame that is being read, or was read last. */
  readonly #header: BoltHeader = new BoltHeader();

  /** `lastId` is the id that was used last: other than 0 in tests of the wrap. */
  constructor(output: OutputBuffer, handler: ClientSessionHandler, options: BoltClientOptions, lastId: number = 0) {
    super(output, handler, options, ID_MAX, lastId);
    this.#heads = new BoltHeadReader(options.responses);
  }

  // ---- what the host says ----

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
    const { type, command, id } = header;
    if (header.hasChecksum && !isChecksumRight(bytes, at, end)) {
      return this.fail("BOLT_CRC_MISMATCH", BOLT_ERRORS.BOLT_CRC_MISMATCH.meaning);
    }
    if (type !== TYPE_RESPONSE) return this.#receiveRequest();
    const { frames } = this.options.counts;
    if (command === COMMAND_HEARTBEAT) {
      frames.heartbeat++;
      return this.receiveBadAnswer(id, "protocol", "the host answered a request as if it were a heartbeat");
    }
    frames.answer++;
    const head = this.#heads.read(header, bytes, at);
    if (typeof head === "string") return this.receiveBadAnswer(id, "protocol", BOLT_ERRORS[head].meaning);
    const start = at + header.headBytes;
    this.receiveAnswer(id, head, bytes, start, start + header.contentBytes);
  }

  override refuseFrame(_bytes: Buffer, _at: number, canSkip: boolean): void {
    const { type, id } = this.#header;
    const { meaning } = RPC_ERRORS.RPC_FRAME_TOO_LARGE;
    this.options.counts.faults.oversized++;
    if (type === TYPE_RESPONSE) this.receiveBadAnswer(id, "too-large", meaning);
    if (!canSkip) this.fail("RPC_FRAME_TOO_LARGE", meaning);
  }

  /** The host asks something of us. Nothing is answered while it does not read: it could make us write without end. */
  #receiveRequest(): void {
    const header = this.#header;
    const { frames, faults } = this.options.counts;
    const isAnswered = header.type === TYPE_REQUEST && !this.output.isCongested;
    if (header.command === COMMAND_GOAWAY) {
      frames.notice++;
      this.beginDraining();
    } else if (header.command === COMMAND_HEARTBEAT) {
      frames.heartbeat++;
      if (isAnswered) writeHeartbeatAck(this.output, header);
    } else {
      frames.request++;
      faults.refused++;
      if (isAnswered) writeErrorResponse(this.output, header, header.id, 404, "");
    }
  }

  // ---- what streams ask ----

  override isOwnRequest(head: RequestHead): boolean {
    return isBoltFrame(head.frame) && head.frame.type !== TYPE_RESPONSE;
  }

  protected override writeRequest(id: number, head: RequestHead, bytes: Buffer, start: number, end: number): boolean {
    const { frame } = head;
    if (!isBoltFrame(frame)) return false;
    const text = headTextOf(head, frame);
    if (text === null) return false;
    writeFrame(this.output, frame, frame.type, frame.detail, id, frame.classBytes, text, bytes, start, end);
    return true;
  }

  protected override writeHeartbeat(id: number): void {
    // In the words that the host spoke last; before it said anything in v1, which all hosts speak.
    writeHeartbeat(this.output, this.#header.protocolCode === 0 ? null : this.#header, id);
  }
}
