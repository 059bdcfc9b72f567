import type { ResetReason } from "@weft/contract";
import type { OutputBuffer, WeftError } from "@weft/kernel";
import { createRpcError, RPC_ERRORS } from "./errors.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import type { RpcOptions } from "./options.ts";
import { type ListedStream, StreamList } from "./stream-list.ts";

/** What both ends' streams have in common. */
export interface RpcStream extends ListedStream {
  /** Bytes handed on and not consumed yet. */
  unconsumed: number;
  /** Whoever sends was told to wait. */
  isBlocked: boolean;
  /** Tells whoever waits that more may be sent. */
  deliverWritable(): void;
  /** The last thing that the receiver hears. */
  deliverReset(reason: ResetReason, detail: string): void;
}

/**
 * What both ends of a connection with whole frames do alike: they find the frames, keep the open streams, stop reading
 * when what was handed on piles up, and end once.
 */
export abstract class RpcSession<Stream extends RpcStream> implements FrameSink {
  readonly output: OutputBuffer;
  readonly frameBytesMax: number;
  abstract readonly headerBytesMax: number;
  isOver: boolean = false;
  protected readonly options: RpcOptions;
  protected readonly streams: StreamList<Stream> = new StreamList();
  protected readonly reader: FrameReader;
  protected isPeerDone: boolean = false;
  #unconsumed: number = 0;
  #isReadPaused: boolean = false;
  /** Some stream waits for the output to drain. */
  #hasBlocked: boolean = false;

  constructor(output: OutputBuffer, options: RpcOptions) {
    this.output = output;
    this.options = options;
    this.frameBytesMax = options.frameBytesMax;
    this.reader = new FrameReader(this);
  }

  get activeStreams(): number {
    return this.streams.length;
  }

  receive(bytes: Buffer, start: number, end: number): void {
    if (this.isOver || this.isPeerDone) return;
    this.reader.read(bytes, start, end);
    this.updateReadPaused();
  }

  outputDrained(): void {
    if (this.isOver) return;
    if (this.#hasBlocked) {
      this.#hasBlocked = false;
      for (const stream of this.streams.list()) {
        if (!stream.isBlocked || stream.place < 0) continue;
        stream.isBlocked = false;
        stream.deliverWritable();
      }
    }
    this.updateReadPaused();
  }

  endStalled(_bytesMin: number): number {
    // There is no flow control below the connection's.
    return 0;
  }

  connectionLost(detail: string): void {
    if (this.isOver) return;
    this.leave();
    this.resetAll("connection", detail);
  }

  // ---- what streams report ----

  /** Notes that the sender of `stream` has to wait if the output is congested; true when it need not. */
  mayGoOn(stream: Stream): boolean {
    stream.isBlocked = this.output.isCongested;
    if (stream.isBlocked) this.#hasBlocked = true;
    return !stream.isBlocked;
  }

  onConsumed(stream: Stream, byteCount: number): void {
    const released = Math.min(byteCount, stream.unconsumed);
    stream.unconsumed -= released;
    this.#unconsumed -= released;
    this.updateReadPaused();
  }

  /** `byteCount` body bytes of `stream` are about to be handed on. */
  protected countUnconsumed(stream: Stream, byteCount: number): void {
    stream.unconsumed += byteCount;
    this.#unconsumed += byteCount;
  }

  /** The stream is open no more. */
  protected removeStream(stream: Stream): boolean {
    if (!this.streams.delete(stream)) return false;
    this.#unconsumed -= stream.unconsumed;
    stream.unconsumed = 0;
    return true;
  }

  protected updateReadPaused(): void {
    if (this.isOver) return;
    const { unconsumedBytesMax } = this.options;
    const most = this.#isReadPaused ? unconsumedBytesMax / 2 : unconsumedBytesMax;
    const isPaused = this.#unconsumed > most || this.mustStopReading();
    if (isPaused === this.#isReadPaused) return;
    this.#isReadPaused = isPaused;
    this.onReadPaused(isPaused);
  }

  // ---- ends ----

  /** The peer broke the protocol: everything that is open ends. */
  protected fail(code: string, meaning: string): void {
    this.failBecause(code, meaning, "protocol");
  }

  protected failBecause(code: string, meaning: string, reason: ResetReason): void {
    if (this.isOver) return;
    this.leave();
    const error = createRpcError(code, meaning);
    this.resetAll(reason, error.message);
    this.onOver(error);
  }

  /** The peer sends no more; `isCut`: it stopped within a frame. No stream is open. */
  protected finish(isCut: boolean): void {
    if (this.isOver) return;
    this.leave();
    this.onOver(isCut ? createRpcError("RPC_TRUNCATED", RPC_ERRORS.RPC_TRUNCATED.meaning) : null);
  }

  /** From now on nothing is read. */
  protected leave(): void {
    this.isOver = true;
    this.reader.clear();
  }

  protected resetAll(reason: ResetReason, detail: string): void {
    const streams = this.streams.list();
    // First all of them are closed, so that a receiver that turns to another stream meets a closed one.
    for (const stream of streams) this.removeStream(stream);
    for (const stream of streams) stream.deliverReset(reason, detail);
  }

  abstract measureFrame(bytes: Buffer, at: number, end: number): number;
  abstract measureHead(bytes: Buffer, at: number): number;
  abstract receiveFrame(bytes: Buffer, at: number, end: number): void;
  abstract refuseFrame(bytes: Buffer, at: number, canSkip: boolean): void;
  /** True while reading must rest for another reason than what is not consumed. */
  protected abstract mustStopReading(): boolean;
  protected abstract onReadPaused(isPaused: boolean): void;
  protected abstract onOver(error: WeftError | null): void;
}
