import { assert, assertInteger, hashString, mixUint32 } from "@weft/kernel";
import { HostTable } from "./host-table.ts";
import { evenShares, hostLimit, leagueClients } from "./league.ts";
import { CLIENT_INDEX_MAX } from "./limits.ts";
import type { ShardClient, ShardHost, ShardOrder } from "./order.ts";
import { PreferenceList } from "./preference-list.ts";
import { createRendezvousOrder, orderByPreference } from "./rendezvous-order.ts";

/** Spreads neighbouring numbers of clients (2^32 divided by the golden ratio). */
const INDEX_STRIDE = 0x9e3779b9;

/** One draft: the hosts' limits and what is left of them, pick by pick. */
class DraftState {
  /** By slot: connections that the host may still get from the league. */
  readonly left: Int32Array;
  /** How many hosts have so many left. */
  readonly #hostsByLeft: Int32Array;
  /** Connections that may still go to waste before some client cannot get its shard: never less than 0. */
  #waste: number;

  constructor(limits: Int32Array, clients: number, size: number) {
    this.left = limits;
    let limitMax = 0;
    let total = 0;
    for (const limit of limits) {
      limitMax = Math.max(limitMax, limit);
      total += limit;
    }
    this.#hostsByLeft = new Int32Array(limitMax + 1);
    for (const limit of limits) this.#hostsByLeft[limit] = (this.#hostsByLeft[limit] ?? 0) + 1;
    this.#waste = total - clients * size;
  }

  /** Hosts that have as much left as there are clients: each client that passes one by wastes a connection. */
  countUrgent(clientsLeft: number): number {
    let count = 0;
    for (let left = clientsLeft; left < this.#hostsByLeft.length; left++) count += this.#hostsByLeft[left] ?? 0;
    return count;
  }

  /** How many of `passedBy` urgent hosts the client may not pass by. */
  excess(passedBy: number): number {
    return Math.max(0, passedBy - this.#waste);
  }

  take(slot: number): void {
    const left = this.left[slot] ?? 0;
    this.left[slot] = left - 1;
    this.#hostsByLeft[left] = (this.#hostsByLeft[left] ?? 0) - 1;
    this.#hostsByLeft[left - 1] = (this.#hostsByLeft[left - 1] ?? 0) + 1;
  }

  spend(wasted: number): void {
    this.#waste -= wasted;
  }
}

class DraftOrder<H extends ShardHost> implements ShardOrder<H> {
  readonly #index: number;
  readonly #seed: number;
  readonly #table: HostTable<H> = new HostTable();
  /** Of the clients of the league up to this one, in their order. */
  #lists: PreferenceList<H>[] = [];
  #clients: number = 0;
  #shard: readonly H[] = [];
  /** Slots that the client whose turn it is picks, best first; reused. */
  #picks: Int32Array = new Int32Array(0);

  constructor(index: number, seed: number) {
    assertInteger("index", index, 0, CLIENT_INDEX_MAX);
    this.#index = index;
    this.#seed = seed;
  }

  update(hosts: readonly H[], size: number): readonly H[] {
    const table = this.#table;
    const isOther = table.update(hosts);
    if (size >= table.count) {
      // Nothing to draft, and lists would only have to follow.
      this.#lists = [];
      this.#shard = this.#orderAll();
    } else {
      this.#followHosts(size, isOther);
      this.#draft(size);
      this.#shard = Array.from(this.#picks.subarray(0, size), (slot) => table.hostAt(slot)).filter(
        (host) => host !== undefined,
      );
    }
    return this.#shard;
  }

  all(): readonly H[] {
    const isPicked = new Set(this.#shard);
    return [...this.#shard, ...this.#orderAll().filter((host) => !isPicked.has(host))];
  }

  #orderAll(): readonly H[] {
    return orderByPreference(this.#table, this.#hashOf(this.#index));
  }

  #hashOf(index: number): number {
    return mixUint32(this.#seed + Math.imul(index, INDEX_STRIDE));
  }

  /** Brings the lists of preferences up to date with the table, or makes them anew where that is less work. */
  #followHosts(size: number, isOther: boolean): void {
    const table = this.#table;
    const clients = leagueClients(table.count, size);
    const changes = table.added.length + table.removed.length;
    if (!isOther && clients === this.#clients && this.#lists.length > 0 && changes * 8 < table.count) {
      for (const list of this.#lists) list.follow();
      return;
    }
    this.#clients = clients;
    const first = this.#index - (this.#index % clients);
    this.#lists = [];
    // All clients like about as many hosts about as much: the first list shows how much is enough.
    let worst = -1;
    for (let index = first; index <= this.#index; index++) {
      const list = new PreferenceList(table, this.#hashOf(index));
      list.fill(size, worst);
      worst = Math.max(worst, list.worst);
      this.#lists.push(list);
    }
  }

  /** Lets the clients of the league pick in turn, up to this one: `#picks` are its own in the end. */
  #draft(size: number): void {
    const state = new DraftState(this.#hostLimits(size), this.#clients, size);
    if (this.#picks.length !== size) this.#picks = new Int32Array(size);
    for (let position = 0; position < this.#lists.length; position++) {
      const list = this.#lists[position];
      if (list !== undefined) this.#pick(state, list, this.#clients - position);
    }
  }

  /** By slot. */
  #hostLimits(size: number): Int32Array {
    const table = this.#table;
    const limits = new Int32Array(table.slotCount);
    if (!table.isWeighted) {
      const limit = hostLimit(this.#clients, size / table.count);
      for (let slot = 0; slot < limits.length; slot++) if (table.hostAt(slot) !== undefined) limits[slot] = limit;
      return limits;
    }
    const slots = [...limits.keys()].filter((slot) => table.hostAt(slot) !== undefined);
    // The order of slots is this process's own; sums of weights must not depend on it.
    slots.sort((a, b) => table.weightAt(a) - table.weightAt(b));
    const shares = evenShares(
      slots.map((slot) => table.weightAt(slot)),
      size,
    );
    slots.forEach((slot, place) => {
      limits[slot] = hostLimit(this.#clients, shares[place] ?? 0);
    });
    return limits;
  }

  /** One client takes the hosts it likes best among those that are not full. */
  #pick(state: DraftState, list: PreferenceList<H>, clientsLeft: number): void {
    const { left } = state;
    const picks = this.#picks;
    const count = picks.length;
    while (list.pickFirst(left, picks) < count) {
      // The list is at its end when many of the hosts in it are full.
      assert(list.length < this.#table.count, "a draft leaves every client as many hosts as it wants");
      list.fill(2 * list.length + 1, -1);
    }
    let passedBy = state.countUrgent(clientsLeft);
    if (passedBy > 0) {
      for (let place = 0; place < count; place++) if ((left[picks[place] ?? 0] ?? 0) >= clientsLeft) passedBy--;
      const excess = state.excess(passedBy);
      if (excess > 0) this.#takeUrgent(state, list, excess, clientsLeft);
      state.spend(passedBy - excess);
    }
    for (let place = 0; place < count; place++) state.take(picks[place] ?? 0);
  }

  /** Replaces the picks that the client likes least by the urgent hosts it likes best among those it passed by. */
  #takeUrgent(state: DraftState, list: PreferenceList<H>, excess: number, clientsLeft: number): void {
    const isUrgent = (slot: number): boolean => (state.left[slot] ?? 0) >= clientsLeft;
    const picked = [...this.#picks];
    const isPicked = new Set(picked);
    const isTaken = (slot: number): boolean => isPicked.has(slot) || !isUrgent(slot);
    const urgent = list.findBeyond(isTaken, excess);
    for (const slot of urgent) {
      picked.splice(
        picked.findLastIndex((candidate) => !isUrgent(candidate)),
        1,
      );
      picked.push(slot);
    }
    this.#picks.set(picked.toSorted((a, b) => list.preferenceFor(a) - list.preferenceFor(b)));
  }
}

/**
 * The draft: rendezvous hashing with a bound on every host. Clients are numbered, and so many in a row make a league
 * that each host has about ten to twenty connections to give to it. In the order of their numbers, the clients of a
 * league take the hosts they like best, as in rendezvous hashing, but a host that gave 1.1 times its even share is full.
 * Every client computes its league by itself: names and numbers are all it needs. docs/SHARDING.md has the proof that
 * shards are always complete, and what a host that comes or goes moves. Weights count.
 *
 * A client without a number uses rendezvous hashing: without one, no rule can promise a balance better than chance.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when the client's number is not a uint32
 */
export function createDraftOrder<H extends ShardHost>(client: ShardClient): ShardOrder<H> {
  if (client.index === null) return createRendezvousOrder<H>(client);
  return new DraftOrder<H>(client.index, hashString(client.zone));
}
