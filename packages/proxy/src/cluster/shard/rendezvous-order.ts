import { hashString } from "@weft/kernel";
import { HostTable } from "./host-table.ts";
import type { ShardClient, ShardHost, ShardOrder } from "./order.ts";
import { encodeEntry, preferenceOf, slotIn, sortEntries } from "./preference.ts";
import { PreferenceList } from "./preference-list.ts";

/** All hosts of a table in a client's order of preference. */
export function orderByPreference<H extends ShardHost>(table: HostTable<H>, clientHash: number): H[] {
  const entries = new Float64Array(table.count);
  let count = 0;
  for (let slot = 0; slot < table.slotCount; slot++) {
    if (table.hostAt(slot) === undefined) continue;
    const preference = preferenceOf(clientHash, table.hashAt(slot), table.weightAt(slot));
    entries[count++] = encodeEntry(preference, slot);
  }
  sortEntries(entries, (slot) => table.keyAt(slot));
  return Array.from(entries, (entry) => table.hostAt(slotIn(entry))).filter((host) => host !== undefined);
}

class RendezvousOrder<H extends ShardHost> implements ShardOrder<H> {
  readonly #clientHash: number;
  readonly #table: HostTable<H> = new HostTable();
  readonly #list: PreferenceList<H>;

  constructor(clientHash: number) {
    this.#clientHash = clientHash;
    this.#list = new PreferenceList(this.#table, clientHash);
  }

  update(hosts: readonly H[], size: number): readonly H[] {
    const [table, list] = [this.#table, this.#list];
    const isOther = table.update(hosts);
    if (!isOther) list.follow();
    if (isOther || list.length < Math.min(size, table.count)) list.fill(size, -1);
    return Array.from({ length: Math.min(size, table.count) }, (_, rank) => table.hostAt(list.slotAt(rank))).filter(
      (host) => host !== undefined,
    );
  }

  all(): readonly H[] {
    return orderByPreference(this.#table, this.#clientHash);
  }
}

/**
 * Rendezvous hashing (Thaler and Ravishankar 1998; gRPC's proposal A68): every client likes every host by hash, and
 * connects to those it likes best. A host that goes moves only its own connections. Balance is that of chance. Weights
 * count.
 */
export function createRendezvousOrder<H extends ShardHost>(client: ShardClient): ShardOrder<H> {
  return new RendezvousOrder<H>(hashString(client.key));
}
