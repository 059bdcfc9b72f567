import type { CertificateConfig, ListenerTls } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { X509Certificate } from "node:crypto";
import { TlsHosts } from "./tls-hosts.ts";

/** Hears how a handshake ended. */
export interface HandshakeHandler {
  onSecure(socket: TLSSocket): void;
  onHandshakeFailed(detail: string): void;
}

/**
 * Ends TLS for one listener. node:tls does the handshake on sockets handed in by `accept`; certificates are chosen by
 * server name and may be replaced at any time: open connections keep theirs, new handshakes use the new ones.
 */
export class TlsTerminator {
  readonly #server: Server;
  /** By the peer's address, the one thing that node:tls's socket and the one below it have in common. */
  readonly #waiting: Map<string, Handshake> = new Map();
  #hosts: TlsHosts;
  /** By host name. */
  #contexts: ReadonlyMap<string, readonly NamedContext[]>;

  /** @throws WeftError LISTENER_CERTIFICATE_INVALID */
  constructor(tls: ListenerTls, handshakeTimeoutMs: number) {
    this.#hosts = new TlsHosts(tls.hosts);
    this.#contexts = createContexts(tls);
    const asksForCertificate = tls.clientCertificate !== "ignore";
    this.#server = createServer({
      allowHalfOpen: true,
      ALPNProtocols: [...tls.alpn],
      minVersion: tls.minVersion,
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: asksForCertificate,
      rejectUnauthorized: tls.clientCertificate === "required",
      SNICallback: (serverName, callback) => {
        const context = this.#contextFor(serverName.toLowerCase());
        if (context === null) callback(new Error("no host of the listener has this server name"));
        else callback(null, context);
      },
    });
    this.#setDefault(tls);
    this.#server.on("secureConnection", (socket) => this.#onSecure(socket, tls));
    this.#server.on("tlsClientError", (error, socket) => {
      const key = socketKey(socket);
      this.#fail(key, this.#waiting.get(key), error.message);
    });
  }

  /**
   * Takes new certificates for handshakes to come. Only what `isTlsReloadable` allows may differ.
   *
   * @throws WeftError LISTENER_CERTIFICATE_INVALID
   */
  reload(tls: ListenerTls): void {
    this.#contexts = createContexts(tls);
    this.#hosts = new TlsHosts(tls.hosts);
    this.#setDefault(tls);
  }

  /** The host names that handshakes are made for. */
  get hosts(): TlsHosts {
    return this.#hosts;
  }

  /** Performs the handshake on `socket`. */
  accept(socket: Socket, handler: HandshakeHandler): void {
    const key = socketKey(socket);
    const handshake: Handshake = { socket, handler };
    // A client that comes again from the same port has left the connection it had before.
    this.#fail(key, this.#waiting.get(key), "the client opened another connection from the same port");
    this.#waiting.set(key, handshake);
    socket.once("close", () => this.#fail(key, handshake, "the client closed the connection"));
    socket.on("error", () => {});
    this.#server.emit("connection", socket);
  }

  /** Gives up the handshakes that are under way. */
  close(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }

  #setDefault(tls: ListenerTls): void {
    const anyHost = tls.hosts.find(({ hostname }) => hostname === "*");
    const name = anyHost?.certificates[0];
    const first = tls.certificates.find((each) => each.name === name) ?? tls.certificates[0];
    if (first === undefined) return;
    this.#server.setSecureContext(contextOptions(first, tls));
  }

  /** The certificate that is made out to `serverName`, among those of its host; null for a name that nobody serves. */
  #contextFor(serverName: string): SecureContext | null {
    const contexts = this.#contexts.get(this.#hosts.find(serverName) ?? "") ?? [];
    for (const { names, context } of contexts) {
      if (names.includes(serverName)) return context;
    }
    const wildcard = `*${serverName.slice(Math.max(0, serverName.indexOf(".")))}`;
    for (const { names, context } of contexts) {
      if (names.includes(wildcard)) return context;
    }
    return contexts[0]?.context ?? null;
  }

  #onSecure(socket: TLSSocket, tls: ListenerTls): void {
    const key = socketKey(socket);
    const handler = this.#waiting.get(key)?.handler;
    this.#waiting.delete(key);
    if (handler === undefined) {
      socket.destroy();
      return;
    }
    const presented = tls.clientCertificate === "ignore" ? undefined : socket.getPeerX509Certificate();
    if (presented !== undefined && !socket.authorized) {
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
  createContexts(tls);
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

interface NamedContext {
  /** DNS names of the certificate, lower case, wildcards included. */
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** What each host is served with; a certificate that several have is made once. */
function createContexts(tls: ListenerTls): Map<string, readonly NamedContext[]> {
  const byName = new Map(tls.certificates.map((certificate) => [certificate.name, createContext(certificate, tls)]));
  const all = [...byName.keys()];
  const hosts = tls.hosts.length === 0 ? [{ hostname: "*", certificates: all }] : tls.hosts;
  const contexts = new Map<string, readonly NamedContext[]>();
  for (const { hostname, certificates } of hosts) {
    const own = certificates.map((name) => byName.get(name)).filter((context) => context !== undefined);
    if (own.length === 0 || own.length < certificates.length) {
      throw new WeftError(
        "LISTENER_CERTIFICATE_INVALID",
        `Cannot end TLS: host ${hostname} has no certificate, or one that the listener has not`,
        { hostname },
      );
    }
    contexts.set(hostname, own);
  }
  return contexts;
}

function createContext(certificate: CertificateConfig, tls: ListenerTls): NamedContext {
  try {
    const leaf = new X509Certificate(certificate.certificateChain);
    return { names: dnsNames(leaf), context: createSecureContext(contextOptions(certificate, tls)) };
  } catch (error) {
    throw new WeftError(
      "LISTENER_CERTIFICATE_INVALID",
      `Cannot use certificate ${certificate.name}: ${(error as Error).message}`,
      { certificate: certificate.name },
    );
  }
}

function contextOptions(
  certificate: CertificateConfig,
  tls: ListenerTls,
): { cert: string; key: string; minVersion: ListenerTls["minVersion"]; ca: string | string[] } {
  return {
    cert: certificate.certificateChain,
    key: certificate.privateKey,
    minVersion: tls.minVersion,
    // Without an authority of its own the listener believes no client certificate; undefined would believe the
    // system's authorities.
    ca: tls.clientCa === "" ? [] : tls.clientCa,
  };
}

function dnsNames(leaf: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (leaf.subjectAltName ?? "").split(", ")) {
    if (entry.startsWith("DNS:")) names.push(entry.slice(4).toLowerCase());
  }
  const commonName = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  if (names.length === 0 && commonName !== undefined) names.push(commonName.toLowerCase());
  return names;
}

/** Tells the connections of one listener apart while both ends are up. */
function socketKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ""}|${socket.remotePort ?? 0}|${socket.localAddress ?? ""}`;
}
