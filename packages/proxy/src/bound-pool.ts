import type { Host } from "./cluster/index.ts";
import type { HostPool, PoolGuest } from "./pool/index.ts";
import type { UpstreamConnection, UpstreamOwner } from "./upstream/index.ts";

/** The client's connection that a connection to a host is bound to. */
export interface BoundClient {
  /** The host's connection ends, or should: the client's ends too, gently. */
  onBoundEnd(): void;
}

/** Makes the pool of one bound connection to `host`, whose owner stands before it. */
export type CreateBoundPool = (host: Host<HostPool>, ownerOf: (pool: HostPool) => UpstreamOwner) => HostPool;

/**
 * The connection to a host that belongs to one connection of a client, as a pool of one: the client's calls to the cluster
 * go to no other host, and both connections end together. It is a guest of the host's own pool, which ends it when the
 * host leaves.
 */
export class BoundPool implements UpstreamOwner, PoolGuest {
  readonly host: Host<HostPool>;
  readonly pool: HostPool;
  readonly #home: HostPool;
  readonly #client: BoundClient;
  readonly #onEnd: (bound: BoundPool) => void;
  #isOver: boolean = false;

  /** `home` is the host's own pool; `onEnd` is told once, when the connection has gone or was never made. */
  constructor(
    host: Host<HostPool>,
    home: HostPool,
    client: BoundClient,
    createPool: CreateBoundPool,
    onEnd: (bound: BoundPool) => void,
  ) {
    this.host = host;
    this.#home = home;
    this.#client = client;
    this.#onEnd = onEnd;
    this.pool = createPool(host, () => this);
    home.addGuest(this);
  }

  /** The client has gone. */
  close(): void {
    this.#end();
    this.pool.close("the client that the connection belonged to has gone");
  }

  onUpstreamReady(connection: UpstreamConnection): void {
    this.pool.onUpstreamReady(connection);
  }

  onUpstreamAvailable(connection: UpstreamConnection): void {
    this.pool.onUpstreamAvailable(connection);
  }

  onUpstreamDraining(connection: UpstreamConnection): void {
    this.pool.onUpstreamDraining(connection);
    this.#endClient();
  }

  onUpstreamGone(connection: UpstreamConnection, wasReady: boolean, detail: string): void {
    const hadEnded = this.#isOver;
    // A connection that was never made binds nobody: what waits may try another host.
    this.#end();
    this.pool.onUpstreamGone(connection, wasReady, detail);
    if (wasReady && !hadEnded) this.#client.onBoundEnd();
  }

  connections(): Iterable<UpstreamConnection> {
    return this.pool.connections();
  }

  onPoolDraining(): void {
    this.#endClient();
  }

  onPoolCutOff(): void {
    this.close();
  }

  #endClient(): void {
    if (!this.#isOver) this.#client.onBoundEnd();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#home.removeGuest(this);
    this.#onEnd(this);
  }
}
