import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDraftOrder } from "./draft-order.ts";
import { evenShares, hostLimit, leagueClients } from "./league.ts";
import { LEAGUE_CLIENTS_MAX, LEAGUE_CONNECTIONS_MIN, LEAGUE_SLACK_FACTOR } from "./limits.ts";
import type { ShardHost } from "./order.ts";
import { preferenceOf } from "./preference.ts";
import { connectionsOf, shardHosts } from "./shard.fixture.ts";

/** The shards of a whole league. */
function draftLeague(hosts: readonly ShardHost[], size: number, first: number, clients: number): ReadonlySet<string>[] {
  return Array.from({ length: clients }, (_, position) => {
    const order = createDraftOrder<ShardHost>({ key: "", index: first + position, zone: "" });
    return new Set(
      order
        .update(hosts, size)
        .slice(0, size)
        .map(({ key }) => key),
    );
  });
}

test("createDraftOrder() gives no host of a league more than its limit, and every client a whole shard", () => {
  const parameters = fc.record({
    count: fc.integer({ min: 2, max: 24 }),
    percent: fc.integer({ min: 15, max: 95 }),
    league: fc.nat(50),
    weights: fc.constantFrom<readonly number[]>([1], [1, 2, 3], [1, 1, 1, 20]),
  });
  fc.assert(
    fc.property(parameters, ({ count, percent, league, weights }) => {
      const hosts = shardHosts(count, (index) => weights[index % weights.length] ?? 1);
      const size = Math.max(1, Math.floor((count * percent) / 100));
      const clients = leagueClients(count, size);
      const shards = draftLeague(hosts, size, league * clients, clients);
      assert.ok(shards.every((shard) => shard.size === size));
      const shares = evenShares(
        hosts.map(({ configuredWeight }) => configuredWeight),
        size,
      );
      connectionsOf(shards, hosts).forEach((connections, index) => {
        assert.ok(connections <= hostLimit(clients, shares[index] ?? 0), `${connections} of host ${index}`);
      });
    }),
    { numRuns: 60 },
  );
});

test("createDraftOrder() promises 1.10 for a whole league of hosts that are alike", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (count, size) => {
      const clients = leagueClients(count, size);
      fc.pre(size < count && clients < LEAGUE_CLIENTS_MAX);
      const even = (clients * size) / count;
      assert.ok(even >= LEAGUE_CONNECTIONS_MIN);
      assert.ok(hostLimit(clients, size / count) <= even * LEAGUE_SLACK_FACTOR + 1e-6);
    }),
  );
});

test("leagueClients() has a bound: beyond it whole numbers cost balance", () => {
  assert.equal(leagueClients(100_000, 1), LEAGUE_CLIENTS_MAX);
  assert.equal(leagueClients(100, 20), 64);
});

test("evenShares() adds up to the size, by weight, and gives no host more than 1", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 }),
      fc.nat(29),
      (weights, rest) => {
        const size = 1 + (rest % weights.length);
        const shares = evenShares(weights, size);
        assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - size) < 1e-9);
        assert.ok(shares.every((share) => share <= 1));
      },
    ),
  );
});

test("createDraftOrder() leaves all others where they are when a client comes or goes", () => {
  const hosts = shardHosts(30);
  const alone = draftLeague(hosts, 6, 77, 1)[0] ?? new Set();
  assert.deepEqual(draftLeague(hosts, 6, 64, 64)[13], alone);
});

test("preferenceOf() prefers hosts by weight, exactly as a uint32", () => {
  let heavy = 0;
  for (let client = 0; client < 4000; client++) {
    const [light, other] = [preferenceOf(client, 1, 1), preferenceOf(client, 2, 3)];
    for (const preference of [light, other]) assert.equal(preference >>> 0, preference);
    if (other < light) heavy++;
  }
  assert.ok(Math.abs(heavy / 4000 - 0.75) < 0.03, `${heavy}`);
  assert.ok(preferenceOf(0, 0, 1_000_000) >= 0);
});
