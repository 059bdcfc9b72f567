import { isIPv4 } from "node:net";
import type { ListenerConfig, ListenerProtocol, ListenerSettings, ProxyConfigSpec } from "@weft/contract";
import { durationMs } from "../load/duration.ts";
import type { BoundListener } from "./attachments.ts";
import type { Compilation } from "./compilation.ts";
import { EDGE_HEARTBEAT_TIMEOUT_MS, type ListenerDefaults } from "./defaults.ts";
import { heartbeatOf } from "./heartbeat.ts";

/** Gateway listeners that share an address and port, and so one socket. */
export interface SocketGroup {
  readonly address: string;
  readonly port: number;
  readonly protocol: ListenerProtocol;
  readonly listeners: readonly BoundListener[];
}

/** Name of a socket's listener and of its route table. */
export function socketName(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What the proxy does with connections of a Gateway listener. */
export function protocolOfListener({ listener: { protocol, tls } }: BoundListener): ListenerProtocol {
  if (protocol === "HTTP" || protocol === "HTTPS") return "http";
  return protocol === "TLS" && tls?.mode === "Passthrough" ? "tls-passthrough" : "tcp";
}

/** Puts listeners of all Gateways together by socket; those that cannot share one are findings. */
export function groupSockets(
  compilation: Compilation,
  bound: readonly BoundListener[],
  addressOf: (port: number) => string,
): readonly SocketGroup[] {
  const groups = new Map<
    string,
    { address: string; port: number; protocol: ListenerProtocol; listeners: BoundListener[] }
  >();
  for (const each of bound) {
    const { port } = each.listener;
    const addresses = each.gateway.resource.spec.addresses?.map(({ value }) => value) ?? [addressOf(port)];
    for (const address of addresses) {
      const key = socketName(address, port);
      const group = groups.get(key) ?? { address, port, protocol: protocolOfListener(each), listeners: [] };
      groups.set(key, group);
      if (isCompatible(compilation, group.listeners, each)) group.listeners.push(each);
    }
  }
  const sockets = [...groups.values()];
  for (const group of sockets) checkOverlap(compilation, group, sockets);
  return sockets;
}

/** Listeners of one socket speak one protocol, and no two of them serve the same host. */
function isCompatible({ log }: Compilation, others: readonly BoundListener[], each: BoundListener): boolean {
  const { gateway, listener, index } = each;
  const path = ["spec", "listeners", index];
  for (const { gateway: otherGateway, listener: other } of others) {
    const name = `listener ${other.name} of Gateway ${otherGateway.resource.metadata.name}`;
    const isSameEnd =
      protocolOfListener({ ...each, listener: other }) === protocolOfListener(each) &&
      other.protocol === listener.protocol;
    if (!isSameEnd || (other.tls?.mode ?? "Terminate") !== (listener.tls?.mode ?? "Terminate")) {
      const expected = `protocol ${other.protocol} as ${name} on the same port, or another port`;
      log.add(gateway.source, [...path, "protocol"], listener.protocol, expected, {
        reason: "ProtocolConflict",
        condition: "Conflicted",
      });
      return false;
    }
    if (other.hostname === listener.hostname) {
      const field = listener.protocol === "TCP" || listener.hostname === undefined ? "port" : "hostname";
      const expected = `a ${field} that ${name} does not have`;
      log.add(gateway.source, [...path, field], listener[field], expected, {
        reason: "HostnameConflict",
        condition: "Conflicted",
      });
      return false;
    }
  }
  return true;
}

/** A socket on all addresses and one on a single address of the same port cannot both be opened. */
function checkOverlap({ log }: Compilation, group: SocketGroup, sockets: readonly SocketGroup[]): void {
  const all = sockets.find(
    ({ address, port }) => port === group.port && address !== group.address && coversAddress(address, group.address),
  );
  if (all === undefined) return;
  for (const { gateway, listener, index } of group.listeners) {
    const expected = `another port, because all addresses (${all.address}) of this one are taken by another Gateway`;
    const path = ["spec", "listeners", index, "port"];
    log.add(gateway.source, path, listener.port, expected, { reason: "PortUnavailable", condition: "Conflicted" });
  }
}

/** True if a socket on address `all` takes the connections to address `one`. */
export function coversAddress(all: string, one: string): boolean {
  return all === one || all === "::" || (all === "0.0.0.0" && isIPv4(one));
}

/** Listener settings of a ProxyConfig for one port: its own over the common ones. */
export function settingsFor(spec: ProxyConfigSpec | undefined, port: number): ListenerSettings {
  const own = spec?.listeners?.find((each) => each.port === port);
  return { ...spec?.listenerDefaults, ...own };
}

/** The part of a listener that settings decide, every default written out. */
export type SocketSettings = Omit<ListenerConfig, "name" | "port" | "protocol" | "tls" | "routeTable" | "tcpRoutes">;

export function socketSettings(
  settings: ListenerSettings,
  defaults: ListenerDefaults,
  address: string,
  isEdge: boolean,
): SocketSettings {
  const edge = settings.edge ?? isEdge;
  const heartbeat = edge ? { ...defaults.heartbeat, timeoutMs: EDGE_HEARTBEAT_TIMEOUT_MS } : defaults.heartbeat;
  return {
    address,
    allowsPlainText: settings.allowsPlainText ?? defaults.allowsPlainText,
    proxyProtocol: settings.proxyProtocol ?? defaults.proxyProtocol,
    isEdge: edge,
    keepsColour: settings.keepColour ?? !edge,
    underscores: settings.underscores ?? (edge ? "reject" : "allow"),
    requestId: settings.requestId ?? defaults.requestId,
    echoesRequestId: settings.echoRequestId ?? defaults.echoesRequestId,
    startsTraces: settings.startTraces ?? defaults.startsTraces,
    connectionsMax: settings.connectionsMax ?? defaults.connectionsMax,
    idleTimeoutMs: durationMs(settings.idleTimeout, defaults.idleTimeoutMs),
    headerTimeoutMs: durationMs(settings.headerTimeout, defaults.headerTimeoutMs),
    streamIdleTimeoutMs: durationMs(settings.streamIdleTimeout, defaults.streamIdleTimeoutMs),
    headerBytesMax: settings.headerBytesMax ?? defaults.headerBytesMax,
    targetBytesMax: settings.targetBytesMax ?? defaults.targetBytesMax,
    bodyBytesMax: settings.bodyBytesMax ?? defaults.bodyBytesMax,
    bodyBytesPerSecondMin: settings.bodyBytesPerSecondMin ?? defaults.bodyBytesPerSecondMin,
    http2StreamsMax: settings.http2StreamsMax ?? defaults.http2StreamsMax,
    rpcFrameBytesMax: settings.rpcFrameBytesMax ?? defaults.rpcFrameBytesMax,
    rpcStreamsMax: settings.rpcStreamsMax ?? defaults.rpcStreamsMax,
    heartbeat: heartbeatOf(settings.heartbeat ?? {}, heartbeat),
  };
}
