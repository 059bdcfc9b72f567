import { X509Certificate } from "node:crypto";
import type {
  ClusterConfig,
  HeaderChange,
  HeartbeatConfig,
  HostConfig,
  ListenerConfig,
  ListenerTls,
  NamedMatch,
  ProxySettings,
  RouteBackend,
  RouteRule,
  ShardingConfig,
  ShardSize,
  SubsetConfig,
  SubsetFallback,
  UpstreamTls,
  World,
} from "@weft/contract";
import { isSecretName, maskQuery } from "../access-log/index.ts";

/** What is shown of a configuration: names, numbers and texts that were chosen one by one. */
export type Shown = { readonly [name: string]: ShownValue };
type ShownValue = string | number | boolean | null | Shown | readonly ShownValue[];

const HIDDEN = "(hidden)";

/**
 * A configuration as it may be shown to anyone who reaches the admin server. Every field is named here: one that is
 * added to the contract stays invisible until somebody decides that it is harmless. Private keys, certificates' bytes,
 * answers' bodies and the values of headers that carry credentials are never among them.
 */
export function showWorld(world: World): Shown {
  return harmless({
    revision: world.revision,
    settings: showSettings(world.settings),
    listeners: world.listeners.map(showListener),
    routeTables: world.routeTables.map(({ name, rules }) => ({ name, rules: rules.map(showRule) })),
    clusters: world.clusters.map(showCluster),
  }) as Shown;
}

function showSettings(settings: ProxySettings): Shown {
  const { accessLog, tracing } = settings;
  return {
    name: settings.name,
    accessLog: {
      target: accessLog.target,
      rules: accessLog.rules.map((rule) => ({
        statusMin: rule.statusMin,
        durationMsMin: rule.durationMsMin,
        routes: rule.routes,
        sample: rule.sample,
      })),
    },
    tracing: { otlpEndpoint: showUrl(tracing.otlpEndpoint), sample: tracing.sample },
    admin: {
      address: settings.admin.address,
      port: settings.admin.port,
      metricsOpen: settings.admin.metricsOpen,
    },
    drainDeadlineMs: settings.drainDeadlineMs,
    hopsMax: settings.hopsMax,
  };
}

function showListener(listener: ListenerConfig): Shown {
  return {
    name: listener.name,
    address: listener.address,
    port: listener.port,
    protocol: listener.protocol,
    tls: listener.tls === null ? null : showListenerTls(listener.tls),
    allowsPlainText: listener.allowsPlainText,
    proxyProtocol: listener.proxyProtocol,
    routeTable: listener.routeTable,
    tcpRoutes: listener.tcpRoutes.map((route) => ({
      name: route.name,
      serverNames: route.serverNames,
      backends: route.backends.map(({ cluster, weight }) => ({ cluster: cluster, weight })),
    })),
    isEdge: listener.isEdge,
    keepsColour: listener.keepsColour,
    underscores: listener.underscores,
    requestId: listener.requestId,
    echoesRequestId: listener.echoesRequestId,
    startsTraces: listener.startsTraces,
    connectionsMax: listener.connectionsMax,
    idleTimeoutMs: listener.idleTimeoutMs,
    headerTimeoutMs: listener.headerTimeoutMs,
    streamIdleTimeoutMs: listener.streamIdleTimeoutMs,
    headerBytesMax: listener.headerBytesMax,
    targetBytesMax: listener.targetBytesMax,
    bodyBytesMax: listener.bodyBytesMax,
    bodyBytesPerSecondMin: listener.bodyBytesPerSecondMin,
    http2StreamsMax: listener.http2StreamsMax,
    rpcFrameBytesMax: listener.rpcFrameBytesMax,
    rpcStreamsMax: listener.rpcStreamsMax,
    heartbeat: showHeartbeat(listener.heartbeat),
  };
}

function showListenerTls(tls: ListenerTls): Shown {
  return {
    certificates: tls.certificates.map(({ name, certificateChain }) => ({
      name,
      ...describeCertificate(certificateChain),
    })),
    hosts: tls.hosts.map(({ hostname, certificates }) => ({ hostname, certificates })),
    hasClientCa: tls.clientCa !== "",
    clientCertificate: tls.clientCertificate,
    minVersion: tls.minVersion,
    alpn: tls.alpn,
  };
}

/** What people look for in a certificate; its key is not even looked at. */
function describeCertificate(chain: string): Shown {
  try {
    const leaf = new X509Certificate(chain);
    return {
      subject: leaf.subject,
      issuer: leaf.issuer,
      subjectAltName: leaf.subjectAltName ?? "",
      validFrom: leaf.validFrom,
      validTo: leaf.validTo,
      fingerprint256: leaf.fingerprint256,
    };
  } catch {
    return { subject: "(unreadable)" };
  }
}

function showCluster(cluster: ClusterConfig): Shown {
  const { source, balancing, outlier, breaker, pool } = cluster;
  return {
    name: cluster.name,
    protocol: cluster.protocol,
    source:
      source.type === "static"
        ? { type: source.type }
        : {
            type: source.type,
            name: source.name,
            port: source.port,
            ttlMsMin: source.ttlMsMin,
            ttlMsMax: source.ttlMsMax,
          },
    hosts: cluster.hosts.map(showHost),
    tls: cluster.tls === null ? null : showUpstreamTls(cluster.tls),
    balancing: {
      policy: balancing.policy.type,
      zone: balancing.zone === null ? null : { own: balancing.zone.own, spillBelow: balancing.zone.spillBelow },
      slowStartMs: balancing.slowStartMs,
      panicThreshold: balancing.panicThreshold,
    },
    sharding: cluster.sharding === null ? null : showSharding(cluster.sharding),
    subsets: cluster.subsets === null ? null : showSubsets(cluster.subsets),
    healthChecks: cluster.healthChecks.map((check) => ({
      type: check.type,
      target: maskQuery(check.target),
      authority: check.authority,
      expectedStatuses: check.expectedStatuses.map(({ from, to }) => ({ from, to })),
      intervalMs: check.intervalMs,
      timeoutMs: check.timeoutMs,
      healthyThreshold: check.healthyThreshold,
      unhealthyThreshold: check.unhealthyThreshold,
      jitter: check.jitter,
    })),
    outlier: outlier === null ? null : showNumbers(outlier, OUTLIER_FIELDS),
    breaker: showNumbers(breaker, BREAKER_FIELDS),
    pool: { ...showNumbers(pool, POOL_FIELDS), heartbeat: showHeartbeat(pool.heartbeat) },
    responseTimeoutMs: cluster.responseTimeoutMs,
    sendProxyProtocol: cluster.sendProxyProtocol,
  };
}

function showSharding({ algorithm, size, clientId, clientIndex, clientCount }: ShardingConfig): Shown {
  return { algorithm, size: showShardSize(size), clientId, clientIndex, clientCount };
}

function showShardSize(size: ShardSize): Shown {
  switch (size.type) {
    case "fixed":
      return { type: size.type, hosts: size.hosts };
    case "percent":
      return { type: size.type, percent: size.percent, hostsMin: size.hostsMin };
    case "automatic": {
      const { type, requestsPerConnection, hostsMin, connectionsPerHostMax } = size;
      return { type, requestsPerConnection, hostsMin, connectionsPerHostMax };
    }
  }
}

function showSubsets({ selectors, fallback, subsetsMax }: SubsetConfig): Shown {
  const showFallback = (own: SubsetFallback): Shown =>
    own.type === "default" ? { type: own.type, labels: showLabels(own.labels) } : { type: own.type };
  return {
    selectors: selectors.map((selector) => ({ keys: selector.keys, fallback: showFallback(selector.fallback) })),
    fallback: showFallback(fallback),
    subsetsMax,
  };
}

const OUTLIER_FIELDS = [
  "consecutiveErrors",
  "intervalMs",
  "successRateStdevFactor",
  "latencyFactor",
  "requestsMin",
  "baseEjectionMs",
  "maxEjectionMs",
  "maxEjectedShare",
] as const;
const BREAKER_FIELDS = ["connectionsMax", "pendingMax", "requestsMax", "retriesMax", "retryBudget"] as const;
const POOL_FIELDS = [
  "http2ConnectionsMax",
  "http2StreamsMax",
  "rpcConnectionsMax",
  "rpcConnectionsMin",
  "rpcStreamsMax",
  "http1IdleMax",
  "idleTimeoutMs",
  "connectTimeoutMs",
  "queueTimeoutMs",
  "requestsPerConnectionMax",
] as const;

const HEARTBEAT_FIELDS = ["periodMs", "periodMsMax", "timeoutMs", "missesMax", "peerIdleTimeoutMs", "jitter"] as const;

function showNumbers<K extends string>(from: Readonly<Record<K, number>>, names: readonly K[]): Shown {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

function showHeartbeat(heartbeat: HeartbeatConfig): Shown {
  return { mode: heartbeat.mode, ...showNumbers(heartbeat, HEARTBEAT_FIELDS) };
}

function showHost(host: HostConfig): Shown {
  return {
    address: host.address,
    port: host.port,
    weight: host.weight,
    zone: host.zone,
    priority: host.priority,
    labels: showLabels(host.labels),
  };
}

function showLabels(labels: HostConfig["labels"]): Shown {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, shownUnless(name, value)]));
}

function showUpstreamTls(tls: UpstreamTls): Shown {
  return {
    serverName: tls.serverName,
    hasCa: tls.ca !== "",
    certificate: tls.certificateChain === "" ? null : describeCertificate(tls.certificateChain),
    minVersion: tls.minVersion,
    subjectAltNames: tls.subjectAltNames,
  };
}

function showRule(rule: RouteRule): Shown {
  const { match, redirect, directResponse, rewrite, cors, fault, colour, retry } = rule;
  const path = (value: { readonly type: string; readonly value: string } | null): Shown | null =>
    value === null ? null : { type: value.type, value: maskQuery(value.value) };
  return {
    route: rule.route,
    rule: rule.rule,
    matchIndex: rule.matchIndex,
    ruleName: rule.ruleName,
    hostnames: rule.hostnames,
    match: {
      path: path(match.path),
      method: match.method,
      headers: match.headers.map(showNamedMatch),
      queryParams: match.queryParams.map(showNamedMatch),
    },
    backends: rule.backends.map(showBackend),
    redirect:
      redirect === null
        ? null
        : {
            scheme: redirect.scheme,
            hostname: redirect.hostname,
            path: path(redirect.path),
            port: redirect.port,
            status: redirect.status,
          },
    directResponse:
      directResponse === null
        ? null
        : {
            status: directResponse.status,
            contentType: directResponse.contentType,
            bodyChars: directResponse.body.length,
          },
    requestHeaders: showChange(rule.requestHeaders),
    responseHeaders: showChange(rule.responseHeaders),
    rewrite: rewrite === null ? null : { hostname: rewrite.hostname, path: path(rewrite.path) },
    mirrors: rule.mirrors.map(({ cluster, share }) => ({ cluster: cluster, share })),
    cors: cors === null ? null : { allowOrigins: cors.allowOrigins, allowCredentials: cors.allowCredentials },
    fault:
      fault === null
        ? null
        : showNumbers(fault, ["delayShare", "delayMs", "abortShare", "abortStatus", "abortGrpcStatus"]),
    colour: colour === null ? null : { header: colour.header, value: shownUnless(colour.header, colour.value) },
    retry:
      retry === null
        ? null
        : {
            ...showNumbers(retry, ["retriesMax", "backoffBaseMs", "backoffMaxMs", "perTryTimeoutMs"]),
            on: retry.on,
            statuses: retry.statuses,
            grpcStatuses: retry.grpcStatuses,
            retriesNonIdempotent: retry.retriesNonIdempotent,
          },
    timeoutMs: rule.timeoutMs,
    hashOn: rule.hashOn.map(({ type, name }) => ({ type, name: name })),
  };
}

function showNamedMatch({ name, type, value }: NamedMatch): Shown {
  return { name, type, value: shownUnless(name, value) };
}

function showBackend(backend: RouteBackend): Shown {
  return {
    cluster: backend.cluster,
    weight: backend.weight,
    subset:
      backend.subset === null
        ? null
        : {
            labels: showLabels(backend.subset.labels),
            headers: backend.subset.headers.map(({ label, header }) => ({ label, header })),
          },
    requestHeaders: showChange(backend.requestHeaders),
    responseHeaders: showChange(backend.responseHeaders),
  };
}

function showChange(change: HeaderChange | null): Shown | null {
  if (change === null) return null;
  const pairs = (list: HeaderChange["set"]): ShownValue =>
    list.map(([name, value]) => [name, shownUnless(name, value)]);
  return { set: pairs(change.set), add: pairs(change.add), remove: change.remove };
}

/** The value of a header, parameter or label unless its name says that it is a credential. */
function shownUnless(name: string, value: string): string {
  return isSecretName(name) && value !== "" ? HIDDEN : value;
}

/** Every text once more: even a key that ended up in the wrong field is not shown. */
function harmless(value: ShownValue): ShownValue {
  if (typeof value === "string") return harmlessText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(harmless);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [harmlessText(name), harmless(member)]));
}

function harmlessText(text: string): string {
  return /-----BEGIN|PRIVATE KEY/.test(text) ? HIDDEN : text;
}

function showUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  return maskQuery(`${url.protocol}//${url.host}${url.pathname}${url.search}`);
}
