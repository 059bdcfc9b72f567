import type { TcpHandle } from "@weft/kernel";
import { type AdminServer, type AdminSource, createAdminServer, isLoopback, type Log } from "@weft/proxy";
import { type AdminAddress, renderAdminAddress } from "../admin/admin-address.ts";

/** The admin server of a role; it moves when the configuration says so. */
export class AdminHost {
  readonly #source: AdminSource;
  readonly #log: Log;
  readonly #token: string;
  #wanted: AdminAddress | null = null;
  #server: AdminServer | null = null;
  /** Moves take place one after the other. */
  #moving: Promise<void> = Promise.resolve();

  /** `token` is asked of every action, and beyond loopback of who reads; "" for none. */
  constructor(source: AdminSource, log: Log, token: string) {
    this.#source = source;
    this.#log = log;
    this.#token = token;
  }

  /**
   * Listens for the first time, on the socket of the version before where there is one; resolves with the address as bound.
   *
   * @throws WeftError ADMIN_LISTEN_FAILED
   */
  async start({ address, port }: AdminAddress, handle: TcpHandle | null = null): Promise<AdminAddress> {
    this.#wanted = { address, port };
    this.#server = await createAdminServer(this.#source, { address, port, token: this.#token, handle });
    const bound = { address: this.#server.address, port: this.#server.port };
    this.#log.info("admin listening", { ...bound, ask: `weft status --admin ${renderAdminAddress(bound)}` });
    if (!isLoopback(address)) this.#warn();
    return bound;
  }

  #warn(): void {
    const message = "the admin server is reached by other machines";
    if (this.#token === "") this.#log.warn(message, { shows: "no more than probes need: WEFT_ADMIN_TOKEN is not set" });
    else
      this.#log.warn(message, { shows: "what it knows to whoever has the token, which goes over the wire as it is" });
  }

  /** Listens elsewhere; where that fails the server stays where it is. Nothing if it is there already. */
  move({ address, port }: AdminAddress): void {
    if (this.#wanted?.address === address && this.#wanted.port === port) return;
    this.#wanted = { address, port };
    this.#moving = this.#moving.then(async () => {
      const before = this.#server;
      try {
        await this.start({ address, port });
        await before?.close();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.error("the admin server stays where it is", { reason });
      }
    });
  }

  /** As bound; null before the start. */
  get address(): AdminAddress | null {
    return this.#server === null ? null : { address: this.#server.address, port: this.#server.port };
  }

  /** What is listened on, for the next version. */
  get handle(): TcpHandle | null {
    return this.#server?.handle ?? null;
  }

  /** The next version listens from now on; resolves when what was asked here is answered. */
  retire(): Promise<void> {
    const retired = this.#server?.retire() ?? Promise.resolve();
    this.#server = null;
    return retired;
  }

  async close(): Promise<void> {
    await this.#moving;
    await this.#server?.close();
    this.#server = null;
  }
}
