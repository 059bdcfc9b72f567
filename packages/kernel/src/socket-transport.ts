import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { fail } from "./assert.ts";
import { KEEPALIVE_INTERVAL_SECONDS } from "./limits.ts";
import { releaseOutputSlab } from "./output-slabs.ts";
import type { OutputScheduler } from "./output-scheduler.ts";
import { Transport, type TransportAddress, type TransportHandler } from "./transport.ts";

const NOTHING: Buffer = Buffer.alloc(0);

/** A transport on a socket of node:net or node:tls, by its public interface. */
export class SocketTransport extends Transport {
  readonly #socket: Socket;
  /** Slabs that the socket may still read, oldest first. */
  readonly #inFlight: Buffer[] = [];
  readonly #onWritten: () => void;
  #error: Error | null = null;

  constructor(socket: Socket, scheduler: OutputScheduler, handler: TransportHandler) {
    super(scheduler, handler);
    this.#socket = socket;
    this.#onWritten = () => this.#written();
    socket.on("data", (bytes: Buffer) => this.heard(bytes, bytes.length));
    socket.on("end", () => this.peerEnded());
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => {
      this.#inFlight.length = 0;
      this.closed(this.#error);
    });
  }

  protected get unwrittenBytes(): number {
    return this.#socket.writableLength;
  }

  protected get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get remote(): TransportAddress {
    return { address: this.#socket.remoteAddress ?? "", port: this.#socket.remotePort ?? 0 };
  }

  get local(): TransportAddress {
    return { address: this.#socket.localAddress ?? "", port: this.#socket.localPort ?? 0 };
  }

  get tlsSocket(): TLSSocket | null {
    return this.#socket instanceof TLSSocket ? this.#socket : null;
  }

  protected writeOut(slab: Buffer, byteCount: number): void {
    if (this.#socket.destroyed) {
      releaseOutputSlab(slab);
      this.writeRefused(byteCount);
      return;
    }
    this.#inFlight.push(slab);
    this.#socket.write(slab.subarray(0, byteCount), this.#onWritten);
  }

  protected writeAllOut(slabs: readonly Buffer[]): void {
    if (slabs.length > 1) this.#socket.cork();
    for (const slab of slabs) this.writeOut(slab, slab.length);
    if (slabs.length > 1) this.#socket.uncork();
  }

  protected endOutput(): void {
    this.#socket.end();
  }

  protected pauseReading(isPaused: boolean): void {
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  protected destroyNow(): void {
    this.#socket.destroy();
  }

  protected probeNow(): void {
    this.#socket.write(NOTHING);
  }

  protected keepAliveNow(delaySeconds: number, count: number): void {
    const interval = KEEPALIVE_INTERVAL_SECONDS * 1000;
    this.#socket.setKeepAlive({ enable: true, initialDelay: delaySeconds * 1000, interval, count });
  }

  protected resetNow(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  protected release(unread: Buffer): Socket {
    const socket = this.#socket;
    for (const event of ["data", "end", "error", "close"]) socket.removeAllListeners(event);
    socket.pause();
    if (unread.length > 0) socket.unshift(unread);
    return socket;
  }

  protected get isReleasable(): boolean {
    return false;
  }

  protected releaseHandle(): never {
    return fail("a socket keeps its handle");
  }

  #written(): void {
    const slab = this.#inFlight.shift();
    if (slab !== undefined) releaseOutputSlab(slab);
    this.judgeCongestion();
  }
}
