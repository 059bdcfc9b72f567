import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { assert } from "./assert.ts";
import type { TcpHandle } from "./handle-binding.ts";
import { OUTPUT_CONGESTED_BYTES } from "./limits.ts";
import { OutputBuffer, type OutputSink } from "./output-buffer.ts";
import type { Flushable, OutputScheduler } from "./output-scheduler.ts";

/** Hears what happens on a transport. */
export interface TransportHandler {
  /** Bytes came: `bytes[start, end)`, valid only during the call. */
  onBytes(bytes: Buffer, start: number, end: number): void;
  /** The peer sends no more; we still may. */
  onPeerEnd(): void;
  /** Output was congested and is not any more. */
  onOutputDrained(): void;
  /** The connection is gone in both directions; called exactly once, with what went wrong or null. */
  onClosed(error: Error | null): void;
}

/** Hears that a connection of ours is up (TLS included), before any other event. */
export interface ConnectHandler extends TransportHandler {
  onConnected(): void;
}

/** Counts bytes of many connections. */
export interface Traffic {
  receivedBytes: number;
  sentBytes: number;
}

/** Where one end of a connection is. */
export interface TransportAddress {
  /** IP address, "" once it is gone. */
  readonly address: string;
  readonly port: number;
}

const IGNORED_HANDLER: TransportHandler = {
  onBytes(): void {},
  onPeerEnd(): void {},
  onOutputDrained(): void {},
  onClosed(): void {},
};

/**
 * One TCP or TLS connection: bytes in by callbacks, bytes out through `output`, which leaves once per turn. What is
 * below differs: a bare TCP handle (`HandleTransport`) or a socket of node:net or node:tls (`SocketTransport`).
 */
export abstract class Transport implements Flushable, OutputSink {
  readonly output: OutputBuffer;
  handler: TransportHandler;
  /** Where bytes are counted; null for nowhere. */
  traffic: Traffic | null = null;
  /** Bytes that the system took so far; the peer may not have. */
  sentBytes: number = 0;
  readonly #scheduler: OutputScheduler;
  #isFlushScheduled: boolean = false;
  #isEnding: boolean = false;
  #isClosed: boolean = false;

  protected constructor(scheduler: OutputScheduler, handler: TransportHandler) {
    this.#scheduler = scheduler;
    this.handler = handler;
    this.output = new OutputBuffer(this);
  }

  /** Bytes that were given to the system's or the socket's queue and not taken by the peer. */
  protected abstract readonly unwrittenBytes: number;
  /** The same, counted down as pieces are taken where the system tells; for whoever looks for progress. */
  protected abstract readonly queuedBytes: number;
  abstract readonly remote: TransportAddress;
  abstract readonly local: TransportAddress;
  /** The TLS socket below, or null: for certificates and session facts. */
  abstract readonly tlsSocket: TLSSocket | null;

  /** Writes `slab[0, byteCount)`; the slab is the transport's until it is written. */
  protected abstract writeOut(slab: Buffer, byteCount: number): void;
  /** Writes several at once, in order. */
  protected abstract writeAllOut(slabs: readonly Buffer[]): void;
  protected abstract endOutput(): void;
  /** Stops all events, and puts `unread` in front of what the socket will read. */
  protected abstract release(unread: Buffer): Socket;
  /** There is a handle below that could go on elsewhere. */
  protected abstract readonly isReleasable: boolean;
  /** The handle below, without any more events. */
  protected abstract releaseHandle(): TcpHandle;
  protected abstract pauseReading(isPaused: boolean): void;
  protected abstract destroyNow(): void;
  protected abstract resetNow(): void;
  /** Writes nothing. */
  protected abstract probeNow(): void;
  protected abstract keepAliveNow(delaySeconds: number, count: number): void;

  /** Bytes that the peer has not taken. */
  get pendingBytes(): number {
    return this.output.pendingBytes + this.unwrittenBytes;
  }

  /** Bytes that the system has taken so far: grows while a slow peer reads, stands still when it does not. */
  get takenBytes(): number {
    return this.sentBytes - (this.#isClosed ? 0 : this.queuedBytes);
  }

  /** The protocol that ALPN chose, "" for none or without TLS. */
  get alpnProtocol(): string {
    const chosen = this.tlsSocket?.alpnProtocol;
    return typeof chosen === "string" ? chosen : "";
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Stops and starts reading. Bytes of the read at hand still come. */
  setReadPaused(isPaused: boolean): void {
    if (!this.#isClosed) this.pauseReading(isPaused);
  }

  /** Writes out what `output` holds, then says to the peer that no more will come. Reading goes on. */
  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.flush();
    this.#isEnding = true;
    if (!this.#isClosed) this.endOutput();
  }

  /**
   * Has the system ask the peer's system for a sign of life after `silenceMs` without bytes (in whole seconds, at least
   * one), then every second; after `count` questions without answer the connection is closed with ETIMEDOUT. The system
   * does so only while no bytes of ours wait to be acknowledged. Only on a connection that is up.
   */
  keepAlive(silenceMs: number, count: number): void {
    if (!this.#isClosed) this.keepAliveNow(Math.max(1, Math.round(silenceMs / 1000)), count);
  }

  /** Closes at once; output that was not written is lost. */
  destroy(): void {
    if (!this.#isClosed) this.destroyNow();
  }

  /** Closes at once with a TCP reset where there is no TLS, so that the peer cannot take what it got for complete. */
  reset(): void {
    if (!this.#isClosed) this.resetNow();
  }

  /**
   * Asks the system whether the peer has reset the connection, by writing nothing; if so it is closed with that error.
   * For connections that are not read from, where nothing else would tell. A peer's orderly end cannot be found so: it
   * stands behind the bytes that are not read.
   */
  probe(): void {
    // While bytes wait for the system it tells by itself, and after our end there is nothing to ask with.
    if (!this.#isClosed && !this.#isEnding && this.pendingBytes === 0) this.probeNow();
  }

  /**
   * Hands the connection to somebody else as a socket, with `unread` put back in front of what it will read. Events end
   * here. Only before anything was written.
   */
  detach(unread: Buffer): Socket {
    this.handler = IGNORED_HANDLER;
    this.#isClosed = true;
    return this.release(unread);
  }

  /**
   * True where `detachHandle` would do: not with TLS, while output waits for the peer, or once either side has ended. Writes
   * out what the output holds.
   */
  canDetachHandle(): boolean {
    if (this.#isClosed || this.#isEnding) return false;
    if (this.output.pendingBytes > 0) this.flush();
    return !this.#isClosed && this.pendingBytes === 0 && this.isReleasable;
  }

  /** Hands the connection to another process, or back to this one later. Events end here. Only where that can be. */
  detachHandle(): TcpHandle {
    assert(this.canDetachHandle(), "a connection is handed over when it can be");
    this.handler = IGNORED_HANDLER;
    this.#isClosed = true;
    return this.releaseHandle();
  }

  onOutputPending(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#scheduler.add(this);
  }

  /** Writes all output. The scheduler calls it once per turn; call it only to be early. */
  flush(): void {
    this.#isFlushScheduled = false;
    const output = this.output;
    // What comes after the end has nobody to go to; trying would break what is still on its way.
    if (this.#isClosed || this.#isEnding) {
      output.take();
      return;
    }
    const pendingBytes = output.pendingBytes;
    this.sentBytes += pendingBytes;
    if (this.traffic !== null) this.traffic.sentBytes += pendingBytes;
    const byteCount = output.position;
    const slab = output.takeSlab();
    if (slab !== null) this.writeOut(slab, byteCount);
    else this.writeAllOut(output.take());
    this.judgeCongestion();
  }

  /** After the amount of unwritten bytes changed. */
  protected judgeCongestion(): void {
    const { output } = this;
    if (this.unwrittenBytes > OUTPUT_CONGESTED_BYTES) output.isCongested = true;
    else if (output.isCongested && !this.#isClosed && this.pendingBytes <= OUTPUT_CONGESTED_BYTES / 2) {
      output.isCongested = false;
      this.handler.onOutputDrained();
    }
  }

  /** The system refused bytes that `flush` wrote out: the peer never sees them. */
  protected writeRefused(byteCount: number): void {
    this.sentBytes -= byteCount;
    if (this.traffic !== null) this.traffic.sentBytes -= byteCount;
  }

  protected heard(bytes: Buffer, byteCount: number): void {
    this.#scheduler.beginRead();
    if (this.traffic !== null) this.traffic.receivedBytes += byteCount;
    this.handler.onBytes(bytes, 0, byteCount);
    this.#scheduler.endRead();
  }

  protected peerEnded(): void {
    if (!this.#isClosed) this.handler.onPeerEnd();
  }

  protected closed(error: Error | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.handler.onClosed(error);
  }
}
