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
  listen(backlog: number): number;
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
  readonly kArrayBufferOffset: number;
}

/** node:net's handle of a local socket, which other handles can be sent through when it was made for that. */
export interface PipeHandle {
  onread: ((bytes: ArrayBuffer | undefined) => void) | undefined;
  onconnection: ((status: number, handle: PipeHandle | undefined) => void) | undefined;
  /** A handle that came with the read at hand; whoever takes it sets this to null. */
  pendingHandle: TcpHandle | null;
  readonly fd: number;
  open(fd: number): number;
  bind(name: string): number;
  listen(backlog: number): number;
  connect(request: ConnectRequest, name: string): number;
  readStart(): number;
  writeUtf8String(request: WriteRequest, text: string, handle?: TcpHandle): number;
  close(): void;
}

/** The parts of Node's pipe binding that channels use. */
export interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly pipeConstants: { readonly SERVER: number; readonly IPC: number };
}

/** The binding of pipes, or null where this Node does not give it. */
export const pipeBinding: PipeBinding | null = loadPipeBinding();

function loadPipeBinding(): PipeBinding | null {
  type Found = Partial<Omit<PipeBinding, "pipeConstants">> & { constants?: PipeBinding["pipeConstants"] };
  const { Pipe, PipeConnectWrap, constants: pipeConstants } = loadBinding<Found>("pipe_wrap") ?? {};
  const isUsable =
    typeof Pipe === "function" && typeof PipeConnectWrap === "function" && typeof pipeConstants?.IPC === "number";
  return isUsable ? { Pipe, PipeConnectWrap, pipeConstants } : null;
}

/** The binding, or null where this Node does not give it. */
export const streamBinding: StreamBinding | null = loadStreamBinding();

function loadStreamBinding(): StreamBinding | null {
  const found: Partial<StreamBinding> = {
    ...loadBinding<Partial<StreamBinding>>("stream_wrap"),
    ...loadBinding<Partial<StreamBinding>>("tcp_wrap"),
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
    typeof found.kLastWriteWasAsync === "number" &&
    typeof found.kArrayBufferOffset === "number";
  return isUsable ? (found as StreamBinding) : null;
}

function loadBinding<Found>(name: string): Found | null {
  const { binding } = process as unknown as { binding?: (name: string) => Found };
  if (typeof binding !== "function") return null;
  try {
    return binding.call(process, name);
  } catch {
    // A Node without this binding throws; sockets do the work then.
    return null;
  }
}
