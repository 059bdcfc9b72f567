import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubsetConfig, SubsetFallback } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import fc from "fast-check";
import { HOSTS_PER_CLUSTER_MAX } from "../limits.ts";
import { FEW_HOSTS_MAX, REPLACED_MAX, SELECTOR_KEYS_MAX, SELECTORS_MAX, SUBSETS_MAX } from "./limits.ts";
import { type LabelledHost, type Labels, SubsetIndex } from "./subset-index.ts";

const ANY = { type: "any" } as const;
const NONE = { type: "none" } as const;

function host(key: string, labels: Labels): LabelledHost {
  return { key, labels };
}

function createIndex(
  selectors: SubsetConfig["selectors"],
  rest: Partial<SubsetConfig> = {},
): SubsetIndex<LabelledHost> {
  return new SubsetIndex({ selectors, fallback: NONE, subsetsMax: 100, ...rest });
}

/** What a query finds: how, and the keys of its hosts in order. */
function ask(index: SubsetIndex<LabelledHost>, criteria: Labels): readonly [string, readonly string[]] {
  const { type, subset } = index.find(index.compile(criteria));
  const keys = (subset?.hosts() ?? []).map(({ key }) => key).toSorted();
  assert.equal(keys.length, subset?.count ?? 0);
  assert.ok(keys.every((key) => subset?.has(key) === true));
  return [type, keys];
}

/** The same, by looking at every host. */
function askNaively(
  config: SubsetConfig,
  hosts: readonly LabelledHost[],
  criteria: Labels,
): readonly [string, readonly string[]] {
  const having = (labels: Labels): string[] =>
    hosts
      .filter((candidate) => Object.entries(labels).every(([key, value]) => candidate.labels[key] === value))
      .map(({ key }) => key)
      .toSorted();
  const name = JSON.stringify(Object.keys(criteria).toSorted());
  const selector = config.selectors.find(({ keys }) => JSON.stringify(keys.toSorted()) === name);
  const found = selector === undefined ? [] : having(criteria);
  if (found.length > 0) return ["subset", found];
  const { fallback } = selector ?? config;
  const other = fallback.type === "none" ? [] : having(fallback.type === "any" ? {} : fallback.labels);
  return other.length > 0 ? [fallback.type, other] : ["none", []];
}

const labelsArbitrary: fc.Arbitrary<Labels> = fc.dictionary(
  fc.constantFrom("zone", "version", "stage"),
  fc.constantFrom("a", "b", ""),
  {
    noNullPrototype: true,
  },
);
const fallbackArbitrary: fc.Arbitrary<SubsetFallback> = fc.oneof(
  fc.constant(NONE),
  fc.constant(ANY),
  labelsArbitrary.map((labels) => ({ type: "default", labels }) as const),
);

test("find() is what a look at every host finds, whatever hosts did before and however few subsets are kept", () => {
  const configArbitrary = fc.record({
    selectors: fc.uniqueArray(
      fc.record({
        keys: fc.shuffledSubarray(["zone", "version", "stage"], { minLength: 1 }),
        fallback: fallbackArbitrary,
      }),
      { selector: ({ keys }) => JSON.stringify(keys.toSorted()) },
    ),
    fallback: fallbackArbitrary,
    subsetsMax: fc.constantFrom(1, 2, 5, 1000),
  });
  const step = fc.record({
    // More than a list holds, so that sets become bitmaps, and grow.
    hosts: fc.uniqueArray(fc.tuple(fc.nat(199), labelsArbitrary), { maxLength: 160, selector: ([number]) => number }),
    queries: fc.array(labelsArbitrary, { maxLength: 12 }),
  });
  fc.assert(
    fc.property(configArbitrary, fc.array(step, { maxLength: 8 }), (config, steps) => {
      const index = new SubsetIndex<LabelledHost>(config);
      for (const { hosts: entries, queries } of steps) {
        const hosts = entries.map(([number, labels]) => host(`h${number}`, labels));
        index.update(hosts);
        for (const criteria of queries) assert.deepEqual(ask(index, criteria), askNaively(config, hosts, criteria));
        assert.ok(index.builtCount <= config.subsetsMax);
      }
    }),
    { numRuns: 150 },
  );
});

test("update() changes built subsets in place: only those of the host's labels, with a new version", () => {
  const index = createIndex([{ keys: ["zone"], fallback: NONE }]);
  const hosts = Array.from({ length: 100 }, (_, number) => host(`h${number}`, { zone: number % 2 === 0 ? "a" : "b" }));
  index.update(hosts);
  const find = (zone: string) => index.find(index.compile({ zone })).subset;
  const [a, b] = [find("a"), find("b")];
  assert.ok(a !== undefined && b !== undefined);
  const [versionOfA, versionOfB] = [a.version, b.version];
  const listBefore = a.hosts();
  index.update([...hosts, host("h100", { zone: "a" })]);
  assert.equal(find("a"), a);
  assert.deepEqual([a.count, b.count], [51, 50]);
  assert.notEqual(a.version, versionOfA);
  assert.equal(b.version, versionOfB);
  assert.equal(listBefore.length, 50);
  assert.deepEqual([a.has("h100"), a.has("h1"), a.has("nobody")], [true, false, false]);
});

test("update() sees a host that is labelled anew, as another object or as the same", () => {
  const index = createIndex([{ keys: ["zone"], fallback: NONE }]);
  const own = { key: "h0", labels: { zone: "a" } as Labels };
  index.update([own, host("h1", { zone: "a" })]);
  assert.deepEqual(ask(index, { zone: "a" }), ["subset", ["h0", "h1"]]);
  own.labels = { zone: "b" };
  index.update([own, host("h1", { zone: "b" })]);
  assert.deepEqual(ask(index, { zone: "b" }), ["subset", ["h0", "h1"]]);
  assert.deepEqual(ask(index, { zone: "a" }), ["none", []]);
});

test("update() hands on the object of a host that is another with the same labels", () => {
  const index = createIndex([{ keys: ["zone"], fallback: NONE }]);
  index.update([host("h0", { zone: "a" })]);
  const query = index.compile({ zone: "a" });
  const version = index.find(query).subset?.version;
  const other = host("h0", { zone: "a" });
  index.update([other]);
  assert.equal(index.find(query).subset?.hosts()[0], other);
  assert.notEqual(index.find(query).subset?.version, version);
});

test("update() takes many hosts at once, and gives slots of those that went to others", () => {
  const index = createIndex([{ keys: ["zone"], fallback: NONE }]);
  const hosts = Array.from({ length: 3 * REPLACED_MAX }, (_, number) => host(`h${number}`, { zone: `${number % 3}` }));
  index.update(hosts);
  index.update(hosts.slice(0, FEW_HOSTS_MAX));
  index.update(hosts.toReversed());
  assert.equal(ask(index, { zone: "2" })[1].length, REPLACED_MAX);
});

test("find() tells values apart that look alike when they are joined, and labels from what every object has", () => {
  const index = createIndex([
    { keys: ["a", "b"], fallback: NONE },
    { keys: ["constructor"], fallback: NONE },
  ]);
  index.update([host("h0", { a: "x1:", b: "y" }), host("h1", { a: "x", b: "1:y" })]);
  assert.deepEqual(ask(index, { b: "y", a: "x1:" }), ["subset", ["h0"]]);
  assert.deepEqual(ask(index, { b: "1:y", a: "x" }), ["subset", ["h1"]]);
  assert.deepEqual(ask(index, { constructor: "y" }), ["none", []]);
});

test("find() forgets the subset that was not asked for the longest, and builds it again", () => {
  const index = createIndex([{ keys: ["id"], fallback: NONE }], { subsetsMax: 2 });
  index.update(["a", "b", "c"].map((id) => host(id, { id })));
  const find = (id: string) => index.find(index.compile({ id })).subset;
  const [a, b] = [find("a"), find("b")];
  assert.equal(find("a"), a);
  find("c");
  assert.equal(index.builtCount, 2);
  assert.equal(find("a"), a);
  assert.notEqual(find("b"), b);
  assert.deepEqual(ask(index, { id: "b" }), ["subset", ["b"]]);
});

test("SubsetIndex() refuses selectors that cannot be used", () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, number) => `k${number}`);
  const selectorLists: readonly (readonly string[][])[] = [
    [[]],
    [["a", "a"]],
    [
      ["a", "b"],
      ["b", "a"],
    ],
    [many(SELECTOR_KEYS_MAX + 1)],
    many(SELECTORS_MAX + 1).map((key) => [key]),
  ];
  const isRefused = (error: unknown): boolean => isWeftError(error, "SUBSET_INVALID_SELECTOR");
  for (const lists of selectorLists) {
    assert.throws(() => createIndex(lists.map((keys) => ({ keys, fallback: ANY }))), isRefused);
  }
  for (const subsetsMax of [0, SUBSETS_MAX + 1, Number.NaN]) {
    assert.throws(() => createIndex([], { subsetsMax }), isRefused);
  }
  createIndex([{ keys: many(SELECTOR_KEYS_MAX), fallback: ANY }]);
});

test("update() refuses more hosts than a cluster may have, and changes nothing", () => {
  const index = createIndex([{ keys: ["zone"], fallback: NONE }]);
  index.update([host("h0", { zone: "a" })]);
  const tooMany = Array.from({ length: HOSTS_PER_CLUSTER_MAX + 1 }, () => host("h1", {}));
  assert.throws(
    () => index.update(tooMany),
    (error) => isWeftError(error, "KERNEL_ASSERTION_FAILED"),
  );
  assert.deepEqual(ask(index, { zone: "a" }), ["subset", ["h0"]]);
});
