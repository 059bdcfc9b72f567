import { randomBytes } from "node:crypto";
import { StringDecoder } from "node:string_decoder";
import { getSystemErrorName } from "node:util";
import {
  type PipeBinding,
  type PipeHandle,
  pipeBinding,
  type StreamBinding,
  streamBinding,
  type TcpHandle,
} from "./handle-binding.ts";
import type { KernelErrorCode } from "./errors.ts";
import { CHANNEL_LINE_BYTES_MAX } from "./limits.ts";
import { WeftError } from "./weft-error.ts";

/** Where a process waits for another that is to hand connections to it. Plain data, to be told to that other one alone. */
export interface ChannelAddress {
  /** A name without a file (Linux: an abstract socket), visible to every user of the machine. */
  readonly name: string;
  /** What whoever connects must know. */
  readonly secret: string;
}

/** Hears what comes in by a channel. */
export interface ChannelHandler {
  /** The handle, if the message came with one, is the receiver's: it is to be used or closed. */
  onMessage(message: unknown, handle: TcpHandle | null): void;
  /** Nothing comes any more; called once, not after our own `close`. What the peer sent before has all been heard. */
  onClosed(): void;
}

/** Waits for one other process. */
export interface ChannelDoor {
  readonly address: ChannelAddress;
  /** Lets nobody in any more; channels that are open live on. */
  close(): void;
}

/** Both bindings that channels are made of; null where this Node or this system does not have what they need. */
const BINDING: (StreamBinding & PipeBinding) | null =
  process.platform === "linux" && streamBinding !== null && pipeBinding !== null
    ? { ...streamBinding, ...pipeBinding }
    : null;

/** True where processes can pass connections on. */
export function canPassHandles(): boolean {
  return BINDING !== null;
}

/**
 * A stream of messages between two processes that also carries TCP connections and listening sockets. What is sent with a
 * message is a second handle to the same connection: both processes hold it, and the connection ends when both have closed
 * it. Unlike with Node's own channel between parent and child, nothing waits for an answer between two handles.
 */
export class HandleChannel {
  readonly #pipe: PipeHandle;
  readonly #binding: StreamBinding;
  readonly #handler: ChannelHandler;
  readonly #handles: TcpHandle[] = [];
  #secret: string | null;
  readonly #decoder: StringDecoder = new StringDecoder("utf8");
  #held: string = "";
  #isClosed: boolean = false;

  /** @internal `secret`: what the peer's first message must be; null at the end that connected. */
  constructor(pipe: PipeHandle, binding: StreamBinding, handler: ChannelHandler, secret: string | null) {
    this.#pipe = pipe;
    this.#binding = binding;
    this.#handler = handler;
    this.#secret = secret;
    pipe.pendingHandle = null;
    pipe.onread = (bytes) => this.#read(bytes);
    pipe.readStart();
  }

  /** Sends plain data, and a handle that must stay open until the peer has said that it has it. */
  send(message: unknown, handle: TcpHandle | null = null): void {
    if (this.#isClosed) return;
    const text = `${JSON.stringify({ message, hasHandle: handle !== null })}\n`;
    const request = new this.#binding.WriteWrap();
    request.oncomplete = (status) => {
      if (status < 0) this.#lose();
    };
    const pipe = this.#pipe;
    const error = handle === null ? pipe.writeUtf8String(request, text) : pipe.writeUtf8String(request, text, handle);
    if (error < 0) this.#lose();
  }

  /** Ends the channel without telling our handler. What was sent and has left this process still arrives. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const handle of this.#handles.splice(0)) handle.close();
    this.#pipe.close();
  }

  #lose(): void {
    if (this.#isClosed) return;
    this.close();
    this.#handler.onClosed();
  }

  #read(bytes: ArrayBuffer | undefined): void {
    const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = this.#binding;
    const count = streamBaseState[kReadBytesOrError] ?? 0;
    const { pendingHandle } = this.#pipe;
    this.#pipe.pendingHandle = null;
    if (pendingHandle !== null) this.#handles.push(pendingHandle);
    if (count < 0 || bytes === undefined) {
      if (count < 0) this.#lose();
      return;
    }
    this.#held += this.#decoder.write(Buffer.from(bytes, streamBaseState[kArrayBufferOffset] ?? 0, count));
    if (this.#held.length > CHANNEL_LINE_BYTES_MAX && !this.#held.includes("\n")) return this.#lose();
    this.#deliver();
  }

  #deliver(): void {
    let start = 0;
    for (let end = this.#held.indexOf("\n"); end >= 0 && !this.#isClosed; end = this.#held.indexOf("\n", start)) {
      const line = this.#held.slice(start, end);
      start = end + 1;
      const { message, hasHandle } = JSON.parse(line) as { message: unknown; hasHandle: boolean };
      const handle = hasHandle ? (this.#handles.shift() ?? null) : null;
      if (this.#secret !== null) {
        if (message !== this.#secret) return this.#lose();
        this.#secret = null;
      } else this.#handler.onMessage(message, handle);
    }
    this.#held = this.#held.slice(start);
  }
}

/**
 * Waits for processes that connect with `connectChannel`; only those that know the secret are heard.
 *
 * @throws WeftError KERNEL_CHANNEL_FAILED
 */
export function openChannelDoor(createHandler: (channel: HandleChannel) => ChannelHandler): ChannelDoor {
  const binding = needBinding();
  const address = { name: `weft-${randomBytes(12).toString("hex")}`, secret: randomBytes(24).toString("hex") };
  const door = new binding.Pipe(binding.pipeConstants.SERVER);
  const error = door.bind(`\0${address.name}`) || door.listen(1);
  if (error < 0) throw failed("wait for another process", error);
  door.onconnection = (status, accepted) => {
    if (status < 0 || accepted === undefined) return;
    // What is accepted cannot carry handles, another object on the same socket can. The first is never read from, and not
    // closed either: the socket is closed with the second.
    const pipe = new binding.Pipe(binding.pipeConstants.IPC);
    pipe.open(accepted.fd);
    const late: ChannelHandler = { onMessage: () => {}, onClosed: () => {} };
    const channel = new HandleChannel(pipe, binding, late, address.secret);
    Object.assign(late, bound(createHandler(channel)));
  };
  return { address, close: () => door.close() };
}

/** The channel is made before its handler, which wants the channel: nothing is read before both are. */
function bound(handler: ChannelHandler): ChannelHandler {
  return {
    onMessage: (message, handle) => handler.onMessage(message, handle),
    onClosed: () => handler.onClosed(),
  };
}

/**
 * Connects to a process that waits.
 *
 * @throws WeftError KERNEL_CHANNEL_FAILED when nobody waits there any more
 */
export function connectChannel({ name, secret }: ChannelAddress, handler: ChannelHandler): Promise<HandleChannel> {
  const binding = needBinding();
  return new Promise((resolve, reject) => {
    const pipe = new binding.Pipe(binding.pipeConstants.IPC);
    const request = new binding.PipeConnectWrap();
    const refused = (status: number): void => {
      pipe.close();
      reject(failed("reach the other process", status));
    };
    request.oncomplete = (status) => {
      if (status < 0) return refused(status);
      const channel = new HandleChannel(pipe, binding, handler, null);
      channel.send(secret);
      resolve(channel);
    };
    const error = pipe.connect(request, `\0${name}`);
    if (error < 0) refused(error);
  });
}

function needBinding(): StreamBinding & PipeBinding {
  if (BINDING !== null) return BINDING;
  throw new WeftError<KernelErrorCode>("KERNEL_CHANNEL_FAILED", "Cannot pass connections on: this system cannot");
}

function failed(action: string, errno: number): WeftError<KernelErrorCode> {
  const reason = getSystemErrorName(errno);
  return new WeftError("KERNEL_CHANNEL_FAILED", `Cannot ${action}: ${reason}`, { reason });
}
