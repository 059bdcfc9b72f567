import type { CertificateConfig, ListenerTls } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { X509Certificate } from "node:crypto";

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
  readonly #waiting: Map<string, HandshakeHandler> = new Map();
  #contexts: readonly NamedContext[] = [];
  #default: SecureContext;

  /** @throws WeftError LISTENER_CERTIFICATE_INVALID */
  constructor(tls: ListenerTls, handshakeTimeoutMs: number) {
    this.#contexts = createContexts(tls);
    this.#default = defaultContext(this.#contexts);
    const asksForCertificate = tls.clientCertificate !== "ignore";
    this.#server = createServer({
      ALPNProtocols: [...tls.alpn],
      minVersion: tls.minVersion,
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: asksForCertificate,
      rejectUnauthorized: tls.clientCertificate === "required",
      SNICallback: (serverName, callback) => callback(null, this.#contextFor(serverName.toLowerCase())),
    });
    this.#setDefault(tls);
    this.#server.on("secureConnection", (socket) => this.#onSecure(socket, tls));
    this.#server.on("tlsClientError", (error, socket) => this.#fail(socketKey(socket), error.message));
  }

  /**
   * Takes new certificates for handshakes to come. Only what `isCompatible` allows may differ.
   *
   * @throws WeftError LISTENER_CERTIFICATE_INVALID
   */
  reload(tls: ListenerTls): void {
    const contexts = createContexts(tls);
    this.#contexts = contexts;
    this.#default = defaultContext(contexts);
    this.#setDefault(tls);
  }

  /** Performs the handshake on `socket`. */
  accept(socket: Socket, handler: HandshakeHandler): void {
    const key = socketKey(socket);
    this.#waiting.set(key, handler);
    socket.once("close", () => this.#fail(key, "the client closed the connection"));
    socket.on("error", () => {});
    this.#server.emit("connection", socket);
  }

  #setDefault(tls: ListenerTls): void {
    const first = tls.certificates[0];
    if (first === undefined) return;
    this.#server.setSecureContext(contextOptions(first, tls));
  }

  #contextFor(serverName: string): SecureContext {
    for (const { names, context } of this.#contexts) {
      if (names.includes(serverName)) return context;
    }
    const wildcard = `*${serverName.slice(Math.max(0, serverName.indexOf(".")))}`;
    for (const { names, context } of this.#contexts) {
      if (names.includes(wildcard)) return context;
    }
    return this.#default;
  }

  #onSecure(socket: TLSSocket, tls: ListenerTls): void {
    const handler = this.#take(socketKey(socket));
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

  #fail(key: string, detail: string): void {
    this.#take(key)?.onHandshakeFailed(detail);
  }

  #take(key: string): HandshakeHandler | undefined {
    const handler = this.#waiting.get(key);
    this.#waiting.delete(key);
    return handler;
  }
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

function createContexts(tls: ListenerTls): NamedContext[] {
  return tls.certificates.map((certificate) => {
    try {
      const leaf = new X509Certificate(certificate.certificateChain);
      const context = createSecureContext(contextOptions(certificate, tls));
      return { names: dnsNames(leaf), context };
    } catch (error) {
      throw new WeftError(
        "LISTENER_CERTIFICATE_INVALID",
        `Cannot use certificate ${certificate.name}: ${(error as Error).message}`,
        { certificate: certificate.name },
      );
    }
  });
}

function contextOptions(
  certificate: CertificateConfig,
  tls: ListenerTls,
): { cert: string; key: string; minVersion: ListenerTls["minVersion"]; ca?: string } {
  const options = { cert: certificate.certificateChain, key: certificate.privateKey, minVersion: tls.minVersion };
  return tls.clientCa === "" ? options : { ...options, ca: tls.clientCa };
}

function defaultContext(contexts: readonly NamedContext[]): SecureContext {
  const first = contexts[0];
  if (first === undefined) {
    throw new WeftError("LISTENER_CERTIFICATE_INVALID", "Cannot end TLS: the listener has no certificate");
  }
  return first.context;
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
