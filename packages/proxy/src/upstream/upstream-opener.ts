import type { ClientSession, ClientSessionHandler, ClusterConfig, PoolConfig, SessionProtocol } from "@weft/contract";
import { type ConnectHandler, connectTlsTransport, connectTransport, type Transport } from "@weft/kernel";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { connect as connectTcp, isIP } from "node:net";
import type { ClusterStats } from "../metrics/index.ts";
import type { HostWatch } from "./host-watch.ts";
import { encodeProxyHeader } from "./proxy-header.ts";
import { type CreateClientSession, UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";
import type { UpstreamDeps } from "./upstream-deps.ts";

/** Makes the client engine of a protocol. */
export interface ClientSessionFactory {
  create(
    protocol: SessionProtocol,
    transport: Transport,
    handler: ClientSessionHandler,
    pool: PoolConfig,
    stats: ClusterStats,
  ): ClientSession;
}

/** Where one host listens. */
export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

/** Who connected to us, and where: what a PROXY header tells the host. */
export interface ProxiedClient {
  readonly from: UpstreamAddress;
  readonly to: UpstreamAddress;
}

/**
 * Opens a transport to a host: `client` is null for a connection that requests of many clients share, `usesTls` false
 * where the client's own TLS goes through.
 */
export type OpenHostTransport = (
  address: UpstreamAddress,
  handler: ConnectHandler,
  client: ProxiedClient | null,
  usesTls: boolean,
) => Transport;

/** How transports to the hosts of one cluster are opened; TLS settings are read once. */
export function createTransportOpener(config: ClusterConfig, deps: UpstreamDeps): OpenHostTransport {
  const tls = config.tls === null ? null : createTlsOptions(config);
  const version = config.sendProxyProtocol;
  return (address, handler, client, usesTls) => {
    const where = { host: address.address, port: address.port };
    const header = version === 0 ? null : encodeProxyHeader(version, client);
    if (tls === null || !usesTls) {
      const transport = connectTransport(where, deps.scheduler, handler);
      if (header !== null) transport.output.writeBytes(header, 0, header.length);
      return transport;
    }
    const servername = tls.servername ?? (isIP(address.address) === 0 ? address.address : undefined);
    const options = servername === undefined ? { ...tls, ...where } : { ...tls, ...where, servername };
    return connectTlsTransport(
      header === null ? options : behindHeader(options, where, header),
      deps.scheduler,
      handler,
    );
  };
}

/** How connections for requests are opened: ALPN chooses the protocol where the cluster leaves it open. */
export function createUpstreamOpener(
  config: ClusterConfig,
  stats: ClusterStats,
  deps: UpstreamDeps,
  sessions: ClientSessionFactory,
  openTransport: OpenHostTransport,
): (address: UpstreamAddress, owner: UpstreamOwner, watch: HostWatch) => UpstreamConnection {
  const createSession: CreateClientSession = (transport, handler) => {
    const protocol = sessionProtocol(config.protocol, transport);
    return { protocol, session: sessions.create(protocol, transport, handler, config.pool, stats) };
  };
  return (address, owner, watch) => {
    const open = (handler: ConnectHandler): Transport => openTransport(address, handler, null, true);
    return new UpstreamConnection(owner, deps, config.pool, stats, watch, open, createSession);
  };
}

/** What is spoken on a connection that is up. */
function sessionProtocol(protocol: ClusterConfig["protocol"], transport: Transport): SessionProtocol {
  if (protocol === "http" && transport.alpnProtocol === "h2") return "http2";
  return protocol === "http" || protocol === "tcp" ? "http1" : protocol;
}

/** The header goes before the TLS handshake, on the socket below. */
function behindHeader(
  options: ConnectionOptions,
  where: { readonly host: string; readonly port: number },
  header: Buffer,
): ConnectionOptions {
  const socket = connectTcp({ ...where, allowHalfOpen: true, noDelay: true });
  socket.write(header);
  return { ...options, socket };
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
    http: ["h2", "http/1.1"],
    // What is said within TLS is told by its first bytes: hosts that know no such names need not be asked.
    bolt: [],
    dubbo: [],
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
