import { type AddressInfo, createServer, type Server } from "node:net";
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

interface ListeningHandle {
  onconnection?: (status: number, handle: TcpHandle | undefined) => void;
}

/**
 * Accepts TCP connections as bare handles, without a Socket around each: see `acceptTransport`.
 */
export class TcpListener {
  readonly #server: Server = createServer();
  #address: AddressInfo | null = null;

  /**
   * Starts to listen; `onHandle` gets each connection.
   *
   * @throws WeftError KERNEL_LISTEN_FAILED
   */
  listen(options: TcpListenerOptions, onHandle: (handle: TcpHandle) => void): Promise<void> {
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
      const { address: host, port, backlog, isPortShared: reusePort } = options;
      server.listen({ host, port, backlog, reusePort, exclusive: true }, () => {
        server.removeAllListeners("error");
        server.on("error", () => {});
        this.#address = server.address() as AddressInfo;
        const listening = (server as unknown as { _handle: ListeningHandle })._handle;
        listening.onconnection = (status, handle) => {
          // A negative status is a transient refusal of the system (out of descriptors, peer gone): nothing to accept.
          if (status < 0 || handle === undefined) return;
          onHandle(handle);
        };
        resolve();
      });
    });
  }

  /** The port that is listened on; 0 before. */
  get port(): number {
    return this.#address?.port ?? 0;
  }

  /** Stops accepting; connections that were accepted live on. */
  close(): void {
    this.#server.close();
  }
}
