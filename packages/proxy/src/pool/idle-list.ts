import type { UpstreamConnection } from "../upstream/index.ts";

/** Connections that carry nothing, in the order in which they fell idle. The links lie in the connections. */
export class IdleList {
  #longest: UpstreamConnection | null = null;
  #latest: UpstreamConnection | null = null;

  /** The connection that has been idle the longest; null for none. */
  get longest(): UpstreamConnection | null {
    return this.#longest;
  }

  /** `connection` is idle from now on; nothing changes if it was. */
  add(connection: UpstreamConnection): void {
    if (connection.isIdle) return;
    connection.isIdle = true;
    connection.idleBefore = this.#latest;
    if (this.#latest === null) this.#longest = connection;
    else this.#latest.idleAfter = connection;
    this.#latest = connection;
  }

  /** `connection` is used, or on its way out; nothing changes if it was not in the list. */
  remove(connection: UpstreamConnection): void {
    if (!connection.isIdle) return;
    connection.isIdle = false;
    const { idleBefore, idleAfter } = connection;
    if (idleBefore === null) this.#longest = idleAfter;
    else idleBefore.idleAfter = idleAfter;
    if (idleAfter === null) this.#latest = idleBefore;
    else idleAfter.idleBefore = idleBefore;
    connection.idleBefore = null;
    connection.idleAfter = null;
  }
}
