import { type AddressInfo, createServer, type Server } from "node:net";
import { assert } from "./assert.ts";
import type { TcpHandle } from "./handle-binding.ts";
import { WeftError } from "./weft-error.ts";

/** Where a listener listens. */
export interface TcpListenerOptions {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Connections that the system holds until they are accepted. */
  readonly backlog: number;
  /** Several processes may listen on the same port; the system spreads connections over them. */
  readonly isPortShared: boolean;
}

type ListeningHandle = TcpHandle & { onconnection?: (status: number, handle: TcpHandle | undefined) => void };

/** What a server of node:net or node:http listens on, to be sent to another process; null while it does not listen. */
export function listeningHandle(server: Server): TcpHandle | null {
  return (server as unknown as { _handle?: TcpHandle | null })._handle ?? null;
}

/**
 * Accepts TCP connections as bare handles, without a Socket around each: see `acceptTransport`.
 */
export class TcpListener {
  readonly #server: Server = createServer();
  #address: AddressInfo | null = null;
  #handle: TcpHandle | null = null;

  /**
   * Starts to listen; `onHandle` gets each connection.
   *
   * @throws WeftError KERNEL_LISTEN_FAILED
   */
  listen(options: TcpListenerOptions, onHandle: (handle: TcpHandle) => void): Promise<void> {
    const { address: host, port, backlog, isPortShared: reusePort } = options;
    return this.#begin(options, onHandle, (server, onListening) => {
      server.listen({ host, port, backlog, reusePort, exclusive: true }, onListening);
    });
  }

  /**
   * Listens on a socket that another process has listened on, with the connections that wait there; `handle` is this
   * listener's from now on.
   *
   * @throws WeftError KERNEL_LISTEN_FAILED
   */
  adopt(handle: TcpHandle, options: TcpListenerOptions, onHandle: (handle: TcpHandle) => void): Promise<void> {
    return this.#begin(options, onHandle, (server, onListening) => {
      server.listen(handle, options.backlog, onListening);
    });
  }

  #begin(
    options: TcpListenerOptions,
    onHandle: (handle: TcpHandle) => void,
    listen: (server: Server, onListening: () => void) => void,
  ): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const where = `${options.address}:${options.port}`;
        reject(
          new WeftError(
            "KERNEL_LISTEN_FAILED",
            `Cannot listen on ${where}: ${error.code ?? error.message}`,
            { address: options.address, port: options.port, reason: error.code ?? error.message },
            { cause: error },
          ),
        );
      });
      listen(server, () => {
        server.removeAllListeners("error");
        server.on("error", () => {});
        this.#address = server.address() as AddressInfo;
        const listening: ListeningHandle | null = listeningHandle(server);
        assert(listening !== null, "a server that listens has a handle");
        listening.onconnection = (status, handle) => {
          // A negative status is a transient refusal of the system (out of descriptors, peer gone): nothing to accept.
          if (status < 0 || handle === undefined) return;
          onHandle(handle);
        };
        this.#handle = listening;
        resolve();
      });
    });
  }

  /** What is listened on, to be sent to another process, which then accepts here as well; null while nothing is. */
  get handle(): TcpHandle | null {
    return this.#handle;
  }

  /** The port that is listened on; 0 before. */
  get port(): number {
    return this.#address?.port ?? 0;
  }

  /** Stops accepting; connections that were accepted live on. */
  close(): void {
    this.#handle = null;
    this.#server.close();
  }
}
