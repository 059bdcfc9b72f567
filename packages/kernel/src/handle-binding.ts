/*
 * The one place that knows Node's stream handles, what node:net itself is built on. Node is pinned, and a transport
 * falls back to public sockets where this binding is absent; the tests of transports run over both.
 *
 * Why: a Socket costs 2.2 KB more per connection than its handle, and a write by a Socket some 1.5 us more than one by
 * the handle. A proxy holds tens of thousands of the one and does two of the other per request.
 */

/** node:net's TCP handle. Methods return 0, or a negative error number. */
export interface TcpHandle {
  /** Called with `this` as the handle after each read; the count stands in `StreamBinding.state`. */
  onread: ((this: TcpHandle) => void) | undefined;
  /** The transport that the handle belongs to. */
  transport?: object;
  /** Bytes that the system has not taken yet, counted down as it takes them. */
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  writev(request: WriteRequest, chunks: readonly Buffer[], areAllBuffers: true): number;
  shutdown(request: ShutdownRequest): number;
  setNoDelay(isOn: boolean): number;
  setKeepAlive(isOn: boolean, delaySeconds: number, intervalSeconds: number, count: number): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getpeername(target: AddressFields): number;
  getsockname(target: AddressFields): number;
  close(onClosed?: () => void): void;
  reset(onClosed?: () => void): number;
}

/** What `getpeername` and `getsockname` fill in. */
export interface AddressFields {
  address?: string;
  port?: number;
}

/** A write that the system could not take at once. */
export interface WriteRequest {
  oncomplete: ((status: number) => void) | undefined;
  /** Keeps the bytes alive until they are written. */
  buffer: Buffer | readonly Buffer[] | null;
}

export interface ShutdownRequest {
  oncomplete: ((status: number) => void) | undefined;
}

export interface ConnectRequest {
  oncomplete: ((status: number) => void) | undefined;
}

/** The parts of Node's stream and TCP bindings that transports use. */
export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  readonly TCP: new (type: number) => TcpHandle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly SOCKET: number };
  /** Results of the last call, by the indices below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kBytesWritten: number;
  readonly kLastWriteWasAsync: number;
}

/** The binding, or null where this Node does not give it. */
export const streamBinding: StreamBinding | null = loadStreamBinding();

function loadStreamBinding(): StreamBinding | null {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamBinding> };
  if (typeof binding !== "function") return null;
  try {
    const found: Partial<StreamBinding> = {
      ...binding.call(process, "stream_wrap"),
      ...binding.call(process, "tcp_wrap"),
    };
    const isUsable =
      typeof found.WriteWrap === "function" &&
      typeof found.ShutdownWrap === "function" &&
      typeof found.TCP === "function" &&
      typeof found.TCPConnectWrap === "function" &&
      typeof found.constants?.SOCKET === "number" &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === "number" &&
      typeof found.kBytesWritten === "number" &&
      typeof found.kLastWriteWasAsync === "number";
    return isUsable ? (found as StreamBinding) : null;
  } catch {
    // A Node without this binding throws; sockets do the work then.
    return null;
  }
}
