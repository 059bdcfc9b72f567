import { hashString } from "@weft/kernel";
import { HostTable } from "./host-table.ts";
import type { ShardClient, ShardHost, ShardOrder } from "./order.ts";
import { encodeEntry, preferenceIn, slotIn, sortEntries } from "./preference.ts";

class RingOrder<H extends ShardHost> implements ShardOrder<H> {
  readonly #point: number;
  readonly #table: HostTable<H> = new HostTable();
  #ring: readonly H[] = [];

  constructor(point: number) {
    this.#point = point;
  }

  update(hosts: readonly H[], size: number): readonly H[] {
    const table = this.#table;
    table.update(hosts);
    const entries = new Float64Array(table.count);
    let count = 0;
    for (let slot = 0; slot < table.slotCount; slot++) {
      if (table.hostAt(slot) !== undefined) entries[count++] = encodeEntry(table.hashAt(slot), slot);
    }
    sortEntries(entries, (slot) => table.keyAt(slot));
    const ring = Array.from(entries, (entry) => table.hostAt(slotIn(entry))).filter((host) => host !== undefined);
    const start = entries.findIndex((entry) => preferenceIn(entry) >= this.#point);
    this.#ring = start <= 0 ? ring : [...ring.slice(start), ...ring.slice(0, start)];
    return this.#ring.slice(0, size);
  }

  all(): readonly H[] {
    return this.#ring;
  }
}

/**
 * The ring of the reference system: every host has one point on a ring that is the same for all, a client connects to
 * the hosts that follow its own point. A host that goes moves only its own connections, but all of them to the few hosts
 * that follow it, and shares are as uneven as the gaps between points. Weights do not count.
 */
export function createRingOrder<H extends ShardHost>(client: ShardClient): ShardOrder<H> {
  return new RingOrder<H>(hashString(client.key));
}
