import type {
  Answer,
  ListenerConfig,
  ServerSession,
  ServerSessionHandler,
  SessionProtocol,
  TcpRoute,
} from "@weft/contract";
import {
  acceptTransport,
  type Clock,
  type OutputScheduler,
  type Random,
  type TcpHandle,
  TcpListener,
  type TimerWheel,
  type Transport,
  type TransportHandler,
  wrapSocket,
} from "@weft/kernel";
import type { TLSSocket } from "node:tls";
import { plainTextAnswer } from "../answer.ts";
import type { AnswerDates } from "../answer-dates.ts";
import type { ClusterDirectory } from "../cluster-runtime.ts";
import {
  type CloseCause,
  DownstreamConnection,
  type HandedOver,
  type ListenerRoutes,
  type ListenerRuntime,
  type OpenConnection,
  type PeerFacts,
  type RequestAcceptor,
  type ServerSessionFactory,
  type TlsHostTable,
} from "../downstream/index.ts";
import type { Log } from "../log.ts";
import type { ListenerStats } from "../metrics/index.ts";
import { keepAliveByTcp } from "../upstream/index.ts";
import { LISTEN_BACKLOG } from "./limits.ts";
import { Opening, type OpeningHandler, type OpeningResult } from "./opening.ts";
import { findTcpRoute } from "./tcp-route.ts";
import { TcpTunnel, type TunnelClient, type TunnelDeps, type TunnelOwner } from "./tcp-tunnel.ts";
import { isTlsReloadable, TlsTerminator } from "./tls-terminator.ts";

/** What a listener is made of. */
export interface ListenerDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly scheduler: OutputScheduler;
  readonly random: Random;
  readonly log: Log;
  readonly sessions: ServerSessionFactory;
  readonly acceptor: RequestAcceptor;
  readonly dates: AnswerDates;
  readonly clusters: ClusterDirectory;
  readonly tunnel: TunnelDeps;
  /** Workers share the port. */
  readonly isPortShared: boolean;
}

/** A connection that moves from one process to another, as far as it is not in the system's hands. */
export interface MovedConnection {
  /** What it speaks; "" while the client has not said. */
  readonly protocol: SessionProtocol | "";
  /** The client's, of a connection that speaks. */
  readonly address: string;
  readonly port: number;
  readonly ageMs: number;
  /** What was read and not used. */
  readonly unread: Buffer;
}

/**
 * One address that is listened on, and everything that came in there. Its configuration may change while connections
 * live: limits and routes apply to their next request, certificates to the next handshake.
 */
export class Listener implements ListenerRuntime, OpeningHandler, TunnelOwner {
  config: ListenerConfig;
  routes: ListenerRoutes | null = null;
  readonly stats: ListenerStats;
  readonly #deps: ListenerDeps;
  /** More than one where several processes handed theirs to this one. */
  readonly #sockets: TcpListener[] = [];
  readonly #connections: Set<OpenConnection> = new Set();
  readonly #tunnels: Set<TcpTunnel> = new Set();
  /** Accepted and not yet told what they are. */
  readonly #openings: Set<Opening> = new Set();
  #handshakes: number = 0;
  #tls: TlsTerminator | null;
  #isDraining: boolean = false;
  /** While it drains, connections that could move are left alone: another process is about to get them. */
  #isMoving: boolean = false;
  #drained: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;
  /** Terminators that were replaced and may still have handshakes under way. */
  readonly #oldTls: Set<TlsTerminator> = new Set();

  /** @throws WeftError LISTENER_CERTIFICATE_INVALID */
  constructor(config: ListenerConfig, stats: ListenerStats, deps: ListenerDeps) {
    this.config = config;
    this.stats = stats;
    this.#deps = deps;
    this.#tls = config.tls === null ? null : new TlsTerminator(config.tls, config.headerTimeoutMs);
  }

  get clock(): Clock {
    return this.#deps.clock;
  }

  get tlsHosts(): TlsHostTable | null {
    const hosts = this.#tls?.hosts;
    return hosts !== undefined && hosts.isDivided ? hosts : null;
  }

  get wheel(): TimerWheel {
    return this.#deps.wheel;
  }

  get random(): Random {
    return this.#deps.random;
  }

  /** The port that is listened on; 0 before `listen`. */
  get port(): number {
    return this.#sockets[0]?.port ?? 0;
  }

  /** Connections of all kinds that are open. */
  get connectionCount(): number {
    return this.#connections.size + this.#tunnels.size + this.#openings.size + this.#handshakes;
  }

  connections(): ReadonlySet<OpenConnection> {
    return this.#connections;
  }

  /** What is listened on, for another process to accept from as well. */
  sockets(): readonly TcpHandle[] {
    return this.#sockets.flatMap(({ handle }) => (handle === null ? [] : [handle]));
  }

  /**
   * Listens on what another process has listened on, or else on a socket of its own.
   *
   * @throws WeftError KERNEL_LISTEN_FAILED
   */
  async listen(adopted: TcpHandle | null = null): Promise<void> {
    const { address, port } = this.config;
    const options = { address, port, backlog: LISTEN_BACKLOG, isPortShared: this.#deps.isPortShared };
    const socket = new TcpListener();
    const onHandle = (handle: TcpHandle): void => this.#accept(handle);
    await (adopted === null ? socket.listen(options, onHandle) : socket.adopt(adopted, options, onHandle));
    this.#sockets.push(socket);
  }

  /** Goes on with a connection that another process had; false when this listener would not take such a connection. */
  adopt(handle: TcpHandle, moved: MovedConnection): boolean {
    const { tls, allowsPlainText, protocol: served } = this.config;
    const isOpening = moved.protocol === "";
    const isServed = served === "http" && (tls === null || allowsPlainText);
    if (this.#isDraining || (!isOpening && !isServed)) return false;
    this.takeBack(handle, moved, false);
    return true;
  }

  /** Goes on with a connection that was given up here and did not arrive; `isLast`: it is to end when it can. */
  takeBack(handle: TcpHandle, { protocol, address, port, ageMs, unread }: MovedConnection, isLast: boolean): void {
    const transport = acceptTransport(handle, this.#deps.scheduler, IGNORED);
    const connection =
      protocol === ""
        ? this.#open(transport, unread)
        : this.#serve(transport, unread, { ...PLAIN_PEER, address, port, protocol }, ageMs);
    if (isLast) connection.drain();
  }

  /**
   * Gives up connections that can move now, one after the other. With `mayHold` those of RPC protocols that were busy are
   * not read from until they have a moment, otherwise all are.
   */
  *handOver(mayHold: boolean): Generator<MovedConnection & HandedOver> {
    const nowMs = this.clock.nowMs();
    for (const opening of this.#openings) {
      const given = opening.handOver();
      if (given === null) continue;
      this.#openings.delete(opening);
      this.#checkEmpty();
      yield { ...given, protocol: "", address: "", port: 0, ageMs: 0 };
    }
    for (const connection of this.#connections) {
      const { peer, openedAtMs } = connection;
      const given = connection.handOver();
      if (given === null) connection.hold(mayHold && connection.isMovable && peer.protocol !== "http1");
      else
        yield { ...given, protocol: peer.protocol, address: peer.address, port: peer.port, ageMs: nowMs - openedAtMs };
    }
  }

  /** Connections that can move, though not at this moment. */
  get movableCount(): number {
    let count = this.#openings.size;
    for (const connection of this.#connections) if (connection.isMovable) count++;
    return count;
  }

  /** True when `config` can be taken over by `reconfigure`; otherwise a new listener must replace this one. */
  isCompatible(config: ListenerConfig): boolean {
    const { name, address, port, protocol } = this.config;
    return name === config.name && address === config.address && port === config.port && protocol === config.protocol;
  }

  /** @throws WeftError LISTENER_CERTIFICATE_INVALID; nothing has changed then */
  reconfigure(config: ListenerConfig): void {
    const { tls, headerTimeoutMs } = this.config;
    const present = this.#tls;
    const isReloadable =
      tls !== null &&
      config.tls !== null &&
      headerTimeoutMs === config.headerTimeoutMs &&
      isTlsReloadable(tls, config.tls);
    if (present !== null && config.tls !== null && isReloadable) {
      if (tls !== config.tls) present.reload(config.tls);
    } else {
      this.#tls = config.tls === null ? null : new TlsTerminator(config.tls, config.headerTimeoutMs);
      if (present !== null && this.#handshakes > 0) this.#oldTls.add(present);
    }
    this.config = config;
  }

  /**
   * Stops accepting and lets what is open finish; resolves when nothing is. With `isMoving` connections that can move are
   * left to whoever calls `handOver`, until this is called again without.
   */
  drain(isMoving: boolean = false): Promise<void> {
    this.#isDraining = true;
    this.#isMoving = isMoving;
    this.#closeSockets();
    for (const connection of this.#connections) if (!isMoving || !connection.isMovable) connection.drain();
    if (!isMoving) for (const opening of this.#openings) opening.drain();
    this.#drained ??= new Promise((resolve) => {
      this.#onEmpty = resolve;
      this.#checkEmpty();
    });
    return this.#drained;
  }

  #closeSockets(): void {
    for (const socket of this.#sockets) socket.close();
  }

  /** Closes everything at once. */
  close(): void {
    this.#isDraining = true;
    this.#closeSockets();
    for (const opening of this.#openings) opening.close();
    this.#tls?.close();
    for (const terminator of this.#oldTls) terminator.close();
    for (const connection of this.#connections) connection.close();
    for (const tunnel of this.#tunnels) tunnel.close();
  }

  addConnection(connection: OpenConnection): void {
    this.#connections.add(connection);
    this.stats.connectionsActive++;
    if (this.#isDraining && !(this.#isMoving && connection.isMovable)) connection.drain();
  }

  removeConnection(connection: OpenConnection): void {
    this.#connections.delete(connection);
    this.stats.connectionsActive--;
    this.#checkEmpty();
  }

  countProtocolError(code: string): void {
    const { protocolErrors } = this.stats;
    protocolErrors.set(code, (protocolErrors.get(code) ?? 0) + 1);
    this.#deps.log.debug("client broke its protocol", { listener: this.config.name, code });
  }

  countClose(cause: CloseCause, openedAtMs: number): void {
    this.stats.connectionUs.record((this.clock.nowMs() - openedAtMs) * 1000);
    this.stats.closes[cause]++;
  }

  onOpened(opening: Opening, result: OpeningResult, first: Buffer): void {
    this.#openings.delete(opening);
    const { transport, secure } = opening;
    if (secure !== null && result.kind === "requests") {
      this.#serve(transport, first, { ...secure, protocol: result.protocol });
      return;
    }
    const { remote } = transport;
    const address = opening.address === "" ? plainAddress(remote.address) : opening.address;
    const port = opening.address === "" ? remote.port : opening.port;
    if (result.kind === "tcp") return this.#tunnel(transport, result.serverName, first, address, port);
    if (result.kind === "tls") return this.#handshake(transport, result.serverName, first, address, port);
    const { protocol } = result;
    this.#serve(transport, first, { ...PLAIN_PEER, address, port, protocol });
  }

  onOpeningFailed(opening: Opening, code: string, detail: string): void {
    this.#openings.delete(opening);
    this.#refused(code, detail);
    this.#checkEmpty();
  }

  plainTextAnswer(): Answer {
    const { head, body } = plainTextAnswer();
    return { head: this.#deps.dates.dated(head), body };
  }

  #refused(code: string, detail: string): void {
    switch (code) {
      case "":
        break;
      case "LISTENER_PROXY_HEADER_INVALID":
        this.stats.refused["proxy-protocol"]++;
        break;
      case "LISTENER_OPENING_TIMEOUT":
        this.stats.refused.timeout++;
        break;
      case "LISTENER_SERVER_NAME_UNKNOWN":
        this.stats.refused["server-name"]++;
        break;
      default:
        this.stats.refused.protocol++;
    }
    if (code !== "") this.#deps.log.debug("connection refused", { listener: this.config.name, code, detail });
  }

  onTunnelEnd(tunnel: TcpTunnel, error: string, receivedBytes: number, sentBytes: number): void {
    this.#tunnels.delete(tunnel);
    this.stats.connectionsActive--;
    this.stats.requestsActive--;
    this.stats.receivedBytes += receivedBytes;
    this.stats.sentBytes += sentBytes;
    if (error !== "") {
      this.stats.resets.connection++;
      this.#deps.log.debug("tunnel broke", { listener: this.config.name, error });
    }
    this.#checkEmpty();
  }

  #accept(handle: TcpHandle): void {
    this.stats.connections++;
    if (this.#isDraining || this.connectionCount >= this.config.connectionsMax) {
      if (this.#isDraining) this.stats.refused.draining++;
      else this.stats.refused.limit++;
      handle.close();
      return;
    }
    handle.setNoDelay(true);
    this.#open(acceptTransport(handle, this.#deps.scheduler, IGNORED), EMPTY);
  }

  #open(transport: Transport, first: Buffer): Opening {
    const opening = new Opening(this.config, this.#deps.wheel, this, transport, this.#tls);
    this.#openings.add(opening);
    opening.start();
    if (first.length > 0) opening.onBytes(first, 0, first.length);
    return opening;
  }

  #handshake(transport: Transport, serverName: string, first: Buffer, address: string, port: number): void {
    const tls = this.#tls;
    if (tls === null) {
      transport.destroy();
      this.#refused("LISTENER_TLS_REQUIRED", "TLS was turned off");
      this.#checkEmpty();
      return;
    }
    const startedMs = this.clock.nowMs();
    this.#handshakes++;
    tls.accept(transport.detach(first), serverName, {
      onSecure: (socket) => {
        this.stats.tlsHandshakes.ok++;
        this.stats.tlsHandshakeUs.record((this.clock.nowMs() - startedMs) * 1000);
        this.#handshakeOver();
        this.#serveTls(socket, address, port);
      },
      onHandshakeFailed: (detail) => {
        this.stats.tlsHandshakes.failed++;
        this.#handshakeOver();
        this.#deps.log.debug("TLS handshake failed", { listener: this.config.name, client: address, detail });
        this.#checkEmpty();
      },
    });
  }

  #handshakeOver(): void {
    if (--this.#handshakes === 0) this.#oldTls.clear();
  }

  #serveTls(socket: TLSSocket, address: string, port: number): void {
    const transport = wrapSocket(socket, this.#deps.scheduler, IGNORED);
    const asked = (socket as TLSSocket & { servername?: string | false }).servername;
    const serverName = typeof asked === "string" ? asked.toLowerCase() : "";
    // The configuration may have changed since the handshake began, and the TLS library read the name itself.
    const tlsHost = this.#tls?.hosts.find(serverName) ?? null;
    if (tlsHost === null) {
      transport.destroy();
      this.#refused("LISTENER_SERVER_NAME_UNKNOWN", "no such host is served");
      return this.#checkEmpty();
    }
    if (this.config.protocol === "tcp") return this.#tunnel(transport, serverName, EMPTY, address, port);
    const secure = { address, port, isTls: true, tlsHost, serverName, identity: peerIdentity(socket) };
    if (typeof socket.alpnProtocol === "string") {
      const protocol = socket.alpnProtocol === "h2" ? "http2" : "http1";
      this.#serve(transport, EMPTY, { ...secure, protocol });
      return;
    }
    const opening = new Opening(this.config, this.#deps.wheel, this, transport, null, secure);
    this.#openings.add(opening);
    opening.start();
  }

  #serve(transport: Transport, first: Buffer, peer: PeerFacts, ageMs: number = 0): DownstreamConnection {
    const { sessions, acceptor } = this.#deps;
    transport.traffic = this.stats;
    const createSession = (handler: ServerSessionHandler): ServerSession =>
      sessions.create(peer.protocol, transport, handler, this.config, this.stats);
    const connection = new DownstreamConnection(this, peer, acceptor, transport, createSession, ageMs);
    if (first.length > 0) connection.onBytes(first, 0, first.length);
    return connection;
  }

  #tunnel(transport: Transport, serverName: string, first: Buffer, address: string, port: number): void {
    const route = findTcpRoute(this.config.tcpRoutes, serverName);
    const name = route === undefined ? undefined : this.#pickBackend(route);
    const cluster = name === undefined ? undefined : this.#deps.clusters.get(name);
    if (cluster === undefined) {
      this.stats.noMatch++;
      transport.reset();
      this.#checkEmpty();
      return;
    }
    this.stats.connectionsActive++;
    this.stats.requestsActive++;
    this.stats.requests.tcp++;
    const client: TunnelClient = {
      transport,
      first,
      address,
      port,
      isPassthrough: this.config.protocol === "tls-passthrough",
    };
    keepAliveByTcp(transport, this.config.heartbeat);
    const tunnel = new TcpTunnel(this.#deps.tunnel, this, cluster, client, this.config.streamIdleTimeoutMs);
    this.#tunnels.add(tunnel);
    tunnel.start();
  }

  #pickBackend(route: TcpRoute): string | undefined {
    let total = 0;
    for (const backend of route.backends) total += backend.weight;
    if (total === 0) return undefined;
    let rest = this.#deps.random.below(total);
    return route.backends.find((backend) => (rest -= backend.weight) < 0)?.cluster;
  }

  #checkEmpty(): void {
    if (this.#onEmpty === null || this.connectionCount > 0) return;
    this.#onEmpty();
    this.#onEmpty = null;
  }
}

const EMPTY = Buffer.alloc(0);

/** What is known of a client without TLS. */
const PLAIN_PEER = { isTls: false, tlsHost: "", serverName: "", identity: "" } as const;

/** Until the real handler is set, within the same call. */
const IGNORED: TransportHandler = {
  onBytes(): void {},
  onPeerEnd(): void {},
  onOutputDrained(): void {},
  onClosed(): void {},
};

/** An IPv4 client of a dual-stack listener has an IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** The URI SAN (SPIFFE ID) of a verified client certificate, else its subject; "" without one. */
function peerIdentity(socket: TLSSocket): string {
  if (!socket.authorized) return "";
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return "";
  const uri = /URI:([^,\s]+)/.exec(certificate.subjectAltName ?? "")?.[1];
  return uri ?? certificate.subject.replaceAll("\n", ",");
}
