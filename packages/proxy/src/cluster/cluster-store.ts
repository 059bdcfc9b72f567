import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import { Cluster, type ClusterContext } from "./cluster.ts";
import { checkClusterConfig, checkClusterTls } from "./cluster-config.ts";
import { createDnsResolver } from "./dns-resolver.ts";
import type { ClusterErrorCode } from "./errors.ts";
import { CLUSTERS_MAX } from "./limits.ts";

/** What an `apply` did, by name. */
export interface ClusterChanges {
  readonly added: readonly string[];
  readonly updated: readonly string[];
  readonly removed: readonly string[];
}

/** What all clusters of a worker share. */
export type ClusterStoreContext<Pool = unknown> = Omit<ClusterContext<Pool>, "resolver"> &
  Partial<Pick<ClusterContext<Pool>, "resolver">>;

/**
 * All clusters of a worker by name. Routes name clusters, and look them up per request.
 *
 * @example
 * store.apply(world.clusters);
 * const cluster = store.get("shop/payments");
 */
export class ClusterStore<Pool = unknown> {
  readonly #context: ClusterContext<Pool>;
  readonly #clusters: Map<string, Cluster<Pool>> = new Map();

  /** Names are asked of the system's name servers where no `resolver` is given. */
  constructor(context: ClusterStoreContext<Pool>) {
    const resolver = context.resolver ?? createDnsResolver({ clock: context.clock });
    this.#context = { ...context, resolver };
  }

  get size(): number {
    return this.#clusters.size;
  }

  get(name: string): Cluster<Pool> | undefined {
    return this.#clusters.get(name);
  }

  values(): IterableIterator<Cluster<Pool>> {
    return this.#clusters.values();
  }

  /**
   * Makes the clusters be exactly these. What did not change is not touched; what is gone is closed. Nothing changes
   * when it throws.
   *
   * @throws WeftError CLUSTER_DUPLICATE_NAME, CLUSTER_INVALID_CONFIG, CLUSTER_DUPLICATE_HOST
   */
  apply(configs: readonly ClusterConfig[]): ClusterChanges {
    const changed = this.#check(configs);
    const added: string[] = [];
    const updated: string[] = [];
    for (const config of changed) {
      const cluster = this.#clusters.get(config.name);
      if (cluster === undefined) {
        this.#clusters.set(config.name, new Cluster(config, this.#context));
        added.push(config.name);
      } else {
        cluster.update(config);
        updated.push(config.name);
      }
    }
    const names = new Set(configs.map((config) => config.name));
    const removed = [...this.#clusters.keys()].filter((name) => !names.has(name));
    for (const name of removed) this.#remove(name);
    return { added, updated, removed };
  }

  /** Closes every cluster and gives up all questions for names: the worker ends. */
  close(): void {
    this.#context.resolver.close();
    for (const name of this.#clusters.keys()) this.#remove(name);
  }

  #remove(name: string): void {
    const cluster = this.#clusters.get(name);
    this.#clusters.delete(name);
    cluster?.close();
  }

  /** Judges all configurations before one is applied; returns those that are new or differ. */
  #check(configs: readonly ClusterConfig[]): ClusterConfig[] {
    if (configs.length > CLUSTERS_MAX) {
      throw new WeftError<ClusterErrorCode>(
        "CLUSTER_INVALID_CONFIG",
        `Cannot apply ${configs.length} clusters: expected at most ${CLUSTERS_MAX}`,
        { clusters: configs.length },
      );
    }
    const names = new Set<string>();
    const checkedTls = new Set<string>();
    const changed: ClusterConfig[] = [];
    for (const config of configs) {
      if (names.has(config.name)) {
        throw new WeftError<ClusterErrorCode>(
          "CLUSTER_DUPLICATE_NAME",
          `Cannot apply clusters: "${config.name}" is there twice, expected once`,
          { cluster: config.name },
        );
      }
      names.add(config.name);
      const present = this.#clusters.get(config.name)?.config;
      if (present === config || isDeepStrictEqual(present, config)) continue;
      checkClusterConfig(config, this.#context.random, this.#context.clock);
      if (config.tls !== null) {
        const { minVersion, ca, certificateChain, privateKey } = config.tls;
        const material = [minVersion, ca, certificateChain, privateKey].join(" ");
        if (!checkedTls.has(material)) checkClusterTls(config.name, config.tls);
        checkedTls.add(material);
      }
      changed.push(config);
    }
    return changed;
  }
}
