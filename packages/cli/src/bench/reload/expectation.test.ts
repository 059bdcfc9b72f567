import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAnswer, renderBody, weightsOf } from "./expectation.ts";

test("weightsOf() gives each backend all, nothing and a share in turn", () => {
  assert.deepEqual([3, 4, 5, 6].map(weightsOf), [
    [1, 0],
    [0, 1],
    [1, 1],
    [1, 0],
  ]);
});

test("checkAnswer() takes answers of a backend that the revision has weight for", () => {
  assert.equal(checkAnswer(200, "3", renderBody("blue", "3"), 3), "");
  assert.equal(checkAnswer(200, "4", renderBody("green", "4"), 3), "");
  assert.equal(checkAnswer(200, "5", renderBody("blue", "5"), 3), "");
  assert.equal(checkAnswer(200, "5", renderBody("green", "5"), 3), "");
});

test("checkAnswer() names what is wrong", () => {
  assert.match(checkAnswer(503, "3", "no host\n", 0), /^status 503: no host$/);
  assert.match(checkAnswer(200, "", renderBody("blue", ""), 0), /^revision ""$/);
  assert.match(checkAnswer(200, "x", renderBody("blue", "x"), 0), /^revision "x"$/);
  // The backend has no weight, or was told another revision than the client.
  assert.match(checkAnswer(200, "3", renderBody("green", "3"), 0), /two configurations: revision 3/);
  assert.match(checkAnswer(200, "3", renderBody("blue", "6"), 0), /two configurations: revision 3/);
  assert.match(checkAnswer(200, "3", renderBody("blue", "3"), 4), /^revision 3 after 4$/);
});
