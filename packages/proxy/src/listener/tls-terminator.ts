import type { CertificateConfig, ListenerTls } from "@weft/contract";
import { fail, groupCertificates, WeftError } from "@weft/kernel";
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { TlsChooser } from "./opening.ts";
import { TlsHosts } from "./tls-hosts.ts";

/** Hears how a handshake ended. */
export interface HandshakeHandler {
  onSecure(socket: TLSSocket): void;
  onHandshakeFailed(detail: string): void;
}

/**
 * Ends TLS for one listener. node:tls does the handshake on sockets handed in by `accept`; certificates are chosen by
 * server name and may be replaced at any time: open connections keep theirs, new handshakes use the new ones.
 *
 * Certificates are chosen before the handshake begins, a server of node:tls for each choice: its SNICallback would hand
 * over one certificate of a context alone, so that of an EC and an RSA certificate for one name the one were never used.
 */
export class TlsTerminator implements TlsChooser {
  /** By the peer's address, the one thing that node:tls's socket and the one below it have in common. */
  readonly #waiting: Map<string, Handshake> = new Map();
  readonly #handshakeTimeoutMs: number;
  #hosts: TlsHosts;
  #servers: HostServers;

  /** @throws WeftError LISTENER_CERTIFICATE_INVALID */
  constructor(tls: ListenerTls, handshakeTimeoutMs: number) {
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#hosts = new TlsHosts(tls.hosts);
    this.#servers = this.#createServers(tls, this.#hosts);
  }

  /**
   * Takes new certificates for handshakes to come. Only what `isTlsReloadable` allows may differ.
   *
   * @throws WeftError LISTENER_CERTIFICATE_INVALID
   */
  reload(tls: ListenerTls): void {
    const hosts = new TlsHosts(tls.hosts);
    this.#servers = this.#createServers(tls, hosts);
    this.#hosts = hosts;
  }

  /** The host names that handshakes are made for. */
  get hosts(): TlsHosts {
    return this.#hosts;
  }

  get isChosenByName(): boolean {
    return this.#servers.isChosenByName;
  }

  /** Performs the handshake on `socket`; `serverName` is lower case, "" for a client that names none. */
  accept(socket: Socket, serverName: string, handler: HandshakeHandler): void {
    const key = socketKey(socket);
    const handshake: Handshake = { socket, handler };
    // A client that comes again from the same port has left the connection it had before.
    this.#fail(key, this.#waiting.get(key), "the client opened another connection from the same port");
    this.#waiting.set(key, handshake);
    socket.once("close", () => this.#fail(key, handshake, "the client closed the connection"));
    socket.on("error", () => {});
    this.#serverFor(serverName).emit("connection", socket);
  }

  /** Gives up the handshakes that are under way. */
  close(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }

  /** The server with the certificates that are made out to `serverName`, among those of its host. */
  #serverFor(serverName: string): Server {
    const { byHost, other } = this.#servers;
    const own = byHost.get(this.#hosts.find(serverName) ?? "");
    if (own === undefined) return other;
    if (serverName === "") return own.other;
    const wildcard = `*${serverName.slice(Math.max(0, serverName.indexOf(".")))}`;
    return own.byName.get(serverName) ?? own.byName.get(wildcard) ?? own.other;
  }

  /** A server for every choice of certificates; one that several hosts or names have is made once. */
  #createServers(tls: ListenerTls, hosts: TlsHosts): HostServers {
    const made = new Map<string, Server>();
    const serverOf = (certificates: readonly Certificate[]): Server => {
      const key = certificates.map(({ config }) => config.name).join(" ");
      const server = made.get(key) ?? this.#createServer(certificates, tls, hosts);
      made.set(key, server);
      return server;
    };
    const byHost = new Map<string, NamedServers>();
    for (const { hostname, certificates } of certificatesByHost(tls)) {
      const [first, byName] = chooseCertificates(certificates);
      const servers = [...byName].map(([name, chosen]) => [name, serverOf(chosen)] as const);
      byHost.set(hostname, { byName: new Map(servers), other: serverOf(first) });
    }
    const other = byHost.get("*")?.other ?? byHost.values().next().value?.other;
    if (other === undefined) fail("A TLS listener has at least one host");
    return { byHost, other, isChosenByName: made.size > 1 || !hosts.servesAny };
  }

  #createServer(certificates: readonly Certificate[], tls: ListenerTls, hosts: TlsHosts): Server {
    const options: TlsOptions = {
      ...contextOptions(certificates, tls),
      allowHalfOpen: true,
      ALPNProtocols: [...tls.alpn],
      handshakeTimeout: this.#handshakeTimeoutMs,
      requestCert: tls.clientCertificate !== "ignore",
      rejectUnauthorized: tls.clientCertificate === "required",
      ...(hosts.servesAny ? {} : { SNICallback: refuseUnknown(hosts) }),
    };
    const names = certificates.map(({ config }) => config.name).join(" with ");
    const server = explainFaults(names, () => createServer(options));
    server.on("secureConnection", (socket) => this.#onSecure(socket, tls));
    server.on("tlsClientError", (error, socket) => {
      const key = socketKey(socket);
      this.#fail(key, this.#waiting.get(key), error.message);
    });
    return server;
  }

  #onSecure(socket: TLSSocket, tls: ListenerTls): void {
    const key = socketKey(socket);
    const handler = this.#waiting.get(key)?.handler;
    this.#waiting.delete(key);
    if (handler === undefined) {
      socket.destroy();
      return;
    }
    // Of those who need no certificate one who shows a wrong one is still refused, unless all are to be let in.
    const isChecked = tls.clientCertificate === "optional" || tls.clientCertificate === "required";
    if (isChecked && !socket.authorized && socket.getPeerX509Certificate() !== undefined) {
      socket.destroy();
      handler.onHandshakeFailed(`client certificate refused: ${String(socket.authorizationError)}`);
      return;
    }
    handler.onSecure(socket);
  }

  /** Ends `handshake` if it is the one that waits under `key`. */
  #fail(key: string, handshake: Handshake | undefined, detail: string): void {
    if (handshake === undefined || this.#waiting.get(key) !== handshake) return;
    this.#waiting.delete(key);
    handshake.socket.destroy();
    handshake.handler.onHandshakeFailed(detail);
  }
}

/**
 * Checks that certificates and keys can be used, before anything is made of them.
 *
 * @throws WeftError LISTENER_CERTIFICATE_INVALID
 */
export function checkTls(tls: ListenerTls): void {
  void new TlsTerminator(tls, 1);
}

/** A connection whose handshake is under way. */
interface Handshake {
  readonly socket: Socket;
  readonly handler: HandshakeHandler;
}

/** True when a listener can go from `before` to `after` by `reload`, without new TLS server settings. */
export function isTlsReloadable(before: ListenerTls, after: ListenerTls): boolean {
  return (
    before.clientCertificate === after.clientCertificate &&
    before.minVersion === after.minVersion &&
    before.alpn.join() === after.alpn.join()
  );
}

/** What a listener's handshakes are done by. */
interface HostServers {
  readonly byHost: ReadonlyMap<string, NamedServers>;
  /** For clients whose host could not be told before the handshake. */
  readonly other: Server;
  readonly isChosenByName: boolean;
}

interface NamedServers {
  /** By DNS name of a certificate, lower case, wildcards included. */
  readonly byName: ReadonlyMap<string, Server>;
  /** For names that no certificate of the host is made out to. */
  readonly other: Server;
}

interface Certificate {
  readonly config: CertificateConfig;
  readonly leaf: X509Certificate;
}

interface HostCertificates {
  readonly hostname: string;
  /** At least one. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
}

/** What each host may be served with; no hosts stand for one with all certificates. */
function certificatesByHost(tls: ListenerTls): readonly HostCertificates[] {
  const byName = new Map(tls.certificates.map((config) => [config.name, readCertificate(config)]));
  const hosts = tls.hosts.length === 0 ? [{ hostname: "*", certificates: [...byName.keys()] }] : tls.hosts;
  return hosts.map(({ hostname, certificates }) => {
    const [first, ...others] = certificates.map((name) => byName.get(name)).filter((each) => each !== undefined);
    if (first === undefined || others.length + 1 < certificates.length) {
      throw new WeftError(
        "LISTENER_CERTIFICATE_INVALID",
        `Cannot end TLS: host ${hostname} has no certificate, or one that the listener has not`,
        { hostname },
      );
    }
    return { hostname, certificates: [first, ...others] };
  });
}

/** What is served for each name, and first what is for any other: the first certificate and those that go with it. */
function chooseCertificates(
  certificates: HostCertificates["certificates"],
): readonly [other: readonly Certificate[], byName: ReadonlyMap<string, readonly Certificate[]>] {
  const byName = new Map<string, readonly Certificate[]>();
  for (const [name, positions] of groupCertificates(certificates.map(({ leaf }) => leaf))) {
    byName.set(
      name,
      positions.map((position) => certificates[position]).filter((each) => each !== undefined),
    );
  }
  // Groups are in the order of the certificates: the first is of the first certificate's first name.
  const [other = [certificates[0]]] = byName.values();
  return [other, byName];
}

function readCertificate(config: CertificateConfig): Certificate {
  return explainFaults(config.name, () => ({ config, leaf: new X509Certificate(config.certificateChain) }));
}

/** @throws WeftError LISTENER_CERTIFICATE_INVALID, which says that `certificate` is at fault, for whatever `use` throws */
function explainFaults<T>(certificate: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw new WeftError(
      "LISTENER_CERTIFICATE_INVALID",
      `Cannot use certificate ${certificate}: ${(error as Error).message}`,
      { certificate },
    );
  }
}

/** What TLS takes `certificates`, each with another type of key, from; and whom it believes. */
function contextOptions(certificates: readonly Certificate[], tls: ListenerTls): SecureContextOptions {
  return {
    cert: certificates.map(({ config }) => config.certificateChain),
    key: certificates.map(({ config }) => config.privateKey),
    minVersion: tls.minVersion,
    // Without an authority of its own the listener believes no client certificate; undefined would believe the
    // system's authorities.
    ca: tls.clientCa === "" ? [] : tls.clientCa,
  };
}

/** Where the name that we read in a ClientHello is not the TLS library's, the library's must be served, too. */
function refuseUnknown(hosts: TlsHosts): NonNullable<TlsOptions["SNICallback"]> {
  return (serverName, callback) => {
    const isServed = hosts.find(serverName.toLowerCase()) !== null;
    callback(isServed ? null : new Error("no host of the listener has this server name"));
  };
}

/** Tells the connections of one listener apart while both ends are up. */
function socketKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ""}|${socket.remotePort ?? 0}|${socket.localAddress ?? ""}`;
}
