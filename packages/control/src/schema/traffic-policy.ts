import type {
  PolicyBalancing,
  PolicyHealthCheck,
  PolicyOutlier,
  PolicyRetry,
  TrafficPolicyResource,
} from "@weft/contract";
import type * as z from "zod";
import { CHECK_TIMEOUT_MS_MAX } from "../limits.ts";
import { parseDuration } from "../load/duration.ts";
import {
  boolean,
  checked,
  decimal,
  duration,
  headerName,
  integer,
  list,
  object,
  optional,
  percentage,
  plainText,
  positiveDuration,
  preciseHostname,
  type Report,
  text,
  word,
} from "./fields.ts";
import { sharding, subsets } from "./host-choice.ts";
import { heartbeat } from "./heartbeat.ts";
import { resource } from "./metadata.ts";
import { localObjectReference, policyTargetReference } from "./references.ts";
import { subjectUri } from "./trust.ts";

/** Counts of things that cost memory each; more is a mistake. */
const COUNT_MAX = 1_000_000;

/** Which parameter belongs to which algorithm. */
const PARAMETERS: Readonly<Record<string, string>> = {
  choices: "least-request",
  decay: "peak-ewma",
  ringSizeMin: "ring-hash",
  ringSizeMax: "ring-hash",
  tableSize: "maglev",
};

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}

function checkBalancing(value: PolicyBalancing, report: Report): void {
  for (const [field, algorithm] of Object.entries(PARAMETERS)) {
    if (field in value && value.algorithm !== algorithm)
      report([field], `no ${field} unless algorithm is "${algorithm}"`);
  }
  const { ringSizeMin = 1, ringSizeMax = Number.MAX_SAFE_INTEGER, tableSize = 3, hashOn = [] } = value;
  if (ringSizeMin > ringSizeMax) report(["ringSizeMin"], `at most ringSizeMax, ${ringSizeMax}`);
  if (!isPrime(tableSize)) report(["tableSize"], "a prime number, such as 65537");
  for (const [index, { type, name }] of hashOn.entries()) {
    if (type === "source-ip" && name !== undefined) report(["hashOn", index, "name"], "no name for source-ip");
    if (type !== "source-ip" && name === undefined) report(["hashOn", index, "name"], `the name of the ${type}`);
    if ((type === "header" || type === "cookie") && name !== undefined && !headerName.safeParse(name).success) {
      report(["hashOn", index, "name"], `the name of a ${type}: letters, digits and !#$%&'*+-.^_\`|~`);
    }
  }
}

const balancing: z.ZodType<PolicyBalancing> = checked(
  object({
    algorithm: optional(word(["round-robin", "random", "least-request", "peak-ewma", "ring-hash", "maglev"])),
    choices: optional(integer(2, 16)),
    decay: optional(positiveDuration),
    ringSizeMin: optional(integer(1, 8_388_608)),
    ringSizeMax: optional(integer(1, 8_388_608)),
    tableSize: optional(integer(3, 5_000_011)),
    zone: optional(object({ spillBelow: optional(percentage) })),
    slowStart: optional(duration),
    panicThreshold: optional(percentage),
    hashOn: optional(
      list(
        object({
          type: word(["header", "cookie", "query", "source-ip"]),
          name: optional(plainText("a name of 1 to 256 bytes without control characters", 256)),
        }),
        8,
        1,
      ),
    ),
  }),
  checkBalancing,
);

function checkRetry({ on, statuses, grpcStatuses, backoff }: PolicyRetry, report: Report): void {
  for (const [field, condition, values] of [
    ["statuses", "status", statuses],
    ["grpcStatuses", "grpc-status", grpcStatuses],
  ] as const) {
    const isAsked = on?.includes(condition) ?? values !== undefined;
    if (isAsked && (values ?? []).length === 0) report([field], `at least one entry for condition "${condition}"`);
    if (!isAsked && values !== undefined) report([field], `no ${field} unless on has "${condition}"`);
  }
  const baseMs = parseDuration(backoff?.base ?? "0s") ?? 0;
  if (backoff?.max !== undefined && (parseDuration(backoff.max) ?? 0) < baseMs) {
    report(["backoff", "max"], `at least backoff.base, ${backoff.base}`);
  }
}

const retry: z.ZodType<PolicyRetry> = checked(
  object({
    attempts: optional(integer(0, 16)),
    on: optional(
      list(word(["connect-failure", "reset", "timeout", "gateway-error", "5xx", "status", "grpc-status"]), 7, 1),
    ),
    statuses: optional(list(integer(400, 599), 64)),
    grpcStatuses: optional(list(integer(1, 16), 16)),
    backoff: optional(object({ base: optional(positiveDuration), max: optional(positiveDuration) })),
    perTryTimeout: optional(duration),
    nonIdempotent: optional(boolean),
  }),
  checkRetry,
);

const outlier: z.ZodType<PolicyOutlier> = checked(
  object({
    consecutiveErrors: optional(integer(0, 1000)),
    interval: optional(positiveDuration),
    successRateStdevFactor: optional(decimal(0, 100)),
    latencyFactor: optional(decimal(0, 1000)),
    requestsMin: optional(integer(1, COUNT_MAX)),
    baseEjection: optional(positiveDuration),
    maxEjection: optional(positiveDuration),
    maxEjected: optional(percentage),
  }),
  ({ baseEjection, maxEjection }, report) => {
    if (maxEjection !== undefined && (parseDuration(maxEjection) ?? 0) < (parseDuration(baseEjection ?? "1ms") ?? 0)) {
      report(["maxEjection"], `at least baseEjection, ${baseEjection}`);
    }
  },
);

function checkHealthCheck(check: PolicyHealthCheck, report: Report): void {
  const { type, interval, timeout } = check;
  for (const [field, owner] of [
    ["path", "http"],
    ["authority", "http"],
    ["expectedStatuses", "http"],
    ["service", "grpc"],
  ] as const) {
    if (check[field] !== undefined && type !== owner) report([field], `no ${field} unless type is "${owner}"`);
  }
  for (const [index, range] of (check.expectedStatuses ?? []).entries()) {
    const [from = "", to = from] = range.split("-");
    if (Number(from) > Number(to)) report(["expectedStatuses", index], "a range with its lower end first");
  }
  if (timeout !== undefined && (parseDuration(timeout) ?? 0) > CHECK_TIMEOUT_MS_MAX) report(["timeout"], "at most 10m");
  if (
    interval !== undefined &&
    timeout !== undefined &&
    (parseDuration(timeout) ?? 0) > (parseDuration(interval) ?? 0)
  ) {
    report(["timeout"], `at most the interval, ${interval}`);
  }
}

const healthCheck: z.ZodType<PolicyHealthCheck> = checked(
  object({
    type: word(["tcp", "http", "grpc"]),
    path: optional(text('a request target that begins with "/"', 1024, /^\/[!-~]*$/)),
    authority: optional(text("a host name with or without port", 260, /^[A-Za-z0-9[\]:._-]+$/)),
    service: optional(text('a service name such as "shop.v1.Cart"', 1024, /^[!-.0-~]*$/)),
    expectedStatuses: optional(
      list(text('a status or range such as "200" or "200-399"', 7, /^[1-5]\d\d(?:-[1-5]\d\d)?$/), 16, 1),
    ),
    interval: optional(positiveDuration),
    timeout: optional(positiveDuration),
    healthyThreshold: optional(integer(1, 100)),
    unhealthyThreshold: optional(integer(1, 100)),
    jitter: optional(percentage),
  }),
  checkHealthCheck,
);

const connections = checked(
  object(
    {
      rpcSharing: optional(word(["multiplexed", "ping-pong", "bound"])),
      rpcConnectionsMax: optional(integer(1, 1024)),
      rpcConnectionsMin: optional(integer(1, 1024)),
      rpcStreamsMax: optional(integer(1, 65_535)),
      connectTimeout: optional(positiveDuration),
      queueTimeout: optional(positiveDuration),
      idleTimeout: optional(positiveDuration),
      requestsPerConnectionMax: optional(integer(0, 1_000_000_000)),
      http1IdleMax: optional(integer(0, 65_535)),
      http2ConnectionsMax: optional(integer(1, 1024)),
      http2StreamsMax: optional(integer(1, 65_535)),
      proxyProtocol: optional(word(["off", "v1", "v2"])),
    },
    { keepalive: "spec.heartbeat says how silent connections are asked" },
  ),
  ({ rpcSharing = "multiplexed", rpcConnectionsMax, rpcConnectionsMin, rpcStreamsMax }, report) => {
    const expected = (sharing: string): string => `no such field with rpcSharing ${sharing}: it would have no effect`;
    for (const [field, value] of Object.entries({ rpcConnectionsMax, rpcConnectionsMin })) {
      if (rpcSharing !== "multiplexed" && value !== undefined) report([field], expected(rpcSharing));
    }
    if (rpcConnectionsMin !== undefined && rpcConnectionsMin > (rpcConnectionsMax ?? 1)) {
      report(["rpcConnectionsMin"], `at most rpcConnectionsMax, which is ${rpcConnectionsMax ?? 1}`);
    }
    if (rpcSharing === "ping-pong" && rpcStreamsMax !== undefined) report(["rpcStreamsMax"], expected(rpcSharing));
  },
);

/** Weft's TrafficPolicy. */
export const trafficPolicySchema: z.ZodType<TrafficPolicyResource> = resource(
  ["weft.dev/v1"],
  "TrafficPolicy",
  object({
    targetRefs: list(policyTargetReference, 16, 1),
    balancing: optional(balancing),
    sharding: optional(sharding),
    subsets: optional(subsets),
    connections: optional(connections),
    heartbeat: optional(heartbeat),
    timeouts: optional(object({ request: optional(duration), response: optional(duration) })),
    retry: optional(retry),
    retryBudget: optional(object({ percentage })),
    breaker: optional(
      object({
        connectionsMax: optional(integer(1, COUNT_MAX)),
        pendingMax: optional(integer(0, COUNT_MAX)),
        requestsMax: optional(integer(1, COUNT_MAX)),
        retriesMax: optional(integer(0, COUNT_MAX)),
      }),
    ),
    outlier: optional(outlier),
    healthChecks: optional(list(healthCheck, 8)),
    tls: optional(
      object({
        serverName: optional(preciseHostname),
        caCertificateRef: optional(localObjectReference),
        clientCertificateRef: optional(localObjectReference),
        minVersion: optional(word(["TLSv1.2", "TLSv1.3"])),
        subjectAltNames: optional(list(subjectUri, 16)),
      }),
    ),
  }),
);
