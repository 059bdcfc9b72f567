import { createServer, type Server } from "node:net";
import type { ListenerConfig, World } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";

/** Platforms whose sockets may share a port, each getting a part of the connections (Node's `reusePort`). */
const SHARING_PLATFORMS: ReadonlySet<NodeJS.Platform> = new Set(["linux", "freebsd", "sunos", "aix"]);

/** True where several processes can listen on one port. */
export function canSharePorts(platform: NodeJS.Platform = process.platform): boolean {
  return SHARING_PLATFORMS.has(platform);
}

/** A port that the system chose for a listener. */
export interface ChosenPort {
  /** Tells the listener from others. */
  readonly listener: string;
  readonly port: number;
}

/**
 * Chooses the ports of listeners that leave the choice to the system (port 0), once for all workers. A chosen port is held
 * until the workers listen, so that no other program gets it in between, and stays the listener's for good.
 */
export class SharedPorts {
  readonly #chosen = new Map<string, number>();
  readonly #held: Server[] = [];

  /**
   * The same world, with a port for every listener.
   *
   * @throws WeftError CLI_PORT_UNAVAILABLE when an address cannot be listened on
   */
  async resolve(world: World): Promise<World> {
    if (!world.listeners.some(({ port }) => port === 0)) return world;
    const listeners: ListenerConfig[] = [];
    for (const listener of world.listeners) {
      listeners.push(listener.port === 0 ? { ...listener, port: await this.#portOf(listener) } : listener);
    }
    return { ...world, listeners };
  }

  /** What was chosen so far. */
  get chosen(): readonly ChosenPort[] {
    return [...this.#chosen].map(([listener, port]) => ({ listener, port }));
  }

  /** Chooses what another has chosen, whose workers listen there. */
  inherit(chosen: readonly ChosenPort[]): void {
    for (const { listener, port } of chosen) this.#chosen.set(listener, port);
  }

  /** The workers listen: their sockets hold the ports now. */
  release(): void {
    for (const server of this.#held.splice(0)) server.close();
  }

  async #portOf({ name, address }: ListenerConfig): Promise<number> {
    const key = JSON.stringify([name, address]);
    const known = this.#chosen.get(key);
    if (known !== undefined) return known;
    const port = await this.#hold(name, address);
    this.#chosen.set(key, port);
    return port;
  }

  #hold(name: string, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => socket.destroy());
      server.once("error", (error) => {
        const message = `Cannot choose a port for listener ${name} on ${host}: ${error.message}`;
        reject(new WeftError<CliErrorCode>("CLI_PORT_UNAVAILABLE", message, { name, host }, { cause: error }));
      });
      server.listen({ host, port: 0, reusePort: true, exclusive: true }, () => {
        this.#held.push(server);
        const address = server.address();
        resolve(address !== null && typeof address === "object" ? address.port : 0);
      });
    });
  }
}
