import type { ClientSession, ClientSessionHandler, ClusterConfig } from "@weft/contract";
import { type ConnectHandler, connectTlsTransport, connectTransport, type Transport } from "@weft/kernel";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { isIP } from "node:net";
import type { ClusterStats } from "../metrics/index.ts";
import { type CreateClientSession, UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";
import type { UpstreamDeps } from "./upstream-deps.ts";

/** Makes the client engine of a protocol. */
export interface ClientSessionFactory {
  createHttp1(transport: Transport, handler: ClientSessionHandler): ClientSession;
  createHttp2(transport: Transport, handler: ClientSessionHandler): ClientSession;
}

/** Where one host listens. */
export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * How connections to the hosts of one cluster are opened: TLS settings are read once, ALPN chooses the protocol where
 * the cluster leaves it open.
 */
export function createUpstreamOpener(
  config: ClusterConfig,
  stats: ClusterStats,
  deps: UpstreamDeps,
  sessions: ClientSessionFactory,
): (address: UpstreamAddress, owner: UpstreamOwner) => UpstreamConnection {
  const tls = config.tls === null ? null : createTlsOptions(config);
  const createSession: CreateClientSession = (transport, handler) => {
    const isHttp2 = config.protocol === "http2" || (config.protocol === "auto" && transport.alpnProtocol === "h2");
    return isHttp2
      ? { protocol: "http2", session: sessions.createHttp2(transport, handler) }
      : { protocol: "http1", session: sessions.createHttp1(transport, handler) };
  };
  return (address, owner) => {
    const openTransport = (handler: ConnectHandler): Transport => {
      const where = { host: address.address, port: address.port };
      if (tls === null) return connectTransport(where, deps.scheduler, handler);
      const servername = tls.servername ?? (isIP(address.address) === 0 ? address.address : undefined);
      const options = servername === undefined ? { ...tls, ...where } : { ...tls, ...where, servername };
      return connectTlsTransport(options, deps.scheduler, handler);
    };
    return new UpstreamConnection(owner, deps, config.pool, stats, openTransport, createSession);
  };
}

/** How TLS connections to the hosts of a cluster are made. Requests and health checks share it. */
export function createTlsOptions(config: ClusterConfig): ConnectionOptions {
  const tls = config.tls;
  if (tls === null) return {};
  const hasCertificate = tls.certificateChain !== "";
  const secureContext = createSecureContext({
    minVersion: tls.minVersion,
    ...(tls.ca === "" ? {} : { ca: tls.ca }),
    ...(hasCertificate ? { cert: tls.certificateChain, key: tls.privateKey } : {}),
  });
  const alpn: Record<ClusterConfig["protocol"], string[]> = {
    http1: ["http/1.1"],
    http2: ["h2"],
    auto: ["h2", "http/1.1"],
    tcp: [],
  };
  const options: ConnectionOptions = { secureContext, ALPNProtocols: alpn[config.protocol], rejectUnauthorized: true };
  if (tls.serverName !== "") options.servername = tls.serverName;
  const wanted = tls.subjectAltNames;
  if (wanted.length > 0) {
    options.checkServerIdentity = (_name, certificate) => {
      const presented = (certificate.subjectaltname ?? "").split(", ");
      if (wanted.some((name) => presented.includes(`URI:${name}`))) return undefined;
      return new Error(`the host's certificate names none of ${wanted.join(", ")}`);
    };
  }
  return options;
}
