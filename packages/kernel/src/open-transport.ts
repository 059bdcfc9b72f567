import { connect as connectTcp, isIP, Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { streamBinding, type TcpHandle } from "./handle-binding.ts";
import { HandleTransport } from "./handle-transport.ts";
import type { OutputScheduler } from "./output-scheduler.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { ConnectHandler, Transport, TransportHandler } from "./transport.ts";

/** Takes over a connection that a `TcpListener` accepted. */
export function acceptTransport(handle: TcpHandle, scheduler: OutputScheduler, handler: TransportHandler): Transport {
  if (streamBinding !== null) return HandleTransport.accept(handle, streamBinding, scheduler, handler);
  const options = { handle, allowHalfOpen: true };
  const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  return new SocketTransport(socket, scheduler, handler);
}

/** Takes over a socket of node:net or node:tls that is connected. */
export function wrapSocket(socket: Socket, scheduler: OutputScheduler, handler: TransportHandler): Transport {
  return new SocketTransport(socket, scheduler, handler);
}

/** Opens a TCP connection. What is written before it is up is sent then. */
export function connectTransport(
  options: { readonly host: string; readonly port: number },
  scheduler: OutputScheduler,
  handler: ConnectHandler,
): Transport {
  const { host, port } = options;
  if (streamBinding !== null && isIP(host) !== 0) {
    return HandleTransport.connect(host, port, streamBinding, scheduler, handler);
  }
  const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
  socket.once("connect", () => handler.onConnected());
  return new SocketTransport(socket, scheduler, handler);
}

/** Opens a TLS connection; `onConnected` comes after the handshake. */
export function connectTlsTransport(
  options: ConnectionOptions,
  scheduler: OutputScheduler,
  handler: ConnectHandler,
): Transport {
  const socket = connectTls(options);
  socket.setNoDelay(true);
  socket.once("secureConnect", () => handler.onConnected());
  return new SocketTransport(socket, scheduler, handler);
}
