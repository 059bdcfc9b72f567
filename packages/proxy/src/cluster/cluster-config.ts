import type { ClusterConfig, HostConfig, OutlierConfig } from "@weft/contract";
import { type Clock, isWeftError, type Random, WeftError } from "@weft/kernel";
import { createBalancer } from "../balancer/index.ts";
import type { ClusterErrorCode } from "./errors.ts";
import { hostKey } from "./host.ts";
import { DURATION_MS_MAX, HOSTS_PER_CLUSTER_MAX, PRIORITY_MAX, WEIGHT_MAX } from "./limits.ts";

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
  if (config.outlier !== null) checkOutlier(name, config.outlier);
  try {
    createBalancer(balancing.policy, random, clock);
  } catch (error) {
    if (!isWeftError(error) || error.code === "KERNEL_ASSERTION_FAILED") throw error;
    throw new WeftError<ClusterErrorCode>(
      "CLUSTER_INVALID_CONFIG",
      `Cannot configure cluster "${name}": ${error.message}`,
      { cluster: name },
      { cause: error },
    );
  }
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
