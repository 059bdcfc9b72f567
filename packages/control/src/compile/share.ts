import type { ClusterConfig, ListenerConfig, RouteRule, RouteTableConfig, World } from "@weft/contract";

/**
 * `next`, with every part that equals its counterpart in `previous` replaced by that very object: what did not change
 * is told by identity. Clusters, listeners, route tables and rules are paired by name, so that insertions and other
 * orders do not hide equal ones.
 */
export function shareWorld(previous: World | null, next: World): World {
  if (previous === null) return next;
  return {
    revision: next.revision,
    settings: share(previous.settings, next.settings),
    listeners: shareNamed(previous.listeners, next.listeners, listenerName, share),
    routeTables: shareNamed(previous.routeTables, next.routeTables, tableName, shareTable),
    clusters: shareNamed(previous.clusters, next.clusters, clusterName, share),
  };
}

const listenerName = ({ name }: ListenerConfig): string => name;
const tableName = ({ name }: RouteTableConfig): string => name;
const clusterName = ({ name }: ClusterConfig): string => name;

function ruleName({ route, rule, matchIndex, hostnames }: RouteRule): string {
  return `${route} ${rule} ${matchIndex} ${hostnames.join(" ")}`;
}

function shareTable(previous: RouteTableConfig, next: RouteTableConfig): RouteTableConfig {
  const rules = shareNamed(previous.rules, next.rules, ruleName, share);
  return rules === previous.rules && previous.name === next.name ? previous : { name: next.name, rules };
}

function shareNamed<T>(
  previous: readonly T[],
  next: readonly T[],
  nameOf: (item: T) => string,
  shareItem: (previous: T, next: T) => T,
): readonly T[] {
  const byName = new Map(previous.map((item) => [nameOf(item), item]));
  let isSame = previous.length === next.length;
  const items = next.map((item, index) => {
    const old = byName.get(nameOf(item));
    const shared = old === undefined ? item : shareItem(old, item);
    isSame &&= shared === previous[index];
    return shared;
  });
  return isSame ? previous : items;
}

/** Structural sharing of plain data: `previous` itself where the two are equal. */
export function share<T>(previous: T, next: T): T {
  return sharePlain(previous, next) as T;
}

function sharePlain(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return previous;
  if (typeof previous !== "object" || typeof next !== "object" || previous === null || next === null) return next;
  if (Array.isArray(previous) || Array.isArray(next)) {
    return Array.isArray(previous) && Array.isArray(next) ? shareArray(previous, next) : next;
  }
  return shareRecord(previous as Record<string, unknown>, next as Record<string, unknown>);
}

function shareArray(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  let isSame = previous.length === next.length;
  const items = next.map((item, index) => {
    const shared = index < previous.length ? sharePlain(previous[index], item) : item;
    isSame &&= Object.is(shared, previous[index]);
    return shared;
  });
  return isSame ? previous : items;
}

function shareRecord(previous: Readonly<Record<string, unknown>>, next: Record<string, unknown>): unknown {
  const keys = Object.keys(next);
  let isSame = keys.length === Object.keys(previous).length;
  const entries = keys.map((key): [string, unknown] => {
    const isShared = Object.hasOwn(previous, key);
    const value = isShared ? sharePlain(previous[key], next[key]) : next[key];
    isSame &&= isShared && Object.is(value, previous[key]);
    return [key, value];
  });
  return isSame ? previous : Object.fromEntries(entries);
}
