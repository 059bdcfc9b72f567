import assert from "node:assert/strict";
import { test } from "node:test";
import { type HeaderChange, ResponseHead } from "@weft/contract";
import { compileFieldChange, composeFieldChanges, changeFields, withResponseChanges } from "./field-change.ts";
import { backendFixture, headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";

function change(overrides: Partial<HeaderChange>): HeaderChange {
  return { set: [], add: [], remove: [], ...overrides };
}

test("compileFieldChange() removes, then sets, then adds", () => {
  const compiled = compileFieldChange(
    change({
      remove: ["gone", "both"],
      set: [
        ["set", "1"],
        ["both", "2"],
        ["set", "3"],
      ],
      add: [
        ["set", "4"],
        ["gone", "5"],
        ["kept", "é"],
      ],
    }),
  );
  assert.ok(compiled !== null);
  assert.deepEqual(changeFields(["kept", "0", "gone", "x", "set", "y", "gone", "z"], compiled), [
    "kept",
    "0",
    "both",
    "2",
    "set",
    "3",
    "set",
    "4",
    "gone",
    "5",
    "kept",
    "\xc3\xa9",
  ]);
});

test("compileFieldChange() is null when nothing is to change", () => {
  assert.equal(compileFieldChange(null), null);
  assert.equal(compileFieldChange(change({})), null);
});

test("changeFields() returns the same list when there is nothing to remove", () => {
  const fields = ["a", "1"];
  assert.equal(changeFields(fields, { dropped: ["b"], appended: [] }), fields);
});

test("composeFieldChanges() does what one change after the other does", () => {
  const names = ["a", "b", "c"];
  const fields = ["a", "0", "b", "0", "d", "0"];
  for (let round = 0; round < 200; round++) {
    const draw = (bit: number): HeaderChange =>
      change({
        remove: names.filter((_, index) => (round >> (index + bit)) % 2 === 1),
        set: round % 3 === 0 ? [["a", `set${bit}`]] : [],
        add: round % 5 === 0 ? [["b", `add${bit}`]] : [["c", `add${bit}`]],
      });
    const first = compileFieldChange(draw(0));
    const second = compileFieldChange(draw(3));
    const composed = composeFieldChanges(first, second);
    const apply = (list: readonly string[], step: typeof first): readonly string[] =>
      step === null ? list : changeFields(list, step);
    assert.deepEqual(apply(fields, composed), apply(apply(fields, first), second));
  }
});

test("withResponseChanges() gives the same object for the same head and change", () => {
  const head = new ResponseHead(200, ["server", "x"], 5);
  const first = { dropped: ["server"], appended: [] };
  const changed = withResponseChanges(head, first);
  assert.deepEqual(changed.fields, []);
  assert.equal(changed.contentLength, 5);
  assert.equal(withResponseChanges(head, first), changed);
  assert.deepEqual(withResponseChanges(head, { dropped: [], appended: ["a", "b"] }).fields, ["server", "x", "a", "b"]);
  assert.equal(withResponseChanges(head, null), head);
  assert.equal(withResponseChanges(head, { dropped: ["other"], appended: [] }), head);
});

test("RouteDecision.forwardedHead() applies rule, backend and colour, in this order: HTTPRouteRequestHeaderModifier", () => {
  const table = tableFixture(
    ruleFixture({
      requestHeaders: change({ set: [["x-set", "rule"]], add: [["x-add", "rule"]], remove: ["x-remove"] }),
      responseHeaders: change({ set: [["via-rule", "1"]] }),
      colour: { header: "x-colour", value: "blue" },
      backends: [
        backendFixture("plain"),
        backendFixture("own", {
          requestHeaders: change({ set: [["x-set", "backend"]], remove: ["x-colour"] }),
          responseHeaders: change({ remove: ["via-rule", "server"] }),
        }),
        backendFixture("plain-too"),
      ],
    }),
  );
  const head = headFixture("h", "/", ["x-add", "client", "x-remove", "1", "x-set", "client", "keep", "1"]);
  const decision = table.match(head);
  assert.ok(decision !== undefined);
  const [plain, own, plainToo] = decision.rule.backends;
  assert.ok(plain !== undefined && own !== undefined && plainToo !== undefined);
  assert.deepEqual(decision.forwardedHead(plain).fields, [
    "x-add",
    "client",
    "keep",
    "1",
    "x-set",
    "rule",
    "x-add",
    "rule",
    "x-colour",
    "blue",
  ]);
  assert.deepEqual(decision.forwardedHead(own).fields, [
    "x-add",
    "client",
    "keep",
    "1",
    "x-add",
    "rule",
    "x-set",
    "backend",
    "x-colour",
    "blue",
  ]);
  assert.equal(decision.forwardedHead(plain), decision.forwardedHead(plainToo));
  assert.equal(decision.forwardedHead(plain), decision.forwardedHead(null));
  assert.equal(decision.forwardedHead(own), decision.forwardedHead(own));
  const answer = new ResponseHead(200, ["server", "x", "via-rule", "0"], 0);
  assert.deepEqual(withResponseChanges(answer, own.responseChange).fields, ["via-rule", "1"]);
  assert.equal(plain.responseChange, decision.rule.responseChange);
});

test("RouteDecision.forwardedHead() is the head as it came when nothing changes", () => {
  const table = tableFixture(
    ruleFixture({ requestHeaders: change({ remove: ["absent"] }), backends: [backendFixture("a")] }),
  );
  const head = headFixture("h", "/a?b", ["a", "1"]);
  assert.equal(table.match(head)?.forwardedHead(null), head);
});
