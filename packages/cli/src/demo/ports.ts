import { createServer, type Server } from "node:net";
import { PORT_STEP, PORT_TRIES_MAX } from "./limits.ts";
import { LOOPBACK } from "./shop/application.ts";

/**
 * Who chooses a port listens on it here, on an address of this machine that nobody else uses: another mesh that wants the same
 * port finds it taken, while on the address that counts it is free for the process that it was chosen for.
 */
const RESERVATION = "127.87.69.70";

/** What browsers and fetch refuse to ask (WHATWG's bad ports) of what people may be told to open: 8080 and two steps. */
const REFUSED_BY_BROWSERS = 10_080;

/** Chooses ports, none twice, and keeps other meshes on this machine from choosing them until `release`. */
export class PortChooser {
  readonly #chosen = new Set<number>();
  readonly #reservations: Server[] = [];

  /** The preferred port where it is free, else the next of its kind that is, else one that the system chooses. */
  async choose(preferred: number): Promise<number> {
    for (let attempt = 0; attempt < PORT_TRIES_MAX; attempt++) {
      const port = preferred + attempt * PORT_STEP;
      if (port > 65_535) break;
      if (port === REFUSED_BY_BROWSERS) continue;
      if (!this.#chosen.has(port) && (await this.#take(port))) return port;
    }
    for (let attempt = 0; attempt < PORT_TRIES_MAX; attempt++) {
      const port = await findFreePort();
      if (!this.#chosen.has(port) && (await this.#take(port))) return port;
    }
    throw new Error(`Cannot choose a port: the system has none that is free on ${LOOPBACK}`);
  }

  /** Gives the ports back. */
  release(): void {
    for (const server of this.#reservations.splice(0)) server.close();
  }

  /** False when another process has the port, or another mesh has chosen it. */
  async #take(port: number): Promise<boolean> {
    const reservation = await listen(RESERVATION, port);
    if (reservation === "EADDRINUSE") return false;
    // Systems that have but one loopback address have no reservations: a mesh that meets another there chooses again.
    if (typeof reservation !== "string") this.#reservations.push(reservation.unref());
    const server = await listen(LOOPBACK, port);
    // A reservation of a port that is taken is of no use, and does no harm until all are given back.
    if (typeof server === "string") return false;
    await close(server);
    this.#chosen.add(port);
    return true;
  }
}

async function findFreePort(): Promise<number> {
  const server = await listen(LOOPBACK, 0);
  if (typeof server === "string") throw new Error(`Cannot choose a port: nothing can listen on ${LOOPBACK}: ${server}`);
  const address = server.address();
  await close(server);
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** A server that takes no connections, or the code of the error. */
function listen(host: string, port: number): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
