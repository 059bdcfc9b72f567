import { isIPv6, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";
import type { AddressFields, StreamBinding, TcpHandle, WriteRequest } from "./handle-binding.ts";
import { KEEPALIVE_INTERVAL_SECONDS, READ_BUFFER_BYTES } from "./limits.ts";
import { releaseOutputSlab } from "./output-slabs.ts";
import type { OutputScheduler } from "./output-scheduler.ts";
import { type ConnectHandler, Transport, type TransportAddress, type TransportHandler } from "./transport.ts";

/** All reads of a worker land here: whoever hears of bytes uses or copies them before the next read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

const NO_TLS: TLSSocket | null = null;
const NOTHING: Buffer = Buffer.alloc(0);

/** A transport on a bare TCP handle: one read buffer for all, no stream objects, writes that mostly end at once. */
export class HandleTransport extends Transport {
  readonly #handle: TcpHandle;
  readonly #binding: StreamBinding;
  #unwrittenBytes: number = 0;
  #error: Error | null = null;
  #isClosing: boolean = false;
  #isReadPaused: boolean = false;
  #isConnected: boolean = false;
  /** The peer sends no more; we said that we send no more. The connection is over when both hold. */
  #hasPeerEnded: boolean = false;
  #hasEnded: boolean = false;

  private constructor(
    handle: TcpHandle,
    binding: StreamBinding,
    scheduler: OutputScheduler,
    handler: TransportHandler,
  ) {
    super(scheduler, handler);
    this.#handle = handle;
    this.#binding = binding;
    handle.transport = this;
    handle.useUserBuffer(READ_BUFFER);
    handle.onread = onRead;
  }

  /** Takes over a connection that is up. */
  static accept(
    handle: TcpHandle,
    binding: StreamBinding,
    scheduler: OutputScheduler,
    handler: TransportHandler,
  ): HandleTransport {
    const transport = new HandleTransport(handle, binding, scheduler, handler);
    transport.#isConnected = true;
    transport.#check(handle.readStart(), "read");
    return transport;
  }

  /** Opens a connection to an IP address. What is written before it is up is sent then. */
  static connect(
    address: string,
    port: number,
    binding: StreamBinding,
    scheduler: OutputScheduler,
    handler: ConnectHandler,
  ): HandleTransport {
    const handle = new binding.TCP(binding.constants.SOCKET);
    const transport = new HandleTransport(handle, binding, scheduler, handler);
    const request = new binding.TCPConnectWrap();
    const where = `connect to ${address}:${port}`;
    request.oncomplete = (status) => transport.#connected(status, where, handler);
    const error = isIPv6(address) ? handle.connect6(request, address, port) : handle.connect(request, address, port);
    // Whoever opens is not told before it has the transport in hand.
    if (error < 0) setImmediate(() => transport.#check(error, where));
    else handle.setNoDelay(true);
    return transport;
  }

  protected get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  protected get queuedBytes(): number {
    return this.#handle.writeQueueSize;
  }

  get remote(): TransportAddress {
    return this.#address("getpeername");
  }

  get local(): TransportAddress {
    return this.#address("getsockname");
  }

  get tlsSocket(): TLSSocket | null {
    return NO_TLS;
  }

  /** @internal A read has ended: with a number of bytes, or a negative error number. */
  onReadResult(): void {
    if (this.#isClosing) return;
    const result = this.#binding.streamBaseState[this.#binding.kReadBytesOrError] ?? 0;
    if (result > 0) this.heard(READ_BUFFER, result);
    else if (result < 0) this.#readEnded(result);
  }

  protected writeOut(slab: Buffer, byteCount: number): void {
    if (this.#isClosing) {
      releaseOutputSlab(slab);
      this.writeRefused(byteCount);
      return;
    }
    const request = takeRequest(this.#binding);
    const bytes = byteCount === slab.length ? slab : slab.subarray(0, byteCount);
    const error = this.#handle.writeBuffer(request, bytes);
    const isPending = error === 0 && this.#binding.streamBaseState[this.#binding.kLastWriteWasAsync] !== 0;
    if (!isPending) {
      spareRequest = request;
      releaseOutputSlab(slab);
      if (error < 0) this.writeRefused(byteCount);
      this.#check(error, "write");
      return;
    }
    this.#await(request, bytes, byteCount, [slab]);
  }

  protected writeAllOut(slabs: readonly Buffer[]): void {
    if (slabs.length === 0) return;
    const byteCount = slabs.reduce((sum, slab) => sum + slab.length, 0);
    if (this.#isClosing) {
      for (const slab of slabs) releaseOutputSlab(slab);
      this.writeRefused(byteCount);
      return;
    }
    const request = takeRequest(this.#binding);
    const error = this.#handle.writev(request, slabs, true);
    const isPending = error === 0 && this.#binding.streamBaseState[this.#binding.kLastWriteWasAsync] !== 0;
    if (!isPending) {
      spareRequest = request;
      for (const slab of slabs) releaseOutputSlab(slab);
      if (error < 0) this.writeRefused(byteCount);
      this.#check(error, "write");
      return;
    }
    this.#await(request, slabs, byteCount, slabs);
  }

  protected endOutput(): void {
    this.#hasEnded = true;
    const request = new this.#binding.ShutdownWrap();
    request.oncomplete = () => this.#endIfOver();
    const error = this.#handle.shutdown(request);
    // The peer may have closed already: there is nobody left to tell.
    if (error < 0) this.#close(null);
  }

  protected pauseReading(isPaused: boolean): void {
    if (this.#isClosing || this.#hasPeerEnded) return;
    // The handle refuses to start what has started (EALREADY).
    if (isPaused === this.#isReadPaused) return;
    this.#isReadPaused = isPaused;
    if (!this.#isConnected) return;
    if (isPaused) this.#handle.readStop();
    else this.#check(this.#handle.readStart(), "read");
  }

  protected destroyNow(): void {
    this.#close(null);
  }

  protected probeNow(): void {
    if (this.#isConnected) this.writeOut(NOTHING, 0);
  }

  protected keepAliveNow(delaySeconds: number, count: number): void {
    // Where the system refuses, nothing is lost but the question.
    if (!this.#isClosing) this.#handle.setKeepAlive(true, delaySeconds, KEEPALIVE_INTERVAL_SECONDS, count);
  }

  protected resetNow(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // A handle that cannot be reset (a shutdown is on its way) is closed in the ordinary way.
    if (this.#handle.reset(() => this.closed(this.#error)) !== 0) {
      this.#handle.close(() => this.closed(this.#error));
    }
  }

  protected release(unread: Buffer): Socket {
    this.#isClosing = true;
    this.#handle.readStop();
    const options = { handle: this.#handle, allowHalfOpen: true, manualStart: true };
    const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
    if (unread.length > 0) socket.unshift(unread);
    return socket;
  }

  protected get isReleasable(): boolean {
    return !this.#isClosing && this.#isConnected && !this.#hasPeerEnded;
  }

  protected releaseHandle(): TcpHandle {
    this.#isClosing = true;
    this.#handle.readStop();
    delete this.#handle.transport;
    return this.#handle;
  }

  /** The bytes did not fit into the system's buffer: they are the handle's until it says so. */
  #await(request: WriteRequest, bytes: Buffer | readonly Buffer[], byteCount: number, slabs: readonly Buffer[]): void {
    const { streamBaseState, kBytesWritten } = this.#binding;
    const waiting = byteCount - (streamBaseState[kBytesWritten] ?? 0);
    // What a first attempt wrote is not counted as waiting; some systems count the whole write.
    const counted = waiting > 0 ? waiting : byteCount;
    this.#unwrittenBytes += counted;
    request.buffer = bytes;
    request.oncomplete = (status) => {
      request.buffer = null;
      this.#unwrittenBytes -= counted;
      for (const slab of slabs) releaseOutputSlab(slab);
      if (this.#isClosing) return;
      this.#check(status, "write");
      this.judgeCongestion();
    };
  }

  #connected(status: number, where: string, handler: ConnectHandler): void {
    if (this.#isClosing) return;
    this.#check(status, where);
    if (this.#isClosing) return;
    this.#isConnected = true;
    if (!this.#isReadPaused) this.#check(this.#handle.readStart(), "read");
    handler.onConnected();
  }

  #readEnded(result: number): void {
    if (getSystemErrorName(result) !== "EOF") {
      this.#check(result, "read");
      return;
    }
    this.#hasPeerEnded = true;
    this.#handle.readStop();
    this.peerEnded();
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#hasPeerEnded && this.#hasEnded && this.#unwrittenBytes === 0) this.#close(null);
  }

  #check(result: number, call: string): void {
    if (result >= 0 || this.#isClosing) return;
    const code = getSystemErrorName(result);
    this.#close(Object.assign(new Error(`${call} ${code}`), { code, errno: result, syscall: call }));
  }

  #close(error: Error | null): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#error = error;
    this.#handle.close(() => this.closed(this.#error));
  }

  #address(call: "getpeername" | "getsockname"): TransportAddress {
    const found: AddressFields = {};
    if (this.#isClosing || this.#handle[call](found) !== 0) return { address: "", port: 0 };
    return { address: found.address ?? "", port: found.port ?? 0 };
  }
}

/**
 * A request that was not needed: most writes end at once and never look at theirs. Making one is a native object, so
 * the next write takes it.
 */
let spareRequest: WriteRequest | null = null;

function takeRequest(binding: StreamBinding): WriteRequest {
  const request = spareRequest ?? new binding.WriteWrap();
  spareRequest = null;
  return request;
}

/** The one `onread` of all handles: Node calls it with the handle as `this`. */
function onRead(this: TcpHandle): void {
  const { transport } = this;
  if (transport instanceof HandleTransport) transport.onReadResult();
}
