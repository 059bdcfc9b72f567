import type { SubsetConfig, SubsetFallback } from "@weft/contract";
import { assert, WeftError } from "@weft/kernel";
import { findChangedRange } from "../changed-range.ts";
import { HOSTS_PER_CLUSTER_MAX } from "../limits.ts";
import type { SubsetErrorCode } from "./errors.ts";
import { REPLACED_MAX, SELECTOR_KEYS_MAX, SELECTORS_MAX, SUBSETS_MAX } from "./limits.ts";
import { SlotSet } from "./slot-set.ts";

/** Label values by key. Taken for immutable: other labels are another object. */
export type Labels = Readonly<Record<string, string>>;

/** A host as subsets see it. */
export interface LabelledHost {
  /** "address:port", unique within a cluster. */
  readonly key: string;
  readonly labels: Labels;
}

/** Hosts that serve a request. Stays the same object while it is kept; `version` tells when its hosts changed. */
export interface Subset<H extends LabelledHost> {
  readonly count: number;
  /** Another number after every change of the hosts in it. */
  readonly version: number;
  has(key: string): boolean;
  /** A list of its own, which no later change touches. */
  hosts(): H[];
}

/** The labels that a route asks for, compiled once. */
export interface SubsetQuery {
  readonly criteria: Labels;
  /** Of the subset among those of its selector; "" where no selector has these keys. */
  readonly valueKey: string;
  /** -1 where no selector has these keys. */
  readonly selector: number;
}

/** What a query finds: its subset or what its fallback allows. `subset` is undefined only for "none". */
export type SubsetOutcome<H extends LabelledHost> =
  | { readonly type: "subset" | "any" | "default"; readonly subset: Subset<H> }
  | { readonly type: "none"; readonly subset: undefined };

const NONE = { type: "none", subset: undefined } as const;

/** A subset that is built, and kept up to date from then on. */
class BuiltSubset<H extends LabelledHost> implements Subset<H> {
  readonly set: SlotSet;
  readonly asSubset: SubsetOutcome<H>;
  readonly asDefault: SubsetOutcome<H>;
  readonly asAny: SubsetOutcome<H>;
  readonly #slots: HostSlots<H>;
  version: number = 0;
  /** When it was last asked for. */
  usedAt: number = 0;

  constructor(set: SlotSet, slots: HostSlots<H>) {
    this.set = set;
    this.#slots = slots;
    this.asSubset = { type: "subset", subset: this };
    this.asDefault = { type: "default", subset: this };
    this.asAny = { type: "any", subset: this };
  }

  get count(): number {
    return this.set.count;
  }

  has(key: string): boolean {
    const slot = this.#slots.slotOf.get(key);
    return slot !== undefined && this.set.has(slot);
  }

  hosts(): H[] {
    const hosts: H[] = [];
    this.set.iterate((slot) => {
      const host = this.#slots.hosts[slot];
      if (host !== undefined) hosts.push(host);
    });
    return hosts;
  }
}

/** Hosts by slot, a small number that stays a host's own while it is here and is given to another afterwards. */
interface HostSlots<H extends LabelledHost> {
  readonly slotOf: Map<string, number>;
  readonly hosts: (H | undefined)[];
  /** As they were filed: a host may be labelled anew and stay the same object. */
  readonly labels: (Labels | undefined)[];
}

/** The sets of slots of one key. */
interface KeyIndex {
  readonly key: string;
  readonly byValue: Map<string, SlotSet>;
}

/** A selector with its keys in order, and its subsets by the values of these keys. */
interface CompiledSelector<H extends LabelledHost> {
  readonly keys: readonly string[];
  readonly fallback: SubsetFallback;
  readonly built: Map<string, BuiltSubset<H>>;
}

/**
 * Which hosts of a cluster have which labels, as bitmaps over host slots: a subset is the intersection of one bitmap per
 * key. A subset is built when a request first asks for it, and then follows every change: a host that comes, goes or is
 * labelled anew touches the bitmaps of its own labels and, per selector, the one subset that it belongs to. Every call
 * is done when it returns, and checks before it changes anything: nobody sees a change that is half applied.
 *
 * @example
 * const index = new SubsetIndex<Host>({ selectors: [{ keys: ["zone", "version"], fallback: { type: "any" } }], ... });
 * index.update(hosts);
 * const query = index.compile({ version: "v2", zone: "a" });
 * const { subset } = index.find(query);
 */
export class SubsetIndex<H extends LabelledHost> {
  readonly #config: SubsetConfig;
  readonly #selectors: readonly CompiledSelector<H>[];
  readonly #slots: HostSlots<H> = { slotOf: new Map(), hosts: [], labels: [] };
  readonly #free: number[] = [];
  /** Sets of slots by key and value, of keys that selectors or fallbacks name. */
  readonly #values: readonly KeyIndex[];
  readonly #all: BuiltSubset<H>;
  /** What fallbacks name; few, and never forgotten. */
  readonly #defaults: Map<Labels, BuiltSubset<H>> = new Map();
  #seen: Uint32Array = new Uint32Array(64);
  #round: number = 0;
  /** The hosts as they were last told, with the labels that they had then. */
  #list: readonly H[] = [];
  #listLabels: Labels[] = [];
  /** Bits of new bitmaps: room for hosts to come, so that bitmaps do not grow one host at a time. */
  #capacity: number = 0;
  #builtCount: number = 0;
  readonly #onForgotten: (subset: Subset<H>) => void;
  #clock: number = 0;

  /**
   * `onForgotten` is told of every subset that is not kept any more, from inside `find`.
   *
   * @throws WeftError SUBSET_INVALID_SELECTOR
   */
  constructor(config: SubsetConfig, onForgotten: (subset: Subset<H>) => void = () => {}) {
    checkSubsets(config);
    this.#onForgotten = onForgotten;
    this.#config = config;
    this.#selectors = config.selectors.map(({ keys, fallback }) => ({
      keys: keys.toSorted(),
      fallback,
      built: new Map(),
    }));
    this.#all = new BuiltSubset(new SlotSet(), this.#slots);
    const fallbacks = [config.fallback, ...config.selectors.map(({ fallback }) => fallback)];
    for (const fallback of fallbacks) {
      if (fallback.type === "default") this.#defaults.set(fallback.labels, this.#newDefault());
    }
    const keys = [
      ...config.selectors.flatMap((selector) => selector.keys),
      ...[...this.#defaults.keys()].flatMap((labels) => Object.keys(labels)),
    ];
    this.#values = [...new Set(keys)].map((key) => ({ key, byValue: new Map() }));
  }

  /** Subsets that are kept built at present, besides those of fallbacks. */
  get builtCount(): number {
    return this.#builtCount;
  }

  /**
   * Takes over the list of hosts. Hosts that are the same objects as before cost next to nothing; one that is another
   * object with the same labels only takes the other's place. Lists must not be changed afterwards.
   */
  update(hosts: readonly H[]): void {
    assert(hosts.length <= HOSTS_PER_CLUSTER_MAX, "a cluster keeps within its limit of hosts");
    const before = this.#list;
    const { from, beforeTo, afterTo } = findChangedRange(
      before.length,
      hosts.length,
      (old, now) => before[old] === hosts[now] && this.#listLabels[old] === hosts[now]?.labels,
    );
    this.#list = hosts;
    this.#listLabels = replacePart(this.#listLabels, from, beforeTo, hosts, afterTo);
    const round = ++this.#round;
    for (let index = from; index < afterTo; index++) {
      const host = hosts[index];
      if (host !== undefined) this.#put(host, round);
    }
    for (let index = from; index < beforeTo; index++) {
      const slot = this.#slots.slotOf.get(before[index]?.key ?? "");
      if (slot !== undefined && this.#seen[slot] !== round) this.#remove(slot);
    }
  }

  /** Compiles what a route asks for. Good for the life of this index. */
  compile(criteria: Labels): SubsetQuery {
    const keys = Object.keys(criteria).toSorted();
    const selector = this.#selectors.findIndex(
      (candidate) => candidate.keys.length === keys.length && candidate.keys.every((key, index) => key === keys[index]),
    );
    const valueKey = selector < 0 ? "" : (valueKeyOf(keys, criteria) ?? "");
    return { criteria, valueKey, selector };
  }

  /** The hosts for a query. Allocates nothing once the subset is built. */
  find(query: SubsetQuery): SubsetOutcome<H> {
    const selector = this.#selectors[query.selector];
    if (selector === undefined) return this.#fallBack(this.#config.fallback);
    const built = selector.built.get(query.valueKey) ?? this.#build(selector, query);
    if (built === undefined) return this.#fallBack(selector.fallback);
    built.usedAt = ++this.#clock;
    return built.count > 0 ? built.asSubset : this.#fallBack(selector.fallback);
  }

  #newDefault(): BuiltSubset<H> {
    return new BuiltSubset(new SlotSet(), this.#slots);
  }

  #fallBack(fallback: SubsetFallback): SubsetOutcome<H> {
    if (fallback.type === "none") return NONE;
    if (fallback.type === "any") return this.#all.count > 0 ? this.#all.asAny : NONE;
    const built = this.#defaults.get(fallback.labels);
    return built !== undefined && built.count > 0 ? built.asDefault : NONE;
  }

  /** Undefined where a value is no host's: clients may ask for what they like, and nothing is kept of it. */
  #build(selector: CompiledSelector<H>, { criteria, valueKey }: SubsetQuery): BuiltSubset<H> | undefined {
    const sets: SlotSet[] = [];
    for (const key of selector.keys) {
      const index = this.#values.find((candidate) => candidate.key === key);
      const set = index?.byValue.get(criteria[key] ?? "");
      if (set === undefined) return undefined;
      sets.push(set);
    }
    const built = new BuiltSubset(SlotSet.intersect(sets), this.#slots);
    if (this.#builtCount >= this.#config.subsetsMax) this.#forgetOldest();
    selector.built.set(valueKey, built);
    this.#builtCount++;
    return built;
  }

  #forgetOldest(): void {
    let oldest = Number.POSITIVE_INFINITY;
    let forget: (() => void) | undefined;
    for (const { built } of this.#selectors) {
      for (const [valueKey, subset] of built) {
        if (subset.usedAt >= oldest) continue;
        oldest = subset.usedAt;
        forget = () => {
          built.delete(valueKey);
          this.#onForgotten(subset);
        };
      }
    }
    forget?.();
    this.#builtCount--;
  }

  #put(host: H, round: number): void {
    const { slotOf, hosts, labels } = this.#slots;
    let slot = slotOf.get(host.key);
    if (slot === undefined) {
      slot = this.#free.pop() ?? hosts.length;
      slotOf.set(host.key, slot);
      this.#file(slot, host);
    } else {
      const before = labels[slot] ?? {};
      if (!isSameLabels(before, host.labels)) {
        this.#unfile(slot, before);
        this.#file(slot, host);
      } else if (hosts[slot] !== host) {
        hosts[slot] = host;
        this.#eachSubset(before, touch);
      }
    }
    if (slot >= this.#seen.length) {
      const seen = new Uint32Array(2 * slot);
      seen.set(this.#seen);
      this.#seen = seen;
    }
    this.#seen[slot] = round;
  }

  #remove(slot: number): void {
    const { slotOf, hosts, labels } = this.#slots;
    this.#unfile(slot, labels[slot] ?? {});
    slotOf.delete(hosts[slot]?.key ?? "");
    hosts[slot] = undefined;
    labels[slot] = undefined;
    this.#free.push(slot);
  }

  /** Puts a host into the sets of its labels and into the subsets that it belongs to. */
  #file(slot: number, host: H): void {
    const { hosts } = this.#slots;
    const { labels } = host;
    hosts[slot] = host;
    this.#slots.labels[slot] = labels;
    if (slot >= this.#capacity) this.#capacity = capacityFor(Math.max(hosts.length, this.#list.length));
    const capacity = this.#capacity;
    for (const { key, byValue } of this.#values) {
      const value = labelOf(labels, key);
      if (value === undefined) continue;
      let set = byValue.get(value);
      if (set === undefined) {
        set = new SlotSet();
        byValue.set(value, set);
      }
      set.add(slot, capacity);
    }
    this.#eachSubset(labels, (built) => {
      built.set.add(slot, capacity);
      built.version++;
    });
  }

  #unfile(slot: number, labels: Labels): void {
    for (const { key, byValue } of this.#values) {
      const value = labelOf(labels, key);
      const set = value === undefined ? undefined : byValue.get(value);
      if (value === undefined || set === undefined) continue;
      set.remove(slot);
      // Values come and go, such as versions: none of them may stay for ever.
      if (set.count === 0) byValue.delete(value);
    }
    this.#eachSubset(labels, (built) => {
      built.set.remove(slot);
      built.version++;
    });
  }

  /** Every built subset that a host with these labels belongs to. */
  #eachSubset(labels: Labels, visit: (built: BuiltSubset<H>) => void): void {
    visit(this.#all);
    for (const [wanted, built] of this.#defaults) {
      if (Object.keys(wanted).every((key) => labelOf(labels, key) === wanted[key])) visit(built);
    }
    for (const { keys, built } of this.#selectors) {
      if (built.size === 0) continue;
      const valueKey = valueKeyOf(keys, labels);
      const subset = valueKey === undefined ? undefined : built.get(valueKey);
      if (subset !== undefined) visit(subset);
    }
  }
}

/** Names a subset among those of its selector; undefined where a key is missing. No two lists of values give the same. */
function valueKeyOf(keys: readonly string[], labels: Labels): string | undefined {
  let valueKey = "";
  for (const key of keys) {
    const value = labelOf(labels, key);
    if (value === undefined) return undefined;
    valueKey += `${value.length}:${value}`;
  }
  return valueKey;
}

/** A key such as "constructor" is in every object, but not as a label. */
function labelOf(labels: Labels, key: string): string | undefined {
  const value: unknown = labels[key];
  return typeof value === "string" ? value : undefined;
}

function touch(built: BuiltSubset<LabelledHost>): void {
  built.version++;
}

/** The labels of `hosts`, of which the ends are as in `labels`; in place where little changed. */
function replacePart(
  labels: Labels[],
  from: number,
  to: number,
  hosts: readonly LabelledHost[],
  hostsTo: number,
): Labels[] {
  if (hostsTo - from > REPLACED_MAX) return hosts.map((host) => host.labels);
  labels.splice(from, to - from, ...hosts.slice(from, hostsTo).map((host) => host.labels));
  return labels;
}

function isSameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** The next multiple of a quarter of the power of two below: at most a quarter too much. */
function capacityFor(count: number): number {
  const step = Math.max(64, 2 ** Math.floor(Math.log2(count)) / 4);
  return Math.ceil((count + 1) / step) * step;
}

/** Checks how a cluster is to be divided. @throws WeftError SUBSET_INVALID_SELECTOR */
export function checkSubsets({ selectors, subsetsMax }: SubsetConfig): void {
  if (!(subsetsMax >= 1 && subsetsMax <= SUBSETS_MAX)) {
    throw invalid("subsetsMax", subsetsMax, `a number from 1 to ${SUBSETS_MAX}`);
  }
  if (selectors.length > SELECTORS_MAX)
    throw invalid("selectors", selectors.length, `at most ${SELECTORS_MAX} of them`);
  const seen = new Set<string>();
  for (const { keys } of selectors) {
    const name = JSON.stringify(keys.toSorted());
    if (keys.length === 0 || keys.length > SELECTOR_KEYS_MAX) {
      throw invalid("keys", keys, `1 to ${SELECTOR_KEYS_MAX} keys`);
    }
    if (new Set(keys).size < keys.length) throw invalid("keys", keys, "each key once");
    if (seen.has(name)) throw invalid("keys", keys, "other keys than those of another selector");
    seen.add(name);
  }
}

function invalid(field: string, value: unknown, expected: string): WeftError<SubsetErrorCode> {
  return new WeftError(
    "SUBSET_INVALID_SELECTOR",
    `Cannot divide a cluster into subsets: ${field} is ${JSON.stringify(value)}, expected ${expected}`,
    { field, value },
  );
}
