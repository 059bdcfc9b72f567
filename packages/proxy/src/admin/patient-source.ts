import { type Clock, WeftError } from "@weft/kernel";
import type { MetricsSnapshot } from "../metrics/index.ts";
import type { AdminSource } from "./admin-source.ts";
import type { AdminErrorCode } from "./errors.ts";
import { ADMIN_SOURCE_MS_MAX } from "./limits.ts";

/**
 * A source whose every answer comes within `ADMIN_SOURCE_MS_MAX` or fails with ADMIN_SOURCE_FAILED, so that a stuck
 * worker never holds a request open; and that takes one snapshot of the metrics at a time, however many ask.
 */
export function createPatientSource(source: AdminSource, clock: Clock): AdminSource {
  const within = <T>(what: string, answer: Promise<T>): Promise<T> => withDeadline(clock, what, answer);
  let metrics: Promise<MetricsSnapshot> | undefined;
  const snapshot = (): Promise<MetricsSnapshot> => {
    metrics ??= within("metrics", source.metrics()).finally(() => (metrics = undefined));
    return metrics;
  };
  return {
    metrics: snapshot,
    readiness: () => within("readiness", source.readiness()),
    world: () => within("configuration", source.world()),
    reloads: () => within("reloads", source.reloads()),
    listeners: () => within("listeners", source.listeners()),
    clusters: () => within("clusters", source.clusters()),
    connections: () => within("connections", source.connections()),
    workers: () => within("workers", source.workers()),
    explain: (request) => within("explanation", source.explain(request)),
    logLevel: () => within("log level", source.logLevel()),
    setLogLevel: (level) => within("log level", source.setLogLevel(level)),
    drain: () => within("drain", source.drain()),
    upgradeStatus: () => within("upgrade", source.upgradeStatus()),
    upgrade: () => within("upgrade", source.upgrade()),
  };
}

function withDeadline<T>(clock: Clock, what: string, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => {
      const message = `Cannot tell the ${what}: the workers did not answer within ${ADMIN_SOURCE_MS_MAX} ms`;
      reject(new WeftError<AdminErrorCode>("ADMIN_SOURCE_FAILED", message));
    }, ADMIN_SOURCE_MS_MAX);
    answer.then(resolve, reject).finally(() => clock.clearTimer(timer));
  });
}
