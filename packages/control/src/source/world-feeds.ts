import type { Feeds, ListenerConfig, ClusterConfig, ProxySettings, RouteTableConfig, World } from "@weft/contract";
import { shareWorld } from "../compile/share.ts";
import { ValueFeed } from "./value-feed.ts";

/** Feeds that are told a whole world at a time. */
export interface WorldFeeds extends Feeds {
  /** The world published last; null before the first. */
  readonly world: World | null;
  /**
   * Tells the feeds what changed in `world`: settings, clusters, routes, listeners, in this order and within one turn,
   * so that nothing refers to what has not been told. Parts that equal those of the world before keep their identity,
   * and feeds whose value did not change tell nothing. Removals take the same order; requests under way may hold
   * clusters and routes that are gone from the feeds, and letting them finish is the proxy's part.
   */
  publish(world: World): void;
}

/**
 * Feeds in memory: for workers, which receive worlds from their supervisor, and for tests.
 *
 * @example
 * const feeds = createWorldFeeds();
 * feeds.clusters.subscribe((clusters) => console.log(clusters.length));
 * feeds.publish(world);
 */
export function createWorldFeeds(): WorldFeeds {
  const settings = new ValueFeed<ProxySettings>();
  const listeners = new ValueFeed<readonly ListenerConfig[]>();
  const routes = new ValueFeed<readonly RouteTableConfig[]>();
  const clusters = new ValueFeed<readonly ClusterConfig[]>();
  let current: World | null = null;
  return {
    settings,
    listeners,
    routes,
    clusters,
    get world() {
      return current;
    },
    publish(world) {
      const shared = shareWorld(current, world);
      current = shared;
      settings.publish(shared.settings);
      clusters.publish(shared.clusters);
      routes.publish(shared.routeTables);
      listeners.publish(shared.listeners);
    },
  };
}
