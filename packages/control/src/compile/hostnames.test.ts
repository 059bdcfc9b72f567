import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareHosts, coversHost, intersectHosts, isolateHosts } from "./hostnames.ts";

test("intersectHosts() follows Gateway API's table", () => {
  const table: readonly (readonly [string | undefined, readonly string[] | undefined, readonly string[]])[] = [
    [undefined, undefined, ["*"]],
    [undefined, [], ["*"]],
    [undefined, ["a.example"], ["a.example"]],
    ["a.example", undefined, ["a.example"]],
    ["*.example", undefined, ["*.example"]],
    ["a.example", ["a.example"], ["a.example"]],
    ["a.example", ["*.example"], ["a.example"]],
    ["a.example", ["b.example"], []],
    ["*.example", ["a.example", "b.a.example", "example", "a.test"], ["b.a.example", "a.example"]],
    ["*.example", ["*.example"], ["*.example"]],
    ["*.example", ["*.a.example"], ["*.a.example"]],
    ["*.a.example", ["*.example"], ["*.a.example"]],
    ["*.a.example", ["*.b.example"], []],
    ["example", ["*.example"], []],
    ["*.example", ["badexample"], []],
    ["*.example", ["a.example", "a.example"], ["a.example"]],
  ];
  for (const [listener, route, expected] of table) {
    assert.deepEqual(intersectHosts(listener, route), expected, `${listener} with ${route?.join(" ")}`);
  }
});

const host = fc
  .tuple(fc.constantFrom("", "*."), fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }))
  .map(([prefix, labels]) => prefix + labels.join("."));

/** What a name matches, among all names of up to five labels of two letters. */
function matches(name: string, request: string): boolean {
  if (name === "*") return true;
  return name.startsWith("*.") ? request.endsWith(name.slice(1)) && request.length >= name.length : name === request;
}

test("intersectHosts() matches a request exactly where listener and route both do", () => {
  const request = fc
    .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 5 })
    .map((labels) => labels.join("."));
  fc.assert(
    fc.property(host, fc.array(host, { minLength: 1, maxLength: 4 }), request, (listener, route, name) => {
      const both = matches(listener, name) && route.some((each) => matches(each, name));
      assert.equal(
        intersectHosts(listener, route).some((each) => matches(each, name)),
        both,
      );
    }),
  );
});

test("coversHost() agrees with matching, and compareHosts() puts the narrower first", () => {
  fc.assert(
    fc.property(host, host, (outer, inner) => {
      if (!coversHost(outer, inner)) return;
      const witness = inner.startsWith("*.") ? `z${inner.slice(1)}` : inner;
      assert.ok(matches(outer, witness));
      if (outer !== inner) assert.ok(compareHosts(inner, outer) < 0);
    }),
  );
  assert.equal(coversHost("*.a", "*"), false);
  assert.deepEqual(["*", "*.a", "b", "*.b.a", "c.a"].sort(compareHosts), ["c.a", "b", "*.b.a", "*.a", "*"]);
});

test("isolateHosts() leaves to a more specific listener what is its own", () => {
  const others = ["*", "*.example", "a.example"];
  assert.deepEqual(isolateHosts("*", ["*", "b.test", "a.example", "*.x.example"], others), ["*", "b.test"]);
  assert.deepEqual(isolateHosts("*.example", ["*.example", "a.example", "b.example"], others), [
    "*.example",
    "b.example",
  ]);
  assert.deepEqual(isolateHosts("a.example", ["a.example"], others), ["a.example"]);
});
