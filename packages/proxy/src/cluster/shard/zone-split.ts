/** What there is in one zone. */
export interface ZoneHosts {
  readonly zone: string;
  readonly hosts: number;
  /** Sum of configured weights. */
  readonly weight: number;
}

/** How many of the zones' clients there are, by zone, where somebody counts; null: as many in each zone that has hosts. */
export type ZoneClients = ReadonlyMap<string, number> | null;

/**
 * How many members each zone gives to a client's shard of `size`; fractions, in the order of `zones`.
 *
 * A zone can serve its own clients when its share of the hosts (by weight) is at least its share of the clients. Then its
 * clients stay in it. Where it is less, its clients keep that part at home which the zone can serve, and take the rest
 * from zones with hosts to spare, in proportion to what each has to spare. Summed over all clients every zone then gets
 * connections in proportion to its hosts, as without zones. A zone never gives more members than it has hosts.
 */
export function splitByZone(zones: readonly ZoneHosts[], own: string, clients: ZoneClients, size: number): number[] {
  const totalWeight = sum(zones.map(({ weight }) => weight));
  const clientsOf = ({ zone }: ZoneHosts): number => (clients === null ? 1 : (clients.get(zone) ?? 0));
  // Clients of zones without hosts are clients of all zones in proportion: they change no zone's share.
  const totalClients = sum(zones.map(clientsOf));
  const hostShares = zones.map(({ weight }) => weight / totalWeight);
  const clientShares = zones.map((zone) => (totalClients === 0 ? 0 : clientsOf(zone) / totalClients));
  const spare = hostShares.map((share, index) => Math.max(0, share - (clientShares[index] ?? 0)));
  const home = zones.findIndex(({ zone }) => zone === own && own !== "");
  if (home < 0) return fillUp(zones, hostShares, size);
  const [hostShare, clientShare] = [hostShares[home] ?? 0, clientShares[home] ?? 0];
  // At the bounds of precision a zone that is exactly even must not send one client in a million away.
  const kept = hostShare >= clientShare - 1e-9 ? 1 : hostShare / clientShare;
  const spareElsewhere = sum(spare) - (spare[home] ?? 0);
  const wanted = zones.map((_, index) => {
    if (index === home) return kept;
    const share = spareElsewhere > 0 ? (spare[index] ?? 0) / spareElsewhere : 0;
    return (1 - kept) * share;
  });
  return fillUp(zones, wanted, size, hostShares);
}

/** Members by share, none above a zone's hosts; what is cut off goes to the others by share, or else by `fallback`. */
function fillUp(zones: readonly ZoneHosts[], shares: readonly number[], size: number, fallback = shares): number[] {
  const counts = zones.map(() => 0);
  let rest = Math.min(size, sum(zones.map(({ hosts }) => hosts)));
  while (rest > 1e-9) {
    const hasRoom = (index: number): boolean => (counts[index] ?? 0) < (zones[index]?.hosts ?? 0) - 1e-9;
    const open = zones.map((_, index) => (hasRoom(index) ? (shares[index] ?? 0) : 0));
    const parts = sum(open) > 0 ? open : zones.map((_, index) => (hasRoom(index) ? (fallback[index] ?? 0) : 0));
    const total = sum(parts);
    let given = 0;
    parts.forEach((part, index) => {
      const room = (zones[index]?.hosts ?? 0) - (counts[index] ?? 0);
      const count = Math.min(room, (rest * part) / total);
      counts[index] = (counts[index] ?? 0) + count;
      given += count;
    });
    rest -= given;
  }
  return counts;
}

/**
 * Whole numbers instead of fractions, with the same sum: each is the fraction rounded up or down, and over clients whose
 * `phase` is spread over [0, 1) each is the fraction on average.
 */
export function roundSplit(fractions: readonly number[], phase: number): number[] {
  let before = 0;
  return fractions.map((fraction) => {
    const after = before + fraction;
    const count = Math.floor(after + phase + 1e-9) - Math.floor(before + phase + 1e-9);
    before = after;
    return count;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
