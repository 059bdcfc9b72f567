import { connect as connectTcp, Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls, type ConnectionOptions, TLSSocket } from "node:tls";
import { OUTPUT_CONGESTED_BYTES, READ_BUFFER_BYTES } from "./limits.ts";
import { OutputBuffer, type OutputSink, releaseOutputSlab } from "./output-buffer.ts";
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

/** Counts bytes of many connections. */
export interface Traffic {
  receivedBytes: number;
  sentBytes: number;
}

/** Hears that a connection of ours is up (TLS included), before any other event. */
export interface ConnectHandler extends TransportHandler {
  onConnected(): void;
}

/** All reads of a worker land here: whoever hears of bytes uses or copies them before the next read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

const IGNORED_HANDLER: TransportHandler = {
  onBytes(): void {},
  onPeerEnd(): void {},
  onOutputDrained(): void {},
  onClosed(): void {},
};

/**
 * One TCP or TLS connection: bytes in by callbacks, bytes out through `output`, which leaves once per turn. Sockets
 * come from node:net and node:tls; reading uses one buffer for all connections instead of one per read.
 */
export class Transport implements Flushable, OutputSink {
  readonly output: OutputBuffer;
  handler: TransportHandler;
  /** Where bytes are counted; null for nowhere. */
  traffic: Traffic | null = null;
  readonly #scheduler: OutputScheduler;
  #socket: Socket;
  /** Slabs that the socket may still read, oldest first. */
  #inFlight: Buffer[] = [];
  #onWritten: (() => void) | null = null;
  #error: Error | null = null;
  #isClosed: boolean = false;
  #isEnding: boolean = false;
  #isFlushScheduled: boolean = false;

  private constructor(scheduler: OutputScheduler, handler: TransportHandler, socket: Socket | null) {
    this.#scheduler = scheduler;
    this.handler = handler;
    this.output = new OutputBuffer(this);
    this.#socket = socket ?? UNCONNECTED;
  }

  /** Takes over a connection that was accepted, given as node:net's handle (see `TcpListener`). */
  static fromHandle(handle: object, scheduler: OutputScheduler, handler: TransportHandler): Transport {
    const transport = new Transport(scheduler, handler, null);
    const options = { handle, allowHalfOpen: true, onread: transport.#readOptions(), noDelay: true };
    transport.#adopt(new Socket(options as ConstructorParameters<typeof Socket>[0]));
    return transport;
  }

  /** Takes over a socket that emits "data", such as one of node:tls. */
  static fromSocket(socket: Socket, scheduler: OutputScheduler, handler: TransportHandler): Transport {
    const transport = new Transport(scheduler, handler, socket);
    transport.#adopt(socket);
    transport.#hearData(socket);
    return transport;
  }

  /** Opens a connection. What is written before it is up is sent then. */
  static connect(options: TcpNetConnectOpts, scheduler: OutputScheduler, handler: ConnectHandler): Transport {
    const transport = new Transport(scheduler, handler, null);
    const socket = connectTcp({ ...options, allowHalfOpen: true, noDelay: true, onread: transport.#readOptions() });
    socket.once("connect", () => handler.onConnected());
    transport.#adopt(socket);
    return transport;
  }

  /** Opens a TLS connection; `onConnected` comes after the handshake. */
  static connectTls(options: ConnectionOptions, scheduler: OutputScheduler, handler: ConnectHandler): Transport {
    const socket = connectTls(options);
    socket.setNoDelay(true);
    const transport = new Transport(scheduler, handler, socket);
    socket.once("secureConnect", () => handler.onConnected());
    transport.#adopt(socket);
    transport.#hearData(socket);
    return transport;
  }

  /** Bytes that the peer has not taken. */
  get pendingBytes(): number {
    return this.output.pendingBytes + this.#socket.writableLength;
  }

  /** Peer's address, "" once it is gone. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? "";
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** The protocol that ALPN chose, "" for none or without TLS. */
  get alpnProtocol(): string {
    return this.#socket instanceof TLSSocket && this.#socket.alpnProtocol !== false
      ? (this.#socket.alpnProtocol ?? "")
      : "";
  }

  /** The TLS socket below, or null: for certificates and session facts. */
  get tlsSocket(): TLSSocket | null {
    return this.#socket instanceof TLSSocket ? this.#socket : null;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Stops and starts reading. Bytes of the read at hand still come. */
  setReadPaused(isPaused: boolean): void {
    if (this.#isClosed) return;
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Writes out what `output` holds, then says to the peer that no more will come. Reading goes on. */
  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.flush();
    this.#socket.end();
  }

  /** Closes at once; output that was not written is lost. */
  destroy(): void {
    if (!this.#isClosed) this.#socket.destroy();
  }

  /** Closes at once with a TCP reset, so that the peer cannot take what it got for complete. */
  reset(): void {
    if (this.#isClosed) return;
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /**
   * Hands the socket to somebody else, with `unread` put back in front of what it will read. Events end here. Only
   * before anything was written.
   */
  detach(unread: Buffer): Socket {
    const socket = this.#socket;
    this.handler = IGNORED_HANDLER;
    this.#isClosed = true;
    socket.removeAllListeners("error");
    socket.removeAllListeners("close");
    socket.removeAllListeners("end");
    socket.pause();
    if (unread.length > 0) socket.unshift(unread);
    return socket;
  }

  onOutputPending(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#scheduler.add(this);
  }

  /** Gives all output to the socket. The scheduler calls it once per turn; call it only to be early. */
  flush(): void {
    this.#isFlushScheduled = false;
    const output = this.output;
    const written = output.position;
    if (this.traffic !== null) this.traffic.sentBytes += output.pendingBytes;
    if (this.#isClosed) {
      output.take();
      return;
    }
    this.#onWritten ??= () => this.#written();
    const slab = output.takeSlab();
    if (slab !== null) {
      this.#inFlight.push(slab);
      this.#socket.write(slab.subarray(0, written), this.#onWritten);
    } else {
      const slabs = output.take();
      if (slabs.length > 1) this.#socket.cork();
      for (const bytes of slabs) {
        this.#inFlight.push(bytes);
        this.#socket.write(bytes, this.#onWritten);
      }
      if (slabs.length > 1) this.#socket.uncork();
    }
    if (this.#socket.writableLength > OUTPUT_CONGESTED_BYTES) output.isCongested = true;
    else if (output.isCongested) this.#relieve();
  }

  #written(): void {
    const slab = this.#inFlight.shift();
    if (slab !== undefined) releaseOutputSlab(slab);
    if (this.output.isCongested && !this.#isClosed) this.#relieve();
  }

  #relieve(): void {
    if (this.pendingBytes > OUTPUT_CONGESTED_BYTES / 2) return;
    this.output.isCongested = false;
    this.handler.onOutputDrained();
  }

  #readOptions(): { buffer: Buffer; callback: (byteCount: number) => boolean } {
    return {
      buffer: READ_BUFFER,
      callback: (byteCount) => {
        if (this.traffic !== null) this.traffic.receivedBytes += byteCount;
        this.handler.onBytes(READ_BUFFER, 0, byteCount);
        return true;
      },
    };
  }

  #hearData(socket: Socket): void {
    socket.on("data", (bytes: Buffer) => {
      if (this.traffic !== null) this.traffic.receivedBytes += bytes.length;
      this.handler.onBytes(bytes, 0, bytes.length);
    });
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    socket.on("end", () => {
      if (!this.#isClosed) this.handler.onPeerEnd();
    });
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => this.#closed());
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inFlight.length = 0;
    this.handler.onClosed(this.#error);
  }
}

/** Stands in until the real socket is made; never connected. */
const UNCONNECTED: Socket = new Socket();
