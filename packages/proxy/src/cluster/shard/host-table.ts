import { assert, hashString } from "@weft/kernel";
import { findChangedRange } from "../changed-range.ts";
import { HOSTS_PER_CLUSTER_MAX } from "../limits.ts";
import type { ShardHost } from "./order.ts";

/**
 * Hosts by slot, a small number that stays a host's own while it is here, with the hash of each key computed once. A
 * host whose weight changed is taken for another one.
 */
export class HostTable<H extends ShardHost> {
  readonly #slotOf: Map<string, number> = new Map();
  readonly #hosts: (H | undefined)[] = [];
  readonly #free: number[] = [];
  #hashes: Uint32Array = new Uint32Array(16);
  #weights: Float64Array = new Float64Array(16);
  #seen: Uint32Array = new Uint32Array(16);
  #round: number = 0;
  /** The hosts as they were last told, with the weights that they had then. */
  #list: readonly H[] = [];
  #listWeights: readonly number[] = [];
  #isWeighted: boolean = false;

  /** Slots of hosts that the last `update` brought, and of those it took away (their hashes are still there). */
  readonly added: number[] = [];
  readonly removed: number[] = [];

  /** Hosts that are here. */
  get count(): number {
    return this.#slotOf.size;
  }

  /** One more than the largest slot. */
  get slotCount(): number {
    return this.#hosts.length;
  }

  /** False while all hosts have the same weight: then it counts for nothing. */
  get isWeighted(): boolean {
    return this.#isWeighted;
  }

  hostAt(slot: number): H | undefined {
    return this.#hosts[slot];
  }

  hashAt(slot: number): number {
    return this.#hashes[slot] ?? 0;
  }

  /** 0 while all hosts have the same weight. */
  weightAt(slot: number): number {
    return this.#isWeighted ? (this.#weights[slot] ?? 1) : 0;
  }

  keyAt(slot: number): string {
    return this.#hosts[slot]?.key ?? "";
  }

  /** Takes over the list of hosts. True when preferences of hosts that stayed changed: weights begin or cease to count. */
  update(hosts: readonly H[]): boolean {
    assert(hosts.length <= HOSTS_PER_CLUSTER_MAX, "a cluster keeps within its limit of hosts");
    this.added.length = 0;
    this.removed.length = 0;
    const weight = hosts[0]?.configuredWeight;
    const isWeighted = hosts.some((host) => host.configuredWeight !== weight);
    const isOther = isWeighted !== this.#isWeighted;
    // A change of weights that count for nothing moves nothing.
    const countsWeight = isWeighted || this.#isWeighted;
    const { from, beforeTo, afterTo } = findChangedRange(
      this.#list.length,
      hosts.length,
      (old, now) => this.#list[old] === hosts[now] && this.#listWeights[old] === hosts[now]?.configuredWeight,
    );
    const round = ++this.#round;
    for (let index = from; index < afterTo; index++) this.#keep(hosts[index], round, countsWeight);
    for (let index = from; index < beforeTo; index++) this.#drop(this.#list[index], round);
    for (let index = from; index < afterTo; index++) {
      const host = hosts[index];
      if (host !== undefined && !this.#slotOf.has(host.key)) this.#add(host);
    }
    // Only now, so that no slot is removed and added in one change.
    for (const slot of this.removed) {
      this.#hosts[slot] = undefined;
      this.#free.push(slot);
    }
    this.#list = hosts;
    this.#listWeights = hosts.map((host) => host.configuredWeight);
    this.#isWeighted = isWeighted;
    return isOther;
  }

  /** Marks a host that was here and is here, as the same. */
  #keep(host: H | undefined, round: number, countsWeight: boolean): void {
    const slot = host === undefined ? undefined : this.#slotOf.get(host.key);
    if (host === undefined || slot === undefined) return;
    if (countsWeight && this.#weights[slot] !== host.configuredWeight) return;
    this.#seen[slot] = round;
    this.#hosts[slot] = host;
    this.#weights[slot] = host.configuredWeight;
  }

  /** Removes a host that was not marked. */
  #drop(host: H | undefined, round: number): void {
    const slot = host === undefined ? undefined : this.#slotOf.get(host.key);
    if (host === undefined || slot === undefined || this.#seen[slot] === round) return;
    this.#slotOf.delete(host.key);
    this.removed.push(slot);
  }

  #add(host: H): void {
    const slot = this.#free.pop() ?? this.#hosts.length;
    if (slot >= this.#hashes.length) this.#grow();
    this.#hosts[slot] = host;
    this.#slotOf.set(host.key, slot);
    this.#hashes[slot] = hashString(host.key);
    this.#weights[slot] = host.configuredWeight;
    this.added.push(slot);
  }

  #grow(): void {
    const size = 2 * this.#hashes.length;
    const [hashes, weights, seen] = [new Uint32Array(size), new Float64Array(size), new Uint32Array(size)];
    hashes.set(this.#hashes);
    weights.set(this.#weights);
    seen.set(this.#seen);
    [this.#hashes, this.#weights, this.#seen] = [hashes, weights, seen];
  }
}
