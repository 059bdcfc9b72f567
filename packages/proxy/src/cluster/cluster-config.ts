import { createSecureContext } from "node:tls";
import type {
  ClusterConfig,
  HealthCheckConfig,
  HostConfig,
  OutlierConfig,
  ShardingConfig,
  SubsetConfig,
  UpstreamTls,
} from "@weft/contract";
import { type Clock, isWeftError, type Random, WeftError } from "@weft/kernel";
import { createBalancer } from "../balancer/index.ts";
import type { DnsSourceConfig } from "./dns-source.ts";
import type { ClusterErrorCode } from "./errors.ts";
import { hostKey } from "./host.ts";
import {
  CHECK_TIMEOUT_MS_MAX,
  CHECKS_PER_HOST_MAX,
  CLIENT_ID_CHARS_MAX,
  CLIENTS_MAX,
  DURATION_MS_MAX,
  HOSTS_PER_CLUSTER_MAX,
  PRIORITY_MAX,
  WEIGHT_MAX,
} from "./limits.ts";
import { checkShardSize } from "./shard/index.ts";
import { checkSubsets } from "./subset/index.ts";

/**
 * Checks what a cluster relies on, before anything of it is applied. Sources check resources with better words (file,
 * line); this is the door that nothing passes by.
 *
 * @throws WeftError CLUSTER_INVALID_CONFIG, CLUSTER_DUPLICATE_HOST
 */
export function checkClusterConfig(config: ClusterConfig, random: Random, clock: Clock): void {
  const { name, hosts, balancing } = config;
  if (name === "") throw invalid(name, "name", name, "a name");
  if (hosts.length > HOSTS_PER_CLUSTER_MAX) {
    throw invalid(name, "hosts", hosts.length, `at most ${HOSTS_PER_CLUSTER_MAX} of them`);
  }
  checkHosts(name, hosts);
  checkRange(name, "balancing.panicThreshold", balancing.panicThreshold, 0, 1);
  checkRange(name, "balancing.slowStartMs", balancing.slowStartMs, 0, DURATION_MS_MAX);
  if (balancing.zone !== null) checkRange(name, "balancing.zone.spillBelow", balancing.zone.spillBelow, 0, 1);
  for (const [limit, value] of Object.entries(config.breaker)) {
    checkRange(name, `breaker.${limit}`, value, 0, Number.MAX_SAFE_INTEGER);
  }
  if (config.source.type === "dns") checkDns(name, config.source);
  checkHealthChecks(name, config.healthChecks);
  if (config.outlier !== null) checkOutlier(name, config.outlier);
  inWordsOfCluster(name, () => {
    createBalancer(balancing.policy, random, clock);
    if (config.sharding !== null) checkSharding(name, config.sharding);
    if (config.subsets !== null) checkSubsetLabels(name, config.subsets);
  });
}

/** What parts of a cluster say of their own settings names the cluster. */
function inWordsOfCluster(cluster: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    const isOwn = isWeftError(error) && error.code === "CLUSTER_INVALID_CONFIG";
    if (!isWeftError(error) || isOwn || error.code === "KERNEL_ASSERTION_FAILED") throw error;
    throw new WeftError<ClusterErrorCode>(
      "CLUSTER_INVALID_CONFIG",
      `Cannot configure cluster "${cluster}": ${error.message}`,
      { cluster },
      { cause: error },
    );
  }
}

function checkSharding(cluster: string, { size, clientId, clientIndex, clientCount }: ShardingConfig): void {
  checkShardSize(size);
  if (clientId.length > CLIENT_ID_CHARS_MAX) {
    throw invalid(cluster, "sharding.clientId", clientId, `at most ${CLIENT_ID_CHARS_MAX} characters`);
  }
  if (clientIndex !== null) checkInteger(cluster, "sharding.clientIndex", clientIndex, 0, CLIENTS_MAX - 1);
  if (clientCount !== null) checkInteger(cluster, "sharding.clientCount", clientCount, 1, CLIENTS_MAX);
}

function checkSubsetLabels(cluster: string, subsets: SubsetConfig): void {
  checkSubsets(subsets);
  for (const { fallback } of [subsets, ...subsets.selectors]) {
    if (fallback.type === "default" && Object.keys(fallback.labels).length === 0) {
      throw invalid(cluster, "labels of subset fallback", fallback.labels, "at least one label");
    }
  }
}

function checkDns(name: string, source: DnsSourceConfig): void {
  if (source.name === "") throw invalid(name, "source.name", source.name, "a host name");
  checkInteger(name, "source.port", source.port, 1, 65_535);
  checkRange(name, "source.ttlMsMin", source.ttlMsMin, 0, DURATION_MS_MAX);
  checkRange(name, "source.ttlMsMax", source.ttlMsMax, source.ttlMsMin, DURATION_MS_MAX);
}

function checkHealthChecks(name: string, checks: readonly HealthCheckConfig[]): void {
  if (checks.length > CHECKS_PER_HOST_MAX) {
    throw invalid(name, "number of healthChecks", checks.length, `at most ${CHECKS_PER_HOST_MAX}`);
  }
  checks.forEach((check, index) => {
    const field = `healthChecks[${index}]`;
    checkRange(name, `${field}.intervalMs`, check.intervalMs, 1, DURATION_MS_MAX);
    checkRange(name, `${field}.timeoutMs`, check.timeoutMs, 1, CHECK_TIMEOUT_MS_MAX);
    checkInteger(name, `${field}.healthyThreshold`, check.healthyThreshold, 1, Number.MAX_SAFE_INTEGER);
    checkInteger(name, `${field}.unhealthyThreshold`, check.unhealthyThreshold, 1, Number.MAX_SAFE_INTEGER);
    checkRange(name, `${field}.jitter`, check.jitter, 0, 1);
    if (check.type === "http" && !check.target.startsWith("/")) {
      throw invalid(name, `${field}.target`, check.target, 'a path that begins with "/"');
    }
  });
}

function checkOutlier(name: string, outlier: OutlierConfig): void {
  checkInteger(name, "outlier.consecutiveErrors", outlier.consecutiveErrors, 0, Number.MAX_SAFE_INTEGER);
  checkRange(name, "outlier.intervalMs", outlier.intervalMs, 1, DURATION_MS_MAX);
  checkRange(name, "outlier.successRateStdevFactor", outlier.successRateStdevFactor, 0, Number.MAX_SAFE_INTEGER);
  checkRange(name, "outlier.latencyFactor", outlier.latencyFactor, 0, Number.MAX_SAFE_INTEGER);
  checkRange(name, "outlier.requestsMin", outlier.requestsMin, 0, Number.MAX_SAFE_INTEGER);
  checkRange(name, "outlier.baseEjectionMs", outlier.baseEjectionMs, 1, DURATION_MS_MAX);
  checkRange(name, "outlier.maxEjectionMs", outlier.maxEjectionMs, 1, DURATION_MS_MAX);
  checkRange(name, "outlier.maxEjectedShare", outlier.maxEjectedShare, 0, 1);
}

/**
 * Checks that certificates and keys can be used. Apart from the rest because it costs a millisecond, and most clusters
 * of a mesh share their certificates.
 *
 * @throws WeftError CLUSTER_INVALID_CONFIG; it never quotes a key
 */
export function checkClusterTls(cluster: string, tls: UpstreamTls): void {
  const hasCertificate = tls.certificateChain !== "";
  try {
    createSecureContext({
      minVersion: tls.minVersion,
      ...(tls.ca === "" ? {} : { ca: tls.ca }),
      ...(hasCertificate ? { cert: tls.certificateChain, key: tls.privateKey } : {}),
    });
  } catch (error) {
    throw new WeftError<ClusterErrorCode>(
      "CLUSTER_INVALID_CONFIG",
      `Cannot configure cluster "${cluster}": its TLS certificates cannot be used: ` +
        (error instanceof Error ? error.message : String(error)),
      { cluster },
      { cause: error },
    );
  }
}

function checkHosts(cluster: string, hosts: readonly HostConfig[]): void {
  const keys = new Set<string>();
  for (const host of hosts) {
    const key = hostKey(host.address, host.port);
    if (keys.has(key)) {
      throw new WeftError<ClusterErrorCode>(
        "CLUSTER_DUPLICATE_HOST",
        `Cannot configure cluster "${cluster}": host ${key} is in it twice, expected once`,
        { cluster, host: key },
      );
    }
    keys.add(key);
    if (host.address === "") throw invalid(cluster, "address of a host", host.address, "an address");
    checkInteger(cluster, `port of host ${key}`, host.port, 1, 65_535);
    checkInteger(cluster, `weight of host ${key}`, host.weight, 1, WEIGHT_MAX);
    checkInteger(cluster, `priority of host ${key}`, host.priority, 0, PRIORITY_MAX);
  }
}

function checkRange(cluster: string, field: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw invalid(cluster, field, value, `a number from ${min} to ${max}`);
}

function checkInteger(cluster: string, field: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(cluster, field, value, `an integer from ${min} to ${max}`);
}

function invalid(cluster: string, field: string, value: unknown, expected: string): WeftError<ClusterErrorCode> {
  return new WeftError(
    "CLUSTER_INVALID_CONFIG",
    `Cannot configure cluster "${cluster}": ${field} is ${JSON.stringify(value)}, expected ${expected}`,
    { cluster, field, value },
  );
}
