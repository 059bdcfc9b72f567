import type { ClusterConfig } from "./cluster.ts";
import type { Feed } from "./feed.ts";
import type { ListenerConfig } from "./listener.ts";
import type { ProxySettings } from "./proxy-settings.ts";
import type { RouteTableConfig } from "./route.ts";

/**
 * Everything a proxy is told, as plain data that survives JSON: what a directory of files, the registry or a control
 * plane compile to. Immutable; the next version is another object.
 */
export interface World {
  /** Grows with every version; for status and logs. */
  readonly revision: number;
  readonly settings: ProxySettings;
  readonly listeners: readonly ListenerConfig[];
  readonly routeTables: readonly RouteTableConfig[];
  readonly clusters: readonly ClusterConfig[];
}

/** The proxy's three feeds. A source that has them all at once publishes clusters first and listeners last. */
export interface Feeds {
  readonly settings: SettingsFeed;
  readonly listeners: ListenerFeed;
  readonly routes: RouteFeed;
  readonly clusters: ClusterFeed;
}

/** What holds for the whole process. */
export type SettingsFeed = Feed<ProxySettings>;
/** All addresses to listen on; one that is missing is drained. */
export type ListenerFeed = Feed<readonly ListenerConfig[]>;
/** All route tables. */
export type RouteFeed = Feed<readonly RouteTableConfig[]>;
/** All clusters; one that is missing is drained. */
export type ClusterFeed = Feed<readonly ClusterConfig[]>;
