import { createServer } from "node:net";
import { PORT_STEP, PORT_TRIES_MAX } from "./limits.ts";
import { LOOPBACK } from "./shop/application.ts";

/** Chooses ports, none twice. */
export class PortChooser {
  readonly #chosen = new Set<number>();

  /** The preferred port where it is free, else the next of its kind that is, else one that the system chooses. */
  async choose(preferred: number): Promise<number> {
    for (let attempt = 0; attempt < PORT_TRIES_MAX; attempt++) {
      const port = preferred + attempt * PORT_STEP;
      if (port > 65_535) break;
      if (!this.#chosen.has(port) && (await tryPort(port)) !== null) return this.#take(port);
    }
    const port = await tryPort(0);
    if (port === null) throw new Error(`Cannot choose a port: the system has none that is free on ${LOOPBACK}`);
    return this.#take(port);
  }

  #take(port: number): number {
    this.#chosen.add(port);
    return port;
  }
}

/** Listens for a moment; the port that it got, or null when it is taken. */
function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      const address = server.address();
      const got = address !== null && typeof address === "object" ? address.port : port;
      server.close(() => resolve(got));
    });
  });
}
