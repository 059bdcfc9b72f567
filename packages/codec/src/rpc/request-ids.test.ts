import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@weft/kernel";
import { type Awaited, RequestIds } from "./request-ids.ts";

const request = (): Awaited => ({ id: 0, isGivenUp: false });

test("add() begins again after the highest id, skips 0 and ids in use", () => {
  const ids = new RequestIds(0xffff_ffff, 0xffff_fffd);
  const made = [1, 2, 3, 4].map(request);
  for (const each of made) ids.add(each);
  assert.deepEqual(
    made.map(({ id }) => id),
    [0xffff_fffe, 0xffff_ffff, 1, 2],
  );
  const around = new RequestIds(7);
  const open = request();
  around.add(open);
  for (let round = 0; round < 50; round++) {
    const next = request();
    around.add(next);
    assert.notEqual(next.id, 0);
    assert.notEqual(next.id, open.id);
    assert.equal(around.take(next.id), next);
  }
  assert.equal(around.take(1), open);
});

test("add() counts on beyond 32 bits where ids are longer", () => {
  const ids = new RequestIds(Number.MAX_SAFE_INTEGER, 0xffff_ffff);
  const [first, second] = [request(), request()];
  ids.add(first);
  ids.add(second);
  assert.equal(first.id, 0x1_0000_0000);
  assert.equal(ids.take(0), null);
  assert.equal(ids.take(1), null);
  assert.equal(ids.take(second.id), second);
});

test("skip() takes an id that nobody has", () => {
  const ids = new RequestIds(3);
  const open = request();
  ids.add(open);
  assert.deepEqual([ids.skip(), ids.skip(), ids.skip()], [2, 3, 2]);
});

test("take() finds what add() kept, whatever comes and goes", () => {
  const random = createRandom(11);
  const ids = new RequestIds<Awaited>(1023);
  const open = new Map<number, Awaited>();
  for (let step = 0; step < 20_000; step++) {
    const known = [...open.keys()];
    if (known.length < 100 && (known.length === 0 || random.below(2) === 0)) {
      const next = request();
      ids.add(next);
      assert.ok(next.id > 0 && next.id <= 1023 && !open.has(next.id));
      open.set(next.id, next);
    } else {
      const id = known[random.below(known.length)] ?? 0;
      assert.equal(ids.take(id), open.get(id));
      assert.equal(ids.take(id), null);
      open.delete(id);
    }
    assert.equal(ids.length, open.size);
  }
});
