import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { Histogram } from "@weft/kernel";
import { CLUSTER_SHAPE } from "./cluster-stats.ts";
import { LISTENER_SHAPE } from "./listener-stats.ts";
import { SnapshotBuilder } from "./snapshot.ts";
import { StatsShape } from "./stats-shape.ts";

setFlagsFromString("--allow-natives-syntax");
const haveFastMap: (left: object, right: object) => boolean = runInThisContext(
  "(a, b) => %HaveSameMap(a, b) && %HasFastProperties(a)",
);

test("StatsShape.create() makes objects of one fast shape, whatever is counted in them", () => {
  for (const shape of [LISTENER_SHAPE, CLUSTER_SHAPE]) {
    const [one, other] = [shape.create(), shape.create()];
    one.receivedBytes = 2 ** 40;
    one.closes.peer = 2 ** 40;
    // The engine takes an older object along when it is next written to.
    other.closes.peer++;
    const fresh = shape.create();
    fresh.closes.peer++;
    for (const each of [other, fresh]) {
      assert.ok(haveFastMap(one, each));
      assert.ok(haveFastMap(one.closes, each.closes));
    }
  }
});

test("StatsShape has a field and series for each kind of family", () => {
  const shape = new StatsShape(["of"], {
    plain: { name: "weft_a_total", help: "A." },
    level: { name: "weft_b", type: "gauge", merge: "min", help: "B." },
    time: { name: "weft_c_seconds", type: "histogram", help: "C." },
    known: { name: "weft_d_bytes_total", label: "kind", values: ["x", "y-z"], help: "D." },
    sparse: { name: "weft_e_total", label: "kind", values: ["x", "y"], isSparse: true, help: "E." },
    open: { name: "weft_f_total", label: "kind", help: "F." },
  } as const);
  const stats = shape.create();
  assert.notEqual(shape.create().time, stats.time);
  stats.plain++;
  stats.level = 7;
  stats.known["y-z"]++;
  stats.sparse.y += 2;
  stats.open.set("unforeseen", 3);
  const builder = new SnapshotBuilder();
  shape.addTo(builder, ["me"], stats);
  assert.deepEqual(builder.build(0), {
    wallMs: 0,
    numbers: {
      weft_a_total: [{ labels: ["me"], value: 1 }],
      weft_b: [{ labels: ["me"], value: 7 }],
      weft_d_bytes_total: [
        { labels: ["me", "x"], value: 0 },
        { labels: ["me", "y-z"], value: 1 },
      ],
      weft_e_total: [{ labels: ["me", "y"], value: 2 }],
      weft_f_total: [{ labels: ["me", "unforeseen"], value: 3 }],
    },
    histograms: { weft_c_seconds: [{ labels: ["me"], histogram: new Histogram().snapshot() }] },
  });
  assert.deepEqual(
    shape.definitions.map(({ type, unit, labels, merge }) => [type, unit, labels.join(), merge]),
    [
      ["counter", "", "of", "sum"],
      ["gauge", "", "of", "min"],
      ["histogram", "seconds", "of", "sum"],
      ["counter", "bytes", "of,kind", "sum"],
      ["counter", "", "of,kind", "sum"],
      ["counter", "", "of,kind", "sum"],
    ],
  );
});
