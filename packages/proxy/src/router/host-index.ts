import { canonicalHost } from "./host.ts";
import { PathIndex } from "./path-index.ts";
import type { CompiledRule } from "./rule.ts";

/** The rules of one host name. */
export class HostGroup {
  /** "shop.example.com", "*.example.com" or "*". */
  readonly hostname: string;
  readonly paths: PathIndex = new PathIndex();
  /** The next group that every host of this one belongs to as well. */
  lessSpecific: HostGroup | null = null;

  constructor(hostname: string) {
    this.hostname = hostname;
  }
}

/** Host names to rules: one look-up for exact names, one per label for wildcards. */
export class HostIndex {
  readonly #exact: Map<string, HostGroup> = new Map();
  /** By the suffix without "*."; a wildcard stands for one or more labels. */
  readonly #wildcards: Map<string, HostGroup> = new Map();
  #any: HostGroup | null = null;

  constructor(rules: readonly CompiledRule[]) {
    for (const rule of rules) {
      for (const hostname of new Set(rule.config.hostnames)) this.#group(hostname).paths.add(rule);
    }
    for (const group of this.#exact.values()) group.lessSpecific = this.#wildcardOf(group.hostname);
    for (const [suffix, group] of this.#wildcards) group.lessSpecific = this.#wildcardOf(suffix);
    for (const group of this.#exact.values()) group.paths.seal();
    for (const group of this.#wildcards.values()) group.paths.seal();
    this.#any?.paths.seal();
  }

  #group(hostname: string): HostGroup {
    if (hostname === "*") return (this.#any ??= new HostGroup("*"));
    const isWildcard = hostname.startsWith("*.");
    const groups = isWildcard ? this.#wildcards : this.#exact;
    const key = isWildcard ? hostname.slice(2) : canonicalHost(hostname);
    let group = groups.get(key);
    if (group === undefined) {
      group = new HostGroup(isWildcard ? hostname : key);
      groups.set(key, group);
    }
    return group;
  }

  /** The most specific group for an authority; the others follow by `lessSpecific`. */
  first(authority: string): HostGroup | null {
    const host = canonicalHost(authority);
    return this.#exact.get(host) ?? this.#wildcardOf(host);
  }

  /** `first` and all that follow. */
  groups(authority: string): HostGroup[] {
    const found: HostGroup[] = [];
    for (let group = this.first(authority); group !== null; group = group.lessSpecific) found.push(group);
    return found;
  }

  /** The longest wildcard that `host` falls under, or "*". */
  #wildcardOf(host: string): HostGroup | null {
    if (this.#wildcards.size > 0) {
      for (let dot = host.indexOf(".", 1); dot >= 0; dot = host.indexOf(".", dot + 1)) {
        const group = this.#wildcards.get(host.slice(dot + 1));
        if (group !== undefined) return group;
      }
    }
    return this.#any;
  }
}
